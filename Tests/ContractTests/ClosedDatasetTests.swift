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

/// What is closed to the public and shared between departments.
@Suite struct ClosedDatasetTests {
    private static let id = "closed-yaan-stations"
    private static let path = "/v1/datasets/\(id)"
    private static let csv = "station,observed_at,pm25\n511800051,2026-03-02T08:00:00+08:00,35.00\n511800052,2026-03-02T08:00:00+08:00,41.00\n"

    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private func description(_ change: (inout [String: JSONValue]) -> Void = { _ in }) throws -> String {
        var description = try #require(try contract.requestExample("putDataset").object)
        description["title"] = .object(["zh": .string("不向社会开放的站点数据")])
        description["resource_code"] = nil
        description["openness"] = .string("closed")
        description["share_type"] = .string("conditional")
        description["share_condition"] = .string("仅用于应急指挥")
        change(&description)
        return try ContractServer.text(description)
    }

    /// Describes, pushes and releases it.
    private func release(_ server: ContractServer) async throws {
        let created = try await server.pusher.send(.PUT, Self.path, json: try description(), headers: [("If-None-Match", "*")])
        try #require(created.status == 201, "\(created.text)")
        let pushed = try await server.pusher.send(.POST, Self.path + "/pushes?mode=replace", headers: [("Content-Type", "text/csv")], body: .bytes(ByteBuffer(string: Self.csv)))
        try #require(pushed.status == 201, "\(pushed.text)")
        let push = "/v1/pushes/\(try #require(try pushed.json()["id"]?.string))"
        var review = try #require(try contract.requestExample("createReview").object)
        review["digest"] = try pushed.json()["digest"]
        let reviewed = try await server.reviewer.send(.POST, push + "/reviews", json: try ContractServer.text(review))
        try #require(reviewed.status == 201, "\(reviewed.text)")
        let released = try await server.pusher.send(.POST, push + "/release")
        try #require(released.status == 200, "\(released.text)")
        try await server.api.dependencies.notary?.integrate()
    }

    /// Holds that strangers find nothing of it, by any address and with the role of the public's reader.
    private func expectNothingPublic(_ server: ContractServer, _ occasion: String) async throws {
        for rest in [
            "", "/schema", "/versions", "/versions/1", "/versions/1/data.csv", "/versions/1/data.csv.gz", "/versions/1/proof", "/data.csv", "/data.csv.gz", "/data.xlsx", "/rows",
            "/rows.csv", "/rows.ndjson", "/rows/511800051,2026-03-02T08:00:00%2B08:00", "/rows/511800051,2026-03-02T08:00:00%2B08:00/proof",
            "/rows/511800051,2026-03-02T08:00:00%2B08:00/history", "/aggregate?select=count(*)", "/diff?from=1&to=1", "/queryables", "/openapi.json", "/download", "/revisions",
            "/withdrawals", "/corrections", "/changes.atom", "/rows?as_of=2999-01-01T00:00:00%2B08:00",
        ] {
            let answer = try await server.reader.get(Self.path + rest)
            #expect(answer.status == 404 && !answer.text.contains("不向社会开放的站点"), "\(occasion) \(rest): \(answer.status) \(answer.text)")
        }
        for list in ["/v1/datasets?limit=100", "/v1/datasets?q=%E7%AB%99%E7%82%B9", "/v1/catalogue.csv", "/v1/catalogue.ndjson", "/v1/changes", "/v1/integrity", "/ledger/tile/entries/000.p/\(try await size(server))"] {
            let answer = try await server.reader.get(list)
            #expect(answer.status == 200 && !answer.text.contains(Self.id), "\(occasion) \(list): \(answer.status)")
        }
        let reader = try await server.database.open(as: .reader)
        let views = try await server.database.database.execute("SELECT table_name FROM information_schema.views WHERE table_schema = 'published' ORDER BY 1")
        #expect(views.count > 15)
        for view in try views.map({ try $0.read(String.self, 0) }) {
            let rows = try await reader.execute("SELECT count(*) FROM published.\(identifier: view) AS v WHERE v::text LIKE \("%\(Self.id)%")")
            #expect(try rows[0].read(Int.self, 0) == 0, "\(occasion) published.\(view)")
        }
        await reader.close()
    }

    private func size(_ server: ContractServer) async throws -> Int {
        try await server.database.database.execute("SELECT count(*) FROM daylight.ledger_leaf")[0].read(0)
    }

    @Test func departmentsShareItAndStrangersNeverHearOfIt() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            try await release(server)
            try await expectNothingPublic(server, "released")

            // Its own department works with it as with any other.
            #expect(try await server.pusher.get(Self.path).json()["state"]?.string == "published")
            #expect(try await server.pusher.get(Self.path + "/versions").json()["data"]?.array?.count == 1)
            let version = try await server.pusher.get(Self.path + "/versions/1")
            #expect(version.status == 200 && version.header("Cache-Control")?.contains("private") == true)
            #expect(try await server.pusher.get("/v1/datasets?q=%E7%AB%99%E7%82%B9").text.contains(Self.id))

            // Others see that there is something to ask for, and on what terms.
            let listed = try await server.receiver.get("/v1/exchange/datasets?audience=departments").json()
            #expect(listed["data"]?.array?.compactMap { $0["id"]?.string } == [Self.id])
            func found(_ words: String) async throws -> [String] {
                let answer = try await server.receiver.get("/v1/exchange/datasets?audience=departments&q=\(words)")
                try #require(answer.status == 200, "\(answer.text)")
                return try answer.json()["data"]?.array?.compactMap { $0["id"]?.string } ?? []
            }
            // The dataset's title is of stations; each word has to be there, in whatever case.
            #expect(try await found("%E7%AB%99%E7%82%B9") == [Self.id])
            #expect(try await found("%E7%AB%99%E7%82%B9%20\(Self.id.uppercased())") == [Self.id])
            #expect(try await found("%E7%AB%99%E7%82%B9%20%E9%92%A2%E9%93%81").isEmpty)
            #expect(try await found("visibility").isEmpty)
            #expect(try await server.receiver.get("/v1/exchange/datasets?q=a+b+c+d+e+f+g+h+i").status == 400)
            let entry = try await server.receiver.get("/v1/exchange/datasets/\(Self.id)").json()
            #expect(entry["share_condition"]?.string == "仅用于应急指挥" && entry["audience"]?.string == "departments" && entry["grant"] == nil)
            #expect(try await server.reader.get("/v1/exchange/datasets/\(Self.id)").status == 401)
            #expect(try await server.receiver.get("/v1/exchange/datasets/none").status == 404)
            #expect(try await server.receiver.get(Self.path).status == 404)

            var draft = try #require(try contract.requestExample("createShareRequest").object)
            draft["receiver"] = nil
            draft["dataset"] = .string(Self.id)
            draft["filter"] = .string("station = '511800052'")
            let asked = try await server.receiver.send(.POST, "/v1/exchange/requests", json: try ContractServer.text(draft))
            try #require(asked.status == 201, "\(asked.text)")
            let request = "/v1/exchange/requests/\(try #require(try asked.json()["id"]?.string))"
            let accepted = try await server.pusher.send(.POST, request + "/decisions", json: #"{"decision":"accept"}"#)
            let grant = try #require(try accepted.json()["grant"]?.string, "\(accepted.text)")
            let data = try await server.receiver.get("/v1/exchange/grants/\(grant)/data.csv", headers: [ContractServer.purpose])
            #expect(data.status == 200 && data.text.contains("511800052") && !data.text.contains("511800051"), "\(data.text)")
            #expect(try await server.receiver.get("/v1/exchange/datasets/\(Self.id)").json()["grant"]?.string == grant)
            let doubt = #"{"dataset":"closed-yaan-stations","version":1,"key":"511800052,2026-03-02T08:00:00%2B08:00","field":"pm25","doubt":"偏高"}"#
            #expect(try await server.reader.send(.POST, "/v1/corrections", json: doubt).status == 404)
            let doubted = try await server.receiver.send(.POST, "/v1/corrections", json: doubt)
            #expect(try doubted.status == 201 && doubted.json()["audience"]?.string == "departments", "\(doubted.text)")
            #expect(try await server.reader.get("/v1/corrections/\(try doubted.json()["id"]?.string ?? "")").status == 404)
            #expect(try await server.pusher.get(Self.path + "/corrections").json()["data"]?.array?.count == 1)
            // What the grant leaves out is not there for the receiver.
            #expect(try await server.receiver.send(.POST, "/v1/corrections", json: doubt.replacing("511800052", with: "511800051")).status == 404)
            try await expectNothingPublic(server, "shared")
            try await expectSealed(server)

            let withdrawn = try await server.pusher.send(.POST, Self.path + "/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"有误"},"reason_code":"error"}"#)
            try #require(withdrawn.status == 201, "\(withdrawn.text)")
            try await server.api.dependencies.notary?.integrate()
            let gone = try await server.receiver.get("/v1/exchange/grants/\(grant)/data.csv", headers: [ContractServer.purpose])
            #expect(try gone.status == 410 && gone.json()["code"]?.string == "DL2001", "\(gone.text)")
            #expect(try await server.pusher.get(Self.path).status == 410)
            #expect(try await server.receiver.get("/v1/exchange/datasets/\(Self.id)").status == 410)
            try await expectNothingPublic(server, "withdrawn")
        }
    }

    /// What is in the log is the seal that the database keeps the entry for.
    private func expectSealed(_ server: ContractServer) async throws {
        let rows = try await server.database.database.execute(
            """
            SELECT e.kind, e.version, e.salt, e.entry, convert_from(l.entry, 'UTF8') AS leaf FROM daylight.sealed_entry e JOIN daylight.ledger_leaf l ON l.hash = e.hash AND l.kind = 'sealed'
            WHERE e.dataset = \(Self.id) ORDER BY e.id
            """)
        #expect(try rows.map { try $0.read(String.self, "kind") } == ["release"])
        guard let row = rows.first, case .sealed(let sealed) = try Leaf(entry: Array(try row.read(String.self, "leaf").utf8)) else {
            Issue.record("no sealed leaf")
            return
        }
        let entry = try row.read(Bytea.self, "entry").bytes
        #expect(sealed.commitment == Commitment(salt: try row.read(Bytea.self, "salt").bytes, content: entry))
        #expect(try Leaf.sealed(sealed).entry() == Array(try row.read(String.self, "leaf").utf8))
        guard case .release(let release) = try Leaf(entry: entry) else {
            Issue.record("not a release")
            return
        }
        #expect(release.dataset == Self.id && release.rowCount == 2)
    }

    @Test func whatWasReleasedIsNeitherOpenedNorClosedByAnEdit() async throws {
        try await ContractServer.with { server in
            try await release(server)
            let tag = try #require(try await server.pusher.get(Self.path).header("ETag"))
            let opened = try await server.pusher.send(.PUT, Self.path, json: try description { $0["openness"] = .string("unconditional") }, headers: [("If-Match", tag)])
            #expect(try opened.status == 409 && opened.json()["places"]?.array?.contains { $0["place"]?.string == "/openness" } == true, "\(opened.text)")
            // A second edit that leaves that alone goes through, and is not told in public.
            let edited = try await server.pusher.send(.PUT, Self.path, json: try description { $0["licence"] = .string("CC0-1.0") }, headers: [("If-Match", tag)])
            #expect(edited.status == 200, "\(edited.text)")
            try await server.api.dependencies.notary?.integrate()
            #expect(try await !server.reader.get("/v1/changes").text.contains(Self.id))
        }
    }
}
