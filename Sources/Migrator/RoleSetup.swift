internal import Postgres

/// Makes the four roles and gives the login what it needs of them, or says what an administrator has to do.
struct RoleSetup: Sendable {
    static let roles = ["daylight_owner", "daylight_writer", "daylight_reader", "daylight_exchange"]

    let script: String

    func run(_ connection: Connection) async throws {
        var missing: [String] = []
        do {
            try await connection.executeScript(script)
        } catch let error as PostgresError where error.isInsufficientPrivilege {
            let existing = try await connection.execute("SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY (\(Self.roles))")
            let names = try Set(existing.map { try $0.read(String.self, 0) })
            missing = Self.roles.filter { !names.contains($0) }
            if missing.isEmpty { throw MigrationError.failed(file: "roles.sql", message: error.debugDescription) }
        } catch let error as PostgresError where !error.isConnectionFailure {
            throw MigrationError.failed(file: "roles.sql", message: error.debugDescription)
        }
        var statements = missing.map { "CREATE ROLE \($0) NOLOGIN;" }
        let login = try await connection.execute("SELECT session_user::text, pg_catalog.current_database()::text")[0]
        let (user, database) = (SQL.quoted(identifier: try login.read(String.self, 0)), SQL.quoted(identifier: try login.read(String.self, 1)))

        let existing = Self.roles.filter { !missing.contains($0) }
        var foreign = missing
        for role in existing where try await !isMember(connection, role) {
            // The name comes from the list above.
            try await attempt(connection, "GRANT \(identifier: role) TO SESSION_USER")
            if try await !isMember(connection, role) { foreign.append(role) }
        }
        if !foreign.isEmpty { statements.append("GRANT \(foreign.joined(separator: ", ")) TO \(user);") }

        if missing.contains("daylight_owner") {
            statements.append("GRANT CREATE ON DATABASE \(database) TO daylight_owner;")
        } else if try await !mayCreate(connection) {
            try await attempt(connection, "GRANT CREATE ON DATABASE \(raw: database) TO daylight_owner")
            if try await !mayCreate(connection) { statements.append("GRANT CREATE ON DATABASE \(database) TO daylight_owner;") }
        }
        if !statements.isEmpty { throw MigrationError.needsAdministrator(statements: statements) }
    }

    private func isMember(_ connection: Connection, _ role: String) async throws -> Bool {
        try await connection.execute("SELECT pg_catalog.pg_has_role(session_user, \(role, as: .text)::name, 'MEMBER')")[0].read(Bool.self, 0)
    }

    private func mayCreate(_ connection: Connection) async throws -> Bool {
        try await connection.execute(
            "SELECT pg_catalog.has_database_privilege('daylight_owner'::name, pg_catalog.current_database(), 'CREATE')"
        )[0].read(Bool.self, 0)
    }

    /// What may be refused: whether it worked is looked at afterwards.
    private func attempt(_ connection: Connection, _ sql: SQL) async throws {
        do {
            try await connection.execute(sql)
        } catch let error as PostgresError where error.isInsufficientPrivilege {
            return
        }
    }
}
