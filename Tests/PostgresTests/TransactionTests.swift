import Postgres
import Testing

@Suite struct TransactionTests {
    private struct Refusal: Error {}

    @Test func commitsWhatReturnsAndRollsBackWhatThrows() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("CREATE TABLE account (owner text PRIMARY KEY, amount numeric NOT NULL)")
            try await test.database.transaction { try await $0.execute("INSERT INTO account VALUES (\("甲"), \(Numeric("10.50")!))") }
            await #expect(throws: Refusal.self) {
                try await test.database.transaction { connection in
                    try await connection.execute("UPDATE account SET amount = 0")
                    throw Refusal()
                }
            }
            let row = try #require(try await test.database.execute("SELECT * FROM account").first)
            #expect(try row.read(Numeric.self, "amount").description == "10.50")
        }
    }

    @Test func rollsBackWhenTheTaskIsCancelled() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE cancelled (a int)")
            let task = Task {
                try await test.database.transaction { connection in
                    try await connection.execute("INSERT INTO cancelled VALUES (1)")
                    try await connection.execute("SELECT pg_sleep(30)")
                }
            }
            try await Task.sleep(for: .milliseconds(200))
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { try await task.value }
            #expect(error?.code == .cancelled)
            #expect(try await test.database.execute("SELECT * FROM cancelled").isEmpty)
        }
    }

    @Test func aSavepointUndoesOnlyItsOwnPart() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("CREATE TABLE kept (a int PRIMARY KEY)")
            try await test.database.transaction { connection in
                try await connection.execute("INSERT INTO kept VALUES (1)")
                let error = try await postgresError {
                    try await connection.savepoint { inner in
                        try await inner.execute("INSERT INTO kept VALUES (2)")
                        try await inner.transaction { try await $0.execute("INSERT INTO kept VALUES (3)") }
                        try await inner.execute("INSERT INTO kept VALUES (1)")
                    }
                }
                #expect(error.isUniqueViolation && error.constraint == "kept_pkey")
                try await connection.execute("INSERT INTO kept VALUES (4)")
            }
            let kept = try await test.database.execute("SELECT a FROM kept ORDER BY a").map { try $0.read(Int.self, 0) }
            #expect(kept == [1, 4])
        }
    }

    @Test func appliesItsOptions() async throws {
        try await TestDatabase.with { test in
            let options = TransactionOptions(isolation: .serializable, readOnly: true, deferrable: true)
            let level = try await test.database.transaction(options) { connection in
                try await connection.execute("SHOW transaction_isolation").first!.read(String.self, 0)
            }
            #expect(level == "serializable")
            let error = try await postgresError {
                try await test.database.transaction(options) { try await $0.execute("CREATE TABLE refused (a int)") }
            }
            #expect(error.sqlState == .readOnlyTransaction)
        }
    }

    @Test func runsAgainAfterASerializationFailureOnlyWhenAsked() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("CREATE TABLE counter (n int)")
            try await test.database.execute("INSERT INTO counter VALUES (0)")
            let increment: @Sendable (Int) async throws -> Void = { retries in
                _ = try await test.database.transaction(.init(isolation: .repeatableRead, retries: retries)) { connection -> RowSet in
                    let n: Int = try await connection.execute("SELECT n FROM counter").first!.read(0)
                    try await Task.sleep(for: .milliseconds(20))
                    return try await connection.execute("UPDATE counter SET n = \(n + 1)")
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await increment(50) } }
                try await group.waitForAll()
            }
            #expect(try await test.database.execute("SELECT n FROM counter").first!.read(Int.self, 0) == 4)
            let failures = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do { try await increment(0) } catch { return (error as? PostgresError)?.isRetryable ?? false }
                        return false
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(failures > 0)
        }
    }

    @Test func aSwallowedFailureIsNotTakenForACommit() async throws {
        try await TestDatabase.with { test in
            let error = try await postgresError {
                try await test.database.transaction { connection in _ = try? await connection.execute("SELECT 1 / 0") }
            }
            #expect(error.code == .misuse)
        }
    }

    @Test func aScriptIsOneTransaction() async throws {
        try await TestDatabase.with { test in
            try await test.database.withConnection { connection in
                try await connection.executeScript("CREATE TABLE one (a int); INSERT INTO one VALUES (1), (2);")
                let error = try await postgresError { try await connection.executeScript("INSERT INTO one VALUES (3); SELECT 1 / 0;") }
                #expect(error.sqlState == SQLState(rawValue: "22012"))
            }
            #expect(try await test.database.execute("SELECT * FROM one").count == 2)
        }
    }
}
