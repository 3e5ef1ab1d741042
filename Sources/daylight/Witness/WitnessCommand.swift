import API
import ArgumentParser
import Foundation
import Ledger
import Logging
import NIOCore
import NIOPosix
import RateLimit
import ServiceLifecycle
import UnixSignals
import Witness

/// `daylight witness`: signs the heads of other people's logs, as long as they only grow.
struct WitnessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Run a witness for the ledgers of others. 运行见证方，为他方的存证联署。",
        discussion: """
            Signs the head of a ledger when it goes on from the last head that it signed, by the protocol C2SP tlog-witness (POST /add-checkpoint).
            It needs no database. In --directory it keeps its key (made on the first start) and what it signed last: keep that folder, and never run it twice.
            The verifier key is printed on start, and is at GET /key: give it to those who read the ledger, and with the address to its operator.
            """
    )

    @Option(help: "The witness's name, by habit its address without the scheme, such as audit.example/witness. Needed for the first start.")
    var name: String?

    @Option(help: "Where key and state are kept.", completion: .directory)
    var directory: String

    @Option(name: .customLong("log"), help: "A ledger to watch: its verifier key (as /ledger/key has it), or a file with one on each line. May be repeated.")
    var logs: [String] = []

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 takes a free one.")
    var port = 8091

    func validate() throws {
        guard !logs.isEmpty else { throw ValidationError("name at least one ledger to watch (--log)") }
        guard (0...65535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
    }

    func run() async throws {
        let rules = WitnessRules(logs: try Self.keys(logs)), folder = URL(filePath: directory, directoryHint: .isDirectory)
        var logger = Logger(label: "daylight.witness") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .info
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let witness: Witness
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let cosigner = try KeyFile.open(folder.appending(path: "key"), name: name)
            witness = try Witness(cosigner: cosigner, rules: rules, folder: folder.appending(path: "heads", directoryHint: .isDirectory), logger: logger)
        } catch let failure as WitnessFailure {
            throw Failure(failure.description)
        } catch let error as CocoaError {
            throw Failure("\(folder.path): \(error.localizedDescription)")
        }

        let dependencies = API.Dependencies(keyLookup: { _ in nil }, unreadiness: { nil }, document: "")
        let api = API(configuration: configuration, dependencies: dependencies)
        let server = api.makeServer(router: api.makeWitnessRouter(witness), group: group)
        Terminal().print("\(witness.verifier)")
        logger.notice("witnessing", metadata: ["address": "http://\(host):\(port)", "logs": "\(rules.logs.keys.sorted().joined(separator: ", "))"])
        let services = ServiceGroup(
            configuration: .init(services: [.init(service: server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await services.run()
        } catch let error as IOError {
            throw Failure("cannot listen on \(host):\(port): \(error.description)")
        }
        try await group.shutdownGracefully()
    }

    private var configuration: API.Configuration {
        var configuration = API.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.eventLoops = 1
        configuration.connectionLimit = 256
        // Room for a hundred signatures, of the large kinds too.
        configuration.jsonLimit = 512 * 1024
        configuration.answerCapacity = 0
        configuration.shutdownGrace = 5
        configuration.logsRequests = false
        // A log asks once for each new head; more than a few a second help nobody.
        configuration.policy[.anonymous, .push] = .init(quota: 600, window: 60)
        return configuration
    }

    /// The trusted keys by origin: a key's name is the log's.
    private static func keys(_ logs: [String]) throws -> [String: [NoteVerifier]] {
        var keys: [String: [NoteVerifier]] = [:]
        for log in logs {
            let lines = NoteVerifier(log).map { [$0.description] } ?? (try? String(contentsOfFile: log, encoding: .utf8))?.split(separator: "\n").map(String.init)
            guard let lines else { throw Failure("--log \(log) is neither a verifier key (name+hash+base64) nor a file") }
            for line in lines.map({ $0.trimmingCharacters(in: .whitespaces) }) where !line.isEmpty && !line.hasPrefix("#") {
                guard let key = NoteVerifier(line) else { throw Failure("\(log): '\(line)' is no verifier key (name+hash+base64)") }
                if keys[key.name]?.contains(key) != true { keys[key.name, default: []].append(key) }
            }
        }
        guard !keys.isEmpty else { throw Failure("--log names no verifier key") }
        return keys
    }
}
