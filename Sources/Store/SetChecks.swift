public import Model
import Postgres

/// What the checks over all rows of a push came to.
public struct SetVerdict: Sendable, Hashable {
    /// Findings in the order of the file, at most as many as were asked for.
    public var findings: [Finding] = []
    /// How often each code was found, all told.
    public var counts: [FindingCount] = []

    public var errorCount: Int { counts.filter { $0.severity == .error }.reduce(0) { $0 + $1.count } }
    public var warningCount: Int { counts.filter { $0.severity == .warning }.reduce(0) { $0 + $1.count } }
    /// Whether there are errors about no row in particular, which no row's leaving could mend.
    public var hasErrorsWithoutRow = false
}

extension Staging {
    /// Finds rows of the same key: exact repeats are kept once (F400, a warning), others are treated as the mapping says (F401).
    ///
    /// Call it only where the stream did not prove that every key is greater than the one before.
    public func checkRepeats(keep: Mapping.Repeats.Keep) async throws {
        let key = RowTable.columns(rows.schema.primaryKey)
        let found = try await connection.execute("SELECT FROM (SELECT FROM \(table) GROUP BY \(key) HAVING count(*) > 1 LIMIT 1) AS repeated")
        if found.isEmpty { return }
        try await openViolations()
        let order: SQL = keep == .last ? "DESC" : "ASC"
        let all = RowTable.columns(rows.fieldNames)
        let isError = keep == .reject
        // What stands beside the fields begins with an underscore, as no field's name does.
        try await connection.execute(
            """
            WITH repeated AS (SELECT \(key) FROM \(table) GROUP BY \(key) HAVING count(*) > 1),
            copies AS (
                SELECT s.ctid AS _tid, s.*, row_number() OVER exact AS _copy, first_value(s._line) OVER exact AS _kept_line
                FROM \(table) s JOIN repeated USING (\(key)) WINDOW exact AS (PARTITION BY \(all) ORDER BY s.ctid \(order))),
            variants AS (
                SELECT _tid, _line, \(keyText("copies")) AS _key_text, row_number() OVER same_key AS _place, first_value(_line) OVER same_key AS _kept_line
                FROM copies WHERE _copy = 1 WINDOW same_key AS (PARTITION BY \(key) ORDER BY _tid \(order)))
            INSERT INTO violation (code, is_error, leaves, tid, line, field, value, arguments)
            SELECT 'F400', false, true, _tid, _line, NULL, NULL, ARRAY[_kept_line::text] FROM copies WHERE _copy > 1
            UNION ALL
            SELECT 'F401', \(isError), \(!isError), _tid, _line, \(rows.schema.primaryKey.count == 1 ? rows.schema.primaryKey[0] : nil, as: .text), NULL,
                   ARRAY[_key_text, _kept_line::text]
            FROM variants WHERE _place > 1
            """)
        try await connection.execute("DELETE FROM \(table) s USING violation v WHERE v.leaves AND s.ctid = v.tid")
    }

    /// Runs the checks that look at one row and something else: code lists, other datasets, other rows of the push, released keys.
    ///
    /// - Parameter allStand: whether every row is known to stand already, just so: then keys that stand are no error of an append.
    public func checkRows(allStand: Bool = false) async throws {
        for field in rows.schema.fields {
            if let list = field.codeList { try await checkCodes(field, list: list, severity: nil, when: nil) }
        }
        for check in rows.schema.checks {
            switch check.kind {
            case .codeList:
                guard let name = check.field, let field = rows.schema.field(name), let list = check.list else { continue }
                try await checkCodes(field, list: list, severity: check.severity, when: check.when)
            case .foreignKey: try await checkForeignKey(check)
            case .unique: try await checkUnique(check)
            case .monotoneTime: try await checkMonotone(check)
            default: continue
            }
        }
        if mode == .append, hasCurrent, !allStand { try await checkAppended() }
        try await checkIndexWidth()
    }

    /// Ends a round of checks: what this round found. With `quarantine`, the next round sees only what is left.
    ///
    /// - Parameters:
    ///   - limit: findings that are read back at most.
    ///   - policy: with `quarantine`, records with errors leave the staging table and are kept with the push.
    public func settleChecks(policy: PushPolicy, limit: Int) async throws -> SetVerdict {
        guard hasViolations else { return SetVerdict() }
        var verdict = SetVerdict()
        verdict.counts = try await connection.execute(
            "SELECT code, is_error, count(*) FROM violation WHERE NOT reported GROUP BY code, is_error ORDER BY code, is_error"
        ).map {
            FindingCount(code: try $0.word("code"), severity: try $0.read(Bool.self, 1) ? .error : .warning, count: try $0.read(2))
        }
        verdict.findings = try await connection.execute(
            """
            SELECT code, is_error, line, field, value, arguments FROM violation WHERE NOT reported
            ORDER BY line NULLS LAST, code, field, tid LIMIT \(limit)
            """
        ).map { row in
            let code: FindingCode = try row.word("code")
            var finding = Finding(
                code, severity: try row.read(Bool.self, "is_error") ? .error : .warning, line: try row.read("line"), field: try row.read("field"),
                value: try row.read("value"))
            finding.message = code.message(try row.read("arguments"))
            return finding
        }
        verdict.hasErrorsWithoutRow = try await !connection.execute("SELECT FROM violation WHERE NOT reported AND is_error AND line IS NULL LIMIT 1").isEmpty
        if policy == .quarantine { try await quarantine() }
        try await connection.execute("UPDATE violation SET reported = true WHERE NOT reported")
        return verdict
    }

    /// How many rows are staged.
    public func rowCount() async throws -> Int {
        try await connection.execute("SELECT count(*) FROM \(table)")[0].read(0)
    }

    /// How many records of the push were left out so far.
    public func rejectedCount() async throws -> Int {
        try await connection.execute("SELECT count(*) FROM daylight.rejected_record WHERE push = \(push) AND line > 0")[0].read(0)
    }

    /// Takes whole records out: where one of the rows that a record gave is wrong, the others go with it.
    private func quarantine() async throws {
        let wrong: SQL = "SELECT line FROM violation WHERE NOT reported AND is_error AND line IS NOT NULL"
        if keepsRecords {
            try await connection.execute(
                """
                INSERT INTO daylight.rejected_record (push, line, record)
                SELECT DISTINCT ON (_line) \(push)::uuid, _line, coalesce(_record, '') FROM \(table) WHERE _line IN (\(wrong)) ORDER BY _line
                ON CONFLICT (push, line) DO NOTHING
                """)
        }
        try await connection.execute("DELETE FROM \(table) WHERE _line IN (\(wrong))")
    }
}

extension Staging {
    /// Makes the table that violations are collected in, the first time.
    func openViolations() async throws {
        if hasViolations { return }
        hasViolations = true
        try await connection.execute(
            """
            CREATE TEMP TABLE violation (code text NOT NULL, is_error boolean NOT NULL, leaves boolean NOT NULL, tid tid, line bigint, field text,
                                         value text, arguments text[] NOT NULL, reported boolean NOT NULL DEFAULT false) ON COMMIT DROP
            """)
    }

    /// Collects violations.
    ///
    /// - Parameters:
    ///   - arguments: what fills the code's message: expressions of type text.
    ///   - rest: FROM and WHERE over the staging table as `s`.
    func collect(_ code: FindingCode, _ severity: Check.Severity?, field: String?, value: SQL = "NULL", _ arguments: [SQL], _ rest: SQL) async throws {
        try await openViolations()
        try await connection.execute(
            """
            INSERT INTO violation (code, is_error, leaves, tid, line, field, value, arguments)
            SELECT \(code.rawValue), \((severity ?? .error) == .error), false, s.ctid, s._line, \(field, as: .text), left(\(value), 200),
                   ARRAY[\(arguments.joined(separator: ", "))]::text[]
            \(rest)
            """)
    }

    /// A field's value as a finding may show it: only what everybody may see anyway.
    func shown(_ name: String, of alias: String = "s") -> SQL {
        guard let field = rows.schema.field(name), field.visibility == .public, field.mask == nil else { return "NULL" }
        return field.type.spelling(of: "\(raw: alias).\(identifier: name)")
    }

    /// The key as a finding may show it.
    func keyText(_ alias: String) -> SQL {
        let parts = rows.schema.primaryKey.map { "coalesce(\(shown($0, of: alias)), '…')" as SQL }
        return "concat_ws(',', \(parts.joined(separator: ", ")))"
    }

    /// Whether a rule applies to a row of the alias.
    func applies(_ condition: Check.Condition?, to alias: String = "s") -> SQL {
        guard let condition, let field = rows.schema.field(condition.field) else { return "true" }
        return "\(field.type.spelling(of: "\(raw: alias).\(identifier: field.name)")) = ANY (\(condition.values))"
    }

    /// Whether a value is there: neither NULL nor the empty text that key fields hold instead.
    func isPresent(_ field: Field, of alias: String = "s") -> SQL {
        let value: SQL = "\(raw: alias).\(identifier: field.name)"
        return field.type.isTextual ? "\(value) <> ''" : "\(value) IS NOT NULL"
    }
}

extension FieldType {
    /// A value as text in the spelling that clients see.
    func spelling(of value: SQL) -> SQL {
        switch self {
        case .datetime: "to_char(\(value) AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00'"
        default: "\(value)::text"
        }
    }
}
