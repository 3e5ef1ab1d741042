import Crypto
import Foundation
import Model
import NIOHTTP1
import TestSupport
import Testing

/// The exchange by the built program: what departments are told survives a server that is killed, and a sealed file opens at the other end.
@Suite(.serialized, .timeLimit(.minutes(20))) struct ExchangeProcessTests {
    private static let purpose = ("Daylight-Purpose", "%E6%B5%8B%E8%AF%95")

    private func made(_ answer: ContractResponse) throws -> JSONValue {
        try #require(answer.status == 201, "\(answer.text)")
        return try answer.json()
    }

    @Test func aServerKilledBetweenCommitAndNoticeTellsAllTheSame() async throws {
        let hook = try await TestReceiver()
        try await Installation.with(environment: ["DAYLIGHT_WEBHOOK_NETWORKS": "127.0.0.0/8"]) { site in
            try await site.describe("fault", Descriptions.own("共享", department: site.department, fields: FaultTests.fields, key: ["id"]))
            try await site.publish("fault", Data("id,name,amount\nK1,甲,1.00\n".utf8))
            let office = try await site.database.addDepartment(3)
            let receiver = site.reader.with(key: try await site.database.addKey([.read, .exchange], department: office.uscc, tier: "trusted").text)
            let draft = """
                {"dataset":"fault","fields":["id","amount"],"purpose":"测试","legal_basis":"某法","scenario":"测试","method":"push","until":"2027-06-01T00:00:00+08:00"}
                """
            let grant = try #require(try made(await receiver.send(.POST, "/v1/exchange/requests", json: draft))["grant"]?.string)
            let endpoint = #"{"url":"\#(hook.url)","label":"test","events":["daylight.dataset.released"]}"#
            let secret = try #require(try made(await receiver.send(.POST, "/v1/exchange/endpoints", json: endpoint))["secret"]?.string)

            // The receiver takes nothing while the release is committed, and the server dies before it has.
            hook.answer(.silence)
            try await site.publish("fault", Data("id,name,amount\nK1,甲,2.00\nK2,乙,3.00\n".utf8))
            await site.kill()
            let before = hook.requests.count
            hook.answer(.status(204))
            try await site.restart()
            try await eventually("the notice") { hook.requests.count > before }
            let told = try #require(hook.requests.last)
            #expect(hook.requests.count > before && told.body.contains(#""version": 2"#) && Set(hook.requests.map { $0.header("webhook-id") }).count == 1)
            let key = SymmetricKey(data: try #require(Data(base64Encoded: String(secret.dropFirst("whsec_".count)))))
            let code = HMAC<SHA256>.authenticationCode(for: Data("\(told.header("webhook-id")).\(told.header("webhook-timestamp")).\(told.body)".utf8), using: key)
            #expect(told.header("webhook-signature") == "v1,\(Data(code).base64EncodedString())")

            // What it was told of, as a file for its eyes only.
            let secretKey = site.home.appending(path: "files.key").path, sealed = site.home.appending(path: "delivery.csv.age")
            let keygen = try await Installation.run(["exchange", "keygen", secretKey])
            let recipient = keygen.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(keygen.status == 0 && recipient.hasPrefix("age1"), "\(keygen.output)")
            #expect(try await Installation.run(["exchange", "keygen", secretKey]).status != 0)
            _ = try made(await receiver.send(.POST, "/v1/exchange/keys", json: #"{"public_key":"\#(recipient)","use":"encryption","label":"files"}"#))
            let file = try await receiver.get("/v1/exchange/grants/\(grant)/file", headers: [Self.purpose])
            #expect(file.status == 200, "\(file.text)")
            try file.body.write(to: sealed)
            let opened = try await Installation.run(["exchange", "open", sealed.path, "--key", secretKey])
            #expect(opened.status == 0, "\(opened.output)")
            #expect(try String(contentsOf: site.home.appending(path: "delivery.csv"), encoding: .utf8) == "id,amount\nK1,2.00\nK2,3.00\n")
            // Half of it is no file.
            try file.body.dropLast(20).write(to: sealed)
            let cut = try await Installation.run(["exchange", "open", sealed.path, "--key", secretKey, "--output", site.home.appending(path: "cut.csv").path])
            #expect(cut.status != 0 && !FileManager.default.fileExists(atPath: site.home.appending(path: "cut.csv").path))
        }
        await hook.close()
    }
}
