import Model
import Postgres

extension Staging {
    /// Runs the checks that add rows up, over the state that a release would make. Meaningless where rows are missing for other reasons.
    public func checkSums() async throws {
        for check in rows.schema.checks {
            switch check.kind {
            case .hierarchySums: try await checkHierarchy(check)
            case .balance: try await checkBalance(check)
            default: continue
            }
        }
    }

    /// The rows as a release would leave them, as a relation; `_tid` and `_line` are NULL for those that stand already.
    private var outcome: SQL {
        let columns = rows.schema.fields.map { rows.standing($0, of: "c") }.joined(separator: ", ")
        let staged: SQL = "SELECT s.ctid AS _tid, s._line, \(RowTable.columns(rows.fieldNames, of: "s")) FROM \(table) s"
        guard mode != .replace, hasCurrent else { return "(\(staged))" }
        return """
            (\(staged) UNION ALL SELECT NULL::tid, NULL::bigint, \(columns) FROM \(current) c
             WHERE c._until IS NULL AND NOT EXISTS (SELECT FROM \(table) s WHERE \(rows.sameKey("s", "c"))))
            """
    }

    /// F404: within a group, the rows one level below a code must add up to the code's own row, where there are any.
    private func checkHierarchy(_ check: Check) async throws {
        guard let code = check.code, let amount = check.amount, let lengths = check.lengths, rows.schema.field(code) != nil, rows.schema.field(amount) != nil
        else { return }
        let groups = (check.groupBy ?? []).filter { rows.schema.field($0) != nil }
        let tolerance = Self.tolerance(check)
        for (upper, lower) in zip(lengths, lengths.dropFirst()) {
            try await openViolations()
            let (upper, lower) = (Int32(upper), Int32(lower))
            // Groups are compared as text, so that two missing values are one group and the join can still hash.
            let grouping = groups.map { "coalesce(o.\(identifier: $0)::text, '')" as SQL }
            let names = groups.indices.map { "g\($0)" }
            let columns = zip(grouping, names).map { ", \($0) AS \(identifier: $1)" as SQL }.joined()
            let equal = names.map { " AND p.\(identifier: $0) = l.\(identifier: $0)" as SQL }.joined()
            let grouped = names.map { ", \(identifier: $0)" as SQL }.joined()
            try await connection.execute(
                """
                WITH o AS MATERIALIZED (
                    SELECT o._tid, o._line, o.\(identifier: code) AS code, o.\(identifier: amount) AS amount\(columns) FROM \(outcome) o
                    WHERE length(o.\(identifier: code)) IN (\(upper), \(lower)) AND \(applies(check.when, to: "o"))),
                l AS (
                    SELECT left(code, \(upper)) AS parent\(grouped), sum(amount) AS total FROM o WHERE length(code) = \(lower) GROUP BY 1\(grouped))
                INSERT INTO violation (code, is_error, leaves, tid, line, field, value, arguments)
                SELECT 'F404', \((check.severity ?? .error) == .error), false, p._tid, p._line, \(amount, as: .text), \(shownAmount(amount, "p.amount")),
                       ARRAY[\(shownAmount(amount, "l.total")), \(shownAmount(amount, "p.amount"))]::text[]
                FROM o p JOIN l ON p.code = l.parent\(equal)
                WHERE length(p.code) = \(upper) AND abs(coalesce(p.amount, 0) - coalesce(l.total, 0)) > \(tolerance)
                """)
        }
    }

    /// F405: within a group, what stands on the left must add up to what stands on the right.
    private func checkBalance(_ check: Check) async throws {
        guard let amount = check.amount, let side = check.side, let left = check.left, let right = check.right, rows.schema.field(amount) != nil,
            let sideField = rows.schema.field(side)
        else { return }
        try await openViolations()
        let groups = (check.groupBy ?? []).filter { rows.schema.field($0) != nil }
        let label: SQL =
            groups.isEmpty
            ? "\(amount, as: .text)" : "concat_ws(',', \(groups.map { "coalesce(\(shown($0, of: "o")), '…')" as SQL }.joined(separator: ", ")))"
        let grouping: SQL = groups.isEmpty ? "" : "GROUP BY \(RowTable.columns(groups, of: "o"))"
        let value = sideField.type.spelling(of: "o.\(identifier: side)")
        let leftSum: SQL = "coalesce(sum(o.\(identifier: amount)) FILTER (WHERE \(value) = ANY (\(left))), 0)"
        let rightSum: SQL = "coalesce(sum(o.\(identifier: amount)) FILTER (WHERE \(value) = ANY (\(right))), 0)"
        try await connection.execute(
            """
            INSERT INTO violation (code, is_error, leaves, tid, line, field, value, arguments)
            SELECT 'F405', \((check.severity ?? .error) == .error), false, NULL, NULL, \(amount, as: .text), NULL,
                   ARRAY[label, \(shownAmount(amount, "left_sum")), \(shownAmount(amount, "right_sum"))]::text[]
            FROM (SELECT \(label) AS label, \(leftSum) AS left_sum, \(rightSum) AS right_sum FROM \(outcome) o WHERE \(applies(check.when, to: "o")) \(grouping)) AS b
            WHERE abs(left_sum - right_sum) > \(Self.tolerance(check))
            """)
    }

    private func shownAmount(_ name: String, _ value: SQL) -> SQL {
        guard let field = rows.schema.field(name), field.visibility == .public, field.mask == nil else { return "'…'" }
        return "\(value)::text"
    }

    private static func tolerance(_ check: Check) -> SQL {
        "\(check.tolerance.flatMap { Numeric($0) } ?? Numeric(0))"
    }
}
