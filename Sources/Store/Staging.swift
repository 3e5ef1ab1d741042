public import Model
public import NIOCore
import Postgres

/// The rows of one push on their way through the checks, in one transaction: until it commits nobody sees any of it, and when it does not,
/// nothing of it is left.
///
/// Confined to the task that opened it.
public final class Staging {
    let connection: Connection
    let push: String
    let mode: PushMode
    let keepsRecords: Bool
    /// The dataset as it stands; read again when the checks begin.
    public private(set) var target: PushTarget
    private(set) var rows: RowTable
    /// Whether anything was looked for that could be found.
    var hasViolations = false

    /// The push's rows.
    var table: SQL { RowTable.staging(push) }
    /// Whether there is a table of released rows to compare with.
    var hasCurrent: Bool { target.currentVersion != nil }
    /// `data.d<number> c`'s rows that stand now.
    var current: SQL { rows.table }

    init(connection: Connection, record: PushRecord, target: PushTarget, keepsRecords: Bool) {
        self.connection = connection
        push = record.push.id
        mode = record.push.mode
        self.keepsRecords = keepsRecords
        self.target = target
        rows = RowTable(number: target.number, schema: record.schema, released: target.currentSchema)
    }

    /// Takes rows in PostgreSQL's COPY text format, columns `_line`, then the schema's fields, then `_record` where records are kept.
    ///
    /// - Returns: how many rows there were.
    public func load(isolation: isolated (any Actor)? = #isolation, _ body: (StagingWriter) async throws -> Void) async throws -> Int {
        let record: SQL = keepsRecords ? ", _record" : ""
        // FREEZE: the table is made in this transaction, so the rows need no hint bits later.
        return try await connection.copyIn("COPY \(table) (_line, \(RowTable.columns(rows.fieldNames))\(record)) FROM STDIN WITH (FREEZE)") { writer in
            try await body(StagingWriter(writer: writer))
        }
    }

    /// Waits until no other push to the dataset is checked or released, then reads the dataset anew: what is current now stays so until this
    /// transaction ends. Those that wait go on in the order in which they came.
    public func takeTurn() async throws {
        try await connection.lock(dataset: target.number)
        guard let now = try await PushTarget.read(connection, target.dataset) else { return }
        target = now
        rows.released = now.currentSchema
    }

    /// Gives the planner its figures; not needed where nothing is joined.
    public func analyze() async throws {
        try await connection.execute("ANALYZE \(table)")
    }

    /// Hands over the canonical CSV of the public fields in key order, in buffers of about 256 KB.
    public func canonical(isolation: isolated (any Actor)? = #isolation, _ body: (ByteBuffer) throws -> Void) async throws {
        try await rows.canonical(from: table, where: "true", connection, body)
    }

    /// What a release would do now.
    public func preview() async throws -> RowEffect {
        try await rows.compare(staged: table, mode: mode, hasCurrent: hasCurrent, connection)
    }

    /// How many staged rows stand in the current version exactly so.
    public func standingRows() async throws -> Int {
        guard hasCurrent else { return 0 }
        let sql: SQL = """
            SELECT count(*) FROM \(table) s JOIN \(current) c ON c._until IS NULL AND \(rows.sameKey("s", "c")) WHERE NOT (\(rows.differs("s", "c")))
            """
        return try await connection.execute(sql)[0].read(0)
    }

    /// Notes the outcome. It takes effect when the transaction commits.
    ///
    /// - Parameters:
    ///   - record: the push with its new state, counts, digest and preview.
    ///   - state: the state that it must still be in.
    ///   - counts: how often each code was found.
    ///   - keepsRows: false where nothing will be released from here.
    ///   - tree: the tree over the checked rows, where a release would use it.
    /// - Returns: false where another process ended the push in the meantime; the caller rolls back then.
    public func settle(_ record: PushRecord, from state: Push.State, counts: [FindingCount], keepsRows: Bool, tree: RowTree?) async throws -> Bool {
        let push = record.push
        try await Store.keep(counts, of: push.id, connection)
        if !keepsRows {
            try await connection.execute("DROP TABLE \(table)")
            try await connection.execute("DELETE FROM daylight.ended_row WHERE push = \(push.id)")
        }
        if keepsRows, let tree { try await connection.keep(tree, as: push.id) }
        return try await connection.execute(
            """
            UPDATE daylight.push SET state = \(push.state.rawValue), record_count = \(push.recordCount), row_count = \(push.rowCount),
                rejected_count = \(push.rejectedCount), error_count = \(push.errorCount), warning_count = \(push.warningCount),
                byte_count = \(push.byteCount), digest = \(push.digest), content_digest = \(record.contentDigest),
                canonical_bytes = \(record.canonicalBytes), row_tree_head = \(keepsRows ? tree.map { Bytea($0.head) } : nil), added = \(record.preview?.added), changed = \(record.preview?.changed),
                removed = \(record.preview?.removed), base_version = \(push.baseVersion), version = \(push.version),
                reason_zh = \(push.reason?.zh), reason_en = \(push.reason?.en), updated_at = now()
            WHERE id = \(push.id) AND state = \(state.rawValue)
            """
        ).affectedRows == 1
    }
}

/// Takes the COPY data of a staging table.
public final class StagingWriter {
    private let writer: CopyWriter

    init(writer: CopyWriter) {
        self.writer = writer
    }

    /// Sends bytes; suspends while PostgreSQL is slower than the writer.
    public func write(_ buffer: ByteBuffer) async throws {
        try await writer.write(buffer)
    }
}

extension Store {
    /// Makes a push's staging table and lends it to the closure; commits when that returns, leaves nothing when it throws.
    ///
    /// - Parameter keepsRecords: whether each row keeps the text of its record, so that later checks can give it back.
    public func stage<T>(
        _ record: PushRecord, target: PushTarget, keepsRecords: Bool, isolation: isolated (any Actor)? = #isolation,
        _ body: (Staging) async throws -> T
    ) async throws -> T {
        try await transaction { connection in
            try await connection.prepareLongWork()
            let staging = Staging(connection: connection, record: record, target: target, keepsRecords: keepsRecords)
            try await connection.execute(staging.rows.createStaging(record.push.id, keepsRecords: keepsRecords))
            return try await body(staging)
        }
    }
}

extension Connection {
    /// Lets the transaction take its time and some memory: it moves a dataset's rows as a whole.
    func prepareLongWork() async throws {
        try await execute(
            """
            SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true), set_config('work_mem', '128MB', true),
                   set_config('maintenance_work_mem', '256MB', true)
            """)
    }

    /// One check, release or withdrawal of a dataset at a time, until the transaction ends.
    func lock(dataset number: Int) async throws {
        // The first number keeps these locks apart from any other advisory locks of the server.
        try await execute("SELECT pg_advisory_xact_lock(6876, \(Int32(number)))")
    }
}
