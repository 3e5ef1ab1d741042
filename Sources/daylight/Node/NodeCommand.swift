import ArgumentParser
import Ledger
import Mirror
import Model
import Store

/// `daylight node`: which other nodes this one mirrors.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Mirror other nodes, and receive what they give by grants. 镜像其他节点，接收其按授权下发的数据。",
        discussion: "A node is another installation of Daylight. `daylight serve` follows the nodes and grants that are named here; docs/nodes.md says how.",
        subcommands: [Add.self, List.self, Receive.self, Status.self, Dispose.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mirror a node.", discussion: "Its catalogue and released data come here, each version held against its ledger. `daylight node status` says how far it has come.")

        @Argument(help: "Its address, such as https://county.example.")
        var url: String

        @Option(help: "The verifier key of its ledger (name+hash+base64), from somebody you trust; without it, the first that it shows is kept.")
        var key: String?

        func run() async throws {
            let address = try NodeCommand.address(url)
            if let key, NoteVerifier(key) == nil { throw ValidationError("--key: '\(key)' is no verifier key (name+hash+base64)") }
            let key = key
            let node = try await Operator.withStore { try await $0.addHomeNode(address, key: key) }
            guard let node else { throw Failure("another ledger key is remembered of \(address); whoever answers there now is somebody else") }
            print("\(node.url): \(node.state.rawValue)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the nodes that are or were mirrored.")

        func run() async throws {
            for node in try await Operator.withStore({ try await $0.homeNodes() }) {
                print([node.url, node.state.rawValue, "\(node.datasets) datasets", node.ledgerKey ?? "-"].joined(separator: "\t"))
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how far nodes are mirrored, what is refused, and what came by grants.", discussion: "Ends with status 1 where a node is refused or does not answer, something of it is not taken, or something waits to be disposed of.")

        func run() async throws {
            let (nodes, troubles, grants) = try await Operator.withStore { store in
                (try await store.homeNodes(), try await store.troubles(limit: 1000), try await store.receivedGrants())
            }
            for node in nodes where node.state != .removed {
                print("\(node.url): \(node.state.rawValue)")
                print("  datasets \(node.datasets), changes up to \(node.cursor), ledger verified up to \(node.head?.size ?? 0) leaves")
                print("  nothing more to take at \(node.checkedAt?.description ?? "-")")
                if let error = node.error { print("  failed \(node.failures) times: \(error.text(in: .en)); next try \(node.nextTryAt)") }
                for trouble in troubles where trouble.node == node.id {
                    print("  refused: \(trouble.dataset)\(trouble.version.map { " version \($0)" } ?? "") (\(trouble.kind.rawValue)): \(trouble.message.text(in: .en)); since \(trouble.since)")
                }
            }
            for grant in grants where grant.state != .disposed { print(Self.lines(grant).joined(separator: "\n")) }
            let followed = Set(nodes.filter { $0.state != .removed }.map(\.id))
            let isWell = nodes.allSatisfy { $0.state != .refused && $0.state != .unreachable } && !troubles.contains { followed.contains($0.node) } && grants.allSatisfy { $0.state != .failed && $0.state != .ended }
            if !isWell { throw ExitCode(1) }
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Mirror a node no more.",
            discussion: """
                What came from it stays as it is and read-only, and what its home withdraws from now on is not heard of here. With --with-copies all of it is withdrawn here as well: each dataset \
                leaves a tombstone and a leaf in the ledger, and its rows are deleted. That is for good: where the node is added again, these datasets do not come back.
                """)

        @Argument(help: "Its address.")
        var url: String

        @Flag(help: "Withdraw what came from it, and delete the rows; also for a node that was removed before.")
        var withCopies = false

        @Option(help: "What the tombstones say, for --with-copies.")
        var reason: String?

        @Flag(help: "Do it, for --with-copies; without this nothing is withdrawn.")
        var confirm = false

        func validate() throws {
            if withCopies != confirm { throw ValidationError(withCopies ? "--with-copies cannot be undone; add --confirm" : "--confirm belongs to --with-copies") }
            if let reason, reason.allSatisfy(\.isWhitespace) || reason.count > 500 || !withCopies { throw ValidationError("--reason says why, in at most 500 characters, and belongs to --with-copies") }
        }

        func run() async throws {
            let address = try NodeCommand.address(url), withCopies = withCopies
            let reason = reason.map { LocalizedText(zh: $0) } ?? LocalizedText(zh: "本节点不再镜像节点 \(address) 的数据", en: "this node mirrors the node \(address) no more")
            try await Operator.withStore { store in
                let isRemoved = try await store.removeHomeNode(address)
                guard let node = try await store.homeNode(at: address), isRemoved || withCopies else { throw Failure("\(address) is not mirrored") }
                print("\(address): removed")
                guard withCopies else { return }
                try await Mirror.withdrawCopies(of: node, reason: reason, store: store) { dataset, stood in
                    print("  \(dataset): \(stood ? "withdrawn, its rows deleted" : "was withdrawn already, its rows deleted")")
                }
            }
        }
    }

    static func address(_ text: String) throws -> String {
        guard let address = HomeNode.address(text) else { throw ValidationError("'\(text)' is no address of a node; it is http or https, a host in lower case and perhaps a port") }
        return address
    }
}
