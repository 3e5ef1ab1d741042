import Logging
import Model
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing

@Suite struct FailureTests {
    @Test func aServerThatIsNotThereIsUnavailable() async throws {
        let configuration = Store.Configuration(databaseURL: "postgresql:///nothing?host=/tmp/no-such-directory&connect_timeout=2")
        let store = Store(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test"))
        let problem = await #expect(throws: Problem.self) { try await store.start() }
        #expect(problem?.code == .databaseUnavailable)
        #expect(problem?.retryAfter != nil)
        await store.close()
    }

    @Test func textThatPostgresCannotHoldIsTheCallersMistake() async throws {
        try await withTestStore { _, store in
            let problem = await #expect(throws: Problem.self) { try await store.department("a\0b") }
            #expect(problem?.code == .malformedRequest)
        }
    }

    @Test func wordsOfPostgresNeverLeave() async throws {
        try await withTestStore { db, store in
            try await db.database.execute("DROP VIEW published.department CASCADE")
            let problem = try #require(await #expect(throws: Problem.self) { try await store.department("x") })
            #expect(problem.code == .databaseUnavailable && problem.retryAfter != nil)
            #expect(!"\(problem)".contains("published"))
        }
    }

    @Test func sessionsShowChinaStandardTimeAndNameTheirRole() async throws {
        try await withTestStore { db, store in
            try await store.ping()
            let rows = try await db.database.execute(
                "SELECT DISTINCT application_name FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'daylight %' ORDER BY 1"
            )
            #expect(try rows.map { try $0.read(String.self, 0) } == ["daylight deliveries", "daylight exchange", "daylight reader", "daylight writer"])
        }
    }
}
