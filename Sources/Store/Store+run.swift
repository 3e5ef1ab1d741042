internal import Model
internal import Postgres

// How every file of this room talks to PostgreSQL. Each of these turns what PostgreSQL says into a `Problem`.
extension Store {
    /// A short public read on a pipelined connection: indexed, small, never in a transaction.
    func read(_ sql: SQL) async throws -> RowSet {
        try await mappingErrors { try await reader.read(sql) }
    }

    /// A short public read, prepared.
    func read(_ query: PreparedQuery, _ parameters: Parameters) async throws -> RowSet {
        try await mappingErrors { try await reader.read(query, parameters) }
    }

    /// A public read that may take a while: searches, counts.
    func readPooled(_ sql: SQL) async throws -> RowSet {
        try await mappingErrors { try await reader.execute(sql) }
    }

    /// One statement as the writer, in a transaction of its own.
    @discardableResult
    func write(_ sql: SQL) async throws -> RowSet {
        try await mappingErrors { try await writer.execute(sql) }
    }

    /// Several statements as the writer, all or nothing.
    func transaction<T>(
        _ options: TransactionOptions = .init(), isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T {
        try await mappingErrors { try await writer.transaction(options, body) }
    }

    /// Runs work on a database and turns what PostgreSQL says about it into problems.
    func mappingErrors<T>(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as PostgresError {
            throw refusal(error)
        }
    }
}

extension Connection {
    /// Tells all nodes, when the transaction commits, that readers see something else of this dataset now.
    func notifyChange(of dataset: String) async throws {
        try await notify("daylight_change", dataset)
    }
}
