public import Model
public import NIOCore
import Postgres

/// Why the rows of another node cannot be kept here as they are there.
public struct UnfitRows: Error, Sendable, Hashable {
    /// PostgreSQL's SQLSTATE; nil where a difference does not fit what is here.
    public let state: String?
}

/// A version of another node's dataset on its way in, in one transaction, with the dataset locked: until it commits nobody sees any of it.
///
/// Confined to the task that opened it.
public final class Mirroring {
    let connection: Connection
    /// The dataset as it stands here, locked.
    public let target: PushTarget
    let withdrawing: Withdrawing

    init(connection: Connection, target: PushTarget) {
        self.connection = connection
        self.target = target
        withdrawing = Withdrawing(connection: connection, target: target)
    }

    /// Records a withdrawal as it is at home, and carries it out. The values of withdrawn rows are not kept: they are their department's.
    ///
    /// - Parameter rows: the rows that it names, for `rows`.
    /// - Returns: how many rows of the current version went.
    public func withdraw(_ withdrawal: Withdrawal, rows: [LeavingRow], entry: LedgerEntry) async throws -> Int {
        try await connection.record(withdrawal, by: nil, entry: entry, isPublic: true)
        switch withdrawal.subject {
        case .dataset:
            try await withdrawing.withdrawDataset(withdrawal)
            return 0
        case .version:
            if let number = withdrawal.version { try await withdrawing.withdrawVersion(number, withdrawal) }
            return 0
        case .rows:
            guard try await !columns(of: "data").isEmpty else { return 0 }
            let departure = try await withdrawing.remove(rows, withdrawal)
            try await connection.execute("UPDATE daylight.withdrawn_row SET state = '{}', erased_at = now() WHERE withdrawal = \(withdrawal.id)::uuid")
            if departure.states > 0 { try await withdrawing.renewRollups(version: target.currentVersion ?? 1) }
            return departure.standing
        }
    }

    /// Deletes the rows of a dataset that was withdrawn, and what is kept of them elsewhere: its roll-ups, and the keys in the trees over its rows. It waits for whoever
    /// still reads them.
    public func deleteRows() async throws {
        let rollups: [String] = try await connection.execute("SELECT relation FROM daylight.rollup WHERE dataset = \(target.dataset)").map { try $0.read(0) }
        for name in ["d\(target.number)"] + rollups where try await connection.execute("SELECT to_regclass(\("data." + name)) IS NOT NULL")[0].read(Bool.self, 0) {
            try await connection.execute("TRUNCATE data.\(identifier: name)")
        }
        try await connection.execute(
            "DELETE FROM daylight.row_tree_node WHERE tree IN (SELECT row_tree FROM daylight.version WHERE dataset = \(target.dataset) AND row_tree IS NOT NULL)")
    }

    /// Notes at versions that are here what they are under at home.
    public func mark(_ versions: [Int], withdrawnBy withdrawal: String) async throws {
        try await connection.execute(
            """
            UPDATE daylight.version SET withdrawal = \(withdrawal)::uuid
            WHERE dataset = \(target.dataset) AND number = ANY (\(versions)::bigint[]) AND withdrawal IS NULL
            """)
    }

    /// Records a version whose content could not be had any more.
    public func skip(_ version: Version, entry: LedgerEntry) async throws {
        try await connection.insert(version, releasedBy: nil, rowTree: nil)
        if let withdrawal = version.withdrawal { try await mark([version.number], withdrawnBy: withdrawal) }
        try await connection.publish(version)
        try await connection.record(.release(version: version.number), of: target.dataset)
        try await connection.enter(entry)
        try await connection.notifyChange(of: target.dataset)
    }

    /// Makes the rows of a file the dataset's current ones: only what differs is written.
    ///
    /// - Parameters:
    ///   - version: what they are.
    ///   - file: gives the canonical CSV, piece by piece.
    /// - Throws: ``UnfitRows`` where they are no rows of its schema, or two have one key.
    public func replace(with version: Version, isolation: isolated (any Actor)? = #isolation, _ file: (StagingWriter) async throws -> Void) async throws {
        let rows = RowTable(number: target.number, schema: version.schema), names = rows.fieldNames, number = Int32(version.number)
        try await fitting {
            try await connection.execute(rows.createArrived)
            try await load("COPY arrived (\(RowTable.columns(names))) FROM STDIN WITH (FORMAT csv, HEADER match)", file)
            guard try await adapt(rows) else {
                try await connection.execute(rows.create)
                try await connection.execute("INSERT INTO \(rows.table) (_since, \(RowTable.columns(names))) SELECT \(number), \(RowTable.columns(names)) FROM arrived")
                for statement in rows.createIndexes + rows.createView { try await connection.execute(statement) }
                return
            }
            try await connection.execute("ANALYZE arrived")
            try await connection.execute("CREATE TEMP TABLE change ON COMMIT DROP AS SELECT c.ctid AS old, s.ctid AS new \(rows.difference(staged: "arrived", mode: .replace))")
            try await connection.execute("ANALYZE change")
            try await connection.execute("UPDATE \(rows.table) t SET _until = \(number) FROM change WHERE t.ctid = change.old")
            try await connection.execute(
                """
                INSERT INTO \(rows.table) (_since, \(RowTable.columns(names))) SELECT \(number), \(RowTable.columns(names, of: "s"))
                FROM change JOIN arrived s ON s.ctid = change.new
                """)
        }
    }

    /// Applies a difference (docs/differences.md, CSV) to the dataset's current rows.
    ///
    /// - Throws: ``UnfitRows`` where it is none between what is here and the version.
    public func change(to version: Version, from old: TableSchema, isolation: isolated (any Actor)? = #isolation, _ file: (StagingWriter) async throws -> Void) async throws {
        let rows = RowTable(number: target.number, schema: version.schema), number = Int32(version.number)
        let columns = MirroredDifference(from: old, to: version.schema)
        try await fitting {
            try await connection.execute("CREATE TEMP TABLE difference (\(columns.definition)) ON COMMIT DROP")
            try await load("COPY difference FROM STDIN WITH (FORMAT csv, HEADER true)", file)
            guard try await adapt(rows) else { throw UnfitRows(state: nil) }
            try await connection.execute("ANALYZE difference")
            let ended = try await connection.execute(
                "UPDATE \(rows.table) t SET _until = \(number) FROM difference d WHERE t._until IS NULL AND d._change <> 'added' AND \(rows.sameKey("t", "d"))"
            ).affectedRows
            let told: Int = try await connection.execute("SELECT count(*) FROM difference WHERE _change <> 'added'")[0].read(0)
            guard ended == told else { throw UnfitRows(state: nil) }
            try await connection.execute(
                """
                INSERT INTO \(rows.table) (_since, \(RowTable.columns(rows.fieldNames))) SELECT \(number), \(columns.values)
                FROM difference d LEFT JOIN \(rows.table) c ON c._until = \(number) AND d._change = 'changed' AND \(rows.sameKey("c", "d"))
                WHERE d._change <> 'removed'
                """)
        }
    }

    /// The first line of a difference between versions of two schemas.
    public static func differenceHeader(from old: TableSchema, to new: TableSchema) -> String { MirroredDifference(from: old, to: new).header }

    /// Hands over the canonical CSV of what is current now, in buffers of about 256 KB.
    public func canonical(of schema: TableSchema, isolation: isolated (any Actor)? = #isolation, _ body: (ByteBuffer) throws -> Void) async throws {
        let rows = RowTable(number: target.number, schema: schema)
        try await rows.canonical(from: rows.table, where: "_until IS NULL", connection, body)
    }

    /// Makes the version visible to everybody when the transaction commits.
    ///
    /// - Parameter tree: the tree over its rows, and the identifier under which it is kept.
    public func publish(_ version: Version, entry: LedgerEntry, tree: (id: String, value: RowTree)) async throws {
        let rows = RowTable(number: target.number, schema: version.schema)
        try await connection.rollUp(rows, of: target.dataset, version: version.number)
        try await connection.keep(tree.value, as: tree.id)
        try await connection.insert(version, releasedBy: nil, rowTree: tree.id)
        try await connection.execute("UPDATE daylight.dataset SET schema = \(JSONB(encoding: version.schema)) WHERE id = \(target.dataset)")
        try await connection.publish(version)
        try await connection.record(.release(version: version.number), of: target.dataset)
        try await connection.enter(entry)
        try await connection.notifyChange(of: target.dataset)
    }

    private func load(_ copy: SQL, isolation: isolated (any Actor)? = #isolation, _ file: (StagingWriter) async throws -> Void) async throws {
        _ = try await connection.copyIn(copy) { writer in try await file(StagingWriter(writer: writer)) }
    }

    /// The columns of the dataset's row table, or of the view on it; none where there is no such table.
    private func columns(of schema: String) async throws -> [String] {
        try await connection.execute(
            """
            SELECT attname::text FROM pg_catalog.pg_attribute
            WHERE attrelid = to_regclass(\("\(schema).d\(target.number)")) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
            """
        ).map { try $0.read(String.self, 0) }
    }

    /// Gives the row table the fields, the view and the indexes that the schema asks for.
    ///
    /// - Returns: false where there is no row table yet.
    private func adapt(_ rows: RowTable) async throws -> Bool {
        let standing = Set(try await columns(of: "data"))
        guard !standing.isEmpty else { return false }
        for statement in rows.additions(beside: standing) { try await connection.execute(statement) }
        let masks = { (schema: TableSchema?) in schema?.publicFields.map(\.mask) }
        if try await columns(of: "published") != rows.schema.publicFields.map(\.name) + ["_since", "_until"] || masks(target.currentSchema) != masks(rows.schema) {
            for statement in rows.createView { try await connection.execute(statement) }
        }
        if target.currentSchema?.indexes != rows.schema.indexes {
            for statement in rows.createIndexes { try await connection.execute(statement) }
        }
        return true
    }

    /// What another node sent and PostgreSQL refuses is its fault, not ours.
    private func fitting(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as PostgresError {
            guard let state = error.sqlState, ["22", "23", "42"].contains(state.conditionClass), state != .insufficientPrivilege else { throw error }
            throw UnfitRows(state: state.rawValue)
        }
    }
}

extension Store {
    /// Locks another node's dataset and lends it to the closure; commits when that returns.
    ///
    /// - Parameter isOver: whether the node is followed no more.
    /// - Returns: nil where the dataset is not that node's here, or that is not so.
    public func mirror<T>(_ dataset: String, of node: String, isOver: Bool = false, isolation: isolated (any Actor)? = #isolation, _ body: (Mirroring) async throws -> T) async throws -> T? {
        try await transaction { connection in
            try await connection.prepareLongWork()
            let number = try await connection.execute(
                """
                SELECT d.number FROM daylight.dataset d JOIN daylight.home_node n ON n.id = d.home_node
                WHERE d.id = \(dataset) AND n.id = \(node)::uuid AND (n.state = 'removed') = \(isOver)
                """
            ).first?.read(Int.self, 0)
            guard let number else { return nil }
            try await connection.lock(dataset: number)
            guard let target = try await PushTarget.read(connection, dataset, locked: true) else { return nil }
            return try await body(Mirroring(connection: connection, target: target))
        }
    }
}

/// The columns of a difference as they are loaded: key fields under their names, of the others `_o<place>` as they were and `_n<place>` as they are.
struct MirroredDifference {
    private let schema: TableSchema
    private let known: Set<String>

    init(from old: TableSchema, to schema: TableSchema) {
        self.schema = schema
        known = Set(old.publicFields.map(\.name))
    }

    private func isKey(_ field: Field) -> Bool { schema.primaryKey.contains(field.name) }

    var header: String {
        let columns = schema.publicFields.flatMap { field -> [String] in
            if let place = schema.primaryKey.firstIndex(of: field.name) { return ["\(field.name).key\(place + 1)\(field.type.isNumber ? ".number" : "")"] }
            return known.contains(field.name) ? ["\(field.name).old", "\(field.name).new"] : ["\(field.name).new"]
        }
        return (["_change"] + columns).joined(separator: ",")
    }

    var definition: SQL {
        let columns: [SQL] = schema.publicFields.enumerated().flatMap { place, field -> [SQL] in
            let type: SQL = SQL(raw: field.type.castType)
            if isKey(field) { return ["\(identifier: field.name) \(type)"] }
            let new: SQL = "\(identifier: "_n\(place)") \(type)"
            return known.contains(field.name) ? ["\(identifier: "_o\(place)") \(type)", new] : [new]
        }
        return (["_change text"] + columns).joined(separator: ", ")
    }

    /// The values of a row that came or changed; what it kept is taken from its old state `c`.
    var values: SQL {
        schema.publicFields.enumerated().map { place, field -> SQL in
            if isKey(field) { return "d.\(identifier: field.name)" }
            let new: SQL = "d.\(identifier: "_n\(place)")"
            guard known.contains(field.name) else { return new }
            return "CASE WHEN d.\(identifier: "_o\(place)") IS NULL AND \(new) IS NULL THEN c.\(identifier: field.name) ELSE \(new) END"
        }.joined(separator: ", ")
    }
}
