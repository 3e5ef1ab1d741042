import ArgumentParser
import Copies
import Foundation
import Model
import NIOPosix

/// `daylight exchange pull GRANT --to …`: a local copy in step with a grant.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Keep a local CSV file or PostgreSQL table in step with a grant. 取数：保持本地副本与授权数据一致。",
        discussion: """
            daylight exchange pull GRANT --to FILE.csv
            daylight exchange pull GRANT --to postgresql://user@host/database/table
            First all rows, then only what changed. The copy is at any moment exactly one version: a CSV file is replaced as a whole, a table changes in one transaction. What came is
            held against what the server signs that it sent; the receipt leaves when the data is stored. Stopped at any point and started again, it goes on: nothing is lost or doubled.
            """)

    @OptionGroup var options: ExchangeOptions
    @Argument(help: "The grant's identifier.") var grant: String
    @Option(name: .customLong("to"), help: "A file, or postgresql://…/database/table; the table is made where it is not there.") var target: String
    @Option(help: "What the data is read for; the grant's own purpose where it is left out.") var purpose: String?
    @Flag(help: "Go on: wait for what is new, until it is stopped or the grant ends.") var follow = false
    @Option(help: "How often to look for what is new with --follow, in seconds.") var every = 30.0
    @Flag(help: "Forget the copy, and get everything anew.") var again = false

    func validate() throws {
        guard (1...86_400).contains(every) else { throw ValidationError("--every must be from 1 to 86400 seconds") }
    }

    func run() async throws {
        try await options.run { client, terminal in
            guard client.signer?.id != nil else { throw Pull.noKey }
            let granted = try await client.get("/v1/exchange/grants/\(PathText.escaped(grant))").json(ShareGrant.self)
            let schema = try await client.get("/v1/exchange/datasets/\(PathText.escaped(granted.dataset))").json(SchemaText.self)
            let copy = try await open(terminal)
            do {
                let pull = Pull(
                    client: client, copy: copy, grant: granted, purpose: purpose ?? granted.terms.purpose,
                    key: schema.key, types: schema.types, statementKey: try await client.statementKey(),
                    progress: PullProgress(terminal))
                try await keep(pull, terminal)
                await copy.close()
            } catch {
                await copy.close()
                throw error
            }
        }
    }

    private func keep(_ pull: Pull, _ terminal: Terminal) async throws {
        var failures = 0
        while true {
            do {
                report(try await pull.step(), terminal)
                failures = 0
                guard follow else { return }
                try await pull.wait(every: every)
            } catch where Self.isPassing(error) && (follow || failures < 5) {
                pull.progress?.end()
                failures += 1
                let pause = ExchangeClient.pause(error as? ExchangeFailure, attempt: failures)
                terminal.warn(terminal.language == .zh ? "连接中断，\(Int(pause.rounded(.up))) 秒后继续" : "broken off; going on in \(Int(pause.rounded(.up))) s")
                try await Task.sleep(for: .seconds(pause))
            } catch {
                pull.progress?.end()
                throw error
            }
        }
    }

    /// Whether the server, or the database of the copy, may be there again the next time.
    private static func isPassing(_ error: any Error) -> Bool { (error as? ExchangeFailure)?.isPassing ?? (error as? CopyFailure)?.isPassing ?? false }

    private struct Report: Encodable {
        var fromVersion: Int
        var toVersion: Int
        var rows: Int
    }

    private func report(_ outcome: Pull.Outcome, _ terminal: Terminal) {
        let isChinese = terminal.language == .zh
        switch outcome {
        case .upToDate(let version):
            let text = options.json ? try? JSON.encode(Report(fromVersion: version, toVersion: version, rows: 0)) : nil
            terminal.print(text ?? (isChinese ? "已是最新：第 \(version) 版" : "up to date: version \(version)"))
        case .stored(let from, let to, let rows):
            let text = options.json ? try? JSON.encode(Report(fromVersion: from, toVersion: to, rows: rows)) : nil
            let words = from == 0
                ? (isChinese ? "已保存第 \(to) 版：\(rows) 行，已签回执" : "stored version \(to): \(rows) rows, signed for")
                : (isChinese ? "第 \(from) 版 → 第 \(to) 版：\(rows) 处变更，已签回执" : "version \(from) -> \(to): \(rows) changes, signed for")
            terminal.print(text ?? words)
        }
    }

    private func open(_ terminal: Terminal) async throws -> any LocalCopy {
        guard target.hasPrefix("postgresql://") || target.hasPrefix("postgres://") else { return try CSVCopy(URL(filePath: target), again: again) }
        guard let (url, table) = Self.split(target) else {
            throw Unreadable(zh: "--to 应为 postgresql://…/数据库/表", en: "--to must be postgresql://…/database/table")
        }
        return try await TableCopy.open(url, table: table, again: again, group: MultiThreadedEventLoopGroup.singleton, logger: Operator.logger)
    }

    /// The connection URI and the table behind its database.
    static func split(_ target: String) -> (url: String, table: String)? {
        let end = target.firstIndex(of: "?") ?? target.endIndex
        guard let scheme = target.range(of: "://"), let slash = target[..<end].lastIndex(of: "/"), slash > scheme.upperBound, target[scheme.upperBound..<slash].contains("/") else { return nil }
        let table = target[target.index(after: slash)..<end].removingPercentEncoding ?? ""
        return table.isEmpty ? nil : (String(target[..<slash]) + target[end...], table)
    }
}

/// A dataset's fields as departments see them, as far as a copy needs it.
struct SchemaText: Decodable {
    struct Field: Decodable {
        var name: String
        var type: FieldType
    }

    var title: LocalizedText?
    var fields: [Field]
    var primaryKey: [String]

    /// The key's fields, and which of them are ordered by size.
    var key: [KeyField] {
        primaryKey.map { name in KeyField(name: name, isNumber: [.bigint, .numeric].contains(types[name])) }
    }

    /// PostgreSQL types of the fields.
    var types: [String: ColumnType] {
        Dictionary(
            fields.map { field -> (String, ColumnType) in
                let type: ColumnType =
                    switch field.type {
                    case .integer: .bigint
                    case .decimal: .numeric
                    case .boolean: .boolean
                    case .date: .date
                    case .datetime: .timestamptz
                    case .json: .jsonb
                    case .text, .code, .period, .geoPoint: .text
                    }
                return (field.name, type)
            }, uniquingKeysWith: { first, _ in first })
    }
}
