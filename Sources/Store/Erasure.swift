public import Model
import Postgres

/// What an erasure came to.
public struct Erasure: Sendable, Hashable {
    /// States of rows whose values are gone.
    public var states = 0
    /// Findings, left-out records and answers that quoted a value of them.
    public var quotations = 0
    /// Pushes that were waiting with such rows, and were ended.
    public var pushes = 0

    public init() {}
}

extension Store {
    /// Erases for good what a withdrawal of rows left behind: the values of the rows, wherever they are quoted, and the salt of the withdrawal's digest in the ledger.
    ///
    /// The tombstone stays, with the keys, which say what must not come back. No leaf changes.
    ///
    /// - Parameter reason: what pushes are told that wait with such rows, and are ended.
    /// - Returns: nil where there is no such withdrawal of rows.
    public func erase(withdrawal id: String, reason: LocalizedText) async throws -> Erasure? {
        guard id.isUUID else { return nil }
        return try await transaction { connection in
            try await connection.prepareLongWork()
            let dataset = try await connection.execute("SELECT dataset FROM daylight.withdrawal WHERE id = \(id) AND subject = 'rows'").first?.read(String.self, 0)
            guard let dataset, let number = try await PushTarget.read(connection, dataset)?.number else { return nil }
            try await connection.lock(dataset: number)
            guard let target = try await PushTarget.read(connection, dataset, locked: true) else { return nil }
            var erasure = Erasure()
            // Values of a single character or digit would be found everywhere.
            try await connection.execute(
                """
                CREATE TEMP TABLE erased_value ON COMMIT DROP AS SELECT DISTINCT v.value AS text
                FROM daylight.withdrawn_row r, jsonb_each_text(r.state) AS v
                WHERE r.withdrawal = \(id) AND length(v.value) > 1 AND v.value NOT IN ('true', 'false')
                """)
            erasure.pushes = try await connection.endPushes(of: target, with: id, reason)
            erasure.quotations = try await connection.eraseQuotations(of: dataset) + connection.eraseCorrections(of: dataset, by: id)
            try await connection.noteGrants(of: target, losing: id)
            erasure.states = try await connection.execute(
                "UPDATE daylight.withdrawn_row SET state = '{}', erased_at = now() WHERE withdrawal = \(id) AND erased_at IS NULL").affectedRows
            try await connection.execute("DELETE FROM daylight.ledger_salt WHERE subject = \(id)::uuid")
            return erasure
        }
    }
}

extension Connection {
    /// Notes which running grants had given a withdrawal's rows: without the values nobody could tell.
    fileprivate func noteGrants(of target: PushTarget, losing withdrawal: String) async throws {
        let grants = try await execute(
            """
            SELECT g.number, v.schema FROM daylight.share_grant g JOIN daylight.version v ON v.dataset = g.dataset AND v.number = g.from_version
            WHERE g.dataset = \(target.dataset) AND g.ended_at IS NULL
            """)
        for row in grants {
            let number: Int = try row.read("number"), rows = RowTable(number: target.number, schema: try row.document(TableSchema.self, "schema"))
            try await execute(
                """
                UPDATE daylight.withdrawn_row AS r SET granted = r.granted || \(number, as: .int4) WHERE r.withdrawal = \(withdrawal) AND r.erased_at IS NULL AND EXISTS (
                    SELECT FROM \(GrantView.gone(number)) AS w
                    WHERE w._since = r.since AND w._until IS NOT DISTINCT FROM r.until AND ARRAY[\(rows.keyTexts(of: "w"))] = r.key_values)
                """)
        }
    }

    /// Ends pushes whose checked rows have one of the keys: without it they are another content than was checked and reviewed.
    fileprivate func endPushes(of target: PushTarget, with withdrawal: String, _ reason: LocalizedText) async throws -> Int {
        let waiting = try await execute(
            "SELECT \(PushRecord.columns) FROM daylight.push p WHERE p.dataset = \(target.dataset) AND p.state IN ('ready', 'approved', 'scheduled') FOR UPDATE"
        ).map { try PushRecord($0) }
        var ended = 0
        for record in waiting {
            let name = RowTable.stagingName(record.push.id), staged = RowTable.staging(record.push.id)
            guard try await execute("SELECT to_regclass(\("staging." + name)) IS NOT NULL")[0].read(Bool.self, 0) else { continue }
            let keys = RowTable(number: target.number, schema: record.schema).keyTexts(of: "s")
            let isThere = try await !execute(
                "SELECT FROM \(staged) s JOIN daylight.withdrawn_row r ON r.withdrawal = \(withdrawal) AND r.key_values = ARRAY[\(keys)] LIMIT 1").isEmpty
            guard isThere else { continue }
            try await execute("DROP TABLE \(staged)")
            try await execute(
                "UPDATE daylight.push SET state = 'failed', reason_zh = \(reason.zh), reason_en = \(reason.en), updated_at = now() WHERE id = \(record.push.id)")
            ended += 1
        }
        return ended
    }

    /// Takes the words out of corrections of the rows, which may say what the values were, and what else quotes one of them.
    fileprivate func eraseCorrections(of dataset: String, by withdrawal: String) async throws -> Int {
        let about: SQL = """
            dataset = \(dataset) AND (EXISTS (SELECT FROM daylight.withdrawn_row r WHERE r.withdrawal = \(withdrawal)::uuid AND r.key = correction.key)
                OR EXISTS (SELECT FROM erased_value e WHERE strpos(concat_ws(' ', doubt, proposed, evidence::text, answer), e.text) > 0))
            """
        let ids: [String] = try await execute("SELECT id FROM daylight.correction WHERE \(about)").map { try $0.read(0) }
        guard !ids.isEmpty else { return 0 }
        try await execute("UPDATE daylight.correction_event SET note = NULL WHERE correction = ANY (\(ids)::uuid[]) AND note IS NOT NULL")
        // The digest of an answer can no longer be opened, and without its salt it says nothing.
        try await execute("DELETE FROM daylight.ledger_salt WHERE subject = ANY (\(ids)::uuid[])")
        return try await execute(
            "UPDATE daylight.correction SET doubt = NULL, proposed = NULL, evidence = NULL, answer = NULL WHERE id = ANY (\(ids)::uuid[])").affectedRows
    }

    /// Removes what was said about pushes of a dataset and quotes one of the values.
    fileprivate func eraseQuotations(of dataset: String) async throws -> Int {
        let ours: SQL = "push IN (SELECT id FROM daylight.push WHERE dataset = \(dataset))"
        func quotes(_ text: SQL) -> SQL { "EXISTS (SELECT FROM erased_value e WHERE strpos(\(text), e.text) > 0)" }
        var count = 0
        for statement: SQL in [
            "DELETE FROM daylight.finding WHERE \(ours) AND \(quotes("concat_ws(' ', value, message_zh, message_en)"))",
            "DELETE FROM daylight.rejected_record WHERE \(ours) AND line > 0 AND \(quotes("record"))",
            "DELETE FROM daylight.idempotency WHERE \(ours) AND \(quotes("body"))",
        ] { count += try await execute(statement).affectedRows }
        return count
    }
}
