import ArgumentParser
import Catalogue
import Foundation
import Logging
import Migrator
import Model
import NIOPosix
import Postgres
import Profiles
import Store

/// What the operator's subcommands share: the way to the database, and errors in words.
enum Operator {
    static func databaseURL() throws -> String {
        guard let url = ProcessInfo.processInfo.environment["DATABASE_URL"], !url.isEmpty else {
            throw ValidationError("DATABASE_URL is not set; it names the PostgreSQL server, for example postgresql:///daylight?host=/run/postgresql")
        }
        return url
    }

    /// Runs work on the store, with few connections.
    static func withStore<T>(_ body: (Store) async throws -> T) async throws -> T {
        var configuration = Store.Configuration(databaseURL: try databaseURL())
        configuration.readerPool = 1
        configuration.writerPool = 2
        let store = Store(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            try await store.start()
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw described(error)
        }
    }

    /// Runs work on the migrator.
    static func withMigrator<T>(_ body: (Migrator) async throws -> T) async throws -> T {
        var configuration = Database.Configuration(url: try databaseURL(), sessionSettings: Migrator.sessionSettings)
        configuration.poolSize = 1
        configuration.pipelinedConnectionsPerLoop = 0
        configuration.applicationName = "daylight migrate"
        let database = Database(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
        do {
            try await database.start()
            let result = try await body(Migrator(database: database, schema: try SchemaDirectory(SchemaDirectory.locate())))
            await database.close()
            return result
        } catch {
            await database.close()
            throw described(error)
        }
    }

    /// The JSON or CSV files that paths name: files as they are, folders by what they hold.
    static func files(_ paths: [String], ending: String) throws -> [URL] {
        try paths.flatMap { path -> [URL] in
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { throw Failure("\(path): no such file or folder") }
            let url = URL(filePath: path)
            guard isFolder.boolValue else { return [url] }
            let names = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(ending) && !$0.hasSuffix(".schema.json") }.sorted()
            if names.isEmpty { throw Failure("\(path): no \(ending) files") }
            return names.map { url.appending(path: $0) }
        }
    }

    static func contents(_ file: URL) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: file))
        } catch {
            throw Failure("\(file.path): cannot be read")
        }
    }

    /// Every wrong place of a file, one per line.
    static func refusal(_ file: URL, _ document: InvalidDocument) -> Failure {
        let shown = document.places.prefix(50).map { "  \($0.place.isEmpty ? "" : "\($0.place): ")\($0.message.text(in: .en))（\($0.message.zh)）" }
        let rest = document.places.count - shown.count
        return Failure("\(file.path) was not loaded:\n" + (shown + (rest > 0 ? ["  … and \(rest) more"] : [])).joined(separator: "\n"))
    }

    private static func described(_ error: any Error) -> any Error {
        switch error {
        case let problem as Problem: Failure(([problem.detail.text(in: .en)] + problem.places.map { "  \($0.place): \($0.message.text(in: .en))" }).joined(separator: "\n"))
        case let error as PostgresError: Failure(error.debugDescription)
        default: error
        }
    }

    static var logger: Logger {
        var logger = Logger(label: "daylight") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}
