import API
import AsyncHTTPClient
import Crypto
import Exchange
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Postgres
import Store
import TestSupport
import Testing

extension ContractServer {
    /// Why data is read in these tests.
    static let purpose = ("Daylight-Purpose", "%E6%B5%8B%E8%AF%95")

    /// Asks for the dataset of the contract's examples, reads it by the grant and signs for it.
    ///
    /// - Returns: what stands for the identifiers of the examples.
    func share(_ contract: Contract) async throws -> [String: String] {
        let signer = Curve25519.Signing.PrivateKey()
        let key = try await register(signer)
        var draft = try #require(try contract.requestExample("createShareRequest").object)
        draft["receiver"] = nil
        let asked = try await receiver.send(.POST, "/v1/exchange/requests", json: try Self.text(draft))
        try #require(asked.status == 201, "\(asked.text)")
        let request = try asked.json(), grant = try #require(request["grant"]?.string)
        let data = try await receiver.get("/v1/exchange/grants/\(grant)/data.csv", headers: [Self.purpose])
        try #require(data.status == 200, "\(data.text)")
        let delivery = try #require(data.header("Daylight-Delivery"))
        let signed = try await receiver.send(
            .POST, "/v1/exchange/receipts",
            json: try Self.receipt(for: data.body, rows: 1, to: 1, grant: grant, delivery: delivery, dataset: "yaan-air-hourly", key: key, signer: signer))
        try #require(signed.status == 201, "\(signed.text)")
        var real = ["7d0f4a7e-51a1-4a43-8f3b-2a6f3a1b9c10": try #require(request["id"]?.string)]
        real["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"] = grant
        real["2f9e8d7c-6b5a-4c3d-8e2f-1a0b9c8d7e6f"] = delivery
        real["5a4b3c2d-1e0f-4a9b-8c7d-6e5f4a3b2c1d"] = key
        let sealing = try await receiver.send(.POST, "/v1/exchange/keys", json: #"{"public_key":"\#(Self.sealingKey)","use":"encryption","label":"files"}"#)
        try #require(sealing.status == 201, "\(sealing.text)")
        real["9b2d6c1e-4f7a-4e0b-8d3c-1a5f2e7b6c90"] = try await addEndpoint(contract)
        real["9b1d3c5e-7f20-4a41-8c63-5e2d1f0a9b87"] = try await doubt(contract)
        real["4e8a1f60-7b2c-4d19-a5e3-90c6d7f81b24"] = try await receive(by: "4e8a1f60-7b2c-4d19-a5e3-90c6d7f81b24")
        await api.dependencies.audit?.write()
        _ = try await api.dependencies.sharing?.sealAudit(isForced: true)
        return real
    }

    /// Puts rows here as they come from another node by a grant to the receiver.
    func receive(by grant: String) async throws -> String {
        let terms = ShareTerms(fields: ["code", "amount"], purpose: "台账", until: Timestamp(microseconds: Timestamp.now.microseconds + 86_400_000_000))
        let given = ShareGrant(
            id: grant, request: "0b7f5d2e-8c41-4f6a-9d13-7e5a2c9b6d08", dataset: "sichuan-relief-funds", provider: "11510000MB1234567K", receiver: Self.receivingDepartment, terms: terms,
            method: .pull, fromVersion: 1, grantedAt: .now)
        _ = try await store.addReceivedGrant(grant, url: "https://region.example", accessKey: "dk_x", signingKey: "{}", statementKey: nil, purpose: nil)
        try await store.note(given, title: .init(zh: "衔接资金台账", en: "Relief funds"), purpose: "台账", statementKey: "key", of: grant)
        for statement: SQL in [
            "CREATE TABLE IF NOT EXISTS received.daylight_copy (\"table\" text PRIMARY KEY, version integer)",
            "CREATE TABLE received.g1 (number bigint, code text COLLATE \"C\", amount text, PRIMARY KEY (code, number))",
            "GRANT SELECT ON received.daylight_copy, received.g1 TO daylight_exchange", "ALTER TABLE received.daylight_copy OWNER TO daylight_writer", "ALTER TABLE received.g1 OWNER TO daylight_writer",
            "INSERT INTO received.g1 VALUES (10, 'a', '1.50'), (9, 'a', NULL), (-1, 'a', '1,5'), (1, 'Z', '2.00')", "INSERT INTO received.daylight_copy VALUES ('g1', 3)",
        ] { try await database.database.execute(statement) }
        try await store.countReceived(grant)
        try await store.settleReceiving(grant, pause: .seconds(30))
        return grant
    }

    /// What files are sealed to.
    static let sealingKey = "age1c3jdepjm05aey2dq9dgkfn4utj9a776zwqzqcar3879smuh04ysqttvmyd"

    /// Registers the endpoint of the contract's examples.
    func addEndpoint(_ contract: Contract) async throws -> String {
        let made = try await receiver.send(.POST, "/v1/exchange/endpoints", json: try contract.requestText("createEndpoint"))
        try #require(made.status == 201, "\(made.text)")
        return try #require(try made.json()["id"]?.string)
    }

    /// Has the receiver doubt the value of the contract's examples, and its owner uphold it.
    private func doubt(_ contract: Contract) async throws -> String {
        var draft = try #require(try contract.requestExample("createCorrection").object)
        draft["version"] = try JSONValue(json: Data("1".utf8))
        let doubted = try await receiver.send(.POST, "/v1/corrections", json: try Self.text(draft))
        try #require(doubted.status == 201, "\(doubted.text)")
        let id = try #require(try doubted.json()["id"]?.string)
        let upheld = try await pusher.send(.POST, "/v1/corrections/\(id)/decisions", json: #"{"decision":"uphold","note":"数据无误"}"#)
        try #require(upheld.status == 200, "\(upheld.text)")
        return id
    }

    /// Registers the receiver's public key.
    func register(_ signer: Curve25519.Signing.PrivateKey) async throws -> String {
        let body: [String: JSONValue] = ["public_key": .string(signer.publicKey.rawRepresentation.base64EncodedString()), "label": .string("test")]
        let answer = try await receiver.send(.POST, "/v1/exchange/keys", json: try Self.text(body))
        try #require(answer.status == 201, "\(answer.text)")
        return try #require(try answer.json()["id"]?.string)
    }

    static func text(_ members: [String: JSONValue]) throws -> String {
        let encoder = JSONEncoder()
        // A repeat has to be the same, byte for byte.
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(members), as: UTF8.self)
    }

    /// A signed receipt as it is sent.
    static func receipt(
        for body: Data, rows: Int, from: Int = 0, to: Int, grant: String, delivery: String, dataset: String, key: String, signer: Curve25519.Signing.PrivateKey
    ) throws -> String {
        let statement = ReceiptStatement(
            grant: grant, delivery: delivery, dataset: dataset, fromVersion: from, toVersion: to,
            digest: SHA256.hash(data: body).map { String(format: "%02x", $0) }.joined(), rowCount: rows, receivedAt: .now)
        let bytes = try statement.signedBytes
        let signature = try signer.signature(for: bytes).base64EncodedString()
        return #"{"statement":\#(String(decoding: bytes, as: UTF8.self)),"key":"\#(key)","signature":"\#(signature)"}"#
    }
}
