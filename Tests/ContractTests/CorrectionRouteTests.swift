import API
import AsyncHTTPClient
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Notary
import Postgres
import TestSupport
import Testing

/// Corrections over HTTP: who may doubt, answer and see what, and what stands beside the row.
@Suite struct CorrectionRouteTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private static let row = "/v1/datasets/yaan-air-hourly/rows/511800051,2026-03-02T08:00:00%2B08:00"

    private func doubt(_ client: ContractClient, _ change: (inout [String: JSONValue]) -> Void = { _ in }) async throws -> ContractResponse {
        var draft = try #require(try contract.requestExample("createCorrection").object)
        draft["version"] = try JSONValue(json: Data("1".utf8))
        change(&draft)
        return try await client.send(.POST, "/v1/corrections", json: try ContractServer.text(draft))
    }

    private func decide(_ client: ContractClient, _ id: String, _ json: String, headers: [(String, String)] = []) async throws -> ContractResponse {
        try await client.send(.POST, "/v1/corrections/\(id)/decisions", json: json, headers: headers)
    }

    /// The row once it shows what is waited for: a change is heard of within a second at most.
    private func row(_ server: ContractServer, until isThere: (JSONValue) -> Bool) async throws -> (JSONValue, tag: String?) {
        var answer = try await server.reader.get(Self.row)
        for _ in 0..<1200 {
            guard try !isThere(answer.json()) else { break }
            try await Task.sleep(for: .milliseconds(50))
            answer = try await server.reader.get(Self.row)
        }
        return (try answer.json(), answer.header("ETag"))
    }

    @Test func aReadersDoubtStandsBesideTheRowUntilItsOwnerAnswers() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let before = try await row(server) { $0["data"] != nil }
            // Those of the examples are there already.
            let standing = before.0["meta"]?["corrections"]?["total"]?.int ?? 0
            let asked = try await doubt(server.reader)
            #expect(try asked.status == 201 && asked.header("Location") == "/v1/corrections/\(try asked.json()["id"]?.string ?? "")")
            let id = try #require(try asked.json()["id"]?.string)
            for words in ["国控站", "62.5", "evidence"] { #expect(!asked.text.contains(words)) }
            #expect(try await doubt(server.reader).status == 200)
            let shown = try await row(server) { $0["meta"]?["corrections"]?["total"]?.int == standing + 1 }
            #expect(shown.0["meta"]?["corrections"]?["open"]?.int == 1 && shown.tag != before.tag)
            let link = try #require(shown.0["links"]?["corrections"]?.string)
            let beside = try await server.reader.get(link + "&limit=1").json()
            #expect(beside["data"]?.array?.compactMap { $0["id"]?.string } == [id])
            if standing > 0 { #expect(try await server.reader.get(try #require(beside["links"]?["next"]?.string)).json()["data"]?.array?.count == 1) }
            #expect(try await server.reader.get("/v1/datasets/yaan-air-hourly/corrections?state=upheld&key=x").status == 400)

            // The owner has the words, others do not.
            let owned = try await server.pusher.get("/v1/corrections/\(id)").json()
            #expect(owned["doubt"]?.string?.contains("国控站") == true)
            #expect(try await server.pusher.get("/v1/exchange/inbox").json()["corrections"]?.array?.contains { $0["id"]?.string == id } == true)
            #expect(try await server.receiver.get("/v1/corrections/\(id)").json()["doubt"] == nil)
            #expect(try await decide(server.reader, id, #"{"decision":"uphold","note":"x"}"#).status == 401)
            #expect(try await decide(server.reviewer, id, #"{"decision":"uphold","note":"x"}"#).status == 403)
            #expect(try await decide(server.receiver, id, #"{"decision":"uphold","note":"x"}"#).status == 404)
            #expect(try await decide(server.pusher, id, #"{"decision":"withdraw"}"#).status == 403)
            for wrong in [#"{"decision":"uphold"}"#, #"{"decision":"correct"}"#, #"{"decision":"correct","version":1}"#, #"{"decision":"uphold","note":"x","version":2}"#, #"{"decision":"overdue"}"#] {
                #expect(try await decide(server.pusher, id, wrong).status == 422, "\(wrong)")
            }
            #expect(try await decide(server.pusher, id, #"{"decision":"refer","note":"x","department":"11511802MB7654322X"}"#).status == 404)
            let key = ("Idempotency-Key", "\"answer-1\"")
            let upheld = try await decide(server.pusher, id, #"{"decision":"uphold","note":"仪器正常"}"#, headers: [key])
            #expect(try upheld.status == 200 && upheld.json()["state"]?.string == "upheld" && upheld.json()["events"]?.array?.count == 2)
            #expect(try await decide(server.pusher, id, #"{"decision":"uphold","note":"仪器正常"}"#, headers: [key]).status == 200)
            #expect(try await decide(server.pusher, id, #"{"decision":"uphold","note":"仪器正常"}"#).status == 409)
            #expect(try await server.reader.get("/v1/corrections/\(id)").json()["answer"]?.string == "仪器正常")
            let answered = try await row(server) { $0["meta"]?["corrections"]?["open"]?.int == 0 }
            #expect(answered.0["meta"]?["corrections"]?["open"]?.int == 0 && answered.tag != shown.tag)
            try await theAnswerIsInTheLedger(server, id)
        }
    }

    private func theAnswerIsInTheLedger(_ server: ContractServer, _ id: String) async throws {
        try await server.api.dependencies.notary?.integrate()
        let proof = try await server.pusher.get("/v1/corrections/\(id)/proof")
        guard case .correction(let leaf) = try Leaf(entry: try #require(InclusionProof(proof.text)?.extra)) else {
            Issue.record("not a correction")
            return
        }
        var document = try #require(try await server.pusher.get("/v1/corrections/\(id)").json().object)
        let salt = try #require(document["salt"]?.string)
        (document["salt"], document["events"]) = (nil, nil)
        let content = try CanonicalJSON(parsing: Data(try ContractServer.text(document).utf8))
        #expect(leaf.commitment == Commitment(salt: stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(Array(salt)[$0..<$0 + 2]), radix: 16) }, content: content.bytes))
        #expect(try await server.receiver.get("/v1/corrections/\(id)/proof").status == 404)
    }

    @Test func whatIsWrongInADoubtIsNamed() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let mistakes: [(String, JSONValue, String)] = [
                ("field", .string("nothing"), "/field"), ("key", .string("x"), "/key"), ("doubt", .string(" "), "/doubt"), ("proposed", .string("much"), "/proposed"),
                ("evidence", .object(["links": .array([.string("ftp://x")])]), "/evidence/links/0"),
            ]
            for (member, value, place) in mistakes {
                let answer = try await doubt(server.reader) { $0[member] = value }
                #expect(try answer.status == 422 && answer.json()["places"]?.array?.contains { $0["place"]?.string == place } == true, "\(member): \(answer.text)")
            }
            let absent = try await doubt(server.reader) { $0["key"] = .string("511800051,2026-03-02T09:00:00%2B08:00") }
            #expect(absent.status == 404)
            let nowhere = try await doubt(server.reader) { $0["dataset"] = .string("nothing") }
            #expect(nowhere.status == 404)
            var statuses: [Int] = []
            for number in 0..<6 { statuses.append(try await doubt(server.reader) { $0["doubt"] = .string("疑 \(number)") }.status) }
            #expect(statuses.last == 409 && statuses.first == 201)
            // Without a key a stranger has few of them: the class is `apply`.
            let limits = try await server.reader.get("/v1/limits")
            #expect(limits.status == 200)
            let withdrawn = try await server.pusher.send(.POST, "/v1/datasets/yaan-air-hourly/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"测试","en":"test"}}"#)
            #expect(withdrawn.status == 201)
            #expect(try await doubt(server.reader).status == 410)
            #expect(try await server.reader.get("/v1/datasets/yaan-air-hourly/corrections").status == 410)
        }
    }
}
