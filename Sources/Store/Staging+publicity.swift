public import Model
import Postgres

// Rows of a push whose time of publicity has ended or not begun, and rows that were withdrawn before.
extension Staging {
    /// Takes rows out whose publicity has ended (F408): they are no part of what is reviewed and released. Their keys are kept, so that the release takes them out of
    /// public view too.
    ///
    /// - Returns: of those keys, how many stand in the current version, and how many any version holds.
    public func leaveOutEnded(at now: Timestamp) async throws -> (standing: Int, held: Int) {
        guard let window = target.publicityWindow else { return (0, 0) }
        let reason = window.ended(rows.schema, of: "s", at: now)
        guard try await !connection.execute("SELECT FROM \(table) s WHERE \(reason) IS NOT NULL LIMIT 1").isEmpty else { return (0, 0) }
        try await collect(.publicityEnded, .warning, field: window.until, value: shown(window.until), [reason], "FROM \(table) s WHERE \(reason) IS NOT NULL")
        let ended = try await connection.takeEnded(of: push, rows, window, at: now)
        guard hasCurrent else { return (0, 0) }
        let unknown = try await rows.unknown(ended, connection)
        let values = "ARRAY[\(rows.keyTexts(of: "c"))]" as SQL
        let standing: Int = try await connection.execute(
            "SELECT count(*) FROM \(current) c JOIN daylight.ended_row e ON e.push = \(push) AND e.key_values = \(values) WHERE c._until IS NULL")[0].read(0)
        return (standing, ended.count - unknown.count)
    }

    /// F409: rows that are not public yet; a push is released once all of its rows may be.
    public func checkPublicityBegins(at now: Timestamp) async throws {
        guard let window = target.publicityWindow, let begin = window.begin(rows.schema, of: "s"), let from = window.from else { return }
        try await collect(
            .publicityBegins, .warning, field: from, value: shown(from), ["coalesce(\(shown(from)), '…')"],
            "FROM \(table) s WHERE \(begin) > \(now.instant, as: .timestamptz)")
    }

    /// F410: rows that were withdrawn for a reason that keeps them away; those whose time had only ended are told of.
    public func checkWithdrawnBefore() async throws {
        let any: SQL = "SELECT FROM daylight.withdrawn_row WHERE dataset = \(target.dataset) AND key_values IS NOT NULL LIMIT 1"
        guard try await !connection.execute(any).isEmpty else { return }
        for (severity, codes) in [
            (Check.Severity.error, Withdrawal.ReasonCode.allCases.filter(\.isFinal)), (.warning, [.expired]),
        ] {
            try await collect(
                .withdrawnBefore, severity, field: rows.schema.primaryKey.count == 1 ? rows.schema.primaryKey[0] : nil, [keyText("s"), "s._reason"],
                """
                FROM (SELECT s.ctid, s.*, (
                        SELECT w.reason_code FROM daylight.withdrawn_row r JOIN daylight.withdrawal w ON w.id = r.withdrawal
                        WHERE r.dataset = \(target.dataset) AND r.key_values = ARRAY[\(rows.keyTexts(of: "s"))] ORDER BY w.withdrawn_at DESC LIMIT 1) AS _reason
                      FROM \(table) s) AS s
                WHERE s._reason = ANY (\(codes.map(\.rawValue)))
                """)
        }
    }
}

extension Connection {
    /// Moves staged rows whose publicity has ended from the staging table to the keys of those that go.
    ///
    /// - Returns: all of the push that have ended, now and before.
    func takeEnded(of push: String, _ rows: RowTable, _ window: PublicityWindow, at now: Timestamp) async throws -> [LeavingRow] {
        let reason = window.ended(rows.schema, of: "s", at: now)
        try await execute(
            """
            WITH ended AS (DELETE FROM \(RowTable.staging(push)) s WHERE \(reason) IS NOT NULL RETURNING ARRAY[\(rows.keyTexts(of: "s"))] AS key_values, \(reason) AS reason)
            INSERT INTO daylight.ended_row (push, key_values, reason_code) SELECT DISTINCT ON (key_values) \(push)::uuid, key_values, reason FROM ended
            ON CONFLICT (push, key_values) DO NOTHING
            """)
        return try await execute("SELECT key_values AS values, reason_code AS reason FROM daylight.ended_row WHERE push = \(push) ORDER BY key_values").map {
            try LeavingRow($0, rows.schema)
        }
    }
}
