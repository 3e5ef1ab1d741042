import API
import NIOHTTP1
import RateLimit
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
        where applies: (Contract.Operation) -> Bool = { _ in true }, as client: ContractClient, query: String = "", headers: [(String, String)] = [], answers status: Int
    ) async throws {
        for operation in contract.operations where applies(operation) {
            let answer = try await client.send(HTTPMethod(rawValue: operation.method), try contract.target(of: operation.path) + query, headers: headers)
            #expect(answer.status == status, "\(operation.id): \(answer.text.prefix(300))")
        }
    }

    private static func isBelowV1(_ operation: Contract.Operation) -> Bool { operation.path.hasPrefix("/v1/") }
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
            try await everyOperation(where: { Self.isBelowV1($0) && !Self.needsKey($0) && !$0.path.contains("/rows") }, as: server.reader, query: "?nonsense=1", answers: 400)
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
            try await everyOperation(where: { Self.isBelowV1($0) && !Self.needsKey($0) }, as: server.reader, answers: 429)
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
            // A thing that is not there is not there in any format.
            let lists = contract.operations.filter { $0.statuses.contains(406) && !$0.path.contains("{") }
            #expect(lists.count == 3)
            for operation in lists {
                let answer = try await server.reader.get(operation.path, headers: [("Accept", "application/x-nothing")])
                #expect(answer.status == 406, "\(operation.id): \(answer.text.prefix(200))")
            }
        }
    }
}
