import Catalogue
import Foundation
import Model
import NIOCore
import Publishing
import Store

/// Takes the demonstration's tables the whole way: described, mapped, pushed, checked, reviewed, released.
struct DemoLoader: Sendable {
    let store: Store
    let catalogue: Catalogue
    let publishing: Publishing
    private let terminal = Terminal()

    func load(_ plan: DemoPlan, keysFile: String) async throws {
        let departments = try plan.departments.map { ($0.reference, try $0.department()) }
        _ = try await store.putDepartments(departments.map(\.1))
        let codes = Dictionary(uniqueKeysWithValues: departments.map { ($0.0, $0.1.uscc) })

        var lines = ["# Demonstration keys. The server keeps only their hashes.", "# set -a; . \(keysFile); set +a"]
        func make(_ name: String, _ key: NewKey) async throws -> AccessKey {
            lines.append("\(name)=\(key.text)")
            return try await store.addAccessKey(key.record)
        }
        _ = try await make("DAYLIGHT_DEVELOPER_KEY", NewKey(label: "demonstration developer", scopes: [.read], tier: "registered"))
        let reviewer = try await make("DAYLIGHT_REVIEW_KEY", NewKey(label: "demonstration reviewer", scopes: [.read, .review], tier: "department"))
        _ = try await make("DAYLIGHT_ADMIN_KEY", NewKey(label: "demonstration operator", scopes: Scope.allCases, tier: "trusted"))
        var pushers: [String: AccessKey] = [:]
        for (reference, department) in departments {
            pushers[reference] = try await make(
                "DAYLIGHT_\(reference.uppercased())_KEY",
                NewKey(label: "demonstration \(reference)", department: department.uscc, scopes: [.read, .push, .release], tier: "department"))
        }

        for entry in plan.datasets {
            guard let code = codes[entry.description.department], let key = pushers[entry.description.department] else {
                throw Failure("demo.json: dataset \(entry.id) names the unknown department '\(entry.description.department)'")
            }
            var entry = entry
            entry.description.department = code
            try await load(entry, by: key, reviewer: reviewer)
        }
        // Last, so that the file says that everything is there.
        try write(lines, to: keysFile)
    }

    private func load(_ entry: DemoPlan.Entry, by key: AccessKey, reviewer: AccessKey) async throws {
        let existing = try await catalogue.ownDataset(entry.id, of: key)
        if existing?.dataset.currentVersion != nil { return terminal.print("\(entry.id): stands already") }
        var record: DatasetRecord
        if let existing { record = existing } else { record = try await catalogue.create(entry.id, entry.description, by: key) }
        if let mapping = entry.mapping { record = try await catalogue.putMapping(mapping, of: record) }
        let table = entry.generator.table
        let body = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            continuation.yield(ByteBuffer(bytes: table.csv))
            continuation.finish()
        }
        let outcome = try await publishing.receive(
            PushRequest(dataset: entry.id, mode: .replace, key: key, line: "demo \(entry.id)"), body: body
        ) { report in
            if report.isRejected {
                throw Failure(
                    "\(entry.id) was rejected:\n" + FindingsTable(findings: report.findings, language: terminal.language).text)
            }
            return StoredAnswer(status: 201, body: "")
        }
        let push = try await publishing.push(outcome.push).push
        if push.state == .ready, let digest = push.digest {
            _ = try await publishing.review(
                push.id, decision: .pass, legalBasis: "政府信息公开条例 第十七条", note: "演示数据", digest: digest, by: reviewer)
        }
        _ = try await publishing.release(push.id, by: key)
        terminal.print("\(entry.id): \(push.rowCount) rows")
    }

    private func write(_ lines: [String], to path: String) throws {
        let created = FileManager.default.createFile(
            atPath: path, contents: Data((lines.joined(separator: "\n") + "\n").utf8), attributes: [.posixPermissions: 0o600])
        guard created else { throw Failure("cannot write \(path)") }
    }
}
