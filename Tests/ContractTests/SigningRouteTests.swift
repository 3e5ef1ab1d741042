import Crypto
import Exchange
import Foundation
import Ledger
import Model
import NIOHTTP1
import TestSupport
import Testing

/// Signed calls over HTTP (RFC 9421), and what the server signs.
@Suite struct SigningRouteTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    /// Sends a call with a signature over what the exchange asks for.
    private func send(
        _ client: ContractClient, _ method: HTTPMethod, _ target: String, json: String? = nil, key: String, signer: Curve25519.Signing.PrivateKey, headers: [(String, String)] = [],
        nonce: String = UUID().uuidString
    ) async throws -> ContractResponse {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init), body = json.map { Array($0.utf8) }
        var fields = Dictionary(uniqueKeysWithValues: headers.map { ($0.0.lowercased(), $0.1) })
        if let body { fields["content-digest"] = ContentDigest.field(of: body) }
        let covered = ["@method", "@authority", "@path", "@query"] + fields.keys.sorted()
        let signed = try MessageSignature(covering: covered, created: Int(Date().timeIntervalSince1970), keyID: key, nonce: nonce).signed(
            SignableRequest(
                method: method.rawValue, authority: String(client.baseURL.dropFirst("http://".count)), path: parts[0], query: parts.count > 1 ? parts[1] : nil, fields: fields),
            with: signer)
        var all = headers + [("Signature-Input", signed.input), ("Signature", signed.signature)]
        if let digest = fields["content-digest"] { all.append(("Content-Digest", digest)) }
        if let json { return try await client.send(method, target, json: json, headers: all) }
        return try await client.send(method, target, headers: all)
    }

    @Test func signedCallsAreCheckedAndCanBeAskedFor() async throws {
        try await ContractServer.with { server in
            let signer = Curve25519.Signing.PrivateKey(), key = try await server.register(signer)
            let rule = "/v1/exchange/departments/\(ContractServer.receivingDepartment)/signing"
            let unsigned = try await server.receiver.send(.POST, rule, json: #"{"required":true}"#)
            #expect(try unsigned.status == 403 && unsigned.json()["code"]?.string == "DL5061")
            let asked = try await send(server.receiver, .POST, rule, json: #"{"required":true}"#, key: key, signer: signer)
            #expect(try asked.status == 200 && asked.json()["required"]?.bool == true, "\(asked.text)")

            let refused = try await server.receiver.send(.POST, "/v1/exchange/requests", json: try contract.requestText("createShareRequest"))
            #expect(try refused.status == 403 && refused.json()["code"]?.string == "DL5061")
            // Reading goes on.
            #expect(try await server.receiver.get("/v1/exchange/inbox").status == 200)
            #expect(try await server.receiver.get("/v1/exchange/departments").json()["data"]?.array?.compactMap { $0["signatures_required"]?.bool } == [false, true])
            let registered = try await send(
                server.receiver, .POST, "/v1/exchange/keys",
                json: #"{"public_key":"\#(Curve25519.Signing.PrivateKey().publicKey.rawRepresentation.base64EncodedString())","label":"next"}"#, key: key, signer: signer)
            #expect(registered.status == 201, "\(registered.text)")

            let nonce = UUID().uuidString
            for status in [200, 400] {
                let answer = try await send(server.receiver, .GET, "/v1/exchange/requests?limit=1", key: key, signer: signer, nonce: nonce)
                #expect(answer.status == status, "\(answer.text)")
                if status == 400 { #expect(try answer.json()["code"]?.string == "DL5060" && answer.json()["places"]?.array?.first?["place"]?.string == "Signature-Input;nonce") }
            }
            let head = try await send(server.receiver, .HEAD, "/v1/exchange/requests?limit=1", key: key, signer: signer)
            #expect(head.status == 200)
            let forged = try await send(server.receiver, .POST, rule, json: #"{"required":false}"#, key: key, signer: Curve25519.Signing.PrivateKey())
            #expect(try forged.status == 400 && forged.json()["places"]?.array?.first?["place"]?.string == "Signature")
            let half = try await server.receiver.get("/v1/exchange/inbox", headers: [("Signature", "daylight=:AAAA:")])
            #expect(half.status == 400)
            let anybody = try await server.reader.get("/v1/exchange/inbox", headers: [("Signature", "daylight=:AAAA:")])
            #expect(anybody.status == 401)
            // A department that lost its keys is helped by the authority.
            #expect(try await server.pusher.send(.POST, rule, json: #"{"required":false}"#).status == 403)
            #expect(try await server.authority.send(.POST, rule, json: #"{"required":false}"#).status == 200)
            #expect(try await server.authority.send(.POST, "/v1/exchange/departments/11511802MB7654322X/signing", json: #"{"required":false}"#).status == 404)
        }
    }

    @Test func whatWasSentIsSignedForByAKeyThatTheLedgersKeyNames() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]), signer = Curve25519.Signing.PrivateKey(), key = try await server.register(signer)
            let data = try await send(server.receiver, .GET, "/v1/exchange/grants/\(grant)/data.csv", key: key, signer: signer, headers: [ContractServer.purpose])
            let delivery = try #require(data.header("Daylight-Delivery"))
            let document = try await server.reader.get("/v1/exchange/statement-key").json()
            let serverKey = try #require(document["public_key"]?.string)
            let answer = try await server.pusher.get("/v1/exchange/deliveries/\(delivery)/statement")
            let signed = try JSON.decode(SignedDelivery.self, answer.text)
            #expect(signed.isValid(by: serverKey) && signed.statement.digest == SHA256.hash(data: data.body).map { String(format: "%02x", $0) }.joined())
            #expect(signed.statement.call?.base.contains("\"daylight-purpose\": \(ContractServer.purpose.1)\n") == true)
            let verifier = try #require(NoteVerifier(try await server.reader.get("/ledger/key").text.trimmingCharacters(in: .whitespacesAndNewlines)))
            let certificate = try #require(document["certificate"]?.string.flatMap { SignedNote($0) })
            #expect(certificate.isSigned(by: verifier) && certificate.text == "daylight-statement-key/1\n\(serverKey)\n" && Checkpoint(certificate, signedBy: verifier) == nil)
            let other = try await server.database.addKey([.exchange], department: try await server.database.addDepartment(7).uscc)
            #expect(try await server.reader.with(key: other.text).get("/v1/exchange/deliveries/\(delivery)/statement").status == 404)
        }
    }

    @Test func aFilesStatementHasTheFirstSignedCallForIt() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]), signer = Curve25519.Signing.PrivateKey(), key = try await server.register(signer)
            let target = "/v1/exchange/grants/\(grant)/file"
            let file = try await server.receiver.get(target, headers: [ContractServer.purpose]), delivery = try #require(file.header("Daylight-Delivery"))
            let serverKey = try #require(try await server.reader.get("/v1/exchange/statement-key").json()["public_key"]?.string)
            func statement() async throws -> DeliveryStatement {
                let signed = try JSON.decode(SignedDelivery.self, try await server.pusher.get("/v1/exchange/deliveries/\(delivery)/statement").text)
                #expect(signed.isValid(by: serverKey))
                return signed.statement
            }
            #expect(try await statement().call == nil)
            // A question for the headers is no call for the file.
            #expect(try await send(server.receiver, .HEAD, target, key: key, signer: signer, headers: [ContractServer.purpose]).status == 200)
            #expect(try await statement().call == nil)
            for purpose in ["%E5%BA%94%E6%80%A5", "%E6%B5%8B%E8%AF%95"] {
                let again = try await send(server.receiver, .GET, target, key: key, signer: signer, headers: [("Daylight-Purpose", purpose)])
                #expect(again.status == 200 && again.header("Daylight-Delivery") == delivery)
            }
            let call = try #require(try await statement().call)
            #expect(call.publicKey == signer.publicKey.rawRepresentation.base64EncodedString())
            #expect(call.base.contains("\"@method\": GET\n") && call.base.contains("\"@path\": \(target)\n") && call.base.contains("\"daylight-purpose\": %E5%BA%94%E6%80%A5\n"))
            let signature = try #require(Data(base64Encoded: call.signature))
            #expect(signer.publicKey.isValidSignature(signature, for: Data(call.base.utf8)))
        }
    }
}
