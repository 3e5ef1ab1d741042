internal import Model
public import NIOCore
internal import Store

/// What became of one row, ready to be written.
public struct HistoryAnswer: Sendable {
    let history: RowHistory
    let key: [String]
    public let dataset: String

    /// The version before which older events go on; nil where there are none.
    public var before: Int? { history.before }

    /// Appends `[{…},…]`.
    public func writeEvents(into buffer: inout ByteBuffer) { history.writeEvents(key: RowKey.text(key), into: &buffer) }

    /// Appends the tombstones, `[{…},…]`.
    public func writeWithdrawals(into buffer: inout ByteBuffer) throws { try history.writeWithdrawals(into: &buffer) }
}

extension RowReader {
    /// Tells what became of one row through all versions.
    ///
    /// - Parameters:
    ///   - key: the path's segment, still percent-encoded.
    ///   - before: only what happened in versions before this one; nil for all.
    ///   - limit: states of the row that are looked at.
    /// - Throws: a `Problem`: `rowNotFound`, what ``version(of:number:fresh:)`` throws, or that the database cannot answer.
    public func history(of dataset: String, key: some StringProtocol, before: Int?, limit: Int) async throws -> HistoryAnswer {
        let version = try await version(of: dataset, number: nil)
        guard version.hasPublicKey, let values = RowKey.values(key, fields: version.key) else { throw rowNotFound(version) }
        let history = try await store.history(version, key: values, before: before, limit: limit)
        if history.isEmpty, before == nil { throw rowNotFound(version) }
        return HistoryAnswer(history: history, key: values, dataset: dataset)
    }
}
