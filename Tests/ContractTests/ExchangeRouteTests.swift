import API
import AsyncHTTPClient
import Crypto
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Notary
import Postgres
import Store
import TestSupport
import Testing

/// The exchange over HTTP: what each party may do, and what is refused how.
@Suite struct ExchangeRouteTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private static let requests = "/v1/exchange/requests"

    /// A dataset that is shared on conditions, and a request for it.
    private func asked(_ server: ContractServer, shareType: String = "conditional") async throws -> (path: String, document: JSONValue) {
        _ = try await server.publish(contract)
        try await server.database.database.execute(
            """
            UPDATE daylight.dataset SET description = description || jsonb_build_object('share_type', \(shareType, as: .text), 'legal_basis', '某法第三条', 'reason', '内部管理')
            """)
        let answer = try await ask(server)
        let document = try answer.json()
        return ("\(Self.requests)/\(document["id"]?.string ?? "")", document)
    }

    private func ask(_ server: ContractServer, _ change: (inout [String: JSONValue]) -> Void = { _ in }, headers: [(String, String)] = []) async throws -> ContractResponse {
        var draft = try #require(try contract.requestExample("createShareRequest").object)
        draft["receiver"] = nil
        change(&draft)
        return try await server.receiver.send(.POST, Self.requests, json: try ContractServer.text(draft), headers: headers)
    }

    private func decide(_ client: ContractClient, _ path: String, _ json: String, headers: [(String, String)] = []) async throws -> ContractResponse {
        try await client.send(.POST, path + "/decisions", json: json, headers: headers)
    }

    @Test func aRequestGoesFromSubmissionToDisposal() async throws {
        try await ContractServer.with { server in
            let (path, document) = try await asked(server)
            #expect(document["state"]?.string == "submitted" && document["actor"]?.string == "provider" && document["clock"]?["name"]?.string == "answer")
            #expect(try await server.pusher.get("/v1/exchange/inbox").json()["data"]?.array?.compactMap { $0["id"]?.string }.contains(document["id"]?.string ?? "") == true)
            let missing = try await decide(server.pusher, path, #"{"decision":"ask_supplement","note":"请说明数据存放位置"}"#)
            #expect(try missing.json()["state"]?.string == "supplementing")
            let supplied = try await decide(server.receiver, path, #"{"decision":"supplement","note":"存放于政务云","scenario":"政务云应急系统"}"#)
            #expect(try supplied.json()["scenario"]?.string == "政务云应急系统")
            let again = try await decide(server.pusher, path, #"{"decision":"ask_supplement","note":"再补"}"#)
            #expect(try again.status == 409 && again.json()["code"]?.string == "DL5004")
            let accepted = try await decide(server.pusher, path, #"{"decision":"accept","fields":["station","observed_at"],"filter":"station = '511800051'","note":"部分同意"}"#)
            let granted = try accepted.json()
            #expect(accepted.status == 200 && granted["state"]?.string == "granted", "\(accepted.text)")
            let grant = "/v1/exchange/grants/\(try #require(granted["grant"]?.string))"

            let data = try await server.receiver.get(grant + "/data.csv", headers: [ContractServer.purpose])
            #expect(data.text == "station,observed_at\n511800051,2026-03-02T08:00:00+08:00\n")
            let rows = try await server.receiver.get(grant + "/rows?limit=1", headers: [ContractServer.purpose])
            #expect(try rows.json()["data"]?.array?.first?.object?.keys.sorted() == ["observed_at", "station"])
            #expect(try await server.receiver.get(path).json()["state"]?.string == "delivering")
            #expect(try await server.pusher.get(grant + "/deliveries?unreceipted=true").json()["data"]?.array?.count == 1)

            let ended = try await decide(server.receiver, path, #"{"decision":"finish","note":"应急结束"}"#)
            #expect(try ended.json()["state"]?.string == "disposing")
            for read in ["/rows", "/data.csv", "/changes"] {
                let answer = try await server.receiver.get(grant + read, headers: [ContractServer.purpose])
                #expect(try answer.status == 410 && answer.json()["code"]?.string == "DL5007", "\(read)")
            }
            #expect(try await server.receiver.get(grant).json()["ended_at"]?.string != nil)
            let disposed = try await decide(server.receiver, path, #"{"decision":"confirm_disposal","note":"已删除"}"#)
            #expect(try disposed.json()["state"]?.string == "ended")
            #expect(try disposed.json()["events"]?.array?.compactMap { $0["event"]?.string } == [
                "submit", "ask_supplement", "supplement", "accept", "delivered", "finish", "confirm_disposal",
            ])
        }
    }

    @Test func refusalsSayWhyAndWho() async throws {
        try await ContractServer.with { server in
            let (path, _) = try await asked(server)
            for (client, json, status, code) in [
                (server.receiver, #"{"decision":"accept"}"#, 403, "DL5005"), (server.pusher, #"{"decision":"withdraw"}"#, 403, "DL5005"),
                (server.pusher, #"{"decision":"uphold","note":"同意"}"#, 403, "DL5005"), (server.pusher, #"{"decision":"refuse"}"#, 422, "DL5001"),
                (server.pusher, #"{"decision":"accept","fields":["station"]}"#, 422, "DL5001"), (server.pusher, #"{"decision":"accept","filter":"nothing ="}"#, 422, "DL5001"),
                (server.pusher, #"{"decision":"overdue"}"#, 422, "DL5001"), (server.pusher, #"{"decision":"refuse","note":"否","until":"2027-01-01T00:00:00Z"}"#, 422, "DL5001"),
                (server.pusher, #"{"decision":"revoke","note":"撤"}"#, 409, "DL5003"), (server.pusher, #"{"decision":"perhaps"}"#, 400, "DL1003"),
                (server.reviewer, #"{"decision":"accept"}"#, 403, "DL1005"),
            ] {
                let answer = try await decide(client, path, json)
                #expect(try answer.status == status && answer.json()["code"]?.string == code, "\(json): \(answer.text)")
            }
            let nobody = try await decide(server.pusher, "\(Self.requests)/7d0f4a7e-51a1-4a43-8f3b-2a6f3a1b9c10", #"{"decision":"accept"}"#)
            #expect(nobody.status == 404)
            let refused = try await decide(server.pusher, path, #"{"decision":"refuse","note":"涉及未公开执法信息"}"#)
            #expect(try refused.json()["reason"]?.string == "涉及未公开执法信息")
            for (client, json, state) in [
                (server.receiver, #"{"decision":"dispute","note":"法律要求共享"}"#, "negotiating"), (server.receiver, #"{"decision":"refer","note":"协商不成"}"#, "referred"),
                (server.authority, #"{"decision":"uphold","note":"应予共享"}"#, "granted"),
            ] {
                let answer = try await decide(client, path, json)
                #expect(try answer.json()["state"]?.string == state, "\(answer.text)")
            }
        }
    }

    @Test func whatWasWithdrawnMeanwhileCannotBeGranted() async throws {
        try await ContractServer.with { server in
            let (path, document) = try await asked(server)
            #expect(document["state"]?.string == "submitted")
            let withdrawn = try await server.pusher.send(.POST, "/v1/datasets/yaan-air-hourly/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"测试","en":"test"}}"#)
            #expect(withdrawn.status == 201)
            let answer = try await decide(server.pusher, path, #"{"decision":"accept"}"#)
            #expect(try answer.status == 410 && answer.json()["code"]?.string == "DL2001", "\(answer.text)")
            #expect(try await server.pusher.get(path).json()["state"]?.string == "submitted")
        }
    }

    @Test func whatIsAskedForIsHeldAgainstTheDataset() async throws {
        try await ContractServer.with { server in
            let (_, refused) = try await asked(server, shareType: "not_shared")
            #expect(refused["code"]?.string == "DL5002" && refused["legal_basis"]?.string == "某法第三条")
            try await server.database.database.execute("UPDATE daylight.dataset SET description = description || '{\"share_type\": \"conditional\"}'")
            let mistakes: [(String, JSONValue, String)] = [
                ("fields", .array([.string("station"), .string("secret")]), "/fields/1"), ("fields", .array([]), "/fields"), ("fields", .array([.string("pm25")]), "/fields"),
                ("filter", .string("secret = 1"), "/filter"), ("purpose", .string(" "), "/purpose"), ("until", .string("2020-01-01T00:00:00Z"), "/until"),
                ("until", .string("2099-01-01T00:00:00Z"), "/until"),
            ]
            for (member, value, place) in mistakes {
                let answer = try await ask(server) { $0[member] = value }
                #expect(try answer.status == 422 && answer.json()["places"]?.array?.contains { $0["place"]?.string == place } == true, "\(member): \(answer.text)")
            }
            #expect(try await ask(server) { $0["dataset"] = .string("nothing") }.status == 404)
            #expect(try await ask(server) { $0["receiver"] = .string(ContractServer.department) }.status == 403)
            let own = try await server.authority.send(
                .POST, Self.requests, json: try contract.requestText("createShareRequest").replacing(ContractServer.receivingDepartment, with: ContractServer.department))
            #expect(own.status == 422)
            try await server.database.database.execute("UPDATE daylight.dataset SET state = 'withdrawn'")
            #expect(try await ask(server).status == 404)
            let withdrawal = try await server.database.database.execute(
                "INSERT INTO daylight.withdrawal (dataset, subject, reason_zh) VALUES ('yaan-air-hourly', 'dataset', '错') RETURNING id::text AS id")
            try await server.database.database.execute("UPDATE daylight.dataset SET withdrawal = \(try withdrawal[0].read(String.self, "id"))::uuid")
            #expect(try await ask(server).status == 410)
        }
    }

    @Test func aRepeatWithTheSameKeyDoesNothingTwice() async throws {
        try await ContractServer.with { server in
            let (path, _) = try await asked(server)
            let idempotency = [("Idempotency-Key", "\"request-1\"")]
            let first = try await ask(server, headers: idempotency), second = try await ask(server, headers: idempotency)
            #expect(try first.status == 201 && second.status == 201 && first.json()["id"] == second.json()["id"])
            let other = try await ask(server, { $0["purpose"] = .string("别的用途") }, headers: idempotency)
            #expect(try other.status == 422 && other.json()["code"]?.string == "DL1022")
            let decision = [("Idempotency-Key", "\"decision-1\"")]
            for _ in 0..<2 {
                let answer = try await decide(server.pusher, path, #"{"decision":"accept"}"#, headers: decision)
                #expect(try answer.status == 200 && answer.json()["events"]?.array?.count == 2)
            }
            #expect(try await server.receiver.get(Self.requests + "?state=submitted&late=false&dataset=yaan-air-hourly&limit=1").json()["data"]?.array?.count == 1)
            let page = try await server.authority.get(Self.requests + "?limit=1")
            let next = try #require(try page.json()["links"]?["next"]?.string)
            #expect(try await server.authority.get(next).json()["data"]?.array?.first?["id"] != page.json()["data"]?.array?.first?["id"])
        }
    }

    @Test func receiptsAreHeldAgainstTheDeliveryAndTheKey() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]), signer = Curve25519.Signing.PrivateKey()
            let key = try await server.register(signer)
            #expect(try await server.register(signer) == key)
            let data = try await server.receiver.get("/v1/exchange/grants/\(grant)/data.csv", headers: [ContractServer.purpose])
            let delivery = try #require(data.header("Daylight-Delivery"))
            func sign(_ client: ContractClient, body: Data? = nil, rows: Int = 1, key: String, signer: Curve25519.Signing.PrivateKey) async throws -> ContractResponse {
                try await client.send(
                    .POST, "/v1/exchange/receipts",
                    json: try ContractServer.receipt(
                        for: body ?? data.body, rows: rows, to: 1, grant: grant, delivery: delivery, dataset: "yaan-air-hourly", key: key, signer: signer))
            }
            func places(_ answer: ContractResponse) throws -> [String] { try answer.json()["places"]?.array?.compactMap { $0["place"]?.string } ?? [] }
            #expect(try places(try await sign(server.receiver, body: Data("x".utf8), rows: 2, key: key, signer: signer)) == ["/statement/digest", "/statement/row_count"])
            #expect(try places(try await sign(server.receiver, key: key, signer: Curve25519.Signing.PrivateKey())) == ["/signature"])
            #expect(try places(try await sign(server.receiver, key: "5a4b3c2d-1e0f-4a9b-8c7d-6e5f4a3b2c1d", signer: signer)) == ["/key"])
            #expect(try await sign(server.pusher, key: key, signer: signer).status == 403)
            let unknown = try await server.receiver.send(.POST, "/v1/exchange/receipts", json: try contract.requestText("createReceipt"))
            #expect(unknown.status == 404)
            let odd = try contract.requestText("createReceipt").replacing("+08:00", with: "Z")
            #expect(try places(try await server.receiver.send(.POST, "/v1/exchange/receipts", json: odd)) == ["/statement"])

            #expect(try await sign(server.receiver, key: key, signer: signer).status == 201)
            let again = try await sign(server.receiver, key: key, signer: signer)
            #expect(again.status == 200)
            try await server.api.dependencies.notary?.integrate()
            // Both sides get the proof, and what opens it.
            for client in [server.receiver, server.pusher, server.authority] {
                let proof = try await client.get("/v1/exchange/receipts/\(delivery)/proof")
                let receipt = try await client.get("/v1/exchange/receipts/\(delivery)").json()
                let inclusion = try #require(InclusionProof(proof.text))
                guard case .receipt(let leaf) = try Leaf(entry: inclusion.extra ?? []) else {
                    Issue.record("not a receipt")
                    continue
                }
                let content = CanonicalJSON.object([
                    "statement": try CanonicalJSON(parsing: try JSONEncoder().encode(try #require(receipt["statement"]))),
                    "signature": .string(try #require(receipt["signature"]?.string)), "public_key": .string(signer.publicKey.rawRepresentation.base64EncodedString()),
                ])
                let salt = try #require(receipt["salt"]?.string)
                #expect(leaf.commitment == Commitment(salt: stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(Array(salt)[$0..<$0 + 2]), radix: 16) }, content: content.bytes))
            }
            let revoked = try await server.receiver.send(.POST, "/v1/exchange/keys/\(key)/revocation", json: #"{"reason":"私钥遗失"}"#)
            #expect(try revoked.json()["revoked_at"]?.string != nil)
            #expect(try await server.receiver.send(.POST, "/v1/exchange/keys/\(key)/revocation", json: #"{"reason":" "}"#).status == 422)
            #expect(try await server.receiver.send(.POST, "/v1/exchange/keys/\(delivery)/revocation", json: #"{"reason":"无"}"#).status == 404)
            #expect(try await server.pusher.send(.POST, "/v1/exchange/keys/\(key)/revocation", json: #"{"reason":"别人的"}"#).status == 403)
            #expect(try await server.authority.send(.POST, "/v1/exchange/keys", json: try contract.requestText("createReceiptKey").replacing(ContractServer.receivingDepartment, with: "11511802MB7654322X")).status == 404)
            #expect(try await server.receiver.send(.POST, "/v1/exchange/keys", json: #"{"public_key":"AA==","label":"x"}"#).status == 422)
            let departments = try await server.receiver.get("/v1/exchange/departments?limit=1")
            let next = try #require(try departments.json()["links"]?["next"]?.string)
            #expect(try await server.receiver.get(next).json()["data"]?.array?.first?["receipt_keys"]?.array?.count == 2)
        }
    }

    @Test func aReadStatesItsPurposeAndReachesNoFurtherThanTheGrant() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = "/v1/exchange/grants/\(try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]))"
            for path in ["/rows", "/data.csv", "/changes"] {
                let silent = try await server.receiver.get(grant + path)
                #expect(try silent.status == 400 && silent.json()["code"]?.string == "DL5012", "\(path)")
                #expect(try await server.receiver.get(grant + path, headers: [("Daylight-Purpose", "%FF")]).status == 400)
                #expect(try await server.pusher.get(grant + path, headers: [ContractServer.purpose]).status == 403)
            }
            #expect(try await server.receiver.get(grant + "/data.csv?version=2", headers: [ContractServer.purpose]).status == 404)
            #expect(try await server.receiver.get(grant + "/changes?since=2", headers: [ContractServer.purpose]).status == 400)
            // Up to date: nothing new, nothing to sign for.
            let nothing = try await server.receiver.get(grant + "/changes", headers: [ContractServer.purpose])
            #expect(nothing.text == "_change,station,observed_at,pm25\n" && nothing.header("Daylight-Delivery") == nil && nothing.header("Daylight-Since") == "1")
            let all = try await server.receiver.get(grant + "/changes?since=0", headers: [ContractServer.purpose])
            #expect(all.text == "_change,station,observed_at,pm25\nadded,511800051,2026-03-02T08:00:00+08:00,31.50\n")
            let other = try await server.database.addKey([.exchange], department: try await server.database.addDepartment(7).uscc)
            for path in ["", "/rows", "/data.csv", "/changes", "/deliveries", "/proof"] {
                #expect(try await server.reader.with(key: other.text).get(grant + path, headers: [ContractServer.purpose]).status == 404, "\(path)")
            }
        }
    }

    @Test func aGrantsOwnRateIsToldAndHeld() async throws {
        try await ContractServer.with { server in
            let (path, _) = try await asked(server)
            #expect(try await decide(server.pusher, path, #"{"decision":"accept","rate":{"seconds":60}}"#).status == 422)
            let accepted = try await decide(server.pusher, path, #"{"decision":"accept","rate":{"calls":2,"rows":100,"seconds":3600}}"#)
            let grant = "/v1/exchange/grants/\(try #require(try accepted.json()["grant"]?.string))"
            let first = try await server.receiver.get(grant + "/rows", headers: [ContractServer.purpose])
            #expect(first.headers["RateLimit-Policy"].prefix(2) == [#""grant-calls";q=2;w=3600"#, #""grant-rows";q=100;w=3600"#])
            #expect(first.headers["RateLimit"].first?.hasPrefix(#""grant-calls";r=1;t="#) == true)
            _ = try await server.receiver.get(grant + "/data.csv", headers: [ContractServer.purpose])
            let refused = try await server.receiver.get(grant + "/changes", headers: [ContractServer.purpose])
            #expect(refused.status == 429 && refused.header("Retry-After") != nil)
            #expect(try refused.json()["violated-policies"]?.array?.first?.string == "grant-calls")
        }
    }
}
