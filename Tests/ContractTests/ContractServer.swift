import API
import Bulk
import Catalogue
import Exchange
import Foundation
import Ledger
import Logging
import Model
import NIOPosix
import Notary
import Postgres
import Publishing
import RateLimit
import Store
import TestSupport

/// The whole interface over a database of its own, on a free port, and clients with the keys that its people hold.
struct ContractServer {
    let database: TestDatabase
    let store: Store
    let api: API
    /// Without a key.
    let reader: ContractClient
    let pusher: ContractClient
    let reviewer: ContractClient
    /// May publish, withdraw and see everything.
    let authority: ContractClient
    /// Of another department: asks for data.
    let receiver: ContractClient
    /// Holds a key that no network of ours may use.
    let stranger: ContractClient

    /// The department of the contract's examples.
    static let department = "11511800MB1234562L"

    /// Signs the ledger's heads, by the tests' own hand.
    static let witness = Cosigner(name: "audit.example/witness", seed: Array(1...32))!
    /// The department that asks for data in the contract's examples.
    static let receivingDepartment = "11511802MB7654321X"

    /// Runs a test against a server; everything is removed afterwards.
    static func with<T>(
        storage: (inout Store.Configuration) -> Void = { _ in }, bulk: (inout Bulk.Configuration) -> Void = { _ in }, configure: (inout API.Configuration) throws -> Void = { _ in }, isolation: isolated (any Actor)? = #isolation, _ body: (ContractServer) async throws -> T
    ) async throws -> T {
        try await withTestDatabase { database in
            let group = MultiThreadedEventLoopGroup.singleton
            let logger = Logger(label: "daylight.contract") { _ in SwiftLogNoOpLogHandler() }
            var configuration = Store.Configuration(databaseURL: database.url)
            storage(&configuration)
            let store = Store(configuration, eventLoopGroup: group, logger: logger)
            try await store.start()
            let files = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)")
            var snapshots = Bulk.Configuration(directory: files.path)
            bulk(&snapshots)
            let api = try await compose(store, snapshots, logger: logger, configure)
            let server = api.makeServer(router: api.makeRouter(), group: group)
            try await server.start()
            let result: Result<T, any Error>
            do {
                result = .success(try await body(make(database, store, api, port: server.port)))
            } catch {
                result = .failure(error)
            }
            await server.shutdown(within: .seconds(1))
            await api.dependencies.bulk?.close()
            await store.close()
            try? FileManager.default.removeItem(at: files)
            return try result.get()
        }
    }

    private static func unreadiness(_ store: Store) async -> String? {
        do {
            try await store.ping()
            return nil
        } catch {
            return "the database does not answer"
        }
    }

    private static func compose(_ store: Store, _ snapshots: Bulk.Configuration, logger: Logger, _ configure: (inout API.Configuration) throws -> Void) async throws -> API {
        let seal = CursorSeal(key: try await store.secret("cursor") ?? [])
        let released = ReleasedDatasets(store: store)
        var dependencies = API.Dependencies(
            keyLookup: { try await store.accessKey(prefix: $0) }, unreadiness: { await unreadiness(store) }, document: try Project.text("openapi.yaml"))
        dependencies.rows = RowReader(store: store, released: released, seal: seal)
        dependencies.bulk = try Bulk(snapshots, store: store, released: released, logger: logger)
        dependencies.catalogue = Catalogue(store: store, seal: seal)
        dependencies.changes = ChangeFeed(store: store, announcements: released.announcements)
        dependencies.sharedLimits = API.SharedLimits(
            beat: { 1 }, leave: {}, settle: { try await store.settle($0) }, sweep: {}, add: { _ in },
            usage: { try await store.usage(ofKey: $0).map { API.Usage(keyID: $0.keyID, action: $0.action, requests: $0.requests, units: $0.units, refused: $0.refused) } })
        dependencies.publishing = Publishing(store: store, logger: logger)
        dependencies.cursors = seal
        var sharing = Sharing.Configuration()
        sharing.statements = StatementSigner(ledgerSeed: try await store.secret("ledger") ?? [])
        sharing.fileDirectory = snapshots.directory + "/exchange"
        dependencies.sharing = Sharing(store: store, configuration: sharing, logger: logger)
        dependencies.audit = AuditTrail(store: store, logger: logger)
        dependencies.notary = NoteSigner(name: "contract.example/ledger", seed: try await store.secret("ledger") ?? []).map {
            Notary(
                store: store, signer: $0,
                witnessing: Witnessing([WitnessAddress(verifier: witness.verifier, url: "https://audit.example")], quorum: 1, logger: logger) { _, _ in throw CancellationError() },
                logger: logger)
        }
        try await dependencies.notary?.prepare()
        var configuration = API.Configuration()
        configuration.port = 0
        configuration.logsRequests = false
        // An event stream that is read to its end.
        configuration.eventStreamLifetime = 0.2
        configuration.policy = try Policy.defaults.overridden(by: ["*.*=1000000/1"])
        try configure(&configuration)
        return API(configuration: configuration, dependencies: dependencies)
    }

    private static func make(_ database: TestDatabase, _ store: Store, _ api: API, port: Int) async throws -> ContractServer {
        try await database.database.execute(
            """
            INSERT INTO daylight.department (uscc, name_zh, name_en, level, region)
            VALUES (\(department), '雅安市生态环境局', 'Ya''an Ecology and Environment Bureau', 'prefecture', '511800'),
                (\(receivingDepartment), '雨城区应急管理局', 'Yucheng Emergency Management Bureau', 'county', '511802')
            """
        )
        let push = try await database.addKey([.read, .push, .release, .exchange], department: department)
        let receive = try await database.addKey([.read, .exchange], department: receivingDepartment)
        let review = try await database.addKey([.read, .review], department: department)
        let all = try await database.addKey([.read, .push, .review, .release, .exchange, .oversight, .admin])
        let elsewhere = try await database.addKey([.read, .push, .review, .release], networks: ["192.0.2.0/24"])
        let client = try ContractClient(baseURL: "http://127.0.0.1:\(port)")
        return ContractServer(
            database: database, store: store, api: api, reader: client, pusher: client.with(key: push.text), reviewer: client.with(key: review.text),
            authority: client.with(key: all.text), receiver: client.with(key: receive.text), stranger: client.with(key: elsewhere.text))
    }
}
