public import Model
public import NIOCore
import Postgres

/// A withdrawal under way, in one transaction, with the dataset locked.
///
/// Confined to the task that opened it.
public final class Withdrawing {
    let connection: Connection
    /// The dataset as it stands, locked.
    public let target: PushTarget
    private let rows: RowTable?

    init(connection: Connection, target: PushTarget) {
        self.connection = connection
        self.target = target
        rows = target.currentSchema.map { RowTable(number: target.number, schema: $0) }
    }

    /// Records the withdrawal itself: the tombstone that stays.
    ///
    /// - Parameter entry: what the ledger says of it.
    public func record(_ withdrawal: Withdrawal, by key: String?, entry: LedgerEntry) async throws {
        try await connection.record(withdrawal, by: key, entry: entry, isPublic: target.currentVersion != nil)
    }

    /// Takes the whole dataset out of public view.
    public func withdrawDataset(_ withdrawal: Withdrawal) async throws {
        try await connection.execute(
            "UPDATE daylight.dataset SET state = 'withdrawn', withdrawal = \(withdrawal.id), updated_at = now() WHERE id = \(target.dataset)")
        // From the commit on, also for nodes that have not heard of it yet.
        if let rows, target.audience == .public { try await connection.execute("REVOKE SELECT ON \(rows.view) FROM daylight_reader") }
        try await connection.closeRollups(of: target.dataset)
    }

    /// - Returns: whether a version is withdrawn as a whole, not just some of its rows; nil where there is no such version.
    public func isWithdrawn(version number: Int) async throws -> Bool? {
        guard let number = Int32(exactly: number) else { return nil }
        let sql: SQL = """
            SELECT EXISTS (SELECT FROM daylight.withdrawal w WHERE w.id = v.withdrawal AND w.subject = 'version')
            FROM daylight.version v WHERE v.dataset = \(target.dataset) AND v.number = \(number)
            """
        return try await connection.execute(sql).first.map { try $0.read(Bool.self, 0) }
    }

    /// Takes one version's content out of public view.
    public func withdrawVersion(_ number: Int, _ withdrawal: Withdrawal) async throws {
        try await connection.execute(
            "UPDATE daylight.version SET withdrawal = \(withdrawal.id) WHERE dataset = \(target.dataset) AND number = \(Int32(number))")
    }

    /// Which of these rows no version ever held, by their places.
    public func unknown(_ leaving: [LeavingRow]) async throws -> [Int] {
        guard let rows else { return Array(leaving.indices) }
        return try await rows.unknown(leaving, connection)
    }

    /// Moves every state of rows out of the public tables.
    public func remove(_ leaving: [LeavingRow], _ withdrawal: Withdrawal) async throws -> RowDeparture {
        guard let rows else { return RowDeparture() }
        return try await rows.remove(leaving, of: target.dataset, by: withdrawal.id, connection)
    }

    /// Rows whose publicity has ended at an instant, by the window of the current version's profile.
    public func endedRows(at now: Timestamp) async throws -> [LeavingRow] {
        guard let rows, let window = target.currentWindow else { return [] }
        return try await connection.execute(rows.endedRows(window, at: now)).map { try LeavingRow($0, rows.schema) }
    }

    /// Notes when the next row has to leave.
    public func noteExpiry() async throws {
        try await connection.noteExpiry(of: target.dataset, rows, target.currentWindow)
        try await connection.notifyChange(of: target.dataset)
    }

    /// Hands over the canonical CSV of what is left, in buffers of about 256 KB.
    public func canonical(isolation: isolated (any Actor)? = #isolation, _ body: (ByteBuffer) throws -> Void) async throws {
        guard let rows else { return }
        try await rows.canonical(from: rows.table, where: "_until IS NULL", connection, body)
    }

    /// Leaves nothing in the roll-ups of what was withdrawn; they begin anew with what stands now.
    ///
    /// - Parameter version: the version that this is.
    public func renewRollups(version: Int) async throws {
        if let rows { try await connection.rollUp(rows, of: target.dataset, version: version, anew: true) }
    }

    /// The dataset's description as it stands, with its revision.
    public func description() async throws -> (revision: Int, value: DatasetDescription) {
        try await Store.description(of: target.dataset, connection)
    }

    /// Makes what is left the next version.
    ///
    /// - Parameters:
    ///   - entry: what the ledger says of it.
    ///   - tree: the tree over its rows, and the identifier under which it is kept.
    public func publish(_ version: Version, releasedBy key: String?, entry: LedgerEntry, tree: (id: String, value: RowTree)) async throws {
        try await connection.keep(tree.value, as: tree.id)
        try await connection.insert(version, releasedBy: key, rowTree: tree.id)
        try await connection.publish(version)
        try await connection.record(.release(version: version.number), of: target.dataset)
        try await connection.enter(entry)
    }
}

extension Store {
    /// Datasets of which rows have to leave public view by now, the longest due first.
    public func expiringDatasets(at now: Timestamp, limit: Int) async throws -> [String] {
        try await write(
            "SELECT id FROM daylight.dataset WHERE state = 'published' AND expires_at <= \(now.instant) ORDER BY expires_at, id LIMIT \(limit)"
        ).map { try $0.read(0) }
    }

    /// Locks a dataset for a withdrawal and lends it to the closure; commits when that returns.
    ///
    /// - Returns: nil where there is no such dataset.
    public func withdraw<T>(
        from dataset: String, isolation: isolated (any Actor)? = #isolation, _ body: (Withdrawing) async throws -> T
    ) async throws -> T? {
        try await transaction { connection in
            try await connection.prepareLongWork()
            guard let number = try await PushTarget.read(connection, dataset)?.number else { return nil }
            try await connection.lock(dataset: number)
            guard let target = try await PushTarget.read(connection, dataset, locked: true) else { return nil }
            return try await body(Withdrawing(connection: connection, target: target))
        }
    }

    /// A dataset's withdrawals, newest first.
    public func withdrawals(of dataset: String, audience: Audience, before last: (withdrawnAt: Timestamp, id: String)?, limit: Int) async throws -> [Withdrawal] {
        var rest: SQL = ""
        if let last { rest = "AND (withdrawn_at, id) < (\(last.withdrawnAt.instant), \(last.id)::uuid)" }
        return try await ask(audience) { room in
            "SELECT \(Self.withdrawalColumns) FROM \(room).withdrawal WHERE dataset = \(dataset) \(rest) ORDER BY withdrawn_at DESC, id DESC LIMIT \(limit)"
        }.map(Self.withdrawal)
    }

    static let withdrawalColumns: SQL = "id, dataset, subject, version, keys, reason_zh, reason_en, reason_code, legal_basis, withdrawn_at"

    static func withdrawal(_ row: Row) throws -> Withdrawal {
        Withdrawal(
            id: try row.read("id"), dataset: try row.read("dataset"), subject: try row.word("subject"), version: try row.read("version"), keys: try row.read("keys"),
            reason: try row.localized("reason"), reasonCode: try row.stringIfPresent("reason_code").flatMap(Withdrawal.ReasonCode.init),
            legalBasis: try row.read("legal_basis"), withdrawnAt: try row.timestamp("withdrawn_at"))
    }

    /// What a withdrawal left behind, and whether it is about a whole version or dataset, or about rows; nil where there is none of this identifier.
    public func tombstone(_ id: String, audience: Audience = .public) async throws -> (subject: Withdrawal.Subject, Tombstone)? {
        guard id.isUUID else { return nil }
        return try await ask(audience) { room in
            "SELECT subject, reason_zh, reason_en, reason_code, legal_basis, withdrawn_at FROM \(room).withdrawal WHERE id = \(id)"
        }.first.flatMap { row in try Self.tombstone(row, "").map { (try row.word("subject"), $0) } }
    }

    /// What the dataset's own withdrawal left behind.
    public func tombstone(ofDataset dataset: String, audience: Audience = .public) async throws -> Tombstone? {
        let id = try await ask(audience) { room in "SELECT withdrawal FROM \(room).dataset WHERE id = \(dataset)" }.first.flatMap { try $0.stringIfPresent("withdrawal") }
        guard let id else { return nil }
        return try await tombstone(id, audience: audience)?.1
    }
}
