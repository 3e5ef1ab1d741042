import ArgumentParser
import Foundation
import Ledger
import Model

/// `daylight audit URL`: follows a server's ledger and holds the server to it.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Hold a server to its own ledger. 核查一个服务器的存证。",
        discussion: """
            Reads the ledger from where the last audit ended, recomputes every tile and the head, and compares the head with the last one; then compares every version that the
            server shows with its leaf, and downloads versions to compare their bytes. What is found is named with dataset, version, what was promised and what was served.
            It asks no faster than the server's limits let it, and may be broken off and run again. What it remembers is in --state.
            With the API key of a department it also has opened what its reviews, grants, receipts and closed datasets have in the ledger, and compares that. The key is read from --access-key-file or from the environment variable DAYLIGHT_KEY.
            Exit status: 0 no lie found, 1 a lie, 2 something cannot be read.
            """
    )

    @Argument(help: "Address of the server, for example https://data.example.")
    var server: String

    @Option(help: "The ledger's verifier key, or a file with it. Without it the key that the server shows is taken the first time, and held to from then on.")
    var key: String?

    @Option(name: .customLong("witness"), help: "The verifier key of a witness that you trust, or a file with it. May be repeated.")
    var witnesses: [String] = []

    @Option(help: "How many of the witnesses must have signed; all of them where it is left out.")
    var quorum: Int?

    @Option(help: "A file with an API key to ask with.", completion: .file())
    var accessKeyFile: String?

    @Option(help: "The folder that it remembers in; one for each server.", completion: .directory)
    var state: String

    @Option(help: "Which versions are downloaded: a share such as 5%, or a number.")
    var sample = Sample.share(0.05)

    @Flag(help: "Download every version.")
    var all = false

    @Flag(help: "Read the ledger from its beginning again; the new head still has to go on from the last one.")
    var again = false

    @Option(help: "How long a version may be public before it is in the ledger, in seconds.")
    var grace = 20

    @Flag(help: "Write the result as JSON.")
    var json = false

    func validate() throws {
        try Self.check(server: server)
        try VerifyCommand.check(quorum: quorum, of: witnesses)
        guard (0...3600).contains(grace) else { throw ValidationError("--grace must be from 0 to 3600 seconds") }
    }

    static func check(server: String) throws {
        guard server.hasPrefix("http://") || server.hasPrefix("https://") else { throw ValidationError("the address must begin with http:// or https://") }
    }

    func run() async throws {
        let terminal = Terminal(), language = terminal.language
        var client = AuditClient(server, terminal: terminal)
        var audit: Audit?
        do {
            client.accessKey = try readAccessKey()
            let known = try key.map { try VerifyCommand.readKey($0, "--key") }
            let memory = try AuditMemory(URL(filePath: state, directoryHint: .isDirectory), again: again)
            let running = Audit(server: server, client: client, memory: memory, terminal: terminal, sample: all ? .all : sample, grace: grace,
                trust: try VerifyCommand.readTrust(witnesses, quorum: quorum))
            audit = running
            try await running.run(key: known)
            await client.close()
            running.progress.end()
            terminal.print(json ? try Self.text(running.report) : running.report.text(in: language))
        } catch let lie as Lie {
            await client.close()
            audit?.progress.end()
            if var report = audit?.report {
                report.lie = lie
                if json { terminal.print(try Self.text(report)) }
            }
            terminal.warn(lie.text(in: language))
            throw ExitCode(1)
        } catch let failure as Unreadable {
            await client.close()
            audit?.progress.end()
            terminal.warn(failure.message.text(in: language))
            throw ExitCode(2)
        }
    }

    private func readAccessKey() throws -> String? {
        guard let accessKeyFile else { return ProcessInfo.processInfo.environment["DAYLIGHT_KEY"].flatMap { $0.isEmpty ? nil : $0 } }
        guard let text = try? String(contentsOfFile: accessKeyFile, encoding: .utf8) else { throw Unreadable(zh: "无法读取 \(accessKeyFile)", en: "cannot read \(accessKeyFile)") }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private static func text(_ report: AuditReport) throws -> String { String(decoding: try JSON.encoder(pretty: true).encode(report), as: UTF8.self) }
}

/// How far an audit has come: a line that is drawn over on a terminal, a line every ten seconds elsewhere.
final class AuditProgress {
    private let terminal: Terminal
    private var shown = ContinuousClock.now
    private var isDrawn = false

    init(_ terminal: Terminal) { self.terminal = terminal }

    func show(zh: @autoclosure () -> String, en: @autoclosure () -> String) {
        guard ContinuousClock.now - shown >= (terminal.isInteractive ? .milliseconds(100) : .seconds(10)) else { return }
        shown = .now
        isDrawn = terminal.isInteractive
        let text = terminal.language == .zh ? zh() : en()
        terminal.raw(terminal.isInteractive ? "\r\u{1B}[K" + text : text + "\n")
    }

    func end() {
        if isDrawn { terminal.raw("\r\u{1B}[K") }
        isDrawn = false
    }
}
