import Foundation
import Model
import NIOHTTP1
import Postgres
import Store
import TestSupport
import Testing

/// What came from other nodes by grants, over a client that holds each answer against the contract. How it comes: ReceivingTests of AcceptanceTests.
@Suite struct ReceivedRouteTests {
    private static let grant = "4e8a1f60-7b2c-4d19-a5e3-90c6d7f81b24"
    private static let list = "/v1/exchange/received", data = "/v1/exchange/received/\(grant)/data.csv"

    @Test func itIsItsDepartmentsAloneForAsLongAsTheGrantRuns() async throws {
        try await ContractServer.with { server in
            _ = try await server.receive(by: Self.grant)
            let store = server.store, mine = try await server.receiver.get(Self.list).json()["data"]?[0]
            #expect(mine?["state"]?.string == "receiving" && mine?["version"]?.int == 3 && mine?["row_count"]?.int == 4 && mine?["title"]?["en"]?.string == "Relief funds")
            // Texts of the key by their bytes, numbers by size; missing is not empty.
            let rows = try await server.receiver.get(Self.data, headers: [ContractServer.purpose])
            #expect(rows.text == "number,code,amount\n1,Z,2.00\n-1,a,\"1,5\"\n9,a,\n10,a,1.50\n" && rows.header("Daylight-Version") == "3", "\(rows.text)")
            #expect(rows.header("Cache-Control") == "private, no-store")
            #expect(try await server.receiver.send(.HEAD, Self.data, headers: [ContractServer.purpose]).header("Daylight-Version") == "3")
            #expect(try await server.receiver.get(Self.data).status == 400)
            #expect(try await server.receiver.get(Self.data, headers: [ContractServer.purpose, ("Accept", "application/json")]).status == 406)
            #expect(try await server.receiver.get("/v1/exchange/received/x/data.csv", headers: [ContractServer.purpose]).status == 404)
            #expect(try await server.reader.get(Self.list).status == 401)
            #expect(try await server.reviewer.get(Self.list).status == 403)
            // The department of the server's own datasets has no part in it.
            #expect(try await server.pusher.get(Self.list).json()["data"]?.array?.isEmpty == true)
            #expect(try await server.pusher.get(Self.data, headers: [ContractServer.purpose]).status == 404)
            let oversight = server.reader.with(key: try await server.database.addKey([.oversight], tier: "trusted").text)
            #expect(try await oversight.get(Self.list).json()["data"]?.array?.count == 1)
            #expect(try await oversight.get(Self.data, headers: [ContractServer.purpose]).status == 403)
            // Who read it is on record before the first byte leaves.
            let calls = try await server.database.database.execute(
                "SELECT count(*) FROM daylight.exchange_call WHERE stage = 'begun' AND operation = 'GET /v1/exchange/received/{grant}/data.csv' AND purpose = '测试' AND version = 3")
            #expect(try calls[0].read(Int.self, 0) == 1)

            // A second one, and pages.
            let other = UUID().uuidString.lowercased()
            #expect(try await store.addReceivedGrant(other, url: "https://region.example", accessKey: "dk_y", signingKey: "{}", statementKey: nil, purpose: nil))
            #expect(try await !store.addReceivedGrant(other, url: "https://elsewhere.example", accessKey: "dk_z", signingKey: "{}", statementKey: nil, purpose: nil))
            let page = try await oversight.get(Self.list + "?limit=1").json()
            #expect(page["data"]?[0]?["id"]?.string == other && page["data"]?[0]?["state"]?.string == "waiting")
            let next = try await oversight.get(try #require(page["links"]?["next"]?.string)).json()
            #expect(next["data"]?[0]?["id"]?.string == Self.grant && next["links"]?["next"] == nil)

            // A turn that fails changes nothing of what is here; the term's end does, also where nobody could be asked.
            try await store.noteReceiving(.init(zh: "无应答", en: "no answer"), of: Self.grant, pause: .seconds(1))
            #expect(try await server.receiver.get(Self.data, headers: [ContractServer.purpose]).status == 200)
            let failed = try await server.receiver.get(Self.list).json()["data"]?[0]
            #expect(failed?["state"]?.string == "failed" && failed?["failures"]?.int == 1 && failed?["reason"]?["en"]?.string == "no answer")
            try await server.database.database.execute("UPDATE daylight.received_grant SET expires_at = now() - interval '1 second' WHERE id = \(Self.grant)::uuid")
            #expect(try await server.receiver.get(Self.data, headers: [ContractServer.purpose]).status == 410)
            try await server.database.database.execute("UPDATE daylight.received_grant SET expires_at = now() + interval '1 hour' WHERE id = \(Self.grant)::uuid")
            try await store.endReceiving(Self.grant, reason: .init(zh: "授权已终止", en: "the grant has ended"))
            #expect(try await server.receiver.get(Self.data, headers: [ContractServer.purpose]).status == 410)
            #expect(try await store.reception(Self.grant)?.accessKey == nil)
            #expect(try await store.disposeReceived(Self.grant)?.rowCount == 4)
            #expect(try await store.disposeReceived(Self.grant) == nil)
            let disposed = try await server.receiver.get(Self.list).json()["data"]?[0]
            #expect(disposed?["state"]?.string == "disposed" && disposed?["version"] == nil && disposed?["next_try_at"] == nil)
            #expect(try await server.receiver.get(Self.data, headers: [ContractServer.purpose]).status == 410)

            // A delivery that was under way behind the disposal leaves nothing.
            try await server.database.database.execute("CREATE TABLE received.g1 (code text PRIMARY KEY)")
            try await server.database.database.execute("ALTER TABLE received.g1 OWNER TO daylight_writer")
            try await store.disposeLeftovers()
            #expect(try await server.database.database.execute("SELECT to_regclass('received.g1') IS NULL")[0].read(Bool.self, 0))
        }
    }
}
