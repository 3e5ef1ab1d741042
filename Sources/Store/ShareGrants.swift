public import Model
import Postgres

/// The views that serve one grant. They are made by the writer, whose rights they read with, and `daylight_exchange` can select from them and from nothing else.
///
/// - `granted.g<number>`: the granted fields of the granted rows, in every version since the grant, as long as the grant runs.
/// - `granted.w<number>`: the keys of such rows that were withdrawn since, so that their receiver can be told. Those that were erased then are in `granted.erased`.
///
/// Both ask for a ``GrantPass``.
struct GrantView {
    let number: Int
    let rows: RowTable
    let fields: [String]
    let predicate: Predicate?
    let fromVersion: Int

    static func rows(_ number: Int) -> SQL { "granted.\(identifier: "g\(number)")" }
    static func gone(_ number: Int) -> SQL { "granted.\(identifier: "w\(number)")" }

    /// True while the grant runs and its dataset is published: asked for once in a statement, whoever selects, at the time of the statement.
    private var isRunning: SQL {
        """
        EXISTS (SELECT FROM daylight.share_grant AS g JOIN daylight.dataset AS d ON d.id = g.dataset
            WHERE g.number = \(raw: String(number)) AND g.ended_at IS NULL AND g.expires_at > statement_timestamp() AND d.state = 'published')
        """
    }

    /// Raises for the exchange's role where no pass admits the read.
    private var isAdmitted: SQL { "(SELECT granted.admits(\(raw: String(number))))" }

    private var condition: SQL {
        guard let predicate else { return "true" }
        return "(\(predicate.sql(ShareSchema.queryable(rows.schema))))"
    }

    /// Makes the views. Without the barrier, a function in the caller's own condition could be shown rows that the grant leaves out.
    var create: [SQL] {
        let since: SQL = "\(raw: String(fromVersion))"
        return [
            """
            CREATE VIEW \(Self.rows(number)) WITH (security_barrier) AS
            SELECT _since, _until, \(RowTable.columns(fields)) FROM \(rows.table)
            WHERE (_until IS NULL OR _until > \(since)) AND \(condition) AND \(isRunning) AND \(isAdmitted)
            """,
            """
            CREATE VIEW \(Self.gone(number)) WITH (security_barrier) AS
            SELECT _from AS _since, _to AS _until, _gone_at, \(RowTable.columns(rows.schema.primaryKey))
            FROM (SELECT w.since AS _from, w.until AS _to, t.withdrawn_at AS _gone_at, r.* FROM daylight.withdrawn_row AS w JOIN daylight.withdrawal AS t ON t.id = w.withdrawal
                JOIN daylight.dataset AS s ON s.id = w.dataset AND s.number = \(raw: String(rows.number)),
                LATERAL jsonb_populate_record(NULL::\(rows.table), w.state) AS r) AS gone
            WHERE (_to IS NULL OR _to > \(since)) AND \(condition) AND \(isRunning) AND \(isAdmitted)
            """,
        ]
    }
}

/// Which of a dataset's fields can be shared at all, and how they are asked about.
public enum ShareSchema {
    /// Fields that may leave their department for another one: all but those that are for nobody outside the program.
    public static func fields(_ schema: TableSchema) -> [Field] { schema.fields.filter { $0.visibility != .private } }

    /// The same, as filters name them.
    public static func queryable(_ schema: TableSchema) -> QueryableFields { QueryableFields(open(schema, fields(schema).map(\.name))) }

    /// A schema of these fields as a grant gives them: unmasked, in the schema's order.
    static func open(_ schema: TableSchema, _ names: [String]) -> TableSchema {
        var open = schema
        open.fields = schema.fields.filter { names.contains($0.name) }.map { field in
            var field = field
            field.visibility = .public
            field.mask = nil
            return field
        }
        return open
    }
}

/// A grant as it is served.
public struct ServedGrant: Sendable {
    public var grant: ShareGrant
    /// Names its views.
    let number: Int
    /// The granted fields as they are read: in the schema's order, unmasked.
    public let schema: TableSchema
    public var title: LocalizedText
    public var datasetState: Dataset.State
    public var audience: Audience
    public var currentVersion: Int
    /// When the next row of the dataset has to leave: from then on nothing is read until it has left.
    public var expiresAt: Timestamp?

    var key: RowOrder { RowOrder(key: QueryableFields(schema), schema.primaryKey) }
}

extension Store {
    static let grantColumns: SQL = "id, request, dataset, provider, receiver, terms, method, from_version, granted_at, expires_at, ended_at"

    static func add(_ grant: ShareGrant, subject: ShareSubject, predicate: Predicate?, entry: LedgerEntry, _ connection: Connection) async throws {
        guard let schema = subject.schema else { return }
        let number: Int = try await connection.execute(
            """
            INSERT INTO daylight.share_grant (id, request, dataset, provider, receiver, terms, method, from_version, granted_at, expires_at, leaf)
            VALUES (\(grant.id), \(grant.request), \(grant.dataset), \(grant.provider), \(grant.receiver), \(JSONB(encoding: grant.terms)), \(grant.method.rawValue),
                \(Int32(grant.fromVersion)), \(grant.grantedAt.instant), \(grant.terms.until.instant), sha256('\\x00'::bytea || \(Bytea(entry.bytes))))
            RETURNING number
            """)[0].read(0)
        let view = GrantView(
            number: number, rows: RowTable(number: subject.number, schema: schema), fields: grant.terms.fields, predicate: predicate, fromVersion: grant.fromVersion)
        for statement in view.create { try await connection.executeInlined(statement) }
        for name in [GrantView.rows(number), GrantView.gone(number)] { try await connection.execute("GRANT SELECT ON \(name) TO daylight_exchange") }
        try await connection.enter(entry)
    }

    /// One grant with its salt; nil where there is none.
    public func shareGrant(_ id: String) async throws -> ShareGrant? {
        guard id.isUUID else { return nil }
        return try await write(
            "SELECT \(Self.grantColumns), (SELECT encode(s.salt, 'hex') FROM daylight.ledger_salt s WHERE s.subject = id) AS salt FROM daylight.share_grant WHERE id = \(id)"
        ).first.map { row in
            var grant = try Self.grant(row)
            grant.salt = try row.read("salt")
            return grant
        }
    }

    /// Grants, newest first.
    ///
    /// - Parameters:
    ///   - department: which gave or got them; nil for all.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    ///   - last: the last one of the page before.
    public func shareGrants(department: String?, datasets: [String], before last: (grantedAt: Timestamp, id: String)?, limit: Int) async throws -> [ShareGrant] {
        var conditions: [SQL] = ["true"]
        if let department { conditions.append("(provider = \(department) OR receiver = \(department))") }
        if !datasets.isEmpty { conditions.append("dataset = ANY (\(datasets))") }
        if let last { conditions.append("(granted_at, id) < (\(last.grantedAt.instant), \(last.id)::uuid)") }
        return try await write(
            """
            SELECT \(Self.grantColumns) FROM daylight.share_grant WHERE \(conditions.joined(separator: " AND ")) ORDER BY granted_at DESC, id DESC LIMIT \(limit)
            """
        ).map(Self.grant)
    }

    /// A grant with what is needed to read by it; nil where there is none.
    public func servedGrant(_ id: String) async throws -> ServedGrant? {
        guard id.isUUID else { return nil }
        let columns = ["id", "request", "dataset", "provider", "receiver", "terms", "method", "from_version", "granted_at", "expires_at", "ended_at"]
        return try await write(
            """
            SELECT \(columns.map { "g.\(identifier: $0)" as SQL }.joined(separator: ", ")), g.number, d.title_zh, d.title_en, d.state, d.audience, d.current_version, d.expires_at AS row_expiry, v.schema
            FROM daylight.share_grant g JOIN daylight.dataset d ON d.id = g.dataset JOIN daylight.version v ON v.dataset = g.dataset AND v.number = g.from_version
            WHERE g.id = \(id)
            """
        ).first.map { row in
            let grant = try Self.grant(row)
            return ServedGrant(
                grant: grant, number: try row.read("number"), schema: ShareSchema.open(try row.document(TableSchema.self, "schema"), grant.terms.fields),
                title: try row.localized("title"), datasetState: try row.word("state"), audience: try row.word("audience"), currentVersion: try row.integerIfPresent("current_version") ?? grant.fromVersion,
                expiresAt: try row.timestampIfPresent("row_expiry"))
        }
    }

    static func grant(_ row: Row) throws -> ShareGrant {
        var terms = try row.document(ShareTerms.self, "terms")
        terms.until = try row.timestamp("expires_at")
        return ShareGrant(
            id: try row.read("id"), request: try row.read("request"), dataset: try row.read("dataset"), provider: try row.read("provider"),
            receiver: try row.read("receiver"), terms: terms, method: try row.word("method"), fromVersion: try row.read("from_version"),
            grantedAt: try row.timestamp("granted_at"), endedAt: try row.timestampIfPresent("ended_at"))
    }
}
