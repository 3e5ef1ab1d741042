extension Database {
    /// Runs one statement on a pooled connection, in a transaction of its own.
    /// - Parameter deadline: when waiting ends and the statement is stopped.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func execute(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet {
        try await withConnection(deadline: deadline) { try await $0.execute(sql) }
    }

    /// Lends a pooled connection to the closure.
    ///
    /// When the task is cancelled or the deadline passes, the running statement is stopped. A connection that comes
    /// back inside a transaction is rolled back.
    /// - Throws: the closure's error, or `PostgresError`.
    @discardableResult
    public func withConnection<T>(
        deadline: ContinuousClock.Instant? = nil, isolation: isolated (any Actor)? = #isolation,
        _ body: (Connection) async throws -> T
    ) async throws -> T {
        let pool = try running().pool
        let session = try await pool.acquire(deadline: deadline)
        let connection = Connection(session: session, deadline: deadline)
        do {
            let value = try await body(connection)
            await pool.giveBack(connection)
            return value
        } catch {
            await pool.giveBack(connection)
            throw error
        }
    }

    /// Runs the closure in a transaction: committed when it returns, rolled back when it throws.
    /// - Throws: the closure's error, or `PostgresError`.
    @discardableResult
    public func transaction<T>(
        _ options: TransactionOptions = .init(), deadline: ContinuousClock.Instant? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T {
        try await withConnection(deadline: deadline) { try await $0.transaction(options, body) }
    }

    /// Streams `COPY … TO STDOUT` from a pooled connection of its own, which is taken when iteration begins.
    ///
    /// Values in the statement are put in as quoted literals, since COPY takes no parameters.
    public func copyOut(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) -> CopyOut {
        CopyOut { [self] queue throws(PostgresError) in
            let pool = try running().pool
            let session = try await pool.acquire(deadline: deadline)
            return session.startCopyOut(sql, into: queue, deadline: deadline) {
                pool.release(session, usable: session.isOutsideTransaction)
            }
        }
    }
}

extension Pool {
    /// Takes a loan back, and ends what its borrower left open.
    func giveBack(_ connection: Connection) async {
        connection.end()
        let session = connection.session
        if !session.isBroken, !session.isOutsideTransaction {
            _ = try? await session.run(deadline: .now + .seconds(5), isShielded: true) { connection throws(PostgresError) in
                try executeScript(connection, "ROLLBACK")
            }
        }
        release(session, usable: session.isOutsideTransaction)
    }
}
