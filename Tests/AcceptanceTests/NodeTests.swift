import AsyncHTTPClient
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// Three nodes, each a server with a database of its own: the region mirrors the prefecture, and the prefecture the county.
@Suite(.serialized) struct NodeTests {
    /// The nodes and the ways between them, which can break.
    private struct Nodes {
        let county: Installation, prefecture: Installation, region: Installation
        let toCounty: CuttingLink, toPrefecture: CuttingLink

        var all: [Installation] { [county, prefecture, region] }
        var countyURL: String { "http://127.0.0.1:\(toCounty.port)" }
        var prefectureURL: String { "http://127.0.0.1:\(toPrefecture.port)" }
    }

    private static let pause = [
        "DAYLIGHT_NODE_PAUSE": "1", "DAYLIGHT_WEBHOOK_NETWORKS": "127.0.0.0/8",
        "DAYLIGHT_RATE_LIMITS": "anonymous.read=100000/1,anonymous.download=100000/1,anonymous.query=100000/1"]

    private static func with(_ body: (Nodes) async throws -> Void) async throws {
        try await Installation.with(environment: pause, department: 11) { county in
            try await Installation.with(environment: pause, department: 12) { prefecture in
                try await Installation.with(environment: pause, department: 13) { region in
                    let toCounty = try await CuttingLink.open(to: county.port), toPrefecture = try await CuttingLink.open(to: prefecture.port)
                    let nodes = Nodes(county: county, prefecture: prefecture, region: region, toCounty: toCounty, toPrefecture: toPrefecture)
                    do {
                        try await body(nodes)
                    } catch {
                        for (name, node) in [("county", county), ("prefecture", prefecture), ("region", region)] {
                            let lines = node.log.split(separator: "\n").filter { !$0.contains(" info ") }.suffix(12)
                            Issue.record("\(name):\n\(lines.joined(separator: "\n"))")
                        }
                        throw error
                    }
                    await toCounty.close()
                    await toPrefecture.close()
                }
            }
        }
    }

    private static func node(_ arguments: [String], of installation: Installation) async throws -> (status: Int32, output: String) {
        try await Installation.run(["node"] + arguments, database: installation.database)
    }

    private static func version(_ dataset: String, at node: Installation) async throws -> Int? {
        try await node.reader.get("/v1/datasets/\(dataset)").json()["current_version"]?.int
    }

    /// What a node shows of a dataset, version by version.
    private static func shown(_ dataset: String, at node: Installation) async throws -> [String] {
        let list = try await node.reader.get("/v1/datasets/\(dataset)/versions?limit=100").json()["data"]?.array ?? []
        var shown: [String] = []
        for card in list {
            let number = try #require(card["number"]?.int)
            let file = try await node.reader.get("/v1/datasets/\(dataset)/versions/\(number)/data.csv")
            let words = ["digest", "withdrawal", "released_at"].map { card[$0]?.string ?? "-" }.joined(separator: " ")
            let counts = ["row_count", "byte_count", "added", "changed", "removed"].map { String(card[$0]?.int ?? -1) }.joined(separator: " ")
            shown.append("\(number) \(words) \(counts) \(file.status) \(file.status == 200 ? HexDigest.of(file.body) : "")")
        }
        return shown
    }

    private static let fields = """
        id|编号|integer|required
        name|名称|text
        amount|金额|decimal(12,2)
        at|时间|datetime
        note|备注|text
        """

    private static func file(_ rows: Range<Int>, amount: Int = 1, text: String = "灯塔") -> Data {
        Data(("id,name,amount,at,note\n" + rows.map { "\($0),\"\(text)\n\($0 % 7)\",\(amount).50,2026-03-0\(1 + $0 % 9)T08:00:00+08:00,\($0 % 3 == 0 ? "" : "\"\"")\n" }.joined()).utf8)
    }

    @Test func threeNodesEndWithEqualDigestsHoweverLinksBreakAndNodesRestart() async throws {
        try await Self.with { nodes in
            let (county, prefecture, region) = (nodes.county, nodes.prefecture, nodes.region)
            try await county.describe("lights", Descriptions.own("灯塔目录", department: county.department, fields: Self.fields, key: ["id"]))
            try await county.publish("lights", Self.file(0..<6000))
            // In the middle of the first delivery the link breaks, again and again: each connection carries less than a third of the file.
            nodes.toCounty.cut(after: 120_000)
            #expect(try await Self.node(["add", nodes.countyURL], of: prefecture).status == 0)
            #expect(try await Self.node(["add", nodes.prefectureURL + "/"], of: region).status == 0)
            #expect(try await Self.node(["add", "ftp://x"], of: region).status != 0)
            try await eventually("the first version at the region") { try await Self.version("lights", at: region) == 1 }
            #expect(nodes.toCounty.cutCount >= 2)
            nodes.toCounty.cut(after: nil)

            // Differences, a new description, a field that came later, rows and versions that are withdrawn.
            try await prefecture.describe("rivers", Descriptions.own("河流", department: prefecture.department, fields: Self.fields, key: ["id"]))
            try await prefecture.publish("rivers", Self.file(0..<50))
            try await county.publish("lights", Self.file(10..<20, amount: 2), mode: "upsert")
            let more = Descriptions.own("灯塔目录（修订）", department: county.department, fields: Self.fields + "\nheight|高度|integer", key: ["id"])
            let tag = try #require(try await county.pusher.get("/v1/datasets/lights").headers.first(name: "ETag"))
            #expect(try await county.pusher.send(.PUT, "/v1/datasets/lights", json: more, headers: [("If-Match", tag)]).status == 200)
            try await county.publish("lights", Data("id,name,amount,at,note,height\n7000,新,1.00,2026-03-01T08:00:00+08:00,\"\",12\n11,改,,2026-03-01T08:00:00+08:00,注,5\n".utf8), mode: "upsert")
            let rows = try await county.pusher.send(
                .POST, "/v1/datasets/lights/withdrawals", json: #"{"subject":"rows","keys":["5999"],"reason":{"zh":"测试"},"reason_code":"personal_data"}"#)
            #expect(rows.status == 201, "\(rows.text)")
            try await county.publish("lights", Self.file(100..<110, amount: 9).replacing("note\n", with: "note,height\n", rowEnd: ",3\n"), mode: "upsert")
            try await eventually("the fifth version at the region") { try await Self.version("lights", at: region) == 5 }
            try await eventually("the prefecture's own at the region") { try await Self.version("rivers", at: region) == 1 }

            // Every order of restarts, with a release in between.
            var number = 5
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                if number == 6 { for node in nodes.all { await node.kill() } } else { for node in nodes.all { await node.stop() } }
                for place in order {
                    try await nodes.all[place].restart()
                    if place == 0 {
                        try await county.publish(
                            "lights", Self.file(0..<(number % 2 == 0 ? 5 : 3000), amount: number).replacing("note\n", with: "note,height\n", rowEnd: ",\(number)\n"), mode: "upsert")
                        number += 1
                    }
                }
            }
            let version = try await county.pusher.send(
                .POST, "/v1/datasets/lights/withdrawals", json: #"{"subject":"version","version":7,"reason":{"zh":"测试"}}"#)
            #expect(version.status == 201, "\(version.text)")
            try await eventually("the last version at the region") { try await Self.version("lights", at: region) == number }
            let expected = try await Self.shown("lights", at: county)
            #expect(expected.count == number && expected.filter { $0.contains(" 410 ") }.count >= 4)
            for node in [prefecture, region] {
                try await eventually("equal versions") { try await Self.shown("lights", at: node) == expected }
                #expect(try await Self.shown("lights", at: node) == expected)
            }
            #expect(try await Self.shown("rivers", at: region) == Self.shown("rivers", at: prefecture))

            // It is read as what is one's own, and says where it is at home.
            let document = try await region.reader.get("/v1/datasets/lights").json()
            #expect(document["home"]?.string == nodes.countyURL && document["description"]?["title"]?["zh"]?.string == "灯塔目录（修订）", "\(document)")
            #expect(try await county.reader.get("/v1/datasets/lights").json()["home"]?.string == nil)
            #expect(try await region.reader.get("/v1/datasets/rivers").json()["home"]?.string == nodes.prefectureURL)
            #expect(try await region.reader.get("/v1/departments/\(county.department)").json()["node"]?.string == nodes.countyURL)
            for path in ["/rows?limit=20&sort=-amount", "/rows/11", "/diff/summary?from=5", "/aggregate?group_by=height&select=count%28%2A%29"] {
                let (here, there) = (try await region.reader.get("/v1/datasets/lights" + path), try await county.reader.get("/v1/datasets/lights" + path))
                // But for cursors, which each node signs for itself.
                let (data, expected) = (try here.json()["data"], try there.json()["data"])
                #expect(here.status == 200 && (data == nil ? here.text == there.text : data == expected), "\(path): \(here.text.prefix(300)) \(there.text.prefix(300))")
            }
            try await eventually("found by search") {
                try await region.reader.get("/v1/datasets?q=%E7%81%AF%E5%A1%94").json()["data"]?[0]?["id"]?.string == "lights"
            }
            #expect(try await region.reader.get("/v1/datasets/lights/rows/5999").status == 410)
            let kept = try await region.database.database.execute("SELECT count(*) FROM daylight.withdrawn_row WHERE state <> '{}'")[0].read(Int.self, 0)
            #expect(kept == 0)

            // Its own ledger has all of it.
            let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-node-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: folder) }
            let audit = try await Installation.run(["audit", region.reader.baseURL, "--state", folder.path, "--all"])
            #expect(audit.status == 0, "\(audit.output)")
            let status = try await Self.node(["status"], of: region)
            #expect(status.status == 0 && status.output.contains("following"), "\(status.output)")

            try await Self.nothingIsWritten(nodes)
        }
    }

    /// What is at home elsewhere is not written here.
    private static func nothingIsWritten(_ nodes: Nodes) async throws {
        let database = nodes.region.database
        let key = try await database.addKey([.read, .push, .release], tier: "trusted"), writer = nodes.region.reader.with(key: key.text)
        let tag = try #require(try await writer.get("/v1/datasets/lights").headers.first(name: "ETag"))
        let description = Descriptions.own("别的", department: nodes.county.department, fields: fields, key: ["id"])
        let answers = [
            try await writer.send(.PUT, "/v1/datasets/lights", json: description, headers: [("If-Match", tag)]),
            try await writer.send(.POST, "/v1/datasets/lights/pushes?mode=upsert", headers: [("Content-Type", "text/csv")], body: .bytes(.init(bytes: file(0..<1)))),
            try await writer.send(.POST, "/v1/datasets/lights/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"测试"}}"#),
        ]
        for answer in answers {
            let problem = try answer.json()
            #expect(answer.status == 409 && problem["code"]?.string == "DL2011" && problem["home"]?.string == nodes.countyURL, "\(answer.text)")
        }
        let gone = try await nodes.county.pusher.send(.POST, "/v1/datasets/lights/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"全部撤回"}}"#)
        #expect(gone.status == 201)
        try await eventually("withdrawn everywhere") { try await nodes.region.reader.get("/v1/datasets/lights/rows").status == 410 }
        #expect(try await nodes.region.reader.get("/v1/datasets/lights").text.contains("全部撤回"))
    }

    /// A node is removed with what came from it: tombstones stay, rows do not, and what is the prefecture's own is as it was.
    private static func copiesGoWithTheirNode(_ url: String, _ prefecture: Installation) async throws {
        let database = prefecture.database.database
        #expect(try await node(["status"], of: prefecture).status == 0)
        #expect(try await node(["remove", url, "--with-copies"], of: prefecture).status != 0, "without --confirm")
        let numbers = try await database.execute("SELECT number FROM daylight.dataset WHERE home_node IS NOT NULL AND current_version IS NOT NULL").map { try $0.read(Int.self, 0) }
        #expect(numbers.count == 3)
        let before = try await database.execute("SELECT count(*) FROM daylight.row_tree_node")[0].read(Int.self, 0)
        let removed = try await node(["remove", url, "--with-copies", "--confirm", "--reason", "镜像到期"], of: prefecture)
        #expect(removed.status == 0 && removed.output.split(separator: "\n").filter { $0.contains("withdrawn, its rows deleted") }.count == 3, "\(removed.output)")
        for dataset in ["cell", "truth", "words"] {
            try await eventually("a tombstone") { try await prefecture.reader.get("/v1/datasets/\(dataset)/rows").status == 410 }
            let gone = try await prefecture.reader.get("/v1/datasets/\(dataset)")
            #expect(gone.status == 410 && gone.text.contains("镜像到期"), "\(gone.text)")
        }
        for number in numbers { #expect(try await database.execute("SELECT FROM data.\(identifier: "d\(number)")").count == 0) }
        #expect(try await database.execute("SELECT count(*) FROM daylight.row_tree_node")[0].read(Int.self, 0) < before)
        let changes = try await prefecture.reader.get("/v1/changes?since=0&limit=1000").json()["data"]?.array ?? []
        #expect(changes.filter { $0["kind"]?.string == "withdrawal" }.count == 3)
        // Doing it again does nothing more, and the ledger holds together.
        let again = try await node(["remove", url, "--with-copies", "--confirm"], of: prefecture)
        #expect(again.status == 0 && !again.output.contains("  cell: withdrawn,"), "\(again.output)")
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-node-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for _ in 0..<600 where try await database.execute("SELECT FROM daylight.ledger_pending").count > 0 { try await Task.sleep(for: .milliseconds(100)) }
        let audit = try await Installation.run(["audit", prefecture.reader.baseURL, "--state", folder.path, "--all"])
        #expect(audit.status == 0, "\(audit.output)")
        #expect(try await prefecture.reader.get("/v1/datasets/shared").status != 410)
    }

    @Test func aLieIsRefusedAndShownAndNothingOfItIsSeen() async throws {
        try await Installation.with(environment: Self.pause.merging(["DAYLIGHT_LEDGER_NAME": "county.example/ledger"]) { $1 }, department: 21) { county in
            try await Installation.with(environment: Self.pause, department: 22) { prefecture in
                func sql(_ statements: String) async throws {
                    try await county.database.database.execute(SQL(raw: "DO $do$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); \(statements); END $do$"))
                    for dataset in ["truth", "cell", "words"] { try await county.database.database.execute("SELECT pg_notify('daylight_change', \(dataset))") }
                    try await Task.sleep(for: .milliseconds(1200))
                }
                for dataset in ["cell", "words", "truth"] {
                    try await county.describe(dataset, Descriptions.own("核查", department: county.department, fields: Self.fields, key: ["id"]))
                    try await county.publish(dataset, Self.file(0..<20))
                }
                // The prefecture's own of the same name.
                try await county.describe("shared", Descriptions.own("同名", department: county.department, fields: Self.fields, key: ["id"]))
                try await county.publish("shared", Self.file(0..<3))
                try await prefecture.describe("shared", Descriptions.own("同名", department: prefecture.department, fields: Self.fields, key: ["id"]))
                try await eventually("the ledger has everything") { try await county.database.database.execute("SELECT FROM daylight.ledger_pending").isEmpty }
                try await county.database.database.execute("CREATE TABLE daylight.before_version AS SELECT * FROM daylight.version")
                try await sql(
                    """
                    EXECUTE (SELECT format('UPDATE data.d%s SET amount = 9.99 WHERE id = 1', number) FROM daylight.dataset WHERE id = 'cell');
                    UPDATE daylight.version SET digest = repeat('0', 64) WHERE dataset = 'words'
                    """)
                let url = county.reader.baseURL
                #expect(try await Self.node(["add", url], of: prefecture).status == 0)
                try await eventually("what is true") { try await Self.version("truth", at: prefecture) == 1 }
                try await eventually("three refusals") {
                    try await prefecture.reader.get("/v1/nodes").json()["data"]?[0]?["refused"]?.array?.count == 3
                }
                let refused = try await prefecture.reader.get("/v1/nodes").json()["data"]?[0]?["refused"]?.array ?? []
                let kinds = Dictionary(uniqueKeysWithValues: refused.map { ($0["dataset"]?.string ?? "", $0["kind"]?.string ?? "") })
                // The home itself gives out nothing that is not what it released: what came of it is not whole.
                #expect(["broken", "lie"].contains(kinds["cell"]) && kinds["words"] == "lie" && kinds["shared"] == "taken", "\(refused)")
                for dataset in ["cell", "words"] { #expect(try await prefecture.reader.get("/v1/datasets/\(dataset)").status == 404) }
                let status = try await Self.node(["status"], of: prefecture)
                #expect(status.status == 1 && status.output.contains("refused: words version 1 (lie)"), "\(status.output)")

                // It mends its ways, and is believed again.
                try await sql(
                    """
                    EXECUTE (SELECT format('UPDATE data.d%s SET amount = 1.50 WHERE id = 1', number) FROM daylight.dataset WHERE id = 'cell');
                    DELETE FROM daylight.version; INSERT INTO daylight.version SELECT * FROM daylight.before_version
                    """)
                try await prefecture.database.database.execute("UPDATE daylight.home_trouble SET next_try_at = now()")
                for dataset in ["words", "cell"] {
                    try await eventually("what was mended: \(dataset)") { try await Self.version(dataset, at: prefecture) == 1 }
                }

                // A ledger that was rewritten: nothing is taken any more.
                let forger = Forger(database: county.database, name: "county.example/ledger")
                try await forger.rewriteRelease(of: "truth", version: 1) { $0.replacing("\"row_count\":20", with: "\"row_count\":21") }
                try await county.publish("words", Self.file(0..<1, amount: 7), mode: "upsert")
                try await eventually("a ledger that is refused") { try await prefecture.reader.get("/v1/nodes").json()["data"]?[0]?["state"]?.string == "refused" }
                let node = try await prefecture.reader.get("/v1/nodes").json()["data"]?[0]
                #expect(node?["reason"]?["en"]?.string?.contains("history was rewritten") == true, "\(String(describing: node))")
                #expect(try await Self.version("words", at: prefecture) == 1)

                #expect(try await Self.node(["remove", url], of: prefecture).status == 0)
                #expect(try await Self.node(["remove", url], of: prefecture).status != 0)
                #expect(try await prefecture.reader.get("/v1/nodes").json()["data"]?.array?.isEmpty == true)
                #expect(try await Self.node(["list"], of: prefecture).output.contains("removed"))
                #expect(try await prefecture.reader.get("/v1/datasets/truth/rows").status == 200)
                try await Self.copiesGoWithTheirNode(url, prefecture)
            }
        }
    }
}

extension Data {
    /// The same CSV with another header and record ends.
    fileprivate func replacing(_ header: String, with other: String, rowEnd: String) -> Data {
        let text = String(decoding: self, as: UTF8.self), end = text.range(of: header)!
        let rows = text[end.upperBound...].replacing(",\n", with: "," + rowEnd).replacing(",\"\"\n", with: ",\"\"" + rowEnd)
        return Data((text[..<end.lowerBound] + other + rows).utf8)
    }
}
