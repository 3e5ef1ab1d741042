import Postgres
import Testing

@Suite struct PoolTests {
    @Test func waitsNoLongerThanTheLimitForAConnection() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
            $0.acquireTimeout = .seconds(2)
        } _: { test in
            try await test.database.withConnection { _ in
                let error = try await postgresError { try await test.database.execute("SELECT 1") }
                #expect(error.code == .poolTimeout && error.isTemporary)
                let late = try await postgresError { try await test.database.execute("SELECT 1", deadline: .now + .milliseconds(20)) }
                #expect(late.code == .deadlineExceeded)
            }
            try await test.database.execute("SELECT 1")
        }
    }

    @Test func aCancelledWaiterLeavesTheQueue() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.withConnection { _ in
                let task = Task { try await test.database.execute("SELECT 1") }
                try await eventually("the task waits") { test.database.statistics.poolWaiting == 1 }
                task.cancel()
                let error = await #expect(throws: PostgresError.self) { try await task.value }
                #expect(error?.code == .cancelled)
                #expect(test.database.statistics.poolWaiting == 0)
            }
        }
    }

    @Test func aKilledBackendIsAnErrorAndThenThePoolRecovers() async throws {
        try await TestDatabase.with { test in
            let killed = try await postgresError {
                try await test.database.withConnection { connection in
                    let pid: Int = try await connection.execute("SELECT pg_backend_pid()").first!.read(0)
                    async let slow = connection.execute("SELECT pg_sleep(30)")
                    try await Task.sleep(for: .milliseconds(100))
                    try await test.database.execute("SELECT pg_terminate_backend(\(Int32(pid)))")
                    _ = try await slow
                }
            }
            #expect(killed.isConnectionFailure)
            for _ in 0..<20 { try await test.database.execute("SELECT 1") }
        }
    }

    @Test func doesNotLendAConnectionThatBrokeWhileItWasIdle() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("SELECT 1")
            try await test.database.withConnection { one in
                let pids = try await test.database.withConnection { other in
                    try await [one, other].asyncMap { try await $0.execute("SELECT pg_backend_pid()").first!.read(Int32.self, 0) }
                }
                // The other connection is idle now, and dies of it.
                try await one.execute("SELECT pg_terminate_backend(\(pids[1]))")
                try await eventually("the backend is gone") {
                    try await one.execute("SELECT 1 FROM pg_stat_activity WHERE pid = \(pids[1])").isEmpty
                }
                // It leaves the list a moment before its socket closes.
                try await Task.sleep(for: .milliseconds(300))
                let pid: Int32 = try await test.database.execute("SELECT pg_backend_pid()").first!.read(0)
                #expect(pid != pids[1])
            }
        }
    }

    @Test func aDeadlineStopsAStatementAndKeepsTheConnection() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            let pid: Int = try await test.database.execute("SELECT pg_backend_pid()").first!.read(0)
            let began = ContinuousClock.now
            let error = try await postgresError {
                try await test.database.execute("SELECT pg_sleep(60)", deadline: .now + .milliseconds(100))
            }
            #expect(error.code == .deadlineExceeded && error.sqlState == .queryCanceled)
            #expect(ContinuousClock.now - began < .seconds(50))
            #expect(try await test.database.execute("SELECT pg_backend_pid()").first!.read(Int.self, 0) == pid)
        }
    }

    @Test func aConnectionIsOfNoUseAfterItsClosure() async throws {
        try await TestDatabase.with { test in
            let kept = try await test.database.withConnection { $0 }
            let error = try await postgresError { try await kept.execute("SELECT 1") }
            #expect(error.code == .closed)
        }
    }

    @Test func rollsBackWhatABorrowerLeftOpen() async throws {
        try await TestDatabase.with {
            $0.poolSize = 1
        } _: { test in
            try await test.database.execute("CREATE TABLE left_open (a int)")
            try await test.database.withConnection { connection in
                try await connection.execute("BEGIN")
                try await connection.execute("INSERT INTO left_open VALUES (1)")
            }
            #expect(try await test.database.execute("SELECT * FROM left_open").isEmpty)
        }
    }

    @Test func survivesAConnectionThatTakesNoCancelRequest() async throws {
        try await TestDatabase.with { test in
            // A statement that does not listen to cancel requests; its connection is cut instead.
            let began = ContinuousClock.now
            let error = try await postgresError {
                try await test.database.execute(
                    """
                    DO $$ BEGIN
                        FOR i IN 1..20 LOOP
                            BEGIN PERFORM pg_sleep(1); EXCEPTION WHEN query_canceled THEN NULL; END;
                        END LOOP;
                    END $$
                    """, deadline: .now + .milliseconds(100))
            }
            #expect(error.code == .deadlineExceeded)
            #expect(ContinuousClock.now - began < .seconds(18))
            try await test.database.execute("SELECT 1")
        }
    }

    @Test func refusesAWrongAddressAtTheStart() async throws {
        let database = Database(
            .init(url: "postgresql://127.0.0.1:1/nowhere?password=verysecret"), eventLoopGroup: TestDatabase.group, logger: TestDatabase.logger)
        let error = try await postgresError { try await database.start() }
        #expect(error.isConnectionFailure)
        #expect(!error.description.contains("127.0.0.1") && !error.debugDescription.contains("verysecret"))
        let unparsable = Database(
            .init(url: "postgresql://user:verysecret@[::1"), eventLoopGroup: TestDatabase.group, logger: TestDatabase.logger)
        let parseError = try await postgresError { try await unparsable.start() }
        #expect(parseError.code == .misuse && !parseError.debugDescription.contains("verysecret"))
    }

    @Test func takesTheFirstHostThatAnswers() async throws {
        let local = try TestDatabase.url
        let host = try #require(local.split(separator: "host=").last?.split(separator: "&").first)
        let encoded = host.replacing("/", with: "%2F")
        try await TestDatabase.with(url: "postgresql://127.0.0.1:1,\(encoded):5432/postgres?user=postgres") { test in
            let rows = try await test.database.read("SELECT 1")
            #expect(rows.count == 1)
        }
    }
}

extension Array {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var mapped: [T] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
