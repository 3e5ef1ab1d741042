import Bulk
import Catalogue
import Foundation
import HTTPTypes
import Logging
import Model
import NIOCore
import NIOPosix
import RateLimit
import Store
import TestSupport
import Testing

@testable import API

/// A server over one released dataset, with the hot routes or without them.
struct RowsServer {
    let test: TestServer
    let release: TestRelease
    let reader: RowReader

    static func with(
        rows: [[String?]] = Lighthouse.rows(250), hot: Bool = true, configure: (inout API.Configuration) throws -> Void = { _ in },
        storage: (inout Store.Configuration) -> Void = { _ in },
        _ body: @Sendable (RowsServer) async throws -> Void
    ) async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: rows)
            let store = try await db.openStore(storage)
            let released = ReleasedDatasets(store: store)
            let follower = Task { await released.run() }
            let reader = RowReader(store: store, released: released, seal: try await CursorSeal.load(from: store))
            let directory = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)").path
            let bulk = try Bulk(Bulk.Configuration(directory: directory), store: store, released: released, logger: Logger(label: "daylight.tests"))
            var dependencies = API.Dependencies(keyLookup: { _ in nil }, unreadiness: { nil }, document: "")
            dependencies.rows = reader
            let api = API(configuration: API.Configuration(), dependencies: dependencies)
            try await TestServer.with(
                configure: {
                    $0.policy = try $0.policy.overridden(by: ["*.*=1000000/60"])
                    try configure(&$0)
                },
                routes: { routes in
                    api.addRowsRoutes(routes, reader)
                    api.addAggregateRoutes(routes, reader)
                    api.addDownloadRoutes(routes, bulk)
                    api.addRowStreamRoutes(routes, reader, bulk)
                    api.addDifferenceRoutes(routes, reader)
                    api.addHistoryRoutes(routes, reader)
                    api.addDifferenceStreamRoutes(routes, reader, bulk)
                },
                hot: hot ? api.makeHotRoutes() : []
            ) { test in
                try await body(RowsServer(test: test, release: release, reader: reader))
            }
            follower.cancel()
            await bulk.close()
            await store.close()
            try FileManager.default.removeItem(atPath: directory)
        }
    }

    /// Requests that the event loop answered.
    var hotAnswers: Int { test.api.gate.metrics.hot[0] }
}
