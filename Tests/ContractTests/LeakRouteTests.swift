import AsyncHTTPClient
import Foundation
import Model
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// What neither the public nor a grant gives is in no answer, by whichever address somebody asks, and however.
@Suite struct LeakRouteTests {
    /// Values that say where they come from: with `瓊` the grant gives them, with `謐` nobody gets them. No message has these characters.
    private static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, required: true, visibility: .public),
            Field(name: "region", title: LocalizedText(zh: "区域"), type: .text, visibility: .public),
            Field(name: "keeper", title: LocalizedText(zh: "守塔人"), type: .text, visibility: .public, mask: .name, sensitivity: .personal),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .text, visibility: .department),
            Field(name: "phone", title: LocalizedText(zh: "电话"), type: .text, visibility: .department),
            Field(name: "secret", title: LocalizedText(zh: "机謐"), type: .text, visibility: .private),
        ],
        primaryKey: ["code"])

    private static func row(_ code: String, _ region: String, _ budget: String) -> [String?] {
        [code, region, "守\(region == "east" ? "瓊" : "謐")\(code)", budget, "謐电\(code)", "謐要\(code)"]
    }

    /// Three versions, of which the grant begins at the second: it gives code, keeper and budget of the rows in the east.
    private func shared(_ server: ContractServer) async throws -> String {
        let database = server.database.database
        let release = try await server.database.publish(schema: Self.schema, rows: [Self.row("A", "east", "謐旧A"), Self.row("B", "west", "謐旧B"), Self.row("C", "east", "謐旧C")])
        try await database.execute(
            "UPDATE daylight.dataset SET department = \(ContractServer.department), description = description || '{\"share_type\": \"unconditional\"}'")
        try await database.execute("ALTER TABLE data.\(identifier: "d\(release.number)") OWNER TO daylight_writer")
        try await database.execute("ALTER VIEW published.\(identifier: "d\(release.number)") OWNER TO daylight_writer")
        try await release.release(2, rows: [Self.row("A", "east", "瓊二A"), Self.row("B", "west", "謐二B"), Self.row("C", "east", "瓊二C")])
        let draft = """
            {"dataset":"lighthouse","fields":["code","keeper","budget"],"filter":"region = 'east'","purpose":"测试","legal_basis":"某法","scenario":"测试","method":"pull",
            "until":"\(Timestamp(microseconds: Timestamp.now.microseconds + 86_400_000_000))"}
            """
        let asked = try await server.receiver.send(.POST, "/v1/exchange/requests", json: draft)
        let grant = try #require(try asked.json()["grant"]?.string, "\(asked.text)")
        // A row leaves the grant's rows, one comes into them, one changes in what is not granted.
        try await release.release(3, rows: [Self.row("A", "east", "瓊三A"), Self.row("B", "west", "謐三B"), Self.row("C", "west", "謐三C"), Self.row("D", "east", "瓊三D")])
        return grant
    }

    private func expectNothing(_ answer: ContractResponse, _ markers: [Character], _ what: String) {
        for marker in markers { #expect(!answer.text.contains(marker), "\(what): \(answer.status) \(answer.text.prefix(300))") }
    }

    @Test func noAnswerHasWhatNobodyGave() async throws {
        try await ContractServer.with { server in
            let grant = try await shared(server), base = "/v1/datasets/lighthouse", own = "/v1/exchange/grants/\(grant)"
            let questions = ["", "?fields=secret", "?fields=phone", "?secret=x", "?phone__like=%25", "?sort=-secret", "?filter=secret%20IS%20NOT%20NULL", "?region=west"]
            let granted = ["/rows", "/data.csv", "/changes"].flatMap { path in questions.map { own + path + $0 } } + [
                own, own + "/rows?version=2", own + "/rows?version=1", own + "/data.csv?version=2", own + "/data.csv?version=1", own + "/changes?since=0", own + "/changes?since=1",
                own + "/changes?since=2", own + "/deliveries", own + "/proof", "/v1/exchange/inbox", "/v1/exchange/requests", "/v1/exchange/grants",
            ]
            for path in granted {
                let answer = try await server.receiver.get(path, headers: [ContractServer.purpose])
                expectNothing(answer, ["謐"], path)
            }
            // What is granted is there: the test looks at the right thing.
            let given = try await server.receiver.get(own + "/data.csv", headers: [ContractServer.purpose])
            #expect(given.text == "code,keeper,budget\nA,守瓊A,瓊三A\nD,守瓊D,瓊三D\n")
            let changed = try await server.receiver.get(own + "/changes?since=2", headers: [ContractServer.purpose])
            #expect(changed.text == "_change,code,keeper,budget\nchanged,A,守瓊A,瓊三A\nremoved,C,,\nadded,D,守瓊D,瓊三D\n")

            let hidden = ["secret", "phone", "budget"]
            var open = [
                base, base + "/schema", base + "/queryables", base + "/openapi.json", base + "/versions", base + "/revisions", base + "/changes.atom", base + "/download", base + "/corrections",
                base + "/rows", base + "/rows.csv", base + "/rows.ndjson", base + "/data.csv", base + "/versions/1/data.csv", base + "/rows?version=1", base + "/rows/A", base + "/rows/A?version=1",
                base + "/rows/A/history", base + "/rows/C/history", base + "/rows/A/proof", base + "/aggregate?measures=count()", base + "/diff?from=1&to=3", base + "/diff.csv?from=1&to=3",
                base + "/diff.ndjson?from=1&to=3", base + "/diff/summary?from=1&to=3", "/v1/datasets", "/v1/datasets?q=lighthouse", "/v1/changes",
            ]
            for field in hidden {
                open += [
                    base + "/rows?fields=\(field)", base + "/rows?sort=\(field)", base + "/rows?\(field)=x", base + "/rows?filter=\(field)%20IS%20NOT%20NULL", base + "/rows.csv?fields=\(field)",
                    base + "/rows.ndjson?filter=\(field)%20%3E%20%27a%27", base + "/aggregate?group_by=\(field)", base + "/aggregate?measures=max(\(field))", base + "/diff?from=1&to=3&fields=\(field)",
                    base + "/diff.csv?from=1&to=3&\(field)=x", base + "/diff/summary?from=1&to=3&fields=\(field)",
                ]
            }
            for word in ["謐", "瓊"] { open.append("/v1/datasets?q=\(word.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")") }
            // A grant opens nothing but its own addresses; those who own and oversee the data read it by these no wider than everybody.
            for client in [server.reader, server.receiver, server.pusher, server.authority] {
                for path in open {
                    let answer = try await client.get(path)
                    // A question is told back in `links`: percent-encoded, so that no marker is in it.
                    expectNothing(answer, ["謐", "瓊"], path)
                }
            }
            for path in ["", "/rows", "/data.csv", "/changes", "/deliveries", "/proof"] {
                expectNothing(try await server.reader.get(own + path, headers: [ContractServer.purpose]), ["謐", "瓊"], path)
                expectNothing(try await server.pusher.get(own + path, headers: [ContractServer.purpose]), ["謐", "瓊"], path)
            }
            // What the receiver may doubt, and what the answer says, tells nothing either.
            for (field, key, version) in [("secret", "A", 3), ("phone", "A", 3), ("budget", "B", 3), ("budget", "A", 1), ("budget", "C", 3)] {
                let doubted = try await server.receiver.send(
                    .POST, "/v1/corrections", json: #"{"dataset":"lighthouse","version":\#(version),"key":"\#(key)","field":"\#(field)","doubt":"x"}"#)
                #expect([404, 422].contains(doubted.status), "\(field) \(key)")
                expectNothing(doubted, ["謐", "瓊"], field)
            }
        }
    }
}
