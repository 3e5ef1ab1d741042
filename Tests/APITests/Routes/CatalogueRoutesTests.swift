import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// Describing datasets and their mappings: conditions, refusals, and who may.
@Suite struct CatalogueRoutesTests {
    static let department = TestDatabase.creditCode(1)
    static let beacons = "/v1/datasets/beacons"
    static let mapping = "/v1/datasets/lighthouse/mapping"

    static func json(_ change: (inout DatasetDescription) -> Void = { _ in }) throws -> String {
        var description = Lighthouse.description(department: department)
        description.schema = PublishingServer.schema
        change(&description)
        return try JSON.encode(description)
    }

    private static func code(_ response: ContractResponse) throws -> String { try response.json()["code"]?.string ?? "" }

    @Test func aDatasetIsCreatedOnceAndEditedByItsTag() async throws {
        try await PublishingServer.with { server in
            let json = try Self.json()
            let unconditional = try await server.pusher.send(.PUT, Self.beacons, json: json)
            #expect(unconditional.status == 428)
            let tooEarly = try await server.pusher.send(.PUT, Self.beacons, json: json, headers: [("If-Match", "\"r1.v0\"")])
            #expect(tooEarly.status == 412)
            let created = try await server.pusher.send(.PUT, Self.beacons, json: json, headers: [("If-None-Match", "*")])
            #expect(created.status == 201)
            #expect(created.header("Location") == Self.beacons)
            let tag = try #require(created.header("ETag"))
            let again = try await server.pusher.send(.PUT, Self.beacons, json: json, headers: [("If-None-Match", "*")])
            #expect(again.status == 412)

            let edit = try Self.json { $0.title = LocalizedText(zh: "信标名录") }
            let edited = try await server.pusher.send(.PUT, Self.beacons, json: edit, headers: [("If-Match", tag)])
            #expect(edited.status == 200)
            #expect(edited.header("ETag") != tag)
            let stale = try await server.pusher.send(.PUT, Self.beacons, json: edit, headers: [("If-Match", tag)])
            #expect(stale.status == 412)
            let careless = try await server.pusher.send(.PUT, Self.beacons, json: edit)
            #expect(careless.status == 428)
            let read = try await server.pusher.get(Self.beacons)
            #expect(try read.json()["description"]?["title"]?["zh"]?.string == "信标名录")
            let unchanged = try await server.pusher.get(Self.beacons, headers: [("If-None-Match", edited.header("ETag") ?? "")])
            #expect(unchanged.status == 304)
        }
    }

    @Test func onlyItsDepartmentDescribesADataset() async throws {
        try await PublishingServer.with { server in
            let json = try Self.json(), condition = [("If-None-Match", "*")]
            let anonymous = try await server.anonymous.send(.PUT, Self.beacons, json: json, headers: condition)
            #expect(anonymous.status == 401)
            let reviewer = try await server.reviewer.send(.PUT, Self.beacons, json: json, headers: condition)
            #expect(reviewer.status == 403)
            let stranger = try await server.stranger.send(.PUT, Self.beacons, json: json, headers: condition)
            #expect(stranger.status == 403)
            #expect(try Self.code(stranger) == "DL2004")

            // A draft of another department does not exist, with whatever it is asked for.
            let missing = try await server.stranger.get("/v1/datasets/nothing/mapping")
            let draft = try await server.stranger.get(Self.mapping)
            #expect(missing.status == 404 && draft.status == 404)
            #expect(try missing.json()["detail"] == draft.json()["detail"])
            let mapped = try await server.stranger.send(.PUT, Self.mapping, json: "{\"steps\":[]}", headers: [("If-Match", "*")])
            #expect(mapped.status == 404)
            try await server.publish("code\nA\n")
            let published = try await server.stranger.get(Self.mapping)
            #expect(published.status == 403)
            let edited = try await server.stranger.send(.PUT, "/v1/datasets/lighthouse", json: json, headers: [("If-Match", "*")])
            #expect(edited.status == 403)
        }
    }

    @Test func wrongDescriptionsAreRefusedWithTheirPlaces() async throws {
        try await PublishingServer.with { server in
            let condition = [("If-None-Match", "*")]
            let wrong = try Self.json {
                $0.schema?.primaryKey = ["nothing"]
                $0.region = "13"
            }
            let refused = try await server.pusher.send(.PUT, Self.beacons, json: wrong, headers: condition)
            #expect(refused.status == 422)
            #expect(try Self.code(refused) == "DL2002")
            let places = try refused.json()["places"]?.array ?? []
            #expect(places.contains { $0["place"]?.string?.hasPrefix("/schema/primary_key") == true }, "\(refused.text)")
            #expect(places.allSatisfy { $0["message"]?["zh"]?.string != nil && $0["message"]?["en"]?.string != nil })
            let rubbish = try await server.pusher.send(.PUT, Self.beacons, json: "{\"title\":", headers: condition)
            #expect(rubbish.status == 400)
            #expect(try Self.code(rubbish) == "DL1003")
            let misnamed = try await server.pusher.send(.PUT, "/v1/datasets/Beacons", json: Self.json(), headers: condition)
            #expect(misnamed.status == 422)
            let read = try await server.pusher.get(Self.beacons)
            #expect(read.status == 404)
        }
    }

    @Test func releasedFieldsStay() async throws {
        try await PublishingServer.with { server in
            try await server.publish("code,name\nA,a\n")
            let path = "/v1/datasets/lighthouse"
            let tag = try #require(try await server.pusher.get(path).header("ETag"))
            let shorter = try Self.json { $0.schema?.fields.removeAll { $0.name == "name" } }
            let refused = try await server.pusher.send(.PUT, path, json: shorter, headers: [("If-Match", tag)])
            #expect(refused.status == 409)
            #expect(try Self.code(refused) == "DL2005")
            let longer = try Self.json {
                $0.schema?.fields.append(Field(name: "height", title: LocalizedText(zh: "塔高"), type: .decimal(precision: 6, scale: 2), visibility: .public))
            }
            let taken = try await server.pusher.send(.PUT, path, json: longer, headers: [("If-Match", tag)])
            #expect(taken.status == 200, "\(taken.text)")
        }
    }

    @Test func aMappingHasItsOwnTag() async throws {
        try await PublishingServer.with { server in
            let none = try await server.pusher.get(Self.mapping)
            #expect(none.status == 200)
            #expect(none.header("ETag") == "\"m0\"")
            let json = #"{"steps":[{"kind":"rename","from":"灯塔号","to":"code"}]}"#
            let unconditional = try await server.pusher.send(.PUT, Self.mapping, json: json)
            #expect(unconditional.status == 428)
            let first = try await server.pusher.send(.PUT, Self.mapping, json: json, headers: [("If-None-Match", "*")])
            #expect(first.status == 200)
            #expect(first.header("ETag") == "\"m1\"")
            let again = try await server.pusher.send(.PUT, Self.mapping, json: json, headers: [("If-None-Match", "*")])
            #expect(again.status == 412)
            let second = try await server.pusher.send(.PUT, Self.mapping, json: json, headers: [("If-Match", "\"m1\"")])
            #expect(second.status == 200)
            let stale = try await server.pusher.send(.PUT, Self.mapping, json: json, headers: [("If-Match", "\"m1\"")])
            #expect(stale.status == 412)
            let unchanged = try await server.pusher.get(Self.mapping, headers: [("If-None-Match", second.header("ETag") ?? "")])
            #expect(unchanged.status == 304)

            let current = [("If-Match", second.header("ETag") ?? "")]
            let wrong = try await server.pusher.send(.PUT, Self.mapping, json: #"{"steps":[{"kind":"rename","from":"灯塔号","to":"nothing"}]}"#, headers: current)
            #expect(wrong.status == 422)
            #expect(try Self.code(wrong) == "DL3004")
            let rubbish = try await server.pusher.send(.PUT, Self.mapping, json: "[", headers: current)
            #expect(rubbish.status == 400)
            let nowhere = try await server.pusher.send(.PUT, "/v1/datasets/nothing/mapping", json: json, headers: [("If-None-Match", "*")])
            #expect(nowhere.status == 404)
            // What is mapped is what a push is read by.
            let pushed = try await server.push("灯塔号\nA\n")
            #expect(pushed.status == 201, "\(pushed.text)")
        }
    }

    @Test func nothingIsDoneToAWithdrawnDataset() async throws {
        try await PublishingServer.with { server in
            try await server.publish("code\nA\n")
            let waiting = try await server.push("code\nB\n").json()
            _ = try await server.review(waiting)
            let path = "/v1/datasets/lighthouse", withdrawal = #"{"subject":"dataset","reason":{"zh":"误发","en":"published by mistake"}}"#
            let withdrawn = try await server.pusher.send(.POST, path + "/withdrawals", json: withdrawal)
            #expect(withdrawn.status == 201)
            let answers = [
                try await server.anonymous.get(path), try await server.pusher.send(.PUT, path, json: Self.json(), headers: [("If-Match", "*")]),
                try await server.pusher.get(Self.mapping), try await server.pusher.send(.PUT, Self.mapping, json: "{\"steps\":[]}", headers: [("If-None-Match", "*")]),
                try await server.push("code\nC\n"), try await server.pusher.send(.POST, path + "/withdrawals", json: withdrawal),
            ]
            #expect(answers.map(\.status) == [410, 410, 410, 410, 410, 410])
            #expect(answers[0].text.contains("误发"))
            let released = try await server.pusher.send(.POST, "/v1/pushes/\(waiting["id"]?.string ?? "")/release", json: "{}")
            #expect(released.status == 410)
            // What was pushed stays readable for those who worked on it.
            let pushes = try await server.pusher.get(path + "/pushes")
            #expect(pushes.status == 200)
        }
    }

    @Test func departmentsProfilesAndProblemsThatAreNotThere() async throws {
        try await PublishingServer.with { server in
            let department = try await server.anonymous.get("/v1/departments/\(Self.department)")
            #expect(try department.json()["uscc"]?.string == Self.department)
            for (path, code) in [
                ("/v1/departments/\(TestDatabase.creditCode(999))", "DL2007"), ("/v1/profiles/nothing", "DL2006"), ("/v1/profiles/nothing/versions/1", "DL2006"),
                ("/problems/DL0000", "DL1006"),
            ] {
                let answer = try await server.anonymous.get(path)
                #expect(answer.status == 404, "\(path)")
                #expect(try Self.code(answer) == code, "\(path)")
            }
        }
    }
}
