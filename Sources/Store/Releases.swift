public import Model
public import NIOCore
import Postgres

/// One release under way, in one transaction, with the dataset and the push locked: either all of it becomes visible at once, or none.
///
/// Confined to the task that opened it.
public final class Releasing {
    let connection: Connection
    /// The push as it stands, locked.
    public let record: PushRecord
    /// The dataset as it stands, locked.
    public let target: PushTarget
    let rows: RowTable

    /// What is closed to the public has no view that everybody reads.
    private var createView: [SQL] { target.audience == .public ? rows.createView : [] }

    private var staged: SQL { RowTable.staging(record.push.id) }
    /// The number that the new version will have.
    public var nextVersion: Int { (target.currentVersion ?? 0) + 1 }

    init(connection: Connection, record: PushRecord, target: PushTarget) {
        self.connection = connection
        self.record = record
        self.target = target
        rows = RowTable(number: target.number, schema: record.schema)
    }

    /// Whether a reviewer passed exactly this content.
    public func hasPassingReview() async throws -> Bool {
        let push = record.push
        return try await !connection.execute(
            "SELECT FROM daylight.review WHERE push = \(push.id) AND decision = 'pass' AND digest = \(push.digest) LIMIT 1"
        ).isEmpty
    }

    /// Whether the checked rows are still there: staging tables are not logged, so a crash of the database server empties them.
    public func hasStagedRows() async throws -> Bool {
        let there = try await connection.execute("SELECT to_regclass(\("staging." + RowTable.stagingName(record.push.id))) IS NOT NULL")
        guard try there[0].read(Bool.self, 0) else { return false }
        if record.push.rowCount == 0 { return true }
        return try await !connection.execute("SELECT FROM \(staged) LIMIT 1").isEmpty
    }

    /// How many staged keys stand already, where rows can only be added.
    public func collidingKeys() async throws -> Int {
        guard target.currentVersion != nil, record.push.mode == .append else { return 0 }
        let sql: SQL = "SELECT count(*) FROM \(staged) s JOIN \(rows.table) c ON c._until IS NULL AND \(rows.sameKey("s", "c"))"
        return try await connection.execute(sql)[0].read(0)
    }

    /// Puts the rows into the row table as the next version: only what differs is written.
    public func apply() async throws -> RowEffect {
        guard let currentSchema = target.currentSchema else { return try await applyFirst() }
        var rows = self.rows
        rows.released = currentSchema
        for statement in rows.additions(since: currentSchema) { try await connection.execute(statement) }
        if currentSchema.publicFields.map({ [$0.name, $0.mask?.rawValue] }) != rows.schema.publicFields.map({ [$0.name, $0.mask?.rawValue] }) {
            for statement in createView { try await connection.execute(statement) }
        }
        if currentSchema.indexes != rows.schema.indexes {
            for statement in rows.createIndexes { try await connection.execute(statement) }
        }
        try await connection.execute(
            "CREATE TEMP TABLE change ON COMMIT DROP AS \(rows.changes(staged: staged, mode: record.push.mode))")
        try await connection.execute("ANALYZE change")
        let version = Int32(nextVersion)
        try await connection.execute("UPDATE \(rows.table) t SET _until = \(version) FROM change WHERE t.ctid = change.old")
        let columns = RowTable.columns(rows.fieldNames)
        try await connection.execute(
            """
            INSERT INTO \(rows.table) (_since, \(columns)) SELECT \(version), \(RowTable.columns(rows.fieldNames, of: "s"))
            FROM change JOIN \(staged) s ON s.ctid = change.new
            """)
        return try await RowEffect(connection.execute("SELECT \(RowTable.counts) FROM change")[0])
    }

    /// The first version: nothing to compare with, and the indexes are built once all rows are there.
    private func applyFirst() async throws -> RowEffect {
        try await connection.execute(rows.create)
        let columns = RowTable.columns(rows.fieldNames)
        let inserted = try await connection.execute("INSERT INTO \(rows.table) (_since, \(columns)) SELECT 1, \(columns) FROM \(staged)")
        for statement in rows.createIndexes + createView { try await connection.execute(statement) }
        return RowEffect(first: inserted.affectedRows)
    }

    /// Hands over the canonical CSV of the state that was made, in buffers of about 256 KB.
    public func canonical(isolation: isolated (any Actor)? = #isolation, _ body: (ByteBuffer) throws -> Void) async throws {
        try await rows.canonical(from: rows.table, where: "_until IS NULL", connection, body)
    }

    /// Keeps the tree over the state that was made, in place of one that was made when the push was checked.
    public func keep(_ tree: RowTree) async throws {
        try await connection.keep(tree, as: record.push.id)
    }

    /// The dataset's description as it stands, with its revision.
    public func description() async throws -> (revision: Int, value: DatasetDescription) {
        try await Store.description(of: target.dataset, connection)
    }

    /// Makes the new version visible to everybody when the transaction commits.
    ///
    /// - Parameters:
    ///   - releasedBy: the key that released it; nil where a schedule did.
    ///   - entry: what the ledger says of it.
    ///   - renewsRollups: whether rows were withdrawn, whose sums must not stay.
    public func finish(_ version: Version, counts: RowCounts, releasedBy key: String?, entry: LedgerEntry, renewsRollups: Bool = false) async throws {
        try await connection.rollUp(rows, of: target.dataset, version: version.number, anew: renewsRollups)
        try await connection.insert(version, releasedBy: key, rowTree: record.push.id)
        try await connection.publish(version)
        try await end(state: .released, version: version.number, counts: counts)
        try await connection.record(.release(version: version.number), of: target.dataset)
        try await connection.enter(entry)
        try await connection.noteExpiry(of: target.dataset, rows, target.publicityWindow)
        try await connection.notifyChange(of: target.dataset)
    }

    /// Ends the push without a new version.
    ///
    /// - Parameters:
    ///   - version: the version that it equals, if it does.
    ///   - reason: why nothing was released.
    public func end(as state: Push.State, version: Int? = nil, reason: LocalizedText? = nil) async throws {
        try await end(state: state, version: version, counts: nil, reason: reason)
    }

    /// Notes the time at which it will be released.
    public func schedule(at time: Timestamp) async throws {
        try await connection.execute(
            """
            UPDATE daylight.push SET state = 'scheduled', release_at = \(time.instant), updated_at = now() WHERE id = \(record.push.id)
            """)
    }

    private func end(state: Push.State, version: Int?, counts: RowCounts?, reason: LocalizedText? = nil) async throws {
        try await connection.execute("DROP TABLE IF EXISTS \(staged)")
        try await connection.execute("DELETE FROM daylight.ended_row WHERE push = \(record.push.id)")
        try await connection.execute(
            """
            UPDATE daylight.push SET state = \(state.rawValue), version = \(version), added = coalesce(\(counts?.added), added),
                changed = coalesce(\(counts?.changed), changed), removed = coalesce(\(counts?.removed), removed),
                reason_zh = \(reason?.zh), reason_en = \(reason?.en), updated_at = now()
            WHERE id = \(record.push.id)
            """)
    }
}

extension Store {
    /// Locks a push and its dataset for a release, and lends both to the closure; commits when that returns.
    ///
    /// - Returns: nil where there is no such push.
    public func release<T>(
        push id: String, isolation: isolated (any Actor)? = #isolation, _ body: (Releasing) async throws -> T
    ) async throws -> T? {
        guard let first = try await push(id) else { return nil }
        return try await transaction { connection in
            try await connection.prepareLongWork()
            // Always in this order: the dataset's turn, the dataset, the push.
            guard let number = try await PushTarget.read(connection, first.push.dataset)?.number else { return nil }
            try await connection.lock(dataset: number)
            guard let target = try await PushTarget.read(connection, first.push.dataset, locked: true) else { return nil }
            let row = try await connection.execute("SELECT \(PushRecord.columns) FROM daylight.push p WHERE p.id = \(id) FOR UPDATE").first
            guard let row else { return nil }
            return try await body(Releasing(connection: connection, record: PushRecord(row), target: target))
        }
    }

    /// Pushes whose time has come, the longest due first.
    public func duePushes(at now: Timestamp, limit: Int) async throws -> [String] {
        try await write(
            """
            SELECT id FROM daylight.push WHERE state = 'scheduled' AND release_at <= \(now.instant) ORDER BY release_at, id LIMIT \(limit)
            """
        ).map { try $0.read(0) }
    }

    /// Gives the planner its figures about a dataset's rows, which a release of many rows changes at once.
    public func analyzeRows(of number: Int) async throws {
        try await transaction { connection in
            try await connection.prepareLongWork()
            try await connection.execute("ANALYZE data.\(identifier: "d\(number)")")
        }
    }
}

extension RowTable {
    /// Counts over ``changes(staged:mode:)``.
    static let counts: SQL = """
        count(*) FILTER (WHERE old IS NULL) AS added, count(*) FILTER (WHERE old IS NOT NULL AND new IS NOT NULL AND is_public) AS changed, \
        count(*) FILTER (WHERE new IS NULL) AS removed, count(new) AS written
        """

    /// The rows that a release changes: where they stand and where they are staged, `old` and `new`, and whether everybody sees that the two differ.
    func changes(staged: SQL, mode: PushMode) -> SQL {
        "SELECT c.ctid AS old, s.ctid AS new, (\(differsInPublic("s", "c"))) AS is_public \(difference(staged: staged, mode: mode))"
    }

    /// FROM and WHERE over the rows that a release changes: current rows as `c`, staged ones as `s`, either of them missing or both different.
    func difference(staged: SQL, mode: PushMode) -> SQL {
        let current: SQL = "(SELECT d.ctid, d.* FROM \(table) d WHERE d._until IS NULL) AS c"
        switch mode {
        case .replace:
            return "FROM \(current) FULL JOIN \(staged) s ON \(sameKey("s", "c")) WHERE c._since IS NULL OR s._line IS NULL OR \(differs("s", "c"))"
        case .upsert, .append:
            return "FROM \(staged) s LEFT JOIN \(current) ON \(sameKey("s", "c")) WHERE c._since IS NULL OR \(differs("s", "c"))"
        }
    }

    /// What a release of the staged rows would do.
    func compare(staged: SQL, mode: PushMode, hasCurrent: Bool, _ connection: Connection) async throws -> RowEffect {
        guard hasCurrent else { return RowEffect(first: try await connection.execute("SELECT count(*) FROM \(staged)")[0].read(0)) }
        return try await RowEffect(connection.execute("SELECT \(Self.counts) FROM (\(changes(staged: staged, mode: mode))) AS change")[0])
    }

    /// The canonical CSV of a relation that has the schema's columns, unmasked.
    func canonical(
        from relation: SQL, where condition: SQL, _ connection: Connection, isolation: isolated (any Actor)? = #isolation,
        _ body: (ByteBuffer) throws -> Void
    ) async throws {
        let form = CSVForm(fields: schema.publicFields)
        let copy = form.copy("SELECT \(form.maskedColumns) FROM \(relation) WHERE \(condition) ORDER BY \(Self.columns(schema.primaryKey))")
        try body(form.header)
        for try await chunk in connection.copyOut(copy) { try body(form.finisher.finish(chunk)) }
    }
}

/// What a release does to the rows that stand.
public struct RowEffect: Sendable, Hashable {
    /// What everybody is told, and the department and reviewers likewise: as `changed` count the rows in which a field shows another value than before. A change of a hidden
    /// field alone is not counted, nor one that a mask hides.
    public let counts: RowCounts
    /// Rows that get a new state: those too of which nobody but the department sees that they changed.
    public let written: Int

    /// Of the first version's rows.
    fileprivate init(first rows: Int) {
        counts = RowCounts(added: rows, changed: 0, removed: 0)
        written = rows
    }

    fileprivate init(_ row: Row) throws {
        counts = RowCounts(added: try row.read("added"), changed: try row.read("changed"), removed: try row.read("removed"))
        written = try row.read("written")
    }

    /// Whether the rows stay as they are, hidden fields too.
    public var isNone: Bool { written == 0 && counts.isZero }
}
