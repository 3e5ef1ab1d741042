import NIOConcurrencyHelpers

/// A connection on loan from the pool, valid inside the closure that got it.
///
/// Its statements run one after another on a thread that belongs to the connection, so none of its calls blocks an
/// event loop or the thread of the caller. When the task is cancelled or the deadline passes, the running statement is
/// stopped, and the connection stays usable.
public final class Connection: Sendable {
    struct State {
        var isEnded = false
        /// Transactions and savepoints that are open, one inside the other.
        var depth = 0
    }

    let session: Session
    let deadline: ContinuousClock.Instant?
    let state = NIOLockedValueBox(State())

    init(session: Session, deadline: ContinuousClock.Instant?) {
        self.session = session
        self.deadline = deadline
    }

    /// Runs one statement.
    /// - Parameter deadline: when it is stopped; never later than the connection's own deadline.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func execute(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet {
        let (text, parameters) = (try sql.rendered(), sql.parameters)
        try checkLoan()
        return try await session.run(deadline: earlier(deadline, self.deadline)) { connection throws(PostgresError) in
            try executeStatement(connection, text, parameters)
        }
    }

    /// Runs several statements separated by semicolons, as one implicit transaction unless they say otherwise.
    public func executeScript(_ script: String) async throws {
        try checkLoan()
        try await session.run(deadline: deadline) { connection throws(PostgresError) in
            try Postgres.executeScript(connection, script)
        }
    }

    /// Sends a notification, delivered when the transaction commits.
    /// - Parameter payload: at most 8,000 bytes.
    public func notify(_ channel: String, _ payload: String = "") async throws {
        try await execute("SELECT pg_notify(\(channel, as: .text), \(payload, as: .text))")
    }

    func checkLoan() throws(PostgresError) {
        if state.withLockedValue({ $0.isEnded }) {
            throw PostgresError(.closed, "the connection was used after its closure had ended")
        }
    }

    func end() { state.withLockedValue { $0.isEnded = true } }
}

func earlier(_ one: ContinuousClock.Instant?, _ other: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    guard let one, let other else { return one ?? other }
    return min(one, other)
}
