import ArgumentParser
import Foundation
import Model
import Store

extension NodeCommand {
    struct Receive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Receive what a node gives by a grant. 按授权接收另一节点下发的数据。",
            discussion: """
                The rows that the grant gives come here, are held against the node's signed statement, and are signed for. The department that the grant was given to reads them at \
                /v1/exchange/received; nobody else does. The keys are kept in the database until the grant ends. `daylight node status` says how far it has come.
                """)

        @Argument(help: "The node's address, such as https://region.example.")
        var url: String

        @Argument(help: "The grant's identifier there.")
        var grant: String

        @Option(help: "A file whose content is the department's access key to that node (scope exchange).", completion: .file())
        var accessKeyFile: String

        @Option(help: "The file of the department's key that signs receipts, registered at that node: daylight exchange key make, key register.", completion: .file())
        var receiptKey: String

        @Option(help: "The key of that node's statements about deliveries, 32 bytes in base64, from somebody you trust; without it, the first that it shows is kept.")
        var statementKey: String?

        @Option(help: "What the data is read for; the grant's own purpose where it is left out.")
        var purpose: String?

        func run() async throws {
            let address = try NodeCommand.address(url), id = try NodeCommand.grant(grant)
            guard let text = try? String(contentsOfFile: accessKeyFile, encoding: .utf8) else { throw Failure("\(accessKeyFile): cannot be read") }
            let accessKey = text.trimmingCharacters(in: .whitespacesAndNewlines)
            guard accessKey.wholeMatch(of: /[!-~]{1,200}/) != nil else { throw Failure("\(accessKeyFile) has no access key") }
            let signer: SigningKeyFile
            do {
                signer = try SigningKeyFile(reading: receiptKey)
            } catch let failure as Unreadable {
                throw Failure(failure.message.text(in: .en))
            }
            guard signer.id != nil else { throw Failure("\(receiptKey) is not registered yet: daylight exchange key register --url \(address)") }
            if let statementKey, Data(base64Encoded: statementKey)?.count != 32 { throw ValidationError("--statement-key: '\(statementKey)' is no key (32 bytes in base64)") }
            if let purpose, purpose.allSatisfy(\.isWhitespace) || purpose.count > 500 { throw ValidationError("--purpose must say what the data is for, in at most 500 characters") }
            let signingKey = try JSON.encode(signer), (statementKey, purpose) = (statementKey, purpose)
            let isAdded = try await Operator.withStore {
                try await $0.addReceivedGrant(id, url: address, accessKey: accessKey, signingKey: signingKey, statementKey: statementKey, purpose: purpose)
            }
            guard isAdded else { throw Failure("the grant \(id) is received from another node already") }
            print("\(address) grant \(id): added")
        }
    }

    struct Dispose: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Dispose of what came by a grant. 处置按授权接收的数据。",
            discussion: "The rows are deleted, the keys forgotten, and nothing more is taken. That it was here is kept. Backups keep what they had until they are renewed.")

        @Argument(help: "The grant's identifier.")
        var grant: String

        @Flag(help: "Do it; without this nothing is deleted.")
        var confirm = false

        func run() async throws {
            let id = try NodeCommand.grant(grant)
            guard confirm else { throw ValidationError("this cannot be undone; add --confirm") }
            guard let disposed = try await Operator.withStore({ try await $0.disposeReceived(id) }) else { throw Failure("nothing is here by the grant \(id)") }
            print("\(disposed.node) grant \(id): \(disposed.rowCount) rows disposed of")
            guard let request = disposed.request else { return }
            print("  where the grant has ended, its provider waits to hear that: daylight exchange confirm \(request) --url \(disposed.node)")
        }
    }

    static func grant(_ text: String) throws -> String {
        guard let id = UUID(uuidString: text)?.uuidString.lowercased() else { throw ValidationError("'\(text)' is no identifier of a grant") }
        return id
    }
}

extension NodeCommand.Status {
    /// How it stands with what a grant gives.
    static func lines(_ grant: ReceivedGrant) -> [String] {
        var lines = ["\(grant.node) grant \(grant.id): \(grant.state.rawValue)"]
        if let dataset = grant.dataset, let department = grant.department {
            lines.append("  \(dataset) for \(department), \(grant.version.map { "version \($0)" } ?? "nothing yet"), \(grant.rowCount) rows, until \(grant.until?.description ?? "-")")
        }
        switch grant.state {
        case .ended:
            lines.append("  \(grant.reason?.text(in: .en) ?? "over") since \(grant.endedAt?.description ?? "-"); \(grant.rowCount) rows have to be disposed of: daylight node dispose \(grant.id) --confirm")
        case .failed: lines.append("  failed \(grant.failures) times: \(grant.reason?.text(in: .en) ?? "-"); next try \(grant.nextTryAt?.description ?? "-")")
        case .waiting, .receiving, .disposed: lines.append("  nothing more to take at \(grant.checkedAt?.description ?? "-")")
        }
        return lines
    }
}
