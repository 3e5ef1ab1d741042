public import NIOCore

extension Database {
    /// Runs a short read on a pipelined connection.
    ///
    /// The connections are read-only, and reads share implicit transactions: never call this for anything slow or for
    /// anything that writes. A read that was not answered when its connection broke may be sent twice.
    /// - Parameter deadline: when the statement is stopped, if it still runs.
    /// - Throws: `PostgresError`.
    public func read(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet { throw notYet }

    /// Runs a prepared short read on a pipelined connection; see `read(_:deadline:)`.
    public func read(_ query: PreparedQuery, _ parameters: Parameters, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet {
        throw notYet
    }

    /// Runs a short read for code on an event loop: no task, and no hop when that loop belongs to this database's group.
    /// - Parameter done: called on `eventLoop`, once.
    public func read(_ sql: SQL, on eventLoop: any EventLoop, _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void) {
        done(.failure(notYet))
    }

    /// Runs a prepared short read for code on an event loop; the hot path.
    /// - Parameter done: called on `eventLoop`, once.
    public func read(
        _ query: PreparedQuery, _ parameters: Parameters, on eventLoop: any EventLoop,
        _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void
    ) {
        done(.failure(notYet))
    }
}
