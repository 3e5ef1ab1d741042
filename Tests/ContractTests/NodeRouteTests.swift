import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import Postgres
import Store
import TestSupport
import Testing

/// Other nodes, over a client that holds each answer against the contract. How data comes from them: NodeTests of AcceptanceTests.
@Suite struct NodeRouteTests {
    private static let home = "https://shimian.example"

    private static func mirror(_ server: ContractServer) async throws {
        let node = try #require(try await server.store.addHomeNode(home, key: nil))
        try await server.database.database.execute("UPDATE daylight.dataset SET home_node = \(node.id)::uuid, home_url = \(home)")
    }

    @Test func nodesAreShownWithWhatIsRefused() async throws {
        try await ContractServer.with { server in
            #expect(try await server.reader.get("/v1/nodes").json()["data"]?.array?.isEmpty == true)
            _ = try await server.publish(Contract.daylight.get())
            try await Self.mirror(server)
            let store = server.store, node = try #require(try await store.homeNodes().first)
            try await store.keep(ledgerKey: "shimian.example+c74f20a3+key", of: node.id)
            try await store.keep(.init(size: 7, hash: Array(repeating: 0xAB, count: 32)), checkpoint: "signed", of: node.id)
            try await store.keep(.init(size: 6, hash: Array(repeating: 1, count: 32)), checkpoint: "older", of: node.id)
            try await store.advance(node.id, to: 12, isAll: true)
            try await store.note(.lie, .init(zh: "摘要不符", en: "another digest"), of: "shimian-water", version: 3, node: node.id, pause: .seconds(30))
            let answer = try await server.reader.get("/v1/nodes"), shown = try answer.json()["data"]?[0]
            #expect(shown?["state"]?.string == "following" && shown?["datasets"]?.int == 1 && shown?["cursor"]?.int == 12 && shown?["ledger"]?["size"]?.int == 7)
            #expect(shown?["ledger"]?["head"]?.string == String(repeating: "ab", count: 32) && shown?["checked_at"]?.string != nil && shown?["reason"] == nil)
            #expect(shown?["refused"]?[0]?["dataset"]?.string == "shimian-water" && shown?["refused"]?[0]?["version"]?.int == 3)
            #expect(try await server.reader.get("/v1/nodes", headers: [("If-None-Match", answer.header("ETag") ?? "")]).status == 304)

            // Each failure waits longer than the one before.
            try await store.note(.lie, .init(zh: "摘要不符", en: "another digest"), of: "shimian-water", version: 3, node: node.id, pause: .seconds(30))
            let trouble = try #require(try await store.troubles(limit: 10).first)
            #expect(trouble.failures == 2 && (trouble.nextTryAt.microseconds - trouble.since.microseconds) > 45_000_000)
            try await store.note(.init(zh: "无应答", en: "no answer"), of: node.id, as: .unreachable, pause: .seconds(1))
            let silent = try await server.reader.get("/v1/nodes").json()["data"]?[0]
            #expect(silent?["state"]?.string == "unreachable" && silent?["reason"]?["en"]?.string == "no answer" && silent?["next_try_at"]?.string != nil)
            // The key that is remembered stays.
            #expect(try await store.addHomeNode(Self.home, key: "other+c74f20a3+key") == nil)
        }
    }

    @Test func whatIsAtHomeElsewhereIsNotWrittenHere() async throws {
        try await ContractServer.with { server in
            let contract = try Contract.daylight.get(), dataset = try contract.target(of: "/v1/datasets/{id}")
            _ = try await server.publish(contract)
            try await Self.mirror(server)
            let current = try await server.pusher.get(dataset)
            #expect(try current.json()["home"]?.string == Self.home)
            let csv = try #require(try contract.requestExample("createPush").string)
            var draft = try #require(try contract.requestExample("createShareRequest").object)
            draft["receiver"] = nil
            let answers = [
                try await server.pusher.send(.PUT, dataset, json: contract.requestText("putDataset"), headers: [("If-Match", current.header("ETag") ?? "")]),
                try await server.pusher.send(.PUT, dataset + "/mapping", json: contract.requestText("putMapping"), headers: [("If-None-Match", "*")]),
                try await server.pusher.send(.POST, dataset + "/pushes?mode=upsert", headers: [("Content-Type", "text/csv")], body: .bytes(.init(string: csv))),
                try await server.pusher.send(.POST, dataset + "/withdrawals", json: contract.requestText("createWithdrawal")),
                try await server.receiver.send(.POST, "/v1/exchange/requests", json: ContractServer.text(draft)),
            ]
            for answer in answers {
                let problem = try answer.json()
                #expect(answer.status == 409 && problem["code"]?.string == "DL2011" && problem["home"]?.string == Self.home, "\(answer.text)")
            }
        }
    }
}
