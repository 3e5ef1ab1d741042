public import ArgumentParser
import AsyncHTTPClient
import Foundation
public import Model
import NIOCore

/// `daylight push FILE --dataset ID --to URL`: sends a file as one push and says what became of it.
struct PushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push",
        abstract: "Push a CSV file to a dataset. 报送一个 CSV 文件。",
        discussion: """
            The key is read from --key-file or from the environment variable DAYLIGHT_KEY, never from an argument, which other users of the machine could see.
            A connection that is lost is tried again with the same idempotency key, so that nothing is loaded twice.
            Exit status: 0 accepted or unchanged, 1 rejected, 2 refused (key, address, dataset), 3 the server could not be reached.
            """
    )

    @Argument(help: "The CSV file; gzip is recognised by its first bytes.", completion: .file())
    var file: String

    @Option(help: "The dataset's identifier.")
    var dataset: String

    @Option(name: .customLong("to"), help: "Address of the server, for example http://127.0.0.1:8080.")
    var server: String

    @Option(help: "replace, upsert or append.")
    var mode: PushMode = .replace

    @Option(help: "The file's charset by its IANA name, for example GB18030; the dataset's mapping decides where this is not given.")
    var charset: String?

    @Flag(help: "Check everything, keep nothing.")
    var dryRun = false

    @Option(help: "A file whose content is the key.", completion: .file())
    var keyFile: String?

    @Option(help: "How often a lost connection is tried again.")
    var retries = 5

    @Option(help: "How many findings to print.")
    var findings = 20

    func validate() throws {
        try AuditCommand.check(server: server)
    }

    func run() async throws {
        let terminal = Terminal()
        let key = try readKey()
        let source = try PushSource(path: file)
        let client = PushClient(server: server, key: key, retries: retries, terminal: terminal)
        let outcome: PushClient.Outcome
        do {
            outcome = try await client.push(
                source, dataset: dataset, query: .init(mode: mode, dryRun: dryRun, charset: charset), findings: max(0, min(findings, 1000)))
            try await client.close()
        } catch {
            try? await client.close()
            throw error
        }
        report(outcome, on: terminal)
        if outcome.exitCode != 0 { throw ExitCode(outcome.exitCode) }
    }

    private func readKey() throws -> String {
        if let keyFile {
            guard let text = try? String(contentsOfFile: keyFile, encoding: .utf8) else { throw ValidationError("cannot read the key file \(keyFile)") }
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let key = ProcessInfo.processInfo.environment["DAYLIGHT_KEY"], !key.isEmpty else {
            throw ValidationError("no key: set DAYLIGHT_KEY or give --key-file FILE")
        }
        return key
    }

    private func report(_ outcome: PushClient.Outcome, on terminal: Terminal) {
        let language = terminal.language
        switch outcome {
        case .accepted(let push, let findings):
            terminal.print(FindingsTable(findings: findings, language: language).text)
            terminal.print(push.summary(in: language))
        case .rejected(let push, let problem, let findings):
            terminal.print(FindingsTable(findings: findings, language: language).text)
            if let push { terminal.print(push.summary(in: language)) }
            terminal.warn(problem)
        case .refused(let problem):
            terminal.warn(problem)
        }
    }
}

extension PushMode: ExpressibleByArgument {}

extension PushReport {
    /// One line: the state, the counts, and what to do next.
    func summary(in language: Language) -> String {
        let counts =
            language == .zh
            ? "读取 \(recordCount) 条，通过 \(rowCount) 行，拒绝 \(rejectedCount) 行；错误 \(errorCount)，提示 \(warningCount)"
            : "\(recordCount) records read, \(rowCount) rows passed, \(rejectedCount) refused; \(errorCount) errors, \(warningCount) warnings"
        let next: String
        switch state {
        case .ready:
            next = language == .zh ? "等待保密审查，内容摘要 \(digest ?? "")" : "waits for a review of the content with digest \(digest ?? "")"
        case .approved: next = language == .zh ? "可以发布" : "may be released"
        case .unchanged: next = language == .zh ? "与现行版本 \(version ?? 0) 相同，没有新版本" : "the same rows as version \(version ?? 0); no new version"
        case .checked: next = language == .zh ? "试运行：什么都没有保留" : "dry run: nothing was kept"
        case .rejected: next = language == .zh ? "未通过校验，什么都没有发布" : "rejected; nothing of it will be visible"
        default: next = state.rawValue
        }
        return "\(id)  \(counts)\n\(next)"
    }
}
