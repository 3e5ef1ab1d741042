import Model
import Postgres

/// The table and the view that hold one roll-up of a dataset, as SQL made from its shape.
///
/// - `data.r<number>_<hash>`: every state of every group, with the versions in which it stands, as rows have them (`_since`, `_until`).
/// - `published.r<number>_<hash>`: the same for the reader.
struct RollupTable: Sendable, Hashable {
    let number: Int
    let shape: RollupShape

    /// Made from what is kept: a roll-up that keeps something else is another one.
    var relation: String { "r\(number)_\(RowTable.hash(shape.signature))" }
    var table: SQL { "data.\(identifier: relation)" }
    var view: SQL { "published.\(identifier: relation)" }

    /// Columns are numbered: what they are named after could be longer than PostgreSQL keeps. No field's name begins with an underscore.
    static func group(_ place: Int) -> SQL { SQL(raw: "_g\(place)") }
    static func part(_ place: Int) -> SQL { SQL(raw: "_p\(place)") }

    private var columns: SQL { (shape.groups.indices.map(Self.group) + shape.parts.indices.map(Self.part)).joined(separator: ", ") }

    /// The groups that the current rows make.
    private func groups(of rows: RowTable) -> SQL {
        let keys = shape.groups.enumerated().map { "\($1.key(over: "\(identifier: $1.field)")) AS \(Self.group($0))" as SQL }
        let parts = shape.parts.enumerated().map { "\($1.value) AS \(Self.part($0))" as SQL }
        let places = shape.groups.indices.map { SQL(raw: String($0 + 1)) }
        return "SELECT \((keys + parts).joined(separator: ", ")) FROM \(rows.table) WHERE _until IS NULL GROUP BY \(places.joined(separator: ", "))"
    }

    /// Makes the table with its first groups.
    ///
    /// - Returns: the number of groups.
    func create(of rows: RowTable, version: Int, _ connection: Connection) async throws -> Int {
        let made = try await connection.execute(
            "CREATE TABLE \(table) AS SELECT \(raw: String(version))::integer AS _since, NULL::integer AS _until, \(columns) FROM (\(groups(of: rows))) AS now")
        // Groups change with every release that touches them: once most states are history, the current ones have to be found among them.
        for statement: SQL in [
            "CREATE INDEX \(identifier: relation + "_current") ON \(table) (_since) WHERE _until IS NULL", "ANALYZE \(table)",
            "CREATE VIEW \(view) AS SELECT _since, _until, \(columns) FROM \(table)", "GRANT SELECT ON \(view) TO daylight_reader",
        ] { try await connection.execute(statement) }
        return made.affectedRows
    }

    /// Brings the table to what the current rows make: groups that came, went or changed get a new state, all others stay as they are.
    ///
    /// - Returns: the number of groups.
    func update(of rows: RowTable, version: Int, _ connection: Connection) async throws -> Int {
        // A table of its own: PostgreSQL computes it in parallel, which it does not where it inserts.
        let now = try await connection.execute("CREATE TEMP TABLE rollup_now ON COMMIT DROP AS \(groups(of: rows))")
        // A state that is there twice has not changed. Grouping finds it whatever is null in it.
        let changed = try await connection.execute(
            """
            CREATE TEMP TABLE rollup_change ON COMMIT DROP AS SELECT max(old) AS old, \(columns)
            FROM (SELECT ctid AS old, \(columns) FROM \(table) WHERE _until IS NULL UNION ALL SELECT NULL, \(columns) FROM rollup_now) AS states
            GROUP BY \(columns) HAVING count(*) = 1
            """)
        let number = Int32(version)
        try await connection.execute("UPDATE \(table) t SET _until = \(number) FROM rollup_change WHERE t.ctid = rollup_change.old")
        try await connection.execute("INSERT INTO \(table) (_since, \(columns)) SELECT \(number), \(columns) FROM rollup_change WHERE old IS NULL")
        if changed.affectedRows >= 1000 { try await connection.execute("ANALYZE \(table)") }
        for name in ["rollup_now", "rollup_change"] { try await connection.execute("DROP TABLE pg_temp.\(identifier: name)") }
        return now.affectedRows
    }
}

extension RowTable {
    /// The roll-ups that the schema declares.
    var rollups: [RollupTable] { schema.rollups.compactMap { try? RollupShape($0, schema: schema) }.map { RollupTable(number: number, shape: $0) } }
}

extension Connection {
    /// Brings a dataset's roll-ups to the state that its rows have now; those that are not declared any more go.
    ///
    /// - Parameters:
    ///   - version: the version that these rows are.
    ///   - anew: keeps nothing of older versions, whose sums may hold what was withdrawn.
    func rollUp(_ rows: RowTable, of dataset: String, version: Int, anew: Bool = false) async throws {
        // Nobody asks for sums of what is closed to the public.
        guard try await execute("SELECT FROM daylight.dataset WHERE id = \(dataset) AND audience = 'public'").first != nil else { return }
        let declared = rows.rollups
        let standing = try await execute("SELECT relation FROM daylight.rollup WHERE dataset = \(dataset)").map { try $0.read(String.self, 0) }
        for relation in standing where !declared.contains(where: { $0.relation == relation }) {
            try await execute("DELETE FROM daylight.rollup WHERE relation = \(relation)")
            try await execute("DROP VIEW published.\(identifier: relation)")
            try await execute("DROP TABLE data.\(identifier: relation)")
        }
        for rollup in declared {
            let stands = standing.contains(rollup.relation)
            if stands, anew { try await execute("DELETE FROM \(rollup.table)") }
            let groups =
                stands ? try await rollup.update(of: rows, version: version, self) : try await rollup.create(of: rows, version: version, self)
            try await execute(
                """
                INSERT INTO daylight.rollup (relation, dataset, since, groups) VALUES (\(rollup.relation), \(dataset), \(Int32(version)), \(groups))
                ON CONFLICT (relation) DO UPDATE SET groups = excluded.groups, since = CASE WHEN \(anew) THEN excluded.since ELSE rollup.since END
                """)
        }
    }

    /// Closes a dataset's roll-ups to the public.
    func closeRollups(of dataset: String) async throws {
        for row in try await execute("SELECT relation FROM daylight.rollup WHERE dataset = \(dataset)") {
            let relation = try row.read(String.self, 0)
            try await execute("REVOKE SELECT ON published.\(identifier: relation) FROM daylight_reader")
        }
    }
}
