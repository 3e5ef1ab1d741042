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
        try await connection.execute(
            """
            INSERT INTO daylight.withdrawal (id, dataset, subject, version, keys, reason_zh, reason_en, legal_basis, withdrawn_by, withdrawn_at)
            VALUES (\(withdrawal.id), \(withdrawal.dataset), \(withdrawal.subject.rawValue), \(withdrawal.version), \(withdrawal.keys),
                    \(withdrawal.reason.zh), \(withdrawal.reason.en), \(withdrawal.legalBasis), \(key), \(withdrawal.withdrawnAt.instant))
            """)
        // Of what was never released, nobody has heard.
        if target.currentVersion != nil {
            try await connection.record(.withdrawal(withdrawal.id, version: withdrawal.version), of: target.dataset)
            try await connection.enter(entry)
        }
        try await connection.notifyChange(of: target.dataset)
    }

    /// Takes the whole dataset out of public view.
    public func withdrawDataset(_ withdrawal: Withdrawal) async throws {
        try await connection.execute(
            "UPDATE daylight.dataset SET state = 'withdrawn', withdrawal = \(withdrawal.id), updated_at = now() WHERE id = \(target.dataset)")
        // From the commit on, also for nodes that have not heard of it yet.
        if let rows { try await connection.execute("REVOKE SELECT ON \(rows.view) FROM daylight_reader") }
        try await connection.closeRollups(of: target.dataset)
    }

    /// - Returns: nil where there is no such version; otherwise the withdrawal that it is under already, if it is.
    public func withdrawal(ofVersion number: Int) async throws -> String?? {
        guard let number = Int32(exactly: number) else { return nil }
        let sql: SQL = "SELECT withdrawal FROM daylight.version WHERE dataset = \(target.dataset) AND number = \(number)"
        return try await connection.execute(sql).first.map { try $0.read(String?.self, 0) }
    }

    /// Takes one version's content out of public view.
    public func withdrawVersion(_ number: Int, _ withdrawal: Withdrawal) async throws {
        try await connection.execute(
            "UPDATE daylight.version SET withdrawal = \(withdrawal.id) WHERE dataset = \(target.dataset) AND number = \(Int32(number))")
    }

    /// Whether any version held a row of this key, current or not.
    ///
    /// - Parameter values: the key's values in key order, in the spelling of their types.
    public func holds(_ values: [String]) async throws -> Bool {
        guard let rows else { return false }
        return try await !connection.execute("SELECT FROM \(rows.table) t WHERE \(condition(values)) LIMIT 1").isEmpty
    }

    /// Moves every state of a row out of the public tables.
    ///
    /// - Parameter key: the row's key in the spelling of its address.
    /// - Returns: whether the row stood in the current version.
    public func removeRow(_ values: [String], key: String, _ withdrawal: Withdrawal) async throws -> Bool {
        guard let rows else { return false }
        // Versions that held the row, before its states go.
        try await connection.execute(
            """
            UPDATE daylight.version v SET withdrawal = \(withdrawal.id)
            WHERE v.dataset = \(target.dataset) AND v.withdrawal IS NULL AND EXISTS (
                SELECT FROM \(rows.table) t WHERE \(condition(values)) AND t._since <= v.number AND (t._until IS NULL OR t._until > v.number))
            """)
        let gone = try await connection.execute(
            """
            WITH gone AS (DELETE FROM \(rows.table) t WHERE \(condition(values)) RETURNING t.*)
            INSERT INTO daylight.withdrawn_row (dataset, key, since, until, state, withdrawal)
            SELECT \(target.dataset, as: .text), \(key, as: .text), gone._since, gone._until, to_jsonb(gone) - '_since' - '_until', \(withdrawal.id, as: .uuid)
            FROM gone
            RETURNING until
            """)
        return try gone.contains { try $0.read(Int?.self, 0) == nil }
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

    /// Key values are cast to the types of their columns; a value that does not fit is refused before (see `Withdrawal` in Publishing).
    private func condition(_ values: [String]) -> SQL {
        guard let rows else { return "false" }
        return zip(rows.schema.primaryKey, values).map { name, value -> SQL in
            let type = rows.schema.field(name)?.type ?? .text
            return "t.\(identifier: name) = \(value, as: .text)::\(raw: type.castType)"
        }.joined(separator: " AND ")
    }
}

extension Store {
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
    public func withdrawals(of dataset: String, before last: (withdrawnAt: Timestamp, id: String)?, limit: Int) async throws -> [Withdrawal] {
        var rest: SQL = ""
        if let last { rest = "AND (withdrawn_at, id) < (\(last.withdrawnAt.instant), \(last.id)::uuid)" }
        return try await readPooled(
            """
            SELECT id, dataset, subject, version, keys, reason_zh, reason_en, legal_basis, withdrawn_at FROM published.withdrawal
            WHERE dataset = \(dataset) \(rest) ORDER BY withdrawn_at DESC, id DESC LIMIT \(limit)
            """
        ).map { row in
            Withdrawal(
                id: try row.read("id"), dataset: try row.read("dataset"), subject: try row.word("subject"), version: try row.read("version"),
                keys: try row.read("keys"), reason: LocalizedText(zh: try row.read("reason_zh"), en: try row.read("reason_en")),
                legalBasis: try row.read("legal_basis"), withdrawnAt: try row.timestamp("withdrawn_at"))
        }
    }

    /// What a withdrawal left behind, and whether it is about a whole version or dataset, or about rows; nil where there is none of this identifier.
    public func tombstone(_ id: String) async throws -> (subject: Withdrawal.Subject, Tombstone)? {
        guard id.isUUID else { return nil }
        return try await readPooled(
            "SELECT subject, reason_zh, reason_en, legal_basis, withdrawn_at FROM published.withdrawal WHERE id = \(id)"
        ).first.map { row in
            let tombstone = Tombstone(
                reason: try row.localized("reason"), legalBasis: try row.read("legal_basis"), withdrawnAt: try row.timestamp("withdrawn_at"))
            return (try row.word("subject"), tombstone)
        }
    }

    /// What the dataset's own withdrawal left behind.
    public func tombstone(ofDataset dataset: String) async throws -> Tombstone? {
        let id = try await readPooled("SELECT withdrawal FROM published.dataset WHERE id = \(dataset)").first.flatMap { try $0.stringIfPresent("withdrawal") }
        guard let id else { return nil }
        return try await tombstone(id)?.1
    }
}
