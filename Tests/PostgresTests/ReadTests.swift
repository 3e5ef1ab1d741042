import NIOCore
import NIOPosix
import Postgres
import Testing

@Suite struct ReadTests {
    @Test func answersTenThousandConcurrentQueriesOverFourConnections() async throws {
        try await TestDatabase.with {
            $0.pipelinedConnectionsPerLoop = 2
        } _: { test in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<10_000 {
                    group.addTask { try await test.database.read("SELECT \(number) * 2 AS doubled").first!.read("doubled") }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 2 * (0..<10_000).reduce(0, +))
            let backends: Int = try await test.database.read(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = \(test.schema)"
            ).first!.read(0)
            #expect(backends == 5, "four pipelined connections and one pooled one")
        }
    }

    @Test func aFailingStatementDoesNotFailItsNeighbours() async throws {
        try await TestDatabase.with { test in
            let results = await withTaskGroup(of: (Int, Result<Int, any Error>).self) { group in
                for number in 0..<300 {
                    group.addTask {
                        do {
                            // Every third one fails while it is prepared, and every seventh one while it runs.
                            if number % 3 == 0 { _ = try await test.database.read("SELECT nothing_of_this_name_\(raw: String(number))") }
                            if number % 7 == 0 { _ = try await test.database.read("SELECT 1 / \(0)") }
                            return (number, .success(try await test.database.read("SELECT \(number)").first!.read(0)))
                        } catch {
                            return (number, .failure(error))
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for number in 0..<300 {
                switch results[number] {
                case .success(let value): #expect(value == number && number % 3 != 0 && number % 7 != 0)
                case .failure(let error as PostgresError):
                    #expect(error.sqlState == (number % 3 == 0 ? .undefinedColumn : SQLState(rawValue: "22012")))
                default: Issue.record("\(number) has no answer")
                }
            }
        }
    }

    @Test func keepsNoMorePreparedStatementsThanItMay() async throws {
        try await TestDatabase.with {
            $0.maxPreparedStatements = 8
        } _: { test in
            for round in 0..<2 {
                for number in 0..<40 {
                    let value: Int = try await test.database.read("SELECT \(round) + \(raw: String(number))").first!.read(0)
                    #expect(value == round + number)
                }
            }
            let kept: Int = try await test.database.read("SELECT count(*) FROM pg_prepared_statements").first!.read(0)
            #expect(kept <= 8)
        }
    }

    @Test func preparesAgainWhenATableHasChanged() async throws {
        try await TestDatabase.with { test in
            try await test.database.execute("CREATE TABLE changing (a int)")
            try await test.database.execute("INSERT INTO changing VALUES (1)")
            for type in ["text", "bigint", "numeric"] {
                #expect(try await test.database.read("SELECT * FROM changing").first!.read(String.self, 0) == "1")
                try await test.database.execute("ALTER TABLE changing ALTER a TYPE \(raw: type) USING a::\(raw: type)")
                #expect(try await test.database.read("SELECT * FROM changing").first!.read(String.self, 0) == "1")
            }
        }
    }

    @Test func refusesToWriteOnAPipelinedConnection() async throws {
        try await TestDatabase.with { test in
            let error = try await postgresError { _ = try await test.database.read("CREATE TABLE written (a int)") }
            #expect(error.sqlState == .readOnlyTransaction)
        }
    }

    @Test func survivesACopyThatWasSentAsARead() async throws {
        try await TestDatabase.with { test in
            _ = try await postgresError { _ = try await test.database.read("COPY (SELECT 1) TO STDOUT") }
            try await eventually("reads work again") { (try? await test.database.read("SELECT 1")) != nil }
        }
    }

    @Test func aDeadlineStopsTheStatementAndNothingElse() async throws {
        try await TestDatabase.with { test in
            let slow = Task { try await test.database.read("SELECT pg_sleep(60)", deadline: .now + .milliseconds(200)) }
            async let others = withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 { group.addTask { try await test.database.read("SELECT \(number)").first!.read(0) } }
                return try await group.reduce(0, +)
            }
            let began = ContinuousClock.now
            let error = await #expect(throws: PostgresError.self) { _ = try await slow.value }
            #expect(error?.code == .deadlineExceeded && error?.isQueryCanceled == true)
            #expect(try await others == 4_950)
            #expect(ContinuousClock.now - began < .seconds(50))
            let sleeping: Int = try await test.database.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = \(test.schema) AND state = 'active' AND query LIKE '%pg_sleep(60)'"
            ).first!.read(0)
            #expect(sleeping == 0)
        }
    }

    @Test func cancellingTheTaskStopsTheStatement() async throws {
        try await TestDatabase.with { test in
            let task = Task { try await test.database.read("SELECT pg_sleep(60)") }
            try await Task.sleep(for: .milliseconds(100))
            task.cancel()
            let error = await #expect(throws: PostgresError.self) { _ = try await task.value }
            #expect(error?.code == .cancelled)
            let began = ContinuousClock.now
            for number in 0..<10 { #expect(try await test.database.read("SELECT \(number)").first!.read(Int.self, 0) == number) }
            #expect(ContinuousClock.now - began < .seconds(50))
        }
    }

    @Test func refusesMoreThanMayWait() async throws {
        try await TestDatabase.with {
            $0.maxPendingReads = 10
        } _: { test in
            let codes = await withTaskGroup(of: PostgresError.Code?.self) { group in
                for _ in 0..<2_000 {
                    group.addTask {
                        do { _ = try await test.database.read("SELECT pg_sleep(0.001)") } catch { return (error as? PostgresError)?.code }
                        return nil
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes[.overloaded, default: 0] > 0)
            #expect(codes[nil, default: 0] > 0)
            #expect(codes.count == 2)
        }
    }

    @Test func theEventLoopStaysResponsiveDuringASlowQuery() async throws {
        try await TestDatabase.with { test in
            let slow = Task { try await test.database.read("SELECT pg_sleep(120)") }
            let began = ContinuousClock.now
            for loop in TestDatabase.group.makeIterator() {
                for _ in 0..<500 { try await loop.submit {}.get() }
            }
            // A loop that waited for the statement would have answered after its end.
            #expect(ContinuousClock.now - began < .seconds(100))
            slow.cancel()
            await #expect(throws: PostgresError.self) { _ = try await slow.value }
        }
    }

    @Test func answersOnTheLoopThatAsked() async throws {
        try await TestDatabase.with { test in
            let query = PreparedQuery("SELECT $1 + 1", .int8)
            for loop in TestDatabase.group.makeIterator() {
                let promise = loop.makePromise(of: Int.self)
                loop.execute {
                    test.database.read(query, Parameters(41), on: loop) { result in
                        #expect(loop.inEventLoop)
                        promise.completeWith(Result { try result.get().first!.read(Int.self, 0) })
                    }
                }
                #expect(try await promise.futureResult.get() == 42)
            }
            #expect(try await test.database.read(query, Parameters(1)).first!.read(Int.self, 0) == 2)
            let error = try await postgresError { _ = try await test.database.read(query, Parameters()) }
            #expect(error.code == .misuse)
        }
    }

    @Test func aKilledBackendIsAnErrorAndThenThePipelineRecovers() async throws {
        try await TestDatabase.with { test in
            let slow = Task { try await test.database.read("SELECT pg_sleep(30)") }
            try await eventually("the slow read runs") {
                try await test.database.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE application_name = \(test.schema) AND query LIKE '%pg_sleep(30)' AND state = 'active'"
                ).count == 1
            }
            try await test.database.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = \(test.schema) AND query LIKE '%pg_sleep(30)' AND state = 'active' AND pid <> pg_backend_pid()
                """)
            let error = await #expect(throws: PostgresError.self) { _ = try await slow.value }
            #expect(error?.isConnectionFailure == true)
            try await eventually("reads work again on all loops") {
                for _ in 0..<10 { if (try? await test.database.read("SELECT 1")) == nil { return false } }
                return true
            }
            try await eventually("the reconnection is counted") { test.database.statistics.reconnects > 0 }
        }
    }
}
