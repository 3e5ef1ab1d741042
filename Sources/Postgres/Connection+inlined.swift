internal import CLibpq
internal import Glibc

extension Connection {
    /// Runs a statement that takes no parameters, such as `CREATE VIEW`, with its values put in as quoted literals.
    public func executeInlined(_ sql: SQL) async throws {
        try checkLoan()
        try await session.run(deadline: deadline) { connection throws(PostgresError) in
            let text = try sql.inlined { value in
                guard let literal = PQescapeLiteral(connection, value, strlen(value)) else { return nil }
                defer { PQfreemem(literal) }
                return String(cString: literal)
            }
            try Postgres.executeScript(connection, text)
        }
    }
}
