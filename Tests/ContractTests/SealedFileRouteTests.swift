import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// Sealed files over HTTP, held against the contract.
@Suite(.timeLimit(.minutes(20))) struct SealedFileRouteTests {
    let contract: Contract

    init() throws { contract = try Contract.daylight.get() }

    @Test func aBrokenDownloadGoesOnWhereItEnded() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = "/v1/exchange/grants/\(try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]))"
            let whole = try await server.receiver.get(grant + "/file", headers: [ContractServer.purpose])
            #expect(whole.status == 200 && whole.body.starts(with: Array("age-encryption.org/v1\n-> X25519 ".utf8)))
            let place = try #require(whole.header("Content-Location")), tag = try #require(whole.header("ETag"))
            var pieces = Data()
            for start in stride(from: 0, to: whole.body.count, by: 100) {
                let part = try await server.receiver.get(place, headers: [ContractServer.purpose, ("Range", "bytes=\(start)-\(start + 99)"), ("If-Range", tag)])
                #expect(part.status == 206 && part.header("Daylight-Delivery") == whole.header("Daylight-Delivery"))
                pieces += part.body
            }
            #expect(pieces == whole.body)
            #expect(try await server.receiver.get(place, headers: [ContractServer.purpose, ("Range", "bytes=0-9"), ("If-Range", "\"other\"")]).status == 200)
            #expect(try await server.receiver.get(grant + "/file").status == 400)
            #expect(try await server.receiver.get(grant + "/file?version=7", headers: [ContractServer.purpose]).status == 404)
            #expect(try await server.receiver.get(grant + "/file?since=1&version=1", headers: [ContractServer.purpose]).status == 400)
            #expect(try await server.pusher.get(grant + "/file", headers: [ContractServer.purpose]).status == 403)

            // Without a key there is nothing to seal to; nor is there anything when the grant has ended.
            let keys = try await server.receiver.get("/v1/exchange/departments").json()["data"]?.array?.flatMap { $0["encryption_keys"]?.array ?? [] } ?? []
            let key = try #require(keys.first?["id"]?.string)
            #expect(whole.header("Daylight-Key") == key)
            _ = try await server.receiver.send(.POST, "/v1/exchange/keys/\(key)/revocation", json: #"{"reason":"私钥遗失"}"#)
            #expect(try await server.receiver.get(place, headers: [ContractServer.purpose, ("Range", "bytes=0-9")]).status == 409)
            let request = try #require(try await server.receiver.get(grant).json()["request"]?.string)
            _ = try await server.receiver.send(.POST, "/v1/exchange/requests/\(request)/decisions", json: #"{"decision":"finish"}"#)
            #expect(try await server.receiver.get(place, headers: [ContractServer.purpose]).status == 410)
        }
    }
}
