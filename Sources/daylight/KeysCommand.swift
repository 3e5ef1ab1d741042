import ArgumentParser
import Catalogue
import Foundation
import Model
import RateLimit
import Store

/// `daylight keys`: who may do what.
struct KeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys", abstract: "Issue, list, rotate and revoke keys. 签发、列出、轮换、吊销密钥。",
        subcommands: [Create.self, List.self, Rotate.self, Revoke.self]
    )

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a key.", discussion: "The key goes to standard output, once; only its hash is kept. Everything else goes to standard error."
        )

        @Option(help: "What the key is for, for people.")
        var label: String

        @Option(name: .customLong("scope"), help: "One of \(Scope.allCases.map(\.rawValue).joined(separator: ", ")); repeat for several.")
        var scopes: [String]

        @Option(help: "The department on whose behalf it acts, by unified social credit code.")
        var department: String?

        @Option(name: .customLong("dataset"), help: "A dataset that it is limited to; repeat for several, none for all of its department's.")
        var datasets: [String] = []

        @Option(name: .customLong("network"), help: "A network that it may be used from, in CIDR notation; repeat for several.")
        var networks: [String] = []

        @Option(help: "Rate tier: \(Tier.allCases.map(\.rawValue).joined(separator: ", ")).")
        var tier = Tier.registered.rawValue

        @Option(help: "Days until it expires; never where it is not given.")
        var days: Int?

        func run() async throws {
            let known = try scopes.map { text in
                guard let scope = Scope(rawValue: text) else {
                    throw ValidationError("there is no scope '\(text)'; use \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                return scope
            }
            guard !known.isEmpty else { throw ValidationError("a key needs at least one --scope") }
            guard Tier(rawValue: tier) != nil else {
                throw ValidationError("there is no tier '\(tier)'; use \(Tier.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            guard days.map({ (1...36_500).contains($0) }) ?? true else { throw ValidationError("--days must be from 1 to 36500") }
            var request = Registry.KeyRequest(label: label, department: department, scopes: known, tier: tier)
            request.datasets = datasets
            request.networks = networks
            request.expiresAt = days.map { Timestamp(microseconds: Timestamp.now.microseconds + Int64($0) * 86_400_000_000) }
            let wanted = request
            let issued = try await Operator.withStore { try await Registry(store: $0).issueKey(wanted) }
            KeysCommand.show(issued)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List keys by their public prefixes.")

        @Option(help: "Only this department's.")
        var department: String?

        func run() async throws {
            try await Operator.withStore { store in
                for key in try await Registry(store: store).keys(department: department) {
                    let state =
                        if let end = key.revokedAt { end <= .now ? "revoked \(end)" : "until \(end)" } else if let end = key.expiresAt {
                            end <= .now ? "expired \(end)" : "until \(end)"
                        } else { "live" }
                    print([key.prefix, key.label, key.department ?? "-", key.scopes.map(\.rawValue).joined(separator: ","), key.tier, state].joined(separator: "\t"))
                }
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a key like another one, which goes on for a while.", discussion: "The new key goes to standard output, once."
        )

        @Argument(help: "The old key's public prefix.")
        var prefix: String

        @Option(help: "Hours for which the old key still works.")
        var overlap = 24

        func run() async throws {
            guard (0...8760).contains(overlap) else { throw ValidationError("--overlap must be from 0 to 8760 hours") }
            guard let issued = try await Operator.withStore({ try await Registry(store: $0).rotateKey(prefix: prefix, overlap: overlap * 3600) }) else {
                throw Failure("there is no live key with the prefix \(prefix)")
            }
            KeysCommand.show(issued)
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a key now. Nodes notice within five seconds.")

        @Argument(help: "The key's public prefix.")
        var prefix: String

        func run() async throws {
            guard let key = try await Operator.withStore({ try await Registry(store: $0).revokeKey(prefix: prefix) }) else {
                throw Failure("there is no key with the prefix \(prefix)")
            }
            print("\(key.prefix): revoked \(key.revokedAt.map(\.description) ?? "")")
        }
    }

    private static func show(_ issued: (text: String, key: AccessKey)) {
        let note = "Key \(issued.key.prefix) (\(issued.key.label)). It is shown this once:\n"
        FileHandle.standardError.write(Data(note.utf8))
        print(issued.text)
    }
}
