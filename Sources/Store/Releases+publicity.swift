public import Model
import Postgres

extension Releasing {
    /// The first instant at which all rows of the push may be public; nil where they may at any time.
    public func publicFrom() async throws -> Timestamp? {
        guard let begin = target.publicityWindow?.begin(record.schema, of: "s") else { return nil }
        return try await connection.execute("SELECT max(\(begin)) AS begin FROM \(RowTable.staging(record.push.id)) s")[0].timestampIfPresent("begin")
    }

    /// Takes staged rows out whose publicity has ended in the meantime.
    ///
    /// - Returns: the rows of the push that have ended and that a version holds, and how many were taken out just now.
    public func takeEnded(at now: Timestamp) async throws -> (rows: [LeavingRow], staged: Int) {
        guard let window = target.publicityWindow else { return ([], 0) }
        let count: SQL = "SELECT count(*)::integer FROM \(RowTable.staging(record.push.id))"
        let before: Int = try await connection.execute(count)[0].read(0)
        let ended = try await connection.takeEnded(of: record.push.id, rows, window, at: now)
        if ended.isEmpty { return ([], 0) }
        let after: Int = try await connection.execute(count)[0].read(0)
        guard target.currentVersion != nil else { return ([], before - after) }
        let unknown = Set(try await rows.unknown(ended, connection))
        return (ended.enumerated().filter { !unknown.contains($0.offset) }.map(\.element), before - after)
    }

    /// Records a withdrawal of rows that the push says have ended, and moves them out of the public tables.
    ///
    /// - Parameter entry: what the ledger says of it.
    public func remove(_ leaving: [LeavingRow], _ withdrawal: Withdrawal, by key: String?, entry: LedgerEntry) async throws -> RowDeparture {
        try await connection.record(withdrawal, by: key, entry: entry, isPublic: true)
        return try await rows.remove(leaving, of: target.dataset, by: withdrawal.id, connection)
    }

    /// Leaves nothing of withdrawn rows in the sums of roll-ups.
    public func renewRollups() async throws {
        try await connection.rollUp(rows, of: target.dataset, version: target.currentVersion ?? 0, anew: true)
    }
}
