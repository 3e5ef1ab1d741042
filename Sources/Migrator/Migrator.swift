public import Postgres

/// Brings a database to the state that the schema folder describes, forward only.
///
/// The server never migrates; it asks `requireCurrent()` and refuses a schema that it does not know.
public struct Migrator: Sendable {
    let database: Database
    public let schema: SchemaDirectory

    /// - Parameters:
    ///   - database: connected as the login user, with `sessionSettings` and no role of its own; one pooled connection is used.
    ///   - schema: what to apply.
    public init(database: Database, schema: SchemaDirectory) {
        self.database = database
        self.schema = schema
    }

    /// What the sessions of `database` need: names are always qualified, and nothing waits for a lock for ever.
    public static let sessionSettings: [(String, String)] = [("search_path", ""), ("lock_timeout", "30s"), ("TimeZone", "<+08>-08")]

    /// Applies roles, pending migrations and privileges, under a lock that keeps other migrators out.
    ///
    /// - Parameter progress: called before each pending migration.
    /// - Returns: the migrations that were applied; empty where the database was current.
    /// - Throws: `MigrationError`; what was applied before stays applied, the failing file leaves nothing unless it runs without a transaction.
    @discardableResult
    public func migrate(progress: @Sendable (Migration) -> Void = { _ in }) async throws -> [Migration] {
        try await database.withConnection { connection in
            // The lock belongs to the session, so that it also spans files that run without a transaction.
            try await connection.execute("SET lock_timeout = 0")
            try await connection.execute("SELECT pg_catalog.pg_advisory_lock(\(Self.lock))")
            do {
                let applied = try await apply(connection, progress)
                try await release(connection)
                return applied
            } catch {
                try? await release(connection)
                throw error
            }
        }
    }

    /// Says whether the database is what this program needs.
    ///
    /// - Throws: `MigrationError.empty`, `.behind`, `.ahead`, `.edited`, `.renamed` or `.outOfOrder` where it is not.
    public func requireCurrent() async throws {
        let pending = try await status()
        if !pending.isEmpty { throw MigrationError.behind(pending: pending.map(\.file)) }
    }

    /// The migrations that the database lacks.
    ///
    /// - Throws: `MigrationError` when the database has none at all, or others than this program's.
    public func status() async throws -> [Migration] {
        guard let ledger = try await database.withConnection({ try await Ledger.read($0) }), !ledger.entries.isEmpty else { throw MigrationError.empty }
        return try ledger.pending(schema.migrations)
    }

    // "daylight" in ASCII.
    private static let lock: Int64 = 0x6461_796c_6967_6874

    private func release(_ connection: Connection) async throws {
        try await connection.execute("RESET ROLE")
        try await connection.execute("SELECT pg_catalog.pg_advisory_unlock(\(Self.lock))")
    }

    private func apply(_ connection: Connection, _ progress: (Migration) -> Void) async throws -> [Migration] {
        // Files and ledger are held against each other before anything is touched.
        let before = try await Ledger.read(connection)
        let pending = try (before ?? Ledger(entries: [])).pending(schema.migrations)
        try await RoleSetup(script: schema.roles).run(connection)
        try await connection.execute("SET ROLE daylight_owner")
        try await named("ledger") { try await connection.executeScript(Ledger.create) }
        for migration in pending {
            progress(migration)
            try await named(migration.file) {
                if migration.isTransactional {
                    try await connection.transaction { connection in
                        try await connection.executeScript(migration.sql)
                        try await Ledger.append(migration, connection)
                    }
                } else {
                    try await connection.executeScript(migration.sql)
                    try await Ledger.append(migration, connection)
                }
            }
        }
        try await named("privileges.sql") { try await connection.transaction { try await $0.executeScript(schema.privileges) } }
        return pending
    }

    private func named(_ file: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as PostgresError {
            if error.isConnectionFailure { throw error }
            throw MigrationError.failed(file: file, message: error.debugDescription)
        }
    }
}
