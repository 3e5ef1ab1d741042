public import Model
import Postgres

extension Store {
    /// When a row was given to whom: found from what was delivered, by the versions of each delivery and the rows and fields of its grant, so that nothing has to be noted for each row.
    ///
    /// Rows that were withdrawn are found as long as they are not erased.
    ///
    /// - Parameters:
    ///   - subject: the dataset.
    ///   - key: canonical values of the key's fields, in key order.
    ///   - limit: the newest so many.
    public func accesses(to subject: ShareSubject, key: [String], limit: Int) async throws -> [RecordAccess] {
        let grants = try await write(
            """
            SELECT g.id, g.receiver, g.from_version, g.terms, v.schema FROM daylight.share_grant g
                JOIN daylight.version v ON v.dataset = g.dataset AND v.number = g.from_version
            WHERE g.dataset = \(subject.dataset) ORDER BY g.number DESC LIMIT 10000
            """)
        var found: [RecordAccess] = []
        for row in grants {
            let terms = try row.document(ShareTerms.self, "terms"), schema = try row.document(TableSchema.self, "schema")
            let read = try RecordRead(
                grant: row.read("id"), number: subject.number, dataset: subject.dataset, schema: schema, key: key, fields: terms.fields,
                condition: GrantView.condition(filter: terms.filter, schema), fromVersion: row.read("from_version"))
            let receiver: String = try row.read("receiver")
            found += try await write(read.sql(limit: limit)).map { access in
                RecordAccess(
                    at: try access.timestamp("at"), grant: read.grant, department: receiver, purpose: try access.read(String?.self, "purpose") ?? terms.purpose,
                    path: try access.read("path"), fromVersion: try access.read("from_version"), version: try access.read("version"), delivery: try access.read("delivery"),
                    fields: try access.read(Bool.self, "key_only") ? schema.primaryKey : terms.fields, complete: try access.read("complete"))
            }
        }
        return Array(found.sorted { $0.at > $1.at }.prefix(limit))
    }
}

/// Finds in which reads by a grant a row was.
private struct RecordRead {
    let grant: String
    let number: Int
    let dataset: String
    let schema: TableSchema
    let key: [String]
    let fields: [String]
    let condition: SQL
    let fromVersion: Int

    private var keyFields: [Field] { schema.primaryKey.compactMap { schema.field($0) } }
    private var rows: RowTable { RowTable(number: number, schema: schema) }

    /// The row's states that the grant reaches, also those that were withdrawn since.
    private var states: SQL {
        let names = RowTable.columns(schema.fields.map(\.name))
        let isRow = zip(keyFields, key).map { "\(identifier: $0.name) = \($1, as: $0.type.postgresType)" as SQL }.joined(separator: " AND ")
        return """
            SELECT * FROM (
                SELECT _since, _until, \(names) FROM \(rows.table) WHERE \(isRow)
                UNION ALL
                SELECT w.since, w.until, \(RowTable.columns(schema.fields.map(\.name), of: "r")) FROM daylight.withdrawn_row AS w, LATERAL jsonb_populate_record(NULL::\(rows.table), w.state) AS r
                WHERE w.dataset = \(dataset) AND w.key = \(RowKey.text(key)) AND w.erased_at IS NULL
            ) AS state WHERE (_until IS NULL OR _until > \(fromVersion, as: .int4)) AND \(condition)
            """
    }

    private func stands(_ state: SQL, in version: SQL) -> SQL { "\(state)._since <= \(version) AND (\(state)._until IS NULL OR \(state)._until > \(version))" }

    /// Whether the row's key lies in a page: after one key, and not after another.
    private var isOnPage: SQL {
        let own = zip(keyFields, key).map { "\($1, as: $0.type.postgresType)" as SQL }.joined(separator: ", ")
        func values(_ column: SQL) -> SQL {
            keyFields.enumerated().map { place, field in "\(column)[\(raw: String(place + 1))]::\(raw: field.type.castType)" as SQL }.joined(separator: ", ")
        }
        return "(c.after_key IS NULL OR ROW(\(own)) > ROW(\(values("c.after_key")))) AND (c.last_key IS NULL OR ROW(\(own)) <= ROW(\(values("c.last_key"))))"
    }

    func sql(limit: Int) -> SQL {
        let rest = fields.filter { !schema.primaryKey.contains($0) }
        let same: SQL = rest.isEmpty ? "true" : rest.map { "o.\(identifier: $0) IS NOT DISTINCT FROM n.\(identifier: $0)" as SQL }.joined(separator: " AND ")
        return """
            WITH states AS MATERIALIZED (\(states)), deliveries AS (
                SELECT d.id, d.from_version AS f, d.to_version AS t, d.started_at, d.finished_at,
                    EXISTS (SELECT FROM states n WHERE \(stands("n", in: "d.to_version")) AND (d.from_version = 0 OR (n._since > d.from_version
                        AND NOT EXISTS (SELECT FROM states o WHERE \(stands("o", in: "d.from_version")) AND \(same))))) AS is_given,
                    d.from_version > 0 AND EXISTS (SELECT FROM states o WHERE \(stands("o", in: "d.from_version")))
                        AND NOT EXISTS (SELECT FROM states n WHERE \(stands("n", in: "d.to_version"))) AS is_gone
                FROM daylight.delivery d WHERE d.grant_id = \(grant)::uuid AND d.from_version <> d.to_version
            )
            SELECT * FROM (
                SELECT c.at, c.purpose, c.path, c.version AS from_version, c.version, NULL::uuid AS delivery, true AS complete, false AS key_only
                FROM daylight.exchange_call c
                WHERE c.grant_id = \(grant)::uuid AND c.stage = 'begun' AND c.path = 'rows' AND EXISTS (SELECT FROM states s WHERE \(stands("s", in: "c.version"))) AND \(isOnPage)
                UNION ALL
                SELECT d.started_at, c.purpose, coalesce(c.path, CASE d.f WHEN 0 THEN 'data' ELSE 'changes' END), d.f, d.t, d.id, d.finished_at IS NOT NULL, NOT d.is_given
                FROM deliveries d LEFT JOIN LATERAL (SELECT e.purpose, e.path FROM daylight.exchange_call e WHERE e.delivery = d.id AND e.stage = 'begun' ORDER BY e.number LIMIT 1) AS c ON true
                WHERE d.is_given OR d.is_gone
            ) AS reads ORDER BY at DESC LIMIT \(limit)
            """
    }
}
