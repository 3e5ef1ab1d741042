public import Model
import Postgres

/// One cell that is doubted: a field of a row, wherever and in whatever version it stands.
public struct DoubtedCell: Sendable {
    let number: Int
    let dataset: String
    let schema: TableSchema
    /// Canonical values of the key's fields, in key order.
    let key: [String]
    let field: String

    /// - Parameter schema: that of the version in which it was seen.
    public init(_ subject: ShareSubject, _ schema: TableSchema, key: [String], field: String) {
        number = subject.number
        dataset = subject.dataset
        self.schema = schema
        self.key = key
        self.field = field
    }

    private var keyFields: [Field] { schema.primaryKey.compactMap { schema.field($0) } }

    /// Whether a row is this one.
    fileprivate var isRow: SQL { zip(keyFields, key).map { "\(identifier: $0.name) = \($1, as: $0.type.postgresType)" as SQL }.joined(separator: " AND ") }

    fileprivate var rows: RowTable { RowTable(number: number, schema: schema) }

    fileprivate static func stands(in version: Int) -> SQL { "_since <= \(version, as: .int4) AND (_until IS NULL OR _until > \(version, as: .int4))" }
}

extension Store {
    /// Whether everybody sees the row in a version.
    public func isPublic(_ cell: DoubtedCell, in version: Int) async throws -> Bool {
        try await !readPooled("SELECT FROM \(cell.rows.view) WHERE \(cell.isRow) AND \(DoubtedCell.stands(in: version)) LIMIT 1").isEmpty
    }

    /// Whether a department sees the field of the row in a version, by a grant that runs.
    public func isGranted(_ cell: DoubtedCell, in version: Int, to department: String) async throws -> Bool {
        let grants = try await write(
            """
            SELECT number FROM daylight.share_grant WHERE dataset = \(cell.dataset) AND receiver = \(department) AND ended_at IS NULL AND expires_at > now()
                AND from_version <= \(version, as: .int4) AND terms -> 'fields' ? \(cell.field, as: .text) ORDER BY number LIMIT 1000
            """)
        for grant in grants {
            // Nothing is given by it, so it needs no pass: the writer asks the view what the grant gives.
            let view = GrantView.rows(try grant.read("number"))
            if try await !write("SELECT FROM \(view) WHERE \(cell.isRow) AND \(DoubtedCell.stands(in: version)) LIMIT 1").isEmpty { return true }
        }
        return false
    }

    /// Whether a version changed the cell: it has another value there, or none, than in the version before, and than in the one that was doubted. A row that went with
    /// the version, was taken out of it or came with it has changed.
    public func changed(_ cell: DoubtedCell, in version: Int, since doubted: Int) async throws -> Bool {
        func value(in version: Int) -> SQL {
            "(SELECT jsonb_build_array(\(identifier: cell.field)) FROM \(cell.rows.table) WHERE \(cell.isRow) AND \(DoubtedCell.stands(in: version)) LIMIT 1)"
        }
        return try await write(
            """
            SELECT (\(value(in: version)) IS DISTINCT FROM \(value(in: version - 1)) AND \(value(in: version)) IS DISTINCT FROM \(value(in: doubted)))
                OR EXISTS (SELECT FROM daylight.withdrawn_row w JOIN daylight.withdrawal t ON t.id = w.withdrawal
                    WHERE w.dataset = \(cell.dataset) AND w.key = \(RowKey.text(cell.key)) AND w.since <= \(doubted, as: .int4) AND (w.until IS NULL OR w.until > \(doubted, as: .int4))
                        AND (SELECT min(v.number) FROM daylight.version v WHERE v.dataset = w.dataset AND v.released_at >= t.withdrawn_at) = \(version, as: .int4)) AS changed
            """
        )[0].read("changed")
    }

    /// Departments that were delivered the field of the row in some version, each with the newest grant that it came by.
    public func holders(of cell: DoubtedCell) async throws -> [(department: String, grant: String)] {
        let grants = try await write(
            """
            SELECT g.id, g.receiver, g.from_version, g.terms ->> 'filter' AS filter, v.schema
            FROM daylight.share_grant g JOIN daylight.version v ON v.dataset = g.dataset AND v.number = g.from_version
            WHERE g.dataset = \(cell.dataset) AND g.terms -> 'fields' ? \(cell.field, as: .text) ORDER BY g.number DESC LIMIT 10000
            """)
        var holders: [(department: String, grant: String)] = []
        for row in grants {
            let receiver: String = try row.read("receiver"), grant: String = try row.read("id"), from: Int = try row.read("from_version")
            if holders.contains(where: { $0.department == receiver }) { continue }
            let condition = try GrantView.condition(filter: row.read(String?.self, "filter"), try row.document(TableSchema.self, "schema"))
            let held = try await write(
                """
                SELECT FROM \(cell.rows.table) AS r WHERE \(cell.isRow) AND (_until IS NULL OR _until > \(from, as: .int4)) AND \(condition) AND EXISTS (
                    SELECT FROM daylight.delivery d WHERE d.grant_id = \(grant)::uuid AND d.finished_at IS NOT NULL AND r._since <= d.to_version AND (r._until IS NULL OR r._until > d.to_version)
                    UNION ALL
                    SELECT FROM daylight.exchange_call a WHERE a.grant_id = \(grant)::uuid AND a.stage = 'begun' AND a.path = 'rows' AND r._since <= a.version AND (r._until IS NULL OR r._until > a.version))
                LIMIT 1
                """)
            if !held.isEmpty { holders.append((receiver, grant)) }
        }
        return holders
    }
}

extension GrantView {
    /// Which rows a grant gives, from the text of its filter.
    static func condition(filter: String?, _ schema: TableSchema) throws -> SQL {
        guard let filter else { return "true" }
        let fields = ShareSchema.queryable(schema)
        do {
            return "(\(try FilterLanguage.text.predicate(filter, fields: fields).sql(fields)))"
        } catch {
            // It was read when the grant was made; a grant that cannot be read any more gives nothing.
            return "false"
        }
    }
}
