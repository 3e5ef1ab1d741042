import ArgumentParser
import Foundation
import Model

/// Where a department's exchange is and with what it shows who it is: options first, then the environment, then the profile file.
struct ExchangeProfile {
    var server: String
    /// The access key, never shown.
    var accessKey: String
    /// The file of the signing key; nil where calls go unsigned.
    var signingKeyFile: String?
    /// The server's key for statements, where it is known; else the one that it shows, which the ledger's key has to vouch for.
    var statementKey: String?
    /// The verifier key of the server's ledger, or a file with it, where it is known; else the one that it shows.
    var ledgerKey: String?

    /// What the profile file may say.
    struct File: Decodable {
        var url: String?
        var accessKeyFile: String?
        var receiptKey: String?
        var statementKey: String?
        var ledgerKey: String?
    }

    /// `DAYLIGHT_PROFILE`, or `daylight/exchange.json` in the folder for settings.
    static func path(_ environment: [String: String]) -> String? {
        if let path = environment["DAYLIGHT_PROFILE"], !path.isEmpty { return path }
        let base = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? environment["HOME"].map { $0 + "/.config" }
        return base.map { $0 + "/daylight/exchange.json" }
    }
}

/// The options that every command of the exchange takes.
struct ExchangeOptions: ParsableArguments {
    @Option(name: .customLong("url"), help: "Address of the server; else DAYLIGHT_URL, else url in the profile.")
    var server: String?

    @Option(help: "A file whose content is the access key; else DAYLIGHT_ACCESS_KEY_FILE, else DAYLIGHT_KEY (the key itself), else access_key_file in the profile.", completion: .file())
    var accessKeyFile: String?

    @Option(help: "The file of the key that signs receipts and calls; else DAYLIGHT_RECEIPT_KEY, else receipt_key in the profile.", completion: .file())
    var receiptKey: String?

    @Option(help: "The profile: a JSON file with url, access_key_file, receipt_key, statement_key, ledger_key; else DAYLIGHT_PROFILE, else ~/.config/daylight/exchange.json.", completion: .file())
    var profile: String?

    @Flag(help: "Do not sign calls.")
    var unsigned = false

    @Flag(help: "Write what the server answers, as JSON.")
    var json = false

    /// - Throws: `Unreadable` naming what is missing.
    func resolve(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> ExchangeProfile {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var file = ExchangeProfile.File(), folder = FileManager.default.currentDirectoryPath
        let path = profile ?? ExchangeProfile.path(environment)
        if let path, let data = try? Data(contentsOf: URL(filePath: path)) {
            guard let read = try? JSON.decoder().decode(ExchangeProfile.File.self, from: data) else { throw Unreadable(zh: "配置文件 \(path) 不是有效的 JSON", en: "the profile \(path) is not valid JSON") }
            file = read
            folder = URL(filePath: path).deletingLastPathComponent().path
        } else if let path, profile != nil || variable("DAYLIGHT_PROFILE") != nil {
            throw Unreadable(zh: "无法读取配置文件 \(path)", en: "cannot read the profile \(path)")
        }
        // Paths in the profile are beside it.
        func beside(_ path: String?) -> String? { path.map { $0.hasPrefix("/") ? $0 : folder + "/" + $0 } }
        guard let server = server ?? variable("DAYLIGHT_URL") ?? file.url, server.hasPrefix("http://") || server.hasPrefix("https://") else {
            throw Unreadable(zh: "未指定服务器：--url、DAYLIGHT_URL 或配置文件中的 url（http:// 或 https:// 开头）", en: "which server? Give --url, DAYLIGHT_URL, or url in the profile: http:// or https://")
        }
        let key: String
        if let path = accessKeyFile ?? variable("DAYLIGHT_ACCESS_KEY_FILE") ?? (variable("DAYLIGHT_KEY") == nil ? beside(file.accessKeyFile) : nil) {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw Unreadable(zh: "无法读取密钥文件 \(path)", en: "cannot read the key file \(path)") }
            key = text.trimmingCharacters(in: .whitespacesAndNewlines)
        } else if let text = variable("DAYLIGHT_KEY") {
            key = text
        } else {
            throw Unreadable(zh: "没有访问密钥：--access-key-file、DAYLIGHT_ACCESS_KEY_FILE、DAYLIGHT_KEY 或配置文件中的 access_key_file", en: "no access key: give --access-key-file, DAYLIGHT_ACCESS_KEY_FILE, DAYLIGHT_KEY, or access_key_file in the profile")
        }
        return ExchangeProfile(
            server: server.hasSuffix("/") ? String(server.dropLast()) : server, accessKey: key, signingKeyFile: receiptKey ?? variable("DAYLIGHT_RECEIPT_KEY") ?? beside(file.receiptKey),
            statementKey: variable("DAYLIGHT_STATEMENT_KEY") ?? file.statementKey,
            // A file beside the profile, or the key itself.
            ledgerKey: variable("DAYLIGHT_LEDGER_VERIFIER") ?? file.ledgerKey.map { text in beside(text).flatMap { FileManager.default.fileExists(atPath: $0) ? $0 : nil } ?? text })
    }

    /// Runs a command's work, and says in words what went wrong.
    func run(_ work: (ExchangeClient, Terminal) async throws -> Void) async throws {
        let terminal = Terminal()
        let client: ExchangeClient
        do {
            client = try ExchangeClient(try resolve(), signs: !unsigned, terminal: terminal)
        } catch let failure as Unreadable {
            terminal.warn(failure.message.text(in: terminal.language))
            throw ExitCode(2)
        }
        do {
            try await work(client, terminal)
            await client.close()
        } catch {
            await client.close()
            throw ExchangeFailure.end(error, on: terminal)
        }
    }
}
