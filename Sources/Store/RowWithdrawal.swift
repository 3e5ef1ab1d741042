public import Model
import Postgres

/// A row that leaves public view.
public struct LeavingRow: Sendable, Hashable {
    /// The key's values in key order, in a spelling that PostgreSQL reads.
    public let values: [String]
    /// The key as it stands in `/rows/{key}`.
    public let key: String
    public let reason: Withdrawal.ReasonCode

    public init(values: [String], key: String, reason: Withdrawal.ReasonCode) {
        self.values = values
        self.key = key
        self.reason = reason
    }

    /// - Parameter row: `values`, as PostgreSQL spells them, and `reason`.
    init(_ row: Row, _ schema: TableSchema) throws {
        values = try row.read([String].self, "values")
        key = schema.key(of: values)
        reason = try row.word(Withdrawal.ReasonCode.self, "reason")
    }
}

extension TableSchema {
    /// A row's key as it stands in `/rows/{key}`.
    ///
    /// - Parameter values: the key's values in key order, as PostgreSQL spells them in text.
    func key(of values: [String]) -> String {
        RowKey.text(
            zip(primaryKey, values).map { name, text in
                // 2026-03-01 08:00:00+08 is a time as PostgreSQL writes it in our zone.
                field(name)?.type == .datetime ? Timestamp(text + ":00")?.description ?? text : text
            })
    }
}

/// What a withdrawal of rows came to.
public struct RowDeparture: Sendable, Hashable {
    /// States of rows that were moved out of the public tables.
    public var states = 0
    /// Rows of them that stood in the current version.
    public var standing = 0

    public init() {}
}

extension RowTable {
    /// Keys as a relation `l` of `_key` and one column for each value.
    private func keys(_ leaving: [LeavingRow]) -> SQL {
        let columns = schema.primaryKey.indices.map { place in "\(leaving.map { $0.values[place] })::text[]" as SQL }.joined(separator: ", ")
        return "unnest(\(leaving.map(\.key))::text[], \(columns)) WITH ORDINALITY AS l(_key, \(raw: names), _place)"
    }

    private var names: String { schema.primaryKey.indices.map { "_v\($0)" }.joined(separator: ", ") }

    private var isSame: SQL {
        schema.primaryKey.enumerated().map { place, name -> SQL in
            "t.\(identifier: name) = l._v\(raw: String(place))::\(raw: schema.field(name)?.type.castType ?? "text")"
        }.joined(separator: " AND ")
    }

    /// Which of these rows no version ever held, by their places.
    func unknown(_ leaving: [LeavingRow], _ connection: Connection) async throws -> [Int] {
        // Two conditions, because the indexes are two.
        try await connection.execute(
            """
            SELECT (l._place - 1)::integer FROM \(keys(leaving))
            WHERE NOT EXISTS (SELECT FROM \(table) t WHERE t._until IS NULL AND \(isSame)) AND NOT EXISTS (SELECT FROM \(table) t WHERE t._until IS NOT NULL AND \(isSame))
            ORDER BY 1
            """
        ).map { try $0.read(0) }
    }

    /// Moves every state of rows out of the public tables, and notes at the versions that held them that they are no longer whole.
    func remove(_ leaving: [LeavingRow], of dataset: String, by withdrawal: String, _ connection: Connection) async throws -> RowDeparture {
        // `t` alone would be a field of that name.
        func gone(_ condition: SQL) -> SQL {
            """
            DELETE FROM \(table) t USING leaving l WHERE \(condition) AND \(isSame)
            RETURNING l._key AS key, ARRAY[\(keyTexts(of: "t"))] AS key_values, t._since AS since, t._until AS until, to_jsonb(t.*) - '_since' - '_until' AS state
            """
        }
        let row = try await connection.execute(
            """
            WITH leaving AS MATERIALIZED (SELECT * FROM \(keys(leaving))),
            present AS (\(gone("t._until IS NULL"))), past AS (\(gone("t._until IS NOT NULL"))),
            kept AS (
                INSERT INTO daylight.withdrawn_row (dataset, key, key_values, since, until, state, withdrawal)
                SELECT \(dataset, as: .text), g.key, g.key_values, g.since, g.until, g.state, \(withdrawal, as: .uuid)
                FROM (SELECT * FROM present UNION ALL SELECT * FROM past) AS g RETURNING since, until),
            spans AS (SELECT DISTINCT since, until FROM kept),
            marked AS (
                UPDATE daylight.version v SET withdrawal = \(withdrawal, as: .uuid)
                WHERE v.dataset = \(dataset, as: .text)
                    AND NOT EXISTS (SELECT FROM daylight.withdrawal w WHERE w.id = v.withdrawal AND w.subject = 'version')
                    AND EXISTS (SELECT FROM spans s WHERE s.since <= v.number AND (s.until IS NULL OR s.until > v.number)))
            SELECT count(*)::integer AS states, (count(*) FILTER (WHERE until IS NULL))::integer AS standing FROM kept
            """)[0]
        var departure = RowDeparture()
        departure.states = try row.read("states")
        departure.standing = try row.read("standing")
        return departure
    }
}

extension Connection {
    /// Records a withdrawal: the tombstone that stays.
    ///
    /// - Parameters:
    ///   - entry: what the ledger says of it.
    ///   - isPublic: whether anybody could have seen what is withdrawn.
    func record(_ withdrawal: Withdrawal, by key: String?, entry: LedgerEntry, isPublic: Bool) async throws {
        try await execute(
            """
            INSERT INTO daylight.withdrawal (id, dataset, subject, version, keys, reason_zh, reason_en, reason_code, legal_basis, withdrawn_by, withdrawn_at)
            VALUES (\(withdrawal.id), \(withdrawal.dataset), \(withdrawal.subject.rawValue), \(withdrawal.version), \(withdrawal.keys),
                    \(withdrawal.reason.zh), \(withdrawal.reason.en), \(withdrawal.reasonCode?.rawValue), \(withdrawal.legalBasis), \(key),
                    \(withdrawal.withdrawnAt.instant))
            """)
        // Of what was never released, nobody has heard.
        if isPublic {
            try await record(.withdrawal(withdrawal.id, version: withdrawal.version), of: withdrawal.dataset)
            try await enter(entry)
        }
        try await notifyChange(of: withdrawal.dataset)
    }
}
