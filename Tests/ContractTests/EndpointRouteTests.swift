import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// Endpoints for webhooks over HTTP, held against the contract.
@Suite(.timeLimit(.minutes(20))) struct EndpointRouteTests {
    let contract: Contract

    init() throws { contract = try Contract.daylight.get() }

    private static let nobody = "/v1/exchange/endpoints/7a1f7a10-8f2a-4a53-9a53-0d1c6f1f7a10"

    @Test func aDepartmentKeepsItsEndpoints() async throws {
        try await ContractServer.with { server in
            let id = try await server.addEndpoint(contract), path = "/v1/exchange/endpoints/\(id)"
            let read = try await server.receiver.get(path)
            #expect(try read.header("ETag") == "\"1\"" && read.json()["state"]?.string == "enabled" && read.json()["secret"] == nil)
            // Nobody else's business, but the authority's.
            #expect(try await server.pusher.get(path).status == 404)
            #expect(try await server.authority.get(path).status == 200)
            #expect(try await server.pusher.get("/v1/exchange/endpoints").json()["data"]?.array?.isEmpty == true)

            #expect(try await server.receiver.send(.PATCH, path, json: #"{"label":"x"}"#).status == 428)
            #expect(try await server.receiver.send(.PATCH, path, json: #"{"label":"x"}"#, headers: [("If-Match", "\"7\"")]).status == 412)
            let changed = try await server.receiver.send(.PATCH, path, json: try contract.requestText("updateEndpoint"), headers: [("If-Match", "\"1\"")])
            #expect(changed.status == 200 && changed.header("ETag") == "\"2\"")
            #expect(try await server.receiver.send(.PATCH, path, json: #"{"url":"https://127.0.0.1/"}"#, headers: [("If-Match", "\"2\"")]).status == 422)
            let silent = try await server.receiver.send(.PATCH, path, json: #"{"enabled":false}"#, headers: [("If-Match", "\"2\"")])
            #expect(try silent.json()["disabled_reason"]?.string == "owner")
            #expect(try await server.receiver.send(.POST, path + "/replay", json: "{}").status == 422)
            #expect(try await server.receiver.send(.PATCH, path, json: #"{"enabled":true}"#, headers: [("If-Match", "\"3\"")]).json()["disabled_reason"] == nil)

            let rotated = try await server.receiver.send(.POST, path + "/secret", json: try contract.requestText("rotateEndpointSecret"))
            #expect(try rotated.json()["secret"]?.string?.hasPrefix("whsec_") == true && rotated.header("ETag") == "\"5\"")
            #expect(try await server.receiver.send(.POST, path + "/secret", json: #"{"overlap_hours":500}"#).status == 422)
            #expect(try await server.receiver.send(.POST, path + "/replay", json: try contract.requestText("replayMessages")).json()["waiting"]?.int == 0)
            #expect(try await server.receiver.send(.POST, path + "/replay", json: #"{"messages":["x"]}"#).status == 422)
            #expect(try await server.receiver.get(path + "/messages?state=dead&limit=5").json()["data"]?.array?.isEmpty == true)

            #expect(try await server.receiver.send(.DELETE, path).status == 428)
            #expect(try await server.receiver.send(.DELETE, path, headers: [("If-Match", "\"1\"")]).status == 412)
            #expect(try await server.receiver.send(.DELETE, path, headers: [("If-Match", "\"5\"")]).status == 204)
            #expect(try await server.receiver.get(path).status == 404)
        }
    }

    @Test func whatIsNotThereOrNotAllowedIsSaidSo() async throws {
        try await ContractServer.with { server in
            for (method, suffix) in [(HTTPMethod.PATCH, ""), (.POST, "/secret"), (.POST, "/replay")] {
                #expect(try await server.receiver.send(method, Self.nobody + suffix, json: "{}", headers: [("If-Match", "*")]).status == 404)
            }
            #expect(try await server.receiver.send(.DELETE, Self.nobody, headers: [("If-Match", "*")]).status == 404)
            let example = try contract.requestText("createEndpoint")
            #expect(try await server.receiver.send(.POST, "/v1/exchange/endpoints", json: #"{"url":"http://10.0.0.1/","label":" ","events":["x"]}"#).json()["places"]?.array?.count == 3)
            #expect(try await server.pusher.send(.POST, "/v1/exchange/endpoints", json: example).status == 403)
            let elsewhere = example.replacing(ContractServer.receivingDepartment, with: "11511802MB7654322X")
            #expect(try await server.authority.send(.POST, "/v1/exchange/endpoints", json: elsewhere).status == 404)
            for _ in 0..<10 { _ = try await server.addEndpoint(contract) }
            #expect(try await server.receiver.send(.POST, "/v1/exchange/endpoints", json: example).status == 409)
            let next = try await server.receiver.get("/v1/exchange/endpoints?limit=4").json()["links"]?["next"]?.string
            #expect(try await server.receiver.get(#require(next)).json()["data"]?.array?.count == 4)
        }
    }
}
