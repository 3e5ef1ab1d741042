extension Database {
    /// Runs one statement on a pooled connection, in a transaction of its own.
    /// - Parameter deadline: when waiting ends and the statement is stopped.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func execute(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet { throw notYet }

    /// Lends a pooled connection to the closure.
    ///
    /// When the task is cancelled or the deadline passes, the running statement is stopped. A connection that comes
    /// back inside a transaction is rolled back.
    public func withConnection<T>(
        deadline: ContinuousClock.Instant? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (Connection) async throws -> T
    ) async throws -> T { throw notYet }

    /// Runs the closure in a transaction: committed when it returns, rolled back when it throws.
    public func transaction<T>(
        _ options: TransactionOptions = .init(), deadline: ContinuousClock.Instant? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T { throw notYet }

    /// Streams `COPY … TO STDOUT` from a pooled connection of its own, which is taken when iteration begins.
    public func copyOut(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) -> CopyOut { CopyOut() }

    /// Follows the channels on a connection of its own, which reconnects until the sequence is dropped.
    public func notifications(_ channels: [String]) -> AsyncStream<Notification> { AsyncStream { $0.finish() } }
}
