import API
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import RateLimit
import Store
import TestSupport
import Testing

/// What every operation refuses, it refuses as the contract says: `ContractClient` throws otherwise.
@Suite struct RefusalTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    /// Sends one request to each operation and expects a status.
    private func everyOperation(
        where applies: (Contract.Operation) -> Bool = { _ in true }, of published: ContractServer.Published? = nil, as client: ContractClient, query: String = "",
        headers: [(String, String)] = [], body: String? = nil, answers status: Int
    ) async throws {
        for operation in contract.operations where applies(operation) {
            let target = try published?.target(of: operation) ?? contract.target(of: operation.path)
            let answer = try await client.send(
                HTTPMethod(rawValue: operation.method), target + query, headers: headers, body: body.map { .bytes(ByteBuffer(string: $0)) })
            #expect(answer.status == status, "\(operation.id): \(answer.text.prefix(300))")
        }
    }

    private static func isBelowV1(_ operation: Contract.Operation) -> Bool { operation.path.hasPrefix("/v1/") }
    private static func takesBody(_ operation: Contract.Operation) -> Bool { operation.content["requestBody"] != nil }
    private static func needsKey(_ operation: Contract.Operation) -> Bool { operation.content["security"] != nil }

    @Test func aKeyThatIsNoneIsRefused() async throws {
        try await ContractServer.with { server in
            try await everyOperation(as: server.reader.with(key: "dk_nobody_nothing"), answers: 401)
            try await everyOperation(as: server.reader.with(key: "no key at all"), answers: 401)
        }
    }

    @Test func aKeyIsNeededWhereTheContractSaysSo() async throws {
        try await ContractServer.with { server in
            try await everyOperation(where: Self.needsKey, as: server.reader, answers: 401)
        }
    }

    @Test func aKeyFromAnotherNetworkIsRefused() async throws {
        try await ContractServer.with { server in
            try await everyOperation(as: server.stranger, answers: 403)
        }
    }

    @Test func unknownParametersAreRefused() async throws {
        try await ContractServer.with { server in
            try await everyOperation(where: { Self.isBelowV1($0) && !Self.needsKey($0) && !$0.path.contains("/rows") && !$0.path.contains("/aggregate") && !$0.path.contains("/diff") }, as: server.reader, query: "?nonsense=1", answers: 400)
        }
    }

    @Test func unknownParametersAreRefusedAlsoWhereAKeyIsNeeded() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let tolerant = ["getDocument", "getLiveness", "getReadiness"]
            try await everyOperation(where: { !tolerant.contains($0.id) && $0.method == "GET" }, of: published, as: server.authority, query: "?nonsense=1", answers: 400)
            try await everyOperation(
                where: { $0.method != "GET" }, of: published, as: server.authority, query: "?nonsense=1", headers: [("Content-Type", "application/json"), ("If-Match", "*")],
                body: "{}", answers: 400)
        }
    }

    @Test func bodiesOfAnotherKindAreRefused() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let writing = contract.operations.filter(Self.takesBody)
            #expect(writing.allSatisfy { $0.statuses.contains(415) && $0.statuses.contains(413) })
            try await everyOperation(
                where: Self.takesBody, of: published, as: server.authority, headers: [("Content-Type", "application/x-nothing"), ("If-Match", "*")], body: "?",
                answers: 415)
        }
    }

    @Test func bodiesBeyondTheLimitAreRefused() async throws {
        try await ContractServer.with(configure: {
            $0.jsonLimit = 64
            $0.streamLimit = 64
        }) { server in
            try await everyOperation(
                where: Self.takesBody, as: server.authority, headers: [("Content-Type", "application/json")], body: String(repeating: " ", count: 1000), answers: 413)
        }
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        try await ContractServer.with { server in
            try await everyOperation(where: { $0.method == "GET" && $0.statuses.contains(404) && $0.path.hasPrefix("/v1/") && $0.id != "getDepartment" }, as: server.authority, answers: 404)
        }
    }

    @Test func tooManyRequestsAreRefused() async throws {
        try await ContractServer.with(configure: { $0.policy = try Policy.defaults.overridden(by: ["*.*=1/3600"]) }) { server in
            for action in ["/v1/limits", "/v1/datasets", "/v1/datasets/none/rows", "/v1/datasets/none/data.csv"] { _ = try await server.reader.get(action) }
            _ = try await server.reader.send(.POST, "/v1/corrections")
            try await everyOperation(where: { Self.isBelowV1($0) && !Self.needsKey($0) }, as: server.reader, answers: 429)
            // A guessed key costs its sender a read, wherever it is tried.
            try await everyOperation(where: { !Self.isBelowV1($0) }, as: server.reader.with(key: "dk_nobody_nothing"), answers: 429)
            for operation in contract.operations where Self.needsKey(operation) {
                _ = try await server.pusher.send(HTTPMethod(rawValue: operation.method), try contract.target(of: operation.path))
            }
            try await everyOperation(where: Self.needsKey, as: server.pusher, answers: 429)
        }
    }

    @Test func tooLongAddressesAndFieldsAreRefused() async throws {
        try await ContractServer.with { server in
            let long = String(repeating: "x", count: 9000)
            try await everyOperation(as: server.reader, query: "?q=\(long)", answers: 414)
            try await everyOperation(as: server.reader, headers: [("X-Long", long + long)], answers: 431)
        }
    }

    @Test func formatsThatThereAreNotAreRefused() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            try await everyOperation(
                where: { $0.statuses.contains(406) }, of: published, as: server.pusher, headers: [("Accept", "application/x-nothing")], answers: 406)
        }
    }

    /// What needs the database says that it is away, and what does not need it goes on.
    @Test func aDatabaseThatIsAwayIsSaidSo() async throws {
        try await ContractServer.with(storage: { $0.acquireTimeout = 1 }) { server in
            let published = try await server.publish(contract)
            // A key that is known by now stays known for some seconds.
            _ = try await server.authority.get("/v1/keys/self")
            try await server.database.cut()
            let needless = ["getDocument", "getLedgerKey", "getStatementKey", "getProblem", "getLimits", "getConformance", "getLiveness", "getOwnKey"]
            let statuses = try await withThrowingTaskGroup(of: (String, Int).self) { group in
                for operation in contract.operations where !needless.contains(operation.id) {
                    let target = try published.target(of: operation), isWriting = operation.method != "GET"
                    let headers = isWriting ? [("Content-Type", operation.id == "createPush" ? "text/csv" : "application/json"), ("If-Match", "*")] : []
                    let body = Self.takesBody(operation) ? try contract.requestExample(operation.id) : nil
                    let text = try body.map { try $0.string ?? contract.requestText(operation.id) }
                    group.addTask {
                        let answer = try await server.authority.send(
                            HTTPMethod(rawValue: operation.method), target, headers: headers, body: text.map { .bytes(ByteBuffer(string: $0)) })
                        return (operation.id, answer.status)
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(statuses.filter { $0.value != 503 }.isEmpty)
            try await everyOperation(where: { needless.contains($0.id) && !Self.needsKey($0) }, as: server.reader, answers: 200)
            // A key that is not known cannot be looked up, wherever it is sent.
            try await everyOperation(where: { needless.contains($0.id) }, as: server.pusher.with(key: "dk_0123456789_never-seen"), answers: 503)
        }
    }
}
