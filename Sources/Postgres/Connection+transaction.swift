import NIOConcurrencyHelpers

extension Connection {
    /// Runs the closure in a transaction on this connection, committed when it returns and rolled back when it throws;
    /// inside a transaction already, under a savepoint (the options then do not apply).
    /// - Throws: the closure's error, or `PostgresError`.
    @discardableResult
    public func transaction<T>(
        _ options: TransactionOptions = .init(), isolation: isolated (any Actor)? = #isolation,
        _ body: (Connection) async throws -> T
    ) async throws -> T {
        if state.withLockedValue({ $0.depth > 0 }) { return try await savepoint(body) }
        var attempt = 0
        while true {
            do {
                return try await nested(begin: options.begin, commit: "COMMIT", rollback: ["ROLLBACK"], body)
            } catch let error as PostgresError where error.isRetryable && attempt < options.retries && !Task.isCancelled {
                attempt += 1
                // Random, so that two transactions that met once do not meet again.
                try await Task.sleep(for: .milliseconds(Int.random(in: 1...(10 << min(attempt, 6)))))
            }
        }
    }

    /// Runs the closure under a savepoint, and rolls back to it when the closure throws.
    /// - Throws: the closure's error, or `PostgresError`, among others when there is no transaction.
    @discardableResult
    public func savepoint<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T {
        let name = "level_\(state.withLockedValue { $0.depth })"
        return try await nested(
            begin: "SAVEPOINT \(name)", commit: "RELEASE SAVEPOINT \(name)",
            rollback: ["ROLLBACK TO SAVEPOINT \(name)", "RELEASE SAVEPOINT \(name)"], body)
    }

    private func nested<T>(
        begin: String, commit: String, rollback: [String], isolation: isolated (any Actor)? = #isolation,
        _ body: (Connection) async throws -> T
    ) async throws -> T {
        try await execute(SQL(raw: begin))
        state.withLockedValue { $0.depth += 1 }
        defer { state.withLockedValue { $0.depth -= 1 } }
        do {
            let value = try await body(self)
            // COMMIT of a transaction that failed is answered by ROLLBACK without an error.
            let tag = try await execute(SQL(raw: commit)).commandTag
            if tag == "ROLLBACK" { throw PostgresError(.misuse, "the closure returned although a statement had failed in its transaction") }
            return value
        } catch {
            for statement in rollback {
                // What fails here leaves the session inside a transaction, and the pool then throws the session away.
                _ = try? await session.run(deadline: .now + .seconds(5), isShielded: true) { connection throws(PostgresError) in
                    try executeStatement(connection, StatementText(statement, types: []), Parameters())
                }
            }
            throw error
        }
    }
}
