import API
import Crypto
import Foundation
import Ledger
import NIOHTTP1
import Notary
import Postgres
import Store
import TestSupport
import Testing

/// What descriptions said before, over a client that holds each answer against the contract.
@Suite struct RevisionTests {
    private let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    /// Edits the dataset's description.
    private func edit(_ server: ContractServer, _ change: (inout [String: JSONValue]) -> Void) async throws {
        let dataset = try contract.target(of: "/v1/datasets/{id}")
        let current = try await server.pusher.get(dataset)
        var description = try #require(try current.json()["description"]?.object)
        change(&description)
        let text = String(decoding: try JSONEncoder().encode(description), as: UTF8.self)
        let answer = try await server.pusher.send(.PUT, dataset, json: text, headers: [("If-Match", current.header("ETag") ?? "")])
        try #require(answer.status == 200, "\(answer.text)")
    }

    @Test func everyEditLeavesWhatStoodBefore() async throws {
        try await ContractServer.with { server in
            let dataset = try contract.target(of: "/v1/datasets/{id}"), revisions = dataset + "/revisions"
            _ = try await server.publish(contract)
            try await edit(server) { $0["update_cycle"] = .string("daily") }
            // Of something else: no description of its own.
            let mapped = try await server.pusher.send(.PUT, dataset + "/mapping", json: contract.requestText("putMapping"), headers: [("If-None-Match", "*")])
            #expect(mapped.status == 200)
            try await edit(server) { $0["title"] = .object(["zh": .string("改名")]) }
            let list = try await server.reader.get(revisions).json()
            #expect(list["data"]?.array?.compactMap { $0["revision"]?.int } == [4, 2, 1])
            #expect(try await server.reader.get(revisions + "?limit=1").json()["links"]?["next"]?.string != nil)
            let old = try await server.reader.get(revisions + "/1")
            #expect(try old.json()["description"]?["update_cycle"]?.string != "daily")
            #expect(try await server.reader.get(revisions + "/3").json()["revision"]?.int == 2, "the description that stood then")
            #expect(try await server.reader.get(revisions + "/5").status == 404)
            #expect(try await server.reader.get(revisions + "/x").status == 404)
            #expect(try await server.reader.get(revisions + "/1", headers: [("If-None-Match", old.header("ETag") ?? "")]).status == 304)

            let change = try await server.reader.get(revisions + "/4/diff").json()
            #expect(change["meta"]?["from"]?.int == 2 && change["data"]?.array?.compactMap { $0["path"]?.string }.first?.hasPrefix("/title/") == true)
            let both = try await server.reader.get(revisions + "/4/diff?from=1").json()["data"]?.array ?? []
            #expect(both.contains { $0["path"]?.string == "/update_cycle" && $0["new"]?.string == "daily" } && both.contains { $0["path"]?.string == "/title/zh" && $0["new"]?.string == "改名" })
            let first = try await server.reader.get(revisions + "/1/diff").json()
            #expect(first["meta"]?["from"]?.int == 0 && first["data"]?.array?.contains { $0["path"]?.string == "/title" && $0["old"] == nil } == true)

            // The digests are those of the leaves, and can be computed from what is given.
            try await server.api.dependencies.notary?.integrate()
            let leaves = try await server.database.database.execute("SELECT entry FROM daylight.ledger_leaf WHERE kind IN ('release', 'description') ORDER BY index").map {
                try Leaf(entry: $0.read(Bytea.self, 0).bytes)
            }
            let digests = leaves.compactMap { leaf -> String? in
                switch leaf {
                case .release(let release): release.descriptionDigest
                case .description(let edit): edit.digest
                default: nil
                }
            }
            #expect(digests.count == 3)
            for (revision, digest) in zip([1, 2, 4], digests) {
                let answer = try await server.reader.get(revisions + "/\(revision)")
                #expect(try answer.json()["digest"]?.string == digest)
                var description = try #require(try CanonicalJSON(parsing: Array(answer.body))["description"])
                description["schema"] = nil
                #expect(SHA256.hash(data: Data(description.bytes)).map { String(format: "%02x", $0) }.joined() == digest)
            }
            guard case .description(let leaf)? = leaves.last else { throw MissingExample(name: "leaf", path: revisions) }
            #expect(leaf.revision == 4 && leaf.previousDigest == digests[1] && leaf.department == ContractServer.department)

            let time = try #require(list["data"]?[1]?["published_at"]?.string?.replacing("+", with: "%2B"))
            #expect(try await server.reader.get(revisions + "?as_of=\(time)").json()["data"]?[0]?["revision"]?.int == 2)
            #expect(try await server.reader.get(revisions + "?as_of=1999-01-01T00:00:00Z").status == 404)
            #expect(try await server.reader.get(revisions + "?as_of=yesterday").status == 400)
        }
    }

    @Test func whatWasEditedBeforeTheFirstReleaseIsItsDepartmentsOwn() async throws {
        try await ContractServer.with { server in
            let dataset = try contract.target(of: "/v1/datasets/{id}"), revisions = dataset + "/revisions"
            let created = try await server.pusher.send(.PUT, dataset, json: contract.requestText("putDataset"), headers: [("If-None-Match", "*")])
            try #require(created.status == 201)
            try await edit(server) { $0["keywords"] = .array([.string("草稿")]) }
            for path in ["", "/1", "/2", "/2/diff"] { #expect(try await server.reader.get(revisions + path).status == 404, "\(path)") }
            #expect(try await server.pusher.get(revisions).json()["data"]?.array?.count == 2)
            // As a release does it.
            try await server.database.database.execute("UPDATE daylight.dataset SET state = 'published'")
            #expect(try await server.reader.get(revisions).json()["data"]?.array?.compactMap { $0["revision"]?.int } == [2])
            #expect(try await server.reader.get(revisions + "/1").status == 404)
            #expect(try await server.reader.get(revisions + "/2/diff").json()["meta"]?["from"]?.int == 0)
            #expect(try await server.pusher.get(revisions + "/2/diff").json()["data"]?[0]?["path"]?.string == "/keywords")
            // What was said stays said.
            let writer = try await server.database.open(as: .writer)
            await #expect(throws: PostgresError.self) { try await writer.execute("UPDATE daylight.description_revision SET description = '{}'") }
            await #expect(throws: PostgresError.self) { try await writer.execute("DELETE FROM daylight.description_revision") }
            await writer.close()
        }
    }
}
