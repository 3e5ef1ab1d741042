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
        database: TestDatabase, department: String, port: Int, home: URL, process: Process, settings: [String: String], pushKey: String, reviewKey: String
    ) throws {
        (self.database, self.department, self.port, self.home, self.pushKey) = (database, department, port, home, pushKey)
        self.settings = NIOLockedValueBox(settings)
        self.process = NIOLockedValueBox(process)
        reader = try ContractClient(baseURL: "http://127.0.0.1:\(port)")
        pusher = reader.with(key: pushKey)
        reviewer = reader.with(key: reviewKey)
    }

    /// The built program, beside the tests.
    static let program: URL = {
        let runner = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return runner.deletingLastPathComponent().appending(path: "daylight")
    }()

    /// Runs a test with an installation; everything is removed afterwards.
    ///
    /// - Parameters:
    ///   - server: another PostgreSQL than the one that tests use.
    ///   - number: tells the departments of several installations apart.
    ///   - prepare: puts something into the database, which is empty then; without it, the database is migrated.
    static func with<T>(
        environment: [String: String] = [:], server: String? = nil, department number: Int = 1, prepare: ((TestDatabase) throws -> Void)? = nil,
        _ body: (Installation) async throws -> T
    ) async throws -> T {
        try await withTestDatabase(migrated: prepare == nil, server: server) { database in
            try prepare?(database)
            let department = try await database.addDepartment(prepare == nil ? number : 2)
            let push = try await database.addKey([.read, .push, .release], department: department.uscc, tier: "trusted")
            let review = try await database.addKey([.read, .review], department: department.uscc, tier: "trusted")
            for arguments in [["profiles", "load", Project.file("schema/profiles").path], ["reference", "load", Project.file("schema/reference").path]] {
                let (status, output) = try run(arguments, database: database)
                if status != 0 { throw InstallationError(message: "\(arguments): \(output)") }
            }
            let home = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
            let port = try await freePort()
            let process = try start(database: database, port: port, home: home, environment: environment)
            let installation = try Installation(
                database: database, department: department.uscc, port: port, home: home, process: process, settings: environment, pushKey: push.text, reviewKey: review.text)
            do {
                try await installation.waitUntilReady()
                let result = try await body(installation)
                installation.stop()
                try? FileManager.default.removeItem(at: home)
                return result
            } catch {
                installation.stop()
                try? FileManager.default.removeItem(at: home)
                throw error
            }
        }
    }

    static func start(database: TestDatabase, port: Int, home: URL, environment: [String: String] = [:]) throws -> Process {
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
    static func run(_ arguments: [String], of program: URL = Installation.program, database: TestDatabase? = nil, environment: [String: String] = [:]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        process.environment = (database.map { Self.environment(database: $0) } ?? ProcessInfo.processInfo.environment).merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    private static func environment(database: TestDatabase) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment
        environment["DATABASE_URL"] = database.url
        environment["DAYLIGHT_SCHEMA_DIR"] = Project.file("schema").path
        return environment
    }

    /// Sends SIGTERM and waits for the end.
    func stop() {
        process.withLockedValue { process in
            guard process.isRunning else { return }
            process.terminate()
            process.waitUntilExit()
        }
    }

    /// Sends SIGTERM.
    func terminate() { process.withLockedValue { $0.terminate() } }

    /// Sends SIGKILL and waits for the end.
    func kill() {
        process.withLockedValue { process in
            _ = Glibc.kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

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

    func hasEnded(within limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            if !process.withLockedValue({ $0.isRunning }) { return true }
            try? await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    /// The metrics page; the environment must name the admin port.
    func metrics() async throws -> String {
        let port = settings.withLockedValue { $0["DAYLIGHT_ADMIN_PORT"] ?? "0" }
        let answer = try await HTTPClient.shared.get(url: "http://127.0.0.1:\(port)/metrics").get()
        return answer.body.map { String(buffer: $0) } ?? ""
    }

    /// What the server wrote, for messages.
    var log: String { (try? String(contentsOf: home.appending(path: "server.log"), encoding: .utf8)) ?? "" }

    private func waitUntilReady() async throws {
        for _ in 0..<300 {
            if let answer = try? await reader.get("/health/ready"), answer.status == 200 { return }
            if !process.withLockedValue({ $0.isRunning }) { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw InstallationError(message: "the server did not become ready:\n\(log.suffix(4000))")
    }

    private static let nextPort = NIOLockedValueBox(20_000 + Int(getpid()) % 10_000)

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
