import API
import ArgumentParser
import Exchange
import Foundation
import Ledger
import Migrator
import Notary
import RateLimit
import Store

/// What the server takes from its environment. Every name stands in `docs/configuration.md`.
struct Settings: Sendable {
    /// PostgreSQL, as libpq takes it; several hosts may be named.
    var databaseURL: String
    /// A standby for public reads.
    var readerURL: String?
    var host = "127.0.0.1"
    var port = 8080
    var adminPort: Int? = 9090
    /// Where snapshot files are kept.
    var home: String
    var schema: URL
    var trustedHops = TrustedHops()
    /// Limits per tier and class of action.
    var policy = Policy.defaults
    var logsRequests = true
    var logLevel = "info"
    var databasePool = 8
    /// Pipelined connections of each event loop.
    var databasePipelines = 2
    var eventLoops: Int?
    /// Longest public statement, in seconds.
    var statementTimeout = 20
    /// The planner's estimate up to which an aggregate is computed.
    var queryCost = 2_000_000
    /// Longest time that a stream of rows holds a database connection, in seconds.
    var streamLimit = 120
    /// Longest body of a push, in bytes.
    var pushLimit = 20 << 30
    /// Findings kept of one push.
    var findingLimit = 10_000
    /// How long running requests may go on when the server stops, in seconds.
    var shutdownGrace = 30.0
    /// Snapshot files kept, in bytes together.
    var snapshotCapacity = 20 << 30
    /// Answers kept in memory, in bytes together.
    var answerCapacity = 64 << 20
    var integrityRate = 4 << 20
    /// Time between two looks at another node, in seconds.
    var nodePause = 5
    /// Time between two looks at what another node gives by a grant, in seconds.
    var grantPause = 30
    /// Longest version that is taken from another node, in bytes.
    var nodeLimit = 20 << 30

    /// How long the steps of sharing may take.
    var clocks = ShareClocks()
    /// Internal ranges to which webhooks, and what asks other nodes, may go nonetheless.
    var webhookNetworks: [IPNetwork] = []
    /// Names the ledger; made from its key where nil.
    var ledgerName: String?
    /// A file with the ledger's key; the one in the database where nil.
    var ledgerKeyFile: String?
    /// Who is asked to sign the ledger's heads.
    var witnesses: [WitnessAddress] = []
    /// How many of them make a head cosigned.
    var witnessQuorum = 1

    /// Reads `DATABASE_URL` and the `DAYLIGHT_…` variables.
    ///
    /// - Throws: `ValidationError` naming the variable that is missing or wrong.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func number(_ name: String, _ range: ClosedRange<Int>) throws -> Int? {
            guard let text = text(name) else { return nil }
            guard let value = Int(text), range.contains(value) else {
                throw ValidationError("\(name) is '\(text)'; it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        }
        guard let url = text("DATABASE_URL") else {
            throw ValidationError("DATABASE_URL is not set; it names the PostgreSQL server, for example postgresql:///daylight?host=/run/postgresql")
        }
        databaseURL = url
        readerURL = text("DAYLIGHT_READER_URL")
        host = text("DAYLIGHT_HOST") ?? host
        port = try number("DAYLIGHT_PORT", 0...65535) ?? port
        if text("DAYLIGHT_ADMIN_PORT") == "off" { adminPort = nil } else { adminPort = try number("DAYLIGHT_ADMIN_PORT", 0...65535) ?? adminPort }
        home = text("DAYLIGHT_HOME") ?? ".daylight"
        schema = try SchemaDirectory.locate(environment: environment)
        if let hops = text("DAYLIGHT_TRUSTED_HOPS") {
            trustedHops = TrustedHops(networks: try Self.networks(hops, "DAYLIGHT_TRUSTED_HOPS"))
        }
        webhookNetworks = try text("DAYLIGHT_WEBHOOK_NETWORKS").map { try Self.networks($0, "DAYLIGHT_WEBHOOK_NETWORKS") } ?? []
        if let overrides = text("DAYLIGHT_RATE_LIMITS") {
            do {
                policy = try policy.overridden(by: overrides.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
            } catch let error as Policy.OverrideError {
                throw ValidationError("DAYLIGHT_RATE_LIMITS: \(error.description)")
            }
        }
        if let value = text("DAYLIGHT_LOG_REQUESTS") { logsRequests = value != "false" && value != "0" }
        logLevel = text("DAYLIGHT_LOG_LEVEL") ?? logLevel
        databasePool = try number("DAYLIGHT_DATABASE_POOL", 2...200) ?? databasePool
        databasePipelines = try number("DAYLIGHT_DATABASE_PIPELINES", 1...16) ?? databasePipelines
        eventLoops = try number("DAYLIGHT_EVENT_LOOPS", 1...256)
        statementTimeout = try number("DAYLIGHT_STATEMENT_TIMEOUT", 1...3600) ?? statementTimeout
        queryCost = try number("DAYLIGHT_QUERY_COST", 1...1_000_000_000_000) ?? queryCost
        streamLimit = try number("DAYLIGHT_STREAM_LIMIT", 1...3600) ?? streamLimit
        pushLimit = try number("DAYLIGHT_PUSH_LIMIT", 1024...(1 << 50)) ?? pushLimit
        findingLimit = try number("DAYLIGHT_FINDING_LIMIT", 1...1_000_000) ?? findingLimit
        shutdownGrace = try number("DAYLIGHT_SHUTDOWN_GRACE", 0...3600).map(Double.init) ?? shutdownGrace
        answerCapacity = try number("DAYLIGHT_ANSWER_CAPACITY", 0...(1 << 40)) ?? answerCapacity
        integrityRate = try number("DAYLIGHT_INTEGRITY_RATE", 0...(1 << 40)) ?? integrityRate
        nodePause = try number("DAYLIGHT_NODE_PAUSE", 1...86_400) ?? nodePause
        grantPause = try number("DAYLIGHT_GRANT_PAUSE", 1...86_400) ?? grantPause
        nodeLimit = try number("DAYLIGHT_NODE_LIMIT", 1024...(1 << 50)) ?? nodeLimit
        do {
            clocks = try text("DAYLIGHT_EXCHANGE_CLOCKS").map { try ShareClocks($0) } ?? ShareClocks()
        } catch let error as ShareClocks.Malformed {
            throw ValidationError("DAYLIGHT_EXCHANGE_CLOCKS: \(error.description)")
        }
        ledgerName = text("DAYLIGHT_LEDGER_NAME")
        ledgerKeyFile = text("DAYLIGHT_LEDGER_KEY_FILE")
        if let value = text("DAYLIGHT_WITNESSES") { witnesses = try Self.witnesses(value) }
        // Most of them, unless said otherwise.
        witnessQuorum = try number("DAYLIGHT_WITNESS_QUORUM", 1...max(1, witnesses.count)) ?? witnesses.count / 2 + 1
        snapshotCapacity = try number("DAYLIGHT_SNAPSHOT_CAPACITY", 1 << 20...(1 << 50)) ?? snapshotCapacity
    }

    private static func networks(_ text: String, _ name: String) throws -> [IPNetwork] {
        try text.split(separator: ",").map { part in
            guard let network = IPNetwork(part.trimmingCharacters(in: .whitespaces)) else { throw ValidationError("\(name): '\(part)' is no network in CIDR notation") }
            return network
        }
    }

    /// Pairs of verifier key and address, by commas or lines; or a file of them.
    private static func witnesses(_ value: String) throws -> [WitnessAddress] {
        var text = value
        if !value.contains("://") {
            guard let file = try? String(contentsOfFile: value, encoding: .utf8) else { throw ValidationError("DAYLIGHT_WITNESSES: the file \(value) cannot be read") }
            text = file
        }
        var witnesses: [WitnessAddress] = []
        for line in text.split(whereSeparator: { $0 == "," || $0.isNewline }).map({ $0.trimmingCharacters(in: .whitespaces) }) where !line.isEmpty && !line.hasPrefix("#") {
            guard let witness = WitnessAddress(line) else {
                throw ValidationError("DAYLIGHT_WITNESSES: '\(line)' is no witness's verifier key (name+hash+base64) and its address (https://…), with a space between them")
            }
            guard !witnesses.contains(where: { $0.verifier == witness.verifier }) else { throw ValidationError("DAYLIGHT_WITNESSES names \(witness.verifier.name) twice") }
            witnesses.append(witness)
        }
        return witnesses
    }

    var store: Store.Configuration {
        var configuration = Store.Configuration(databaseURL: databaseURL, readerURL: readerURL)
        configuration.readerPool = databasePool
        configuration.pipelinedConnectionsPerLoop = databasePipelines
        configuration.writerPool = databasePool
        configuration.deliveryPool = databasePool
        configuration.readerTimeout = statementTimeout
        configuration.streamLimit = streamLimit
        configuration.queryCost = queryCost
        return configuration
    }

    var api: API.Configuration {
        var configuration = API.Configuration()
        configuration.host = host
        configuration.port = port
        configuration.adminPort = adminPort
        configuration.eventLoops = eventLoops
        configuration.trustedHops = trustedHops
        configuration.policy = policy
        configuration.logsRequests = logsRequests
        configuration.streamLimit = pushLimit
        configuration.shutdownGrace = shutdownGrace
        configuration.answerCapacity = answerCapacity
        return configuration
    }
}
