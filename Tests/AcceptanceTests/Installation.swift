import AsyncHTTPClient
import Foundation
import Glibc
import Model
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import TestSupport

/// A running `daylight serve` with a database of its own: what an operator has.
final class Installation: Sendable {
    let database: TestDatabase
    let department: String
    let pusher: ContractClient
    let reviewer: ContractClient
    let reader: ContractClient
    let pushKey: String
    let home: URL
    let port: Int
    private let process: NIOLockedValueBox<Process>
    private let settings: NIOLockedValueBox<[String: String]>

    private init(
        database: TestDatabase, department: String, port: Int, home: URL, settings: [String: String], pushKey: String, reviewKey: String
    ) throws {
        (self.database, self.department, self.port, self.home, self.pushKey) = (database, department, port, home, pushKey)
        self.settings = NIOLockedValueBox(settings)
        process = NIOLockedValueBox(try Self.start(database: database, port: port, home: home, environment: settings))
        var reader = try ContractClient(baseURL: "http://127.0.0.1:\(port)")
        reader.patience = .seconds(90)
        self.reader = reader
        pusher = reader.with(key: pushKey)
        reviewer = reader.with(key: reviewKey)
    }

    /// The built program, beside the tests.
    static let program: URL = {
        let runner = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return runner.deletingLastPathComponent().appending(path: "daylight")
    }()

    /// So many tests have servers at once: more would only make one another slow.
    private static let turns = TestTurns(6)

    /// Runs a test with an installation; everything is removed afterwards.
    ///
    /// - Parameters:
    ///   - server: another PostgreSQL than the one that tests use.
    ///   - number: tells the departments of several installations apart.
    ///   - prepare: puts something into the database, which is empty then; without it, the database is migrated.
    static func with<T>(
        environment: [String: String] = [:], server: String? = nil, department number: Int = 1, prepare: ((TestDatabase) async throws -> Void)? = nil,
        isolation: isolated (any Actor)? = #isolation, _ body: (Installation) async throws -> T
    ) async throws -> T {
        try await turns.wait {
            try await withTestDatabase(migrated: prepare == nil, server: server) { database in
                try await prepare?(database)
                let department = try await database.addDepartment(prepare == nil ? number : 2)
                let push = try await database.addKey([.read, .push, .release], department: department.uscc, tier: "trusted")
                let review = try await database.addKey([.read, .review], department: department.uscc, tier: "trusted")
                for arguments in [["profiles", "load", Project.file("schema/profiles").path], ["reference", "load", Project.file("schema/reference").path]] {
                    let (status, output) = try await run(arguments, database: database)
                    if status != 0 { throw InstallationError(message: "\(arguments): \(output)") }
                }
                let home = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: home) }
                let installation = try await ready { port in
                    try Installation(
                        database: database, department: department.uscc, port: port, home: home, settings: environment, pushKey: push.text, reviewKey: review.text)
                }
                do {
                    let result = try await body(installation)
                    await installation.stop()
                    return result
                } catch {
                    await installation.stop()
                    throw error
                }
            }
        }
    }

    /// Starts a server; again at another port where somebody took the first meanwhile.
    private static func ready(_ make: (_ port: Int) throws -> Installation) async throws -> Installation {
        for _ in 0..<5 {
            let installation = try make(try await freePort())
            do {
                try await installation.waitUntilReady()
                return installation
            } catch where installation.log.contains("Address already in use") {
                await installation.stop()
            }
        }
        throw InstallationError(message: "no port is free")
    }

    private static func start(database: TestDatabase, port: Int, home: URL, environment: [String: String]) throws -> Process {
        let process = Process()
        process.executableURL = program
        process.arguments = ["serve"]
        process.environment = Self.environment(database: database)
            .merging(["DAYLIGHT_PORT": String(port), "DAYLIGHT_ADMIN_PORT": "0", "DAYLIGHT_HOME": home.path]) { $1 }
            .merging(environment) { $1 }
        _ = FileManager.default.createFile(atPath: home.appending(path: "server.log").path, contents: nil)
        let log = try FileHandle(forWritingTo: home.appending(path: "server.log"))
        process.standardOutput = log
        process.standardError = log
        try process.run()
        return process
    }

    /// Runs a subcommand, or another program, to its end.
    @discardableResult
    static func run(
        _ arguments: [String], of program: URL = Installation.program, database: TestDatabase? = nil, environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String) {
        let settings = (database.map { Self.environment(database: $0) } ?? ProcessInfo.processInfo.environment).merging(environment) { $1 }
        return try await aside {
            let process = Process()
            process.executableURL = program
            process.arguments = arguments
            process.environment = settings
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (process.terminationStatus, output)
        }
    }

    private static func environment(database: TestDatabase) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["DATABASE_URL"] = database.url
        environment["DAYLIGHT_SCHEMA_DIR"] = Project.file("schema").path
        return environment
    }

    /// Sends SIGTERM and waits for the end.
    func stop() async { await process.withLockedValue { $0 }.stop() }

    /// Sends SIGTERM.
    func terminate() { process.withLockedValue { $0.terminate() } }

    /// Sends SIGKILL and waits for the end.
    func kill() async { await process.withLockedValue { $0 }.kill() }

    /// Starts the server again, on the same port and database.
    ///
    /// - Parameter more: environment to be added from now on.
    func restart(with more: [String: String] = [:]) async throws {
        let environment = settings.withLockedValue { settings in
            settings.merge(more) { $1 }
            return settings
        }
        let next = try Self.start(database: database, port: port, home: home, environment: environment)
        process.withLockedValue { $0 = next }
        try await waitUntilReady()
    }

    /// The metrics page; the environment must name the admin port.
    func metrics() async throws -> String {
        let port = settings.withLockedValue { $0["DAYLIGHT_ADMIN_PORT"] ?? "0" }
        let answer = try await HTTPClient.shared.get(url: "http://127.0.0.1:\(port)/metrics").get()
        return answer.body.map { String(buffer: $0) } ?? ""
    }

    /// What the server wrote, for messages.
    var log: String { (try? String(contentsOf: home.appending(path: "server.log"), encoding: .utf8)) ?? "" }

    /// Whether the server still runs.
    var isRunning: Bool { process.withLockedValue { $0.isRunning } }

    private func waitUntilReady() async throws {
        var client = reader
        client.patience = .zero
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if let answer = try? await client.get("/health/ready"), answer.status == 200 { return }
            if !isRunning { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw InstallationError(message: "the server did not become ready:\n\(log.suffix(4000))")
    }

    private static let nextPort = NIOLockedValueBox(Int.random(in: 20_000..<31_000))

    /// A port that nobody else is given by asking for port 0: one below the range of those, each time another.
    static func freePort() async throws -> Int {
        for _ in 0..<100 {
            let port = nextPort.withLockedValue { next in
                next += 1
                return next
            }
            guard let channel = try? await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: port).get() else { continue }
            try await channel.close()
            return port
        }
        throw InstallationError(message: "no port is free")
    }
}

struct InstallationError: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
}
