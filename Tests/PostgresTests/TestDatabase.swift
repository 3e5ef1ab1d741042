import Foundation
import Logging
import NIOCore
import NIOPosix
import Postgres
import Testing

/// A database of the development server with a schema of its own, which is dropped at the end.
struct TestDatabase {
    let database: Database
    let schema: String
    let url: String

    static var url: String {
        get throws {
            try #require(
                ProcessInfo.processInfo.environment["DAYLIGHT_TEST_DATABASE_URL"],
                "DAYLIGHT_TEST_DATABASE_URL has to name a PostgreSQL server whose superuser may be used")
        }
    }

    /// For all tests.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)

    static let logger: Logger = {
        var logger = Logger(label: "postgres-tests") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }()

    static func with(
        url: String? = nil, _ configure: (inout Database.Configuration) -> Void = { _ in }, _ body: (TestDatabase) async throws -> Void
    ) async throws {
        let schema = "t_" + UUID().uuidString.lowercased().filter { $0 != "-" }
        let url = try url ?? Self.url
        var configuration = Database.Configuration(url: url, sessionSettings: [("search_path", schema), ("statement_timeout", "60s")])
        configuration.applicationName = schema
        configure(&configuration)
        let database = Database(configuration, eventLoopGroup: group, logger: logger)
        try await database.start()
        do {
            try await database.execute("CREATE SCHEMA \(identifier: schema)")
            try await body(TestDatabase(database: database, schema: schema, url: url))
        } catch {
            _ = try? await database.execute("DROP SCHEMA IF EXISTS \(identifier: schema) CASCADE")
            await database.close()
            throw error
        }
        try await database.execute("DROP SCHEMA \(identifier: schema) CASCADE")
        await database.close()
    }
}

/// Waits until the condition holds, for ten seconds at most.
func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
    for _ in 0..<500 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record(what)
}

/// The error that the body throws.
func postgresError<T>(_ body: () async throws -> T) async throws -> PostgresError {
    do {
        _ = try await body()
    } catch let error as PostgresError {
        return error
    }
    Issue.record("no error was thrown")
    throw CancellationError()
}
