import AsyncHTTPClient
import Foundation
import Ledger
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import TestSupport

/// A running `daylight witness`: what another department has.
final class WitnessProcess: Sendable {
    let folder: URL
    let port: Int
    private let arguments: [String]
    private let process: NIOLockedValueBox<Process>

    private init(folder: URL, port: Int, arguments: [String], process: Process) {
        (self.folder, self.port, self.arguments) = (folder, port, arguments)
        self.process = NIOLockedValueBox(process)
    }

    var url: String { "http://127.0.0.1:\(port)" }

    /// The key that it made on its first start.
    var verifier: NoteVerifier {
        get async throws {
            let text = try await send(.GET, "/key").body.trimmingCharacters(in: .whitespacesAndNewlines)
            guard let verifier = NoteVerifier(text) else { throw InstallationError(message: "no verifier key: \(text)") }
            return verifier
        }
    }

    /// Runs a test with a witness; everything is removed afterwards.
    ///
    /// - Parameter logs: verifier keys of the ledgers that it watches.
    static func with<T>(name: String, logs: [String], _ body: (WitnessProcess) async throws -> T) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-witness-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let witness = try await ready(name: name, logs: logs, folder)
        do {
            let result = try await body(witness)
            await witness.stop()
            return result
        } catch {
            await witness.stop()
            throw error
        }
    }

    /// Starts one; again at another port where somebody took the first meanwhile.
    private static func ready(name: String, logs: [String], _ folder: URL) async throws -> WitnessProcess {
        for _ in 0..<5 {
            let port = try await Installation.freePort()
            let arguments = ["witness", "--name", name, "--directory", folder.path, "--port", String(port)] + logs.flatMap { ["--log", $0] }
            let witness = WitnessProcess(folder: folder, port: port, arguments: arguments, process: try start(arguments, folder))
            do {
                try await witness.waitUntilReady()
                return witness
            } catch where witness.log.contains("Address already in use") {
                await witness.stop()
            }
        }
        throw InstallationError(message: "no port is free")
    }

    private static func start(_ arguments: [String], _ folder: URL) throws -> Process {
        let process = Process(), file = folder.appending(path: "output.log")
        process.executableURL = Installation.program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        // It must not need one.
        environment["DATABASE_URL"] = nil
        process.environment = environment
        if !FileManager.default.fileExists(atPath: file.path) { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        let log = try FileHandle(forWritingTo: file)
        try log.seekToEnd()
        process.standardOutput = log
        process.standardError = log
        try process.run()
        return process
    }

    /// What it wrote, for messages.
    var log: String { (try? String(contentsOf: folder.appending(path: "output.log"), encoding: .utf8)) ?? "" }

    func send(_ method: HTTPMethod, _ path: String, body: String? = nil) async throws -> (status: Int, type: String?, body: String) {
        var request = HTTPClientRequest(url: url + path)
        request.method = method
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        return (Int(answer.status.code), answer.headers.first(name: "Content-Type"), String(buffer: try await answer.body.collect(upTo: 1 << 20)))
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// - Returns: the exit status.
    @discardableResult
    func stop() async -> Int32 {
        let process = process.withLockedValue { $0 }
        await process.stop()
        return process.terminationStatus
    }

    /// Sends SIGKILL and waits for the end.
    func kill() async { await process.withLockedValue { $0 }.kill() }

    func restart() async throws {
        let next = try Self.start(arguments, folder)
        process.withLockedValue { $0 = next }
        try await waitUntilReady()
    }

    private func waitUntilReady() async throws {
        let end = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < end {
            if let answer = try? await send(.GET, "/health/ready"), answer.status == 200 { return }
            if !process.withLockedValue({ $0.isRunning }) { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw InstallationError(message: "the witness did not become ready:\n\(log.suffix(4000))")
    }
}
