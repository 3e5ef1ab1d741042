import ArgumentParser
import Foundation
import Model

/// `daylight exchange key …`: the keys with which a department signs.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The department's keys for receipts and signed calls. 签名密钥。",
        subcommands: [Make.self, Register.self, Rotate.self, Revoke.self, List.self])

    private struct Registration: Encodable, Sendable {
        var publicKey: String
        var label: String
        var department: String?
    }

    private struct Reason: Encodable, Sendable {
        var reason: String
    }

    struct Make: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "make", abstract: "Make a key (Ed25519) in a file that only its owner can read. 生成签名密钥。")

        @Argument(help: "The file; it must not be there yet.", completion: .file()) var file: String
        @Option(help: "What the key is called.") var label: String?

        func run() async throws {
            let terminal = Terminal()
            do {
                let key = SigningKeyFile(label: label)
                try key.write(to: file, isNew: true)
                terminal.print(terminal.language == .zh ? "公钥 \(key.publicKey)，私钥在 \(file)，请妥善保管" : "public key \(key.publicKey); the private one is in \(file): keep it")
            } catch {
                throw ExchangeFailure.end(error, on: terminal)
            }
        }
    }

    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "register", abstract: "Register the key's public part with the server. 登记公钥。")

        @OptionGroup var options: ExchangeOptions
        @Option(help: "What the key is called, where the file does not say.") var label: String?
        @Option(help: "The department, where the access key has none.") var department: String?

        func run() async throws {
            try await options.run { client, terminal in
                let path = try KeyCommand.path(client)
                var key = try SigningKeyFile(reading: path)
                key.label = label ?? key.label
                let answer = try await KeyCommand.register(&key, at: path, department: department, client)
                try options.show(answer, on: terminal) { "\(try $0.json(ReceiptKey.self).line(in: terminal.language))" }
            }
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Bring in a new key and revoke the old one. 更换密钥。",
            discussion: "The new key is made beside the file, registered, put in its place, and only then the old one is revoked. Broken off anywhere, it goes on when it is run again.")

        @OptionGroup var options: ExchangeOptions
        @Option(help: "What the new key is called.") var label: String?
        @Option(help: "Why the old one ends.") var reason = "rotated"

        func run() async throws {
            try await options.run { client, terminal in
                let path = try KeyCommand.path(client), nextPath = path + ".next", oldPath = path + ".old"
                if !FileManager.default.fileExists(atPath: oldPath) {
                    let old = try SigningKeyFile(reading: path)
                    if !FileManager.default.fileExists(atPath: nextPath) { try SigningKeyFile(label: label ?? old.label).write(to: nextPath, isNew: true) }
                    var next = try SigningKeyFile(reading: nextPath)
                    // The old key vouches for the new one where calls have to be signed.
                    if next.id == nil { _ = try await KeyCommand.register(&next, at: nextPath, department: nil, client) }
                    try old.write(to: oldPath)
                    try next.write(to: path)
                    try? FileManager.default.removeItem(atPath: nextPath)
                } else if FileManager.default.fileExists(atPath: nextPath) {
                    try SigningKeyFile(reading: nextPath).write(to: path)
                    try? FileManager.default.removeItem(atPath: nextPath)
                }
                let current = try SigningKeyFile(reading: path), old = try SigningKeyFile(reading: oldPath)
                if let id = old.id, id != current.id {
                    let answer = try await client.signing(with: current) { try await $0.post("/v1/exchange/keys/\(PathText.escaped(id))/revocation", Reason(reason: reason)) }
                    try options.show(answer, on: terminal) { _ in
                        terminal.language == .zh ? "新公钥 \(current.id ?? "")，旧公钥 \(id) 已吊销" : "the new key is \(current.id ?? ""); the old one, \(id), is revoked"
                    }
                }
                try? FileManager.default.removeItem(atPath: oldPath)
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "End a key: what it signed before stays signed. 吊销公钥。")

        @OptionGroup var options: ExchangeOptions
        @Argument(help: "The key's identifier.") var key: String
        @Option(help: "Why.") var reason: String

        func run() async throws {
            try await options.run { client, terminal in
                let answer = try await client.post("/v1/exchange/keys/\(PathText.escaped(key))/revocation", Reason(reason: reason))
                try options.show(answer, on: terminal) { try $0.json(ReceiptKey.self).line(in: terminal.language) }
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Registered keys of a department, the revoked ones too. 已登记的公钥。")

        @OptionGroup var options: ExchangeOptions
        @Argument(help: "The department's code.") var department: String

        func run() async throws {
            try await options.run { client, terminal in
                struct Page: Decodable {
                    struct Links: Decodable { var next: String? }
                    var data: [DepartmentText]
                    var links: Links
                }
                var path: String? = "/v1/exchange/departments?limit=200"
                while let current = path {
                    let page = try await client.get(current).json(Page.self)
                    guard let found = page.data.first(where: { $0.uscc == department }) else {
                        path = page.links.next
                        continue
                    }
                    terminal.print(options.json ? try JSON.encode(found.receiptKeys) : found.receiptKeys.map { $0.line(in: terminal.language) }.joined(separator: "\n"))
                    return
                }
                throw Unreadable(zh: "没有这个部门：\(department)", en: "there is no department \(department)")
            }
        }
    }

    fileprivate static func path(_ client: ExchangeClient) throws -> String {
        guard let path = client.profile.signingKeyFile else {
            throw Unreadable(zh: "未指定签名密钥文件：--receipt-key、DAYLIGHT_RECEIPT_KEY 或配置文件中的 receipt_key", en: "which key file? Give --receipt-key, DAYLIGHT_RECEIPT_KEY, or receipt_key in the profile")
        }
        return path
    }

    fileprivate static func register(_ key: inout SigningKeyFile, at path: String, department: String?, _ client: ExchangeClient) async throws -> ExchangeClient.Answer {
        let answer = try await client.post(
            "/v1/exchange/keys", Registration(publicKey: key.publicKey, label: key.label ?? "daylight exchange", department: department))
        key.id = try answer.json(ReceiptKey.self).id
        try key.write(to: path)
        return answer
    }
}

extension ReceiptKey {
    func line(in language: Language) -> String {
        let end = revokedAt.map { language == .zh ? "已于 \($0) 吊销：\(reason ?? "")" : "revoked \($0): \(reason ?? "")" } ?? (language == .zh ? "现行" : "stands")
        return [id, department, publicKey, label, end].joined(separator: "  ")
    }
}

/// `daylight exchange signing on|off`: whether the department's writes must be signed.
struct SigningCommand: AsyncParsableCommand {
    enum Choice: String, ExpressibleByArgument, CaseIterable { case on, off }

    static let configuration = CommandConfiguration(
        commandName: "signing", abstract: "Whether the department's writes must be signed. 写操作是否必须签名。", discussion: "Only a signed call can ask for it.")

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "on or off.") var choice: Choice
    @Option(help: "The department's code.") var department: String

    private struct Document: Encodable, Sendable {
        var required: Bool
    }

    private struct Rule: Decodable {
        var required: Bool
    }

    func run() async throws {
        try await options.run { client, terminal in
            let answer = try await client.post("/v1/exchange/departments/\(PathText.escaped(department))/signing", Document(required: choice == .on))
            try options.show(answer, on: terminal) { answer in
                let required = try answer.json(Rule.self).required
                return terminal.language == .zh ? (required ? "写操作必须签名" : "写操作不要求签名") : (required ? "writes must be signed" : "writes need no signature")
            }
        }
    }
}
