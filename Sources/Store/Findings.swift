public import Model
import Postgres

extension Store {
    /// Keeps findings of a push.
    ///
    /// - Parameter first: the number of the first one; numbers of a push run without gaps.
    public func keep(_ findings: [Finding], of push: String, from first: Int) async throws {
        try await mappingErrors { try await writer.withConnection { try await Self.insert(findings, of: push, from: first, $0) } }
    }

    fileprivate static func insert(_ findings: [Finding], of push: String, from first: Int, _ connection: Connection) async throws {
        if findings.isEmpty { return }
        try await connection.execute(
            """
            INSERT INTO daylight.finding (push, number, code, severity, line, field, value, message_zh, message_en)
            SELECT \(push)::uuid, f.* FROM unnest(
                \(Array(first..<first + findings.count))::integer[], \(findings.map(\.code.rawValue)), \(findings.map(\.severity.rawValue)),
                \(findings.map(\.line)), \(findings.map(\.field)), \(findings.map { $0.value?.withoutNUL }), \(findings.map(\.message.zh.withoutNUL)),
                \(findings.map { $0.message.en?.withoutNUL })) AS f
            """)
    }

    static func keep(_ counts: [FindingCount], of push: String, _ connection: Connection) async throws {
        if counts.isEmpty { return }
        try await connection.execute(
            """
            INSERT INTO daylight.finding_count (push, code, severity, count)
            SELECT \(push)::uuid, c.* FROM unnest(\(counts.map(\.code.rawValue)), \(counts.map(\.severity.rawValue)), \(counts.map(\.count))) AS c
            ON CONFLICT (push, code, severity) DO UPDATE SET count = excluded.count
            """)
    }

    /// Keeps records that were left out.
    public func keep(_ records: [RejectedRecord], of push: String) async throws {
        if records.isEmpty { return }
        try await write(
            """
            INSERT INTO daylight.rejected_record (push, line, record)
            SELECT \(push)::uuid, r.* FROM unnest(\(records.map(\.line)), \(records.map(\.text.withoutNUL))) AS r
            ON CONFLICT (push, line) DO NOTHING
            """)
    }

    /// Kept findings in the order in which they were found.
    ///
    /// - Parameters:
    ///   - number: findings after this one; 0 for the first page.
    ///   - severity: of this severity only, unless nil.
    ///   - code: of this code only, unless nil.
    public func findings(
        of push: String, after number: Int, severity: Check.Severity? = nil, code: FindingCode? = nil, limit: Int
    ) async throws -> [NumberedFinding] {
        var filter: SQL = ""
        if let severity { filter += "AND severity = \(severity.rawValue) " }
        if let code { filter += "AND code = \(code.rawValue) " }
        return try await write(
            """
            SELECT number, code, severity, line, field, value, message_zh, message_en FROM daylight.finding
            WHERE push = \(push) AND number > \(number) \(filter) ORDER BY number LIMIT \(limit)
            """
        ).map { row in
            var finding = Finding(
                try row.word("code"), severity: try row.word("severity"), line: try row.read("line"), field: try row.read("field"),
                value: try row.read("value"))
            finding.message = LocalizedText(zh: try row.read("message_zh"), en: try row.read("message_en"))
            return NumberedFinding(number: try row.read("number"), finding: finding)
        }
    }

    /// How often each code was found.
    public func findingCounts(of push: String) async throws -> [FindingCount] {
        try await write("SELECT code, severity, count FROM daylight.finding_count WHERE push = \(push) ORDER BY code, severity").map {
            FindingCount(code: try $0.word("code"), severity: try $0.word("severity"), count: try $0.read("count"))
        }
    }

    /// Records that were left out, by line, the header first.
    public func rejectedRecords(of push: String, after line: Int, limit: Int) async throws -> [RejectedRecord] {
        try await write(
            "SELECT line, record FROM daylight.rejected_record WHERE push = \(push) AND line > \(line) ORDER BY line LIMIT \(limit)"
        ).map { RejectedRecord(line: try $0.read("line"), text: try $0.read("record")) }
    }
}

extension Staging {
    /// Keeps findings of the checks, in the staging transaction.
    public func keep(_ findings: [Finding], from first: Int) async throws {
        try await Store.insert(findings, of: push, from: first, connection)
    }
}

extension String {
    /// Findings may quote what came, and PostgreSQL's text holds no NUL.
    fileprivate var withoutNUL: String { utf8.contains(0) ? replacing("\0", with: "\u{FFFD}") : self }
}
