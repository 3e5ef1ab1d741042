internal import Foundation
internal import Logging
public import Migrator
internal import NIOCore
internal import NIOPosix
public import Postgres

/// A database of its own for one test: a copy of a template that was migrated once.
///
/// ```swift
/// try await withTestDatabase { db in
///     let department = try await db.addDepartment()
/// }
/// ```
public final class TestDatabase: Sendable {
    /// Who a connection acts as.
    public enum Role: String, Sendable {
        case owner = "daylight_owner"
        case writer = "daylight_writer"
        case reader = "daylight_reader"
        case exchange = "daylight_exchange"
    }

    public let name: String
    /// Connects as the server's superuser, who may take on any role.
    public let url: String
    private let server: String
    /// The superuser's connections, for fixtures and for looking behind the scenes.
    public let database: Database

    private init(name: String, url: String, server: String, database: Database) {
        (self.name, self.url, self.server, self.database) = (name, url, server, database)
    }

    /// Connects as one of Daylight's roles.
    public func url(as role: Role) -> String { Self.url(url, appending: "options=-crole%3D\(role.rawValue)") }

    /// Opens a database as one of Daylight's roles, or as the superuser where it is nil; the caller closes it.
    public func open(as role: Role?) async throws -> Database {
        try await Self.open(url, role.map { [("role", $0.rawValue)] } ?? [])
    }

    /// Opens a database as another login of the server; the caller closes it.
    public func open(asLogin login: String) async throws -> Database {
        try await Self.open(Self.url(url, appending: "user=\(login)"))
    }

    /// The project's schema folder.
    public static func schema() throws -> SchemaDirectory { try SchemaDirectory(Project.root.appending(path: "schema")) }

    /// Makes a database; `drop()` removes it.
    ///
    /// - Parameters:
    ///   - migrated: without it, the database is empty.
    ///   - server: another server than the one that tests use.
    public static func make(migrated: Bool = true, server: String? = nil) async throws -> TestDatabase {
        let server = try server ?? serverURL()
        let template = migrated ? try await Template.shared.name(server) : "template1"
        let name = "daylight_test_" + UUID().uuidString.lowercased().replacing("-", with: "").prefix(16)
        try await withDatabase(server) { _ = try await $0.execute("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: template)") }
        let url = Self.url(server, database: name)
        return TestDatabase(name: name, url: url, server: server, database: try await open(url))
    }

    /// Closes the connections and drops the database, whoever else is connected.
    public func drop() async throws {
        await database.close()
        try await Self.withDatabase(server) { server in
            _ = try await server.execute("DROP DATABASE IF EXISTS \(identifier: backup) WITH (FORCE)")
            _ = try await server.execute("DROP DATABASE \(identifier: name) WITH (FORCE)")
        }
    }

    private var backup: String { name + "_backup" }

    /// Keeps the database as it is now. Every connection to it is ended.
    public func backUp() async throws {
        try await cut()
        try await Self.withDatabase(server) { server in
            _ = try await server.execute("CREATE DATABASE \(identifier: backup) TEMPLATE \(identifier: name)")
            _ = try await server.execute("ALTER DATABASE \(identifier: name) ALLOW_CONNECTIONS true")
        }
    }

    /// Puts the database back to what was kept. Every connection to it is ended.
    public func restore() async throws {
        try await Self.withDatabase(server) { server in
            _ = try await server.execute("DROP DATABASE \(identifier: name) WITH (FORCE)")
            _ = try await server.execute("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: backup)")
        }
    }

    /// Ends every connection to the database, and lets nobody in again: for those who use it, the server is away.
    public func cut() async throws {
        try await Self.withDatabase(server) { server in
            _ = try await server.execute("ALTER DATABASE \(identifier: name) ALLOW_CONNECTIONS false")
            _ = try await server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(name)")
        }
    }

    /// The server that tests may use, from `DAYLIGHT_TEST_DATABASE_URL`.
    ///
    /// - Throws: `MissingTestServer` where it is not set: tests that need PostgreSQL are never skipped.
    public static func serverURL() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["DAYLIGHT_TEST_DATABASE_URL"], !url.isEmpty else { throw MissingTestServer() }
        return url
    }

    static func withDatabase<T>(_ url: String, _ body: (Database) async throws -> T) async throws -> T {
        let database = try await open(url)
        do {
            let result = try await body(database)
            await database.close()
            return result
        } catch {
            await database.close()
            throw error
        }
    }

    static func open(_ url: String, _ settings: [(String, String)] = []) async throws -> Database {
        var configuration = Database.Configuration(url: url, sessionSettings: Migrator.sessionSettings + settings)
        configuration.poolSize = 4
        configuration.acquireTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        configuration.applicationName = "daylight-tests"
        let database = Database(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "daylight.tests"))
        try await database.start()
        return database
    }

    /// The same server, another database; URIs and keyword strings alike.
    static func url(_ url: String, database: String) -> String {
        guard let scheme = url.range(of: "://") else { return url + " dbname=\(database)" }
        let rest = url[scheme.upperBound...]
        let query = rest.firstIndex(of: "?") ?? rest.endIndex
        let host = rest[..<query].prefix { $0 != "/" }
        return url[..<scheme.upperBound] + host + "/" + database + rest[query...]
    }

    private static func url(_ url: String, appending parameter: String) -> String {
        if !url.contains("://") { return url + " " + (parameter.removingPercentEncoding ?? parameter) }
        return url + (url.contains("?") ? "&" : "?") + parameter
    }
}

/// Runs a test with a database of its own, which is dropped afterwards.
///
/// - Parameters:
///   - migrated: without it, the database is empty.
///   - server: another server than the one that tests use.
public func withTestDatabase<T>(
    migrated: Bool = true, server: String? = nil, isolation: isolated (any Actor)? = #isolation, _ body: (TestDatabase) async throws -> T
) async throws -> T {
    try await TestTurns.databases.wait { try await lend(migrated: migrated, server: server, body) }
}

private func lend<T>(
    migrated: Bool, server: String?, isolation: isolated (any Actor)? = #isolation, _ body: (TestDatabase) async throws -> T
) async throws -> T {
    let database = try await TestDatabase.make(migrated: migrated, server: server)
    do {
        let result = try await body(database)
        try await database.drop()
        return result
    } catch {
        try? await database.drop()
        throw error
    }
}

/// There is no PostgreSQL to test against.
public struct MissingTestServer: Error, CustomStringConvertible {
    public var description: String {
        "DAYLIGHT_TEST_DATABASE_URL is not set. Run the tests with `make test`, or with scripts/with-postgres.sh swift test."
    }
}
