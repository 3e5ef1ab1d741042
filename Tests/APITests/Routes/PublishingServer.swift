import API
import AsyncHTTPClient
import Catalogue
import Crypto
import Foundation
import Logging
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Publishing
import Store
import TestSupport

/// A server with the whole of publishing behind it, one dataset, and clients for everybody who works on it.
struct PublishingServer {
    let db: TestDatabase
    let port: Int
    let publishing: Publishing
    let anonymous: ContractClient
    let pusher: ContractClient
    let reviewer: ContractClient
    let stranger: ContractClient

    static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, required: true, maxLength: 20, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "名称"), type: .text, visibility: .public),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .integer, visibility: .department),
        ],
        primaryKey: ["code"])

    static func with(policy: PushPolicy = .strict, _ body: (PublishingServer) async throws -> Void) async throws {
        try await withTestStore { db, store in
            let department = try await db.addDepartment()
            let other = try await db.addDepartment(2, name: "渔业局")
            var description = Lighthouse.description(department: department.uscc)
            description.schema = schema
            description.pushPolicy = policy
            try await db.addDataset("lighthouse", department: department.uscc, description: description, schema: schema)
            let publishing = Publishing(store: store, logger: Logger(label: "daylight.tests"))
            let seal = try await CursorSeal.load(from: store)
            var dependencies = API.Dependencies(
                keyLookup: { try await store.accessKey(prefix: $0) }, unreadiness: { nil }, document: "openapi: 3.1.0\n")
            dependencies.publishing = publishing
            dependencies.cursors = seal
            dependencies.catalogue = Catalogue(store: store, seal: seal)
            var configuration = API.Configuration()
            configuration.port = 0
            configuration.logsRequests = false
            let api = API(configuration: configuration, dependencies: dependencies)
            let server = api.makeServer(router: api.makeRouter(), group: MultiThreadedEventLoopGroup.singleton)
            try await server.start()
            do {
                let client = try ContractClient(baseURL: "http://127.0.0.1:\(server.port)")
                try await body(
                    PublishingServer(
                        db: db, port: server.port, publishing: publishing, anonymous: client,
                        pusher: client.with(key: try await db.addKey([.push, .release], department: department.uscc, tier: "internal").text),
                        reviewer: client.with(key: try await db.addKey([.review], tier: "internal").text),
                        stranger: client.with(key: try await db.addKey([.push, .release], department: other.uscc, tier: "internal").text)))
                await server.shutdown(within: .zero)
            } catch {
                await server.shutdown(within: .zero)
                throw error
            }
        }
    }

    func push(
        _ csv: String, _ query: String = "", as client: ContractClient? = nil, headers: [(String, String)] = [], type: String = "text/csv"
    ) async throws -> ContractResponse {
        try await (client ?? pusher).send(
            .POST, "/v1/datasets/lighthouse/pushes\(query)", headers: [("Content-Type", type)] + headers, body: .bytes(ByteBuffer(string: csv)))
    }

    func review(_ push: JSONValue, _ decision: String = "pass", as client: ContractClient? = nil) async throws -> ContractResponse {
        let json = "{\"decision\":\"\(decision)\",\"legal_basis\":\"条例第十七条\",\"note\":\"无\",\"digest\":\"\(push["digest"]?.string ?? "")\"}"
        return try await (client ?? reviewer).send(.POST, "/v1/pushes/\(push["id"]?.string ?? "")/reviews", json: json)
    }

    /// Pushes, passes and releases.
    func publish(_ csv: String) async throws {
        let push = try await push(csv).json()
        _ = try await review(push)
        _ = try await pusher.send(.POST, "/v1/pushes/\(push["id"]?.string ?? "")/release", json: "{}")
    }

    static func digest(_ text: String) -> String {
        "sha-256=:\(Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString()):"
    }
}
