import API
import ArgumentParser
import Bulk
import Catalogue
import Exchange
import Foundation
import Jobs
import Logging
import Migrator
import Mirror
import Model
import NIOCore
import NIOPosix
import Notary
import Postgres
import Publishing
import ServiceLifecycle
import Store
import UnixSignals

/// `daylight serve`: the server, until SIGTERM or Ctrl-C.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the API. 启动服务。",
        discussion: "Settings come from the environment; docs/configuration.md lists them. The schema must be current: run `daylight migrate` first."
    )

    func run() async throws {
        let settings = try Settings()
        var logger = Logger(label: "daylight")
        logger.logLevel = Logger.Level(rawValue: settings.logLevel) ?? .info
        let group = MultiThreadedEventLoopGroup(numberOfThreads: settings.eventLoops ?? System.coreCount)
        try await requireCurrentSchema(settings, group: group, logger: logger)

        let store = Store(settings.store, eventLoopGroup: group, logger: logger)
        do {
            try await store.start()
        } catch let problem as Problem {
            throw Failure(problem.detail.en ?? problem.detail.zh)
        }
        let released = ReleasedDatasets(store: store)
        let seal = try await CursorSeal.load(from: store)
        var publishing = Publishing.Configuration()
        publishing.bodyLimit = settings.pushLimit
        publishing.findingLimit = settings.findingLimit
        let publisher = Publishing(store: store, configuration: publishing, logger: logger)
        var snapshots = Bulk.Configuration(directory: settings.home + "/snapshots")
        snapshots.capacity = settings.snapshotCapacity
        released.onExpiry { _ = try await publisher.expire($0) }
        var exchange = Sharing.Configuration()
        exchange.clocks = settings.clocks
        exchange.fileDirectory = settings.home + "/exchange"
        exchange.fileCapacity = settings.snapshotCapacity
        exchange.addresses = AddressRule(allowing: settings.webhookNetworks)
        exchange.statements = StatementSigner(ledgerSeed: try await Notary.seed(settings, store))
        let sharing = Sharing(store: store, configuration: exchange, logger: logger)
        var telling = Webhooks.Configuration()
        telling.addresses = exchange.addresses
        let webhooks = Webhooks(store: store, configuration: telling, logger: logger)
        // Releases and withdrawals are told of at once.
        released.announcements.onNews { if case .changed = $0 { webhooks.ring() } }
        let told = Job("webhooks", every: .seconds(1), lease: .seconds(15)) { try await webhooks.work() }
        let reminders = Job("receipts", every: .seconds(600)) { try await sharing.remindOfReceipts(at: .now) }
        let clocks = Job("exchange", every: .seconds(20)) { await sharing.sweep(at: .now) }
        let audit = AuditTrail(store: store, logger: logger)
        let sealing = Job("audit", every: .seconds(5), lease: .seconds(30)) { try await sharing.sealAudit() }
        let expiry = Job("expiry", every: .seconds(1)) { _ = try await publisher.expireDue() }
        var mirroring = Mirror.Configuration(folder: URL(filePath: settings.home + "/nodes"))
        mirroring.pause = .seconds(settings.nodePause)
        mirroring.largest = settings.nodeLimit
        let transport = NodeTransport(exchange.addresses)
        let mirror = Mirror(mirroring, store: store, transport: transport.send, logger: logger)
        let nodes = Job("nodes", every: .seconds(1)) { try await mirror.work() }
        var receiving = GrantReceiving.Configuration(databaseURL: settings.databaseURL, folder: URL(filePath: settings.home + "/received"))
        receiving.pause = .seconds(settings.grantPause)
        receiving.longest = settings.nodeLimit
        receiving.addresses = exchange.addresses
        let receiver = GrantReceiving(receiving, store: store, logger: logger)
        let grants = Job("grants", every: .seconds(1)) { try await receiver.work() }
        let process = UUID().uuidString, log = logger
        let bulk = try Bulk(snapshots, store: store, released: released, logger: logger)

        let catalogue = Catalogue(store: store, seal: seal, logger: logger, isFollowed: true)

        var dependencies = API.Dependencies(
            keyLookup: { try await store.accessKey(prefix: $0) },
            unreadiness: {
                do {
                    try await store.ping()
                    return catalogue.isReady ? nil : "the search index is being loaded"
                } catch {
                    return "the database does not answer"
                }
            },
            document: try document(beside: settings.schema),
            gauges: store.statistics.indices.map { index in
                let name = store.statistics[index].name
                return API.Gauge(name: "daylight_database_\(name)", help: "Database connections and waiters: \(name)") { Double(store.statistics[index].value) }
            }
        )
        dependencies.catalogue = catalogue
        let changes = ChangeFeed(store: store, announcements: released.announcements)
        dependencies.changes = changes
        dependencies.freshness = Freshness(released)
        dependencies.sharedLimits = API.SharedLimits(store)
        dependencies.rows = RowReader(store: store, released: released, seal: seal)
        dependencies.bulk = bulk
        dependencies.publishing = publisher
        dependencies.cursors = seal
        dependencies.sharing = sharing
        dependencies.audit = audit
        let notary = try await Notary.open(settings, store: store, announcements: released.announcements, logger: logger)
        dependencies.notary = notary
        dependencies.metricFamilies += LedgerMetrics.families(notary)
        var checking = Integrity.Configuration()
        checking.rate = settings.integrityRate
        let integrity = Integrity(store: store, configuration: checking, logger: logger)
        let check = Job("integrity", every: .seconds(5), lease: .seconds(30)) { try await integrity.work() }
        dependencies.gauges += integrity.measurements.map { measurement in
            API.Gauge(name: "daylight_integrity_\(measurement.name)", help: measurement.help) { measurement.read() }
        }
        let api = API(configuration: settings.api, dependencies: dependencies)
        let server = api.makeServer(router: api.makeRouter(), group: group)

        let services = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: Background { await released.run() }), .init(service: Background { await changes.run() }),
                    .init(service: Background { await catalogue.run() }),
                    .init(service: Background { await publisher.run() }), .init(service: Background { await bulk.run() }),
                    .init(service: Background { await expiry.run(on: store, as: process, logger: log) }), .init(service: Background { await integrity.watch() }),
                    .init(service: Background { await check.run(on: store, as: process, logger: log) }), .init(service: Background { await notary.run() }), .init(service: Background { await clocks.run(on: store, as: process, logger: log) }),
                    .init(service: Background { await told.run(on: store, as: process, logger: log) }), .init(service: Background { await reminders.run(on: store, as: process, logger: log) }),
                    .init(service: Background { await nodes.run(on: store, as: process, logger: log) }), .init(service: Background { await grants.run(on: store, as: process, logger: log) }),
                    .init(service: Background { await audit.run() }), .init(service: Background { await sealing.run(on: store, as: process, logger: log) }),
                    .init(service: server),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        logger.notice("serving", metadata: ["address": "http://\(settings.host):\(settings.port)"])
        do {
            try await services.run()
        } catch let error as IOError {
            throw Failure("cannot listen on \(settings.host):\(settings.port): \(error.description)")
        }
        await transport.close()
        await bulk.close()
        await store.close()
        try await group.shutdownGracefully()
    }

    private func requireCurrentSchema(_ settings: Settings, group: any EventLoopGroup, logger: Logger) async throws {
        var configuration = Database.Configuration(url: settings.databaseURL, sessionSettings: Migrator.sessionSettings)
        configuration.poolSize = 1
        configuration.pipelinedConnectionsPerLoop = 0
        let patience = ContinuousClock.now + Self.patience
        while true {
            let database = Database(configuration, eventLoopGroup: group, logger: logger)
            do {
                try await database.start()
                try await Migrator(database: database, schema: try SchemaDirectory(settings.schema)).requireCurrent()
                return await database.close()
            } catch let error as PostgresError where error.isConnectionFailure {
                await database.close()
                guard ContinuousClock.now < patience else { throw Failure("\(error) \(error.message)") }
                logger.warning("waiting for the database", metadata: ["reason": "\(error.message)"])
                try await Task.sleep(for: .seconds(1))
            } catch {
                await database.close()
                throw Failure("\(error)")
            }
        }
    }

    /// How long a database may take to come up beside the server.
    private static let patience = Duration.seconds(30)

    /// The contract, served as it is written: it stands beside the schema folder.
    private func document(beside schema: URL) throws -> String {
        let file = schema.standardizedFileURL.deletingLastPathComponent().appending(path: "openapi.yaml")
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { throw Failure("cannot read \(file.path); it belongs beside the schema folder") }
        return text
    }
}

/// Work that goes on beside the server and ends with it.
private struct Background: Service {
    let work: @Sendable () async -> Void

    init(_ work: @escaping @Sendable () async -> Void) { self.work = work }

    func run() async throws {
        await cancelWhenGracefulShutdown(work)
    }
}

/// An end of a command with a message for the operator.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
