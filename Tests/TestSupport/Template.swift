internal import Logging
internal import Migrator
internal import Postgres

/// The migrated database that test databases are copied from: one per state of the schema folder, kept on the server.
actor Template {
    static let shared = Template()

    private var running: [String: Task<String, any Error>] = [:]

    /// The template's name, after it was made where it was not there yet.
    func name(_ server: String) async throws -> String {
        if let running = running[server] { return try await running.value }
        let task = Task { try await Self.make(server) }
        running[server] = task
        return try await task.value
    }

    // Shared by all test processes on one server.
    private static let lock: Int64 = 0x6461_7974_6573_7473

    private static func make(_ server: String) async throws -> String {
        let schema = try TestDatabase.schema()
        let name = "daylight_template_" + schema.digest.prefix(16)
        let unfinished = name + "_unfinished"
        return try await TestDatabase.withDatabase(server) { database in
            try await database.withConnection { connection in
                try await connection.execute("SET lock_timeout = 0")
                try await connection.execute("SELECT pg_catalog.pg_advisory_lock(\(lock))")
                let existing = try await connection.execute("SELECT FROM pg_catalog.pg_database WHERE datname = \(name)")
                if existing.isEmpty {
                    // Renamed only when it is complete, so that a process that died leaves no half-made template.
                    try await connection.execute("DROP DATABASE IF EXISTS \(identifier: unfinished) WITH (FORCE)")
                    try await connection.execute("CREATE DATABASE \(identifier: unfinished)")
                    try await TestDatabase.withDatabase(TestDatabase.url(server, database: unfinished)) {
                        _ = try await Migrator(database: $0, schema: schema).migrate()
                    }
                    try await connection.execute("ALTER DATABASE \(identifier: unfinished) RENAME TO \(identifier: name)")
                }
                try await connection.execute("SELECT pg_catalog.pg_advisory_unlock(\(lock))")
                return name
            }
        }
    }
}
