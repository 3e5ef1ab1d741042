import AsyncHTTPClient
import Foundation
import Ledger
import Model
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// Data that flows back (回流): a region gives a county the rows of the county's own region, by a grant, and the county's node takes them by itself.
@Suite(.serialized) struct ReceivingTests {
    private static let fields = """
        code|编号|code|required
        region|区划|code
        amount|金额|decimal(12,2)
        at|时间|datetime
        note|备注|text
        """
    private static let purpose = ("Daylight-Purpose", "%E5%8F%B0%E8%B4%A6%E6%A0%B8%E5%AF%B9")

    private static func file(_ amount: Int, _ codes: ClosedRange<Int>) -> Data {
        Data(
            ("code,region,amount,at,note\n"
                + codes.map { "K\(10_000 + $0),\($0 % 2 == 0 ? "511824" : "511802"),\(amount).50,2026-03-01T08:00:00.\(1 + $0 % 8)+08:00,\"第 \($0) 行, 谧\n续\"\n" }.joined()).utf8)
    }

    private static func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if (try? await condition()) == true { return }
            try await Task.sleep(for: .milliseconds(200))
        }
        throw InstallationError(message: "not in time: \(what)")
    }

    /// Both nodes, with the county's department known to the region, and what it has to show there.
    private struct Site {
        let region: Installation, county: Installation
        let link: CuttingLink
        /// The department's calls of the region, and its own node's.
        let above: ContractClient, here: ContractClient
        let request: String, grant: String
        let accessKey: URL, receiptKey: URL

        var url: String { "http://127.0.0.1:\(link.port)" }

        func node(_ arguments: String...) async throws -> (status: Int32, output: String) { try await Installation.run(["node"] + arguments, database: county.database) }

        func receive(_ more: String...) async throws -> (status: Int32, output: String) {
            try await Installation.run(
                ["node", "receive", url, grant, "--access-key-file", accessKey.path, "--receipt-key", receiptKey.path] + more, database: county.database)
        }

        /// What is here; nil where nothing is.
        func received() async throws -> String? {
            let answer = try await here.get("/v1/exchange/received/\(grant)/data.csv", headers: [ReceivingTests.purpose])
            return answer.status == 200 ? answer.text : nil
        }

        /// What the region gives now.
        func granted() async throws -> String {
            try await above.get("/v1/exchange/grants/\(grant)/data.csv", headers: [ReceivingTests.purpose]).text
        }

        func listed() async throws -> JSONValue? { try await here.get("/v1/exchange/received").json()["data"]?[0] }
    }

    private static func with(_ body: (Site) async throws -> Void) async throws {
        try await Installation.with(department: 31) { region in
            let environment = ["DAYLIGHT_NODE_PAUSE": "1", "DAYLIGHT_GRANT_PAUSE": "1", "DAYLIGHT_WEBHOOK_NETWORKS": "127.0.0.0/8"]
            try await Installation.with(environment: environment, department: 33) { county in
                let closed = Descriptions.own("资金", department: region.department, fields: Self.fields, key: ["code"])
                    .replacing("\"openness\":\"unconditional\"", with: "\"openness\":\"closed\"")
                try await region.describe("funds", closed)
                try await region.publish("funds", Self.file(1, 1...4000))
                _ = try await region.database.addDepartment(33, name: "石棉县民政局", region: "511824")
                let key = try await region.database.addKey([.read, .exchange], department: county.department, tier: "trusted").text
                let above = region.reader.with(key: key), link = try await CuttingLink.open(to: region.port)
                let asked = try await above.send(
                    .POST, "/v1/exchange/requests",
                    json: #"{"dataset":"funds","fields":["code","amount","at","note"],"filter":"region = '511824'","purpose":"发放核对","legal_basis":"条例","scenario":"县级台账","method":"pull","until":"2030-12-31T00:00:00+08:00"}"#)
                try #require(asked.status == 201, "\(asked.text)")
                let accessKey = county.home.appending(path: "access.key"), receiptKey = county.home.appending(path: "signing.json")
                try Data((key + "\n").utf8).write(to: accessKey)
                for arguments in [["make", receiptKey.path], ["register", "--url", region.reader.baseURL, "--access-key-file", accessKey.path, "--receipt-key", receiptKey.path]] {
                    let (status, output) = try await Installation.run(["exchange", "key"] + arguments)
                    try #require(status == 0, "\(output)")
                }
                let own = try await county.database.addKey([.read, .exchange], department: county.department, tier: "trusted").text
                let site = Site(
                    region: region, county: county, link: link, above: above, here: county.reader.with(key: own), request: try #require(try asked.json()["id"]?.string),
                    grant: try #require(try asked.json()["grant"]?.string), accessKey: accessKey, receiptKey: receiptKey)
                do {
                    try await body(site)
                } catch {
                    for (name, node) in [("region", region), ("county", county)] {
                        Issue.record("\(name):\n\(node.log.split(separator: "\n").filter { !$0.contains(" info ") && !$0.contains("\"event\":\"request\"") }.suffix(12).joined(separator: "\n"))")
                    }
                    throw error
                }
                await link.close()
            }
        }
    }

    @Test func theRowsOfARegionComeDownBySignedDeliveriesAndEndWithTheGrant() async throws {
        try await Self.with { site in
            let (region, county) = (site.region, site.county)
            // Statements that somebody else signs are not believed, and nothing of theirs is stored.
            #expect(try await site.receive("--statement-key", Data(repeating: 7, count: 32).base64EncodedString()).status == 0)
            try await Self.eventually("a statement that is doubted") { try await site.node("status").output.contains("not signed by the server's key") }
            #expect(try await site.received() == nil)
            #expect(try await site.listed()?["state"]?.string == "failed")
            // Each connection breaks before the delivery is whole, until the link is mended.
            site.link.cut(after: 40_000)
            let statementKey = try #require(try await region.reader.get("/v1/exchange/statement-key").json()["public_key"]?.string)
            #expect(try await site.receive("--statement-key", statementKey).status == 0)
            try await Self.eventually("a link that breaks in the middle") { site.link.cutCount >= 2 }
            #expect(try await site.received() == nil)
            let broken = try await site.node("status")
            #expect(broken.status == 1 && broken.output.contains("failed"), "\(broken.output)")
            site.link.cut(after: nil)
            let first = try await site.granted()
            #expect(first.contains("K10002,1.50") && !first.contains("K10001") && first.count > 80_000)
            try await Self.eventually("the first delivery") { try await site.received() == first }

            // What changed since: nothing twice, nothing missed, also where both were away.
            try await region.publish("funds", Self.file(2, 1...10), mode: "upsert")
            try await Self.eventually("the second delivery") { try await site.received() == site.granted() }
            await county.kill()
            try await region.publish("funds", Self.file(3, 3999...4004), mode: "upsert")
            let gone = try await region.pusher.send(.POST, "/v1/datasets/funds/withdrawals", json: #"{"subject":"rows","keys":["K10004"],"reason":{"zh":"测试"}}"#)
            #expect(gone.status == 201, "\(gone.text)")
            await region.stop()
            try await county.restart()
            try await region.restart()
            let last = try await site.granted()
            #expect(last.contains("K14004,3.50") && !last.contains("K10004"))
            try await Self.eventually("the last delivery") { try await site.received() == last }
            // Somebody spoils a row of the table: the changes do not fit any more, and all of it comes anew.
            try await county.database.database.execute("DELETE FROM received.g1 WHERE code = 'K10006'")
            try await region.publish("funds", Self.file(4, 6...6), mode: "upsert")
            try await Self.eventually("a mended copy") { try await site.received() == site.granted() }
            #expect(try await site.received()?.contains("K10006,4.50") == true)
            let listed = try #require(try await site.listed())
            #expect(listed["state"]?.string == "receiving" && listed["version"]?.int == 5 && listed["row_count"]?.int == 2001 && listed["department"]?.string == county.department, "\(listed)")
            try await Self.everythingIsSignedFor(site)
            try await Self.nothingIsPublic(site)

            // The grant is taken back: nothing comes any more, nobody reads what came, and the operator is told to dispose of it.
            let provider = region.reader.with(key: try await region.database.addKey([.exchange], department: region.department, tier: "trusted").text)
            let revoked = try await provider.send(.POST, "/v1/exchange/requests/\(site.request)/decisions", json: #"{"decision":"revoke","note":"用途已变"}"#)
            #expect(revoked.status == 200, "\(revoked.text)")
            try await Self.eventually("the end") { try await site.listed()?["state"]?.string == "ended" }
            let refused = try await site.here.get("/v1/exchange/received/\(site.grant)/data.csv", headers: [Self.purpose])
            #expect(refused.status == 410 && refused.text.contains("DL5007"), "\(refused.text)")
            let status = try await site.node("status")
            #expect(status.status == 1 && status.output.contains("2001 rows have to be disposed of"), "\(status.output)")
            let kept = try await county.database.database.execute("SELECT count(*) FROM daylight.received_grant WHERE access_key IS NOT NULL OR signing_key IS NOT NULL")
            #expect(try kept[0].read(Int.self, 0) == 0)
            #expect(try await site.node("dispose", site.grant).status != 0)
            let disposed = try await site.node("dispose", site.grant, "--confirm")
            #expect(disposed.status == 0 && disposed.output.contains("2001 rows") && disposed.output.contains(site.request), "\(disposed.output)")
            let left = try await county.database.database.execute("SELECT (SELECT count(*) FROM received.daylight_copy) + (SELECT count(*) FROM pg_class WHERE relnamespace = 'received'::regnamespace AND relname = 'g1')")
            #expect(try left[0].read(Int.self, 0) == 0)
            #expect(try await site.node("status").status == 0)
            #expect(try await site.node("dispose", site.grant, "--confirm").status != 0)
            #expect(try await site.listed()?["disposed_at"]?.string != nil)
        }
    }

    /// Deliveries that were stored are signed for, one behind another, and the receipts are in the region's ledger.
    private static func everythingIsSignedFor(_ site: Site) async throws {
        func signed() async throws -> [JSONValue] {
            (try await site.above.get("/v1/exchange/grants/\(site.grant)/deliveries?limit=100").json()["data"]?.array ?? []).filter { $0["receipted_at"]?.string != nil }.reversed()
        }
        try await eventually("the last receipt") { try await signed().last?["to_version"]?.int == 5 }
        let deliveries = try await signed(), ranges = deliveries.map { [$0["from_version"]?.int ?? -1, $0["to_version"]?.int ?? -1] }
        // The last one is the whole state that mended the copy.
        #expect(ranges.first?[0] == 0 && ranges.last == [0, 5] && zip(ranges, ranges.dropFirst().dropLast()).allSatisfy { $0[1] == $1[0] }, "\(ranges)")
        for delivery in deliveries {
            let proof = try await site.above.get("/v1/exchange/receipts/\(delivery["id"]?.string ?? "")/proof")
            #expect(proof.status == 200 && proof.text.contains("tlog-proof"), "\(proof.text.prefix(200))")
        }
        // The region's own words for the bytes that are here.
        let digest = HexDigest.of(Data((try await site.received() ?? "").utf8))
        #expect(deliveries.last?["digest"]?.string == digest)
    }

    /// Nobody but the department sees that there is such a thing.
    private static func nothingIsPublic(_ site: Site) async throws {
        let county = site.county, other = try await county.database.addDepartment(35)
        let stranger = county.reader.with(key: try await county.database.addKey([.read, .exchange, .push, .review], department: other.uscc, tier: "trusted").text)
        let authority = county.reader.with(key: try await county.database.addKey([.oversight], tier: "trusted").text)
        let paths = [
            "/v1/datasets", "/v1/datasets?q=%E8%B5%84%E9%87%91", "/v1/datasets/funds", "/v1/datasets/funds/rows", "/v1/datasets/funds/data.csv", "/v1/changes", "/v1/changes.atom", "/v1/catalogue.csv",
            "/v1/nodes", "/v1/exchange/datasets", "/v1/exchange/datasets/funds", "/v1/exchange/grants", "/v1/exchange/received", "/v1/exchange/received/\(site.grant)/data.csv",
        ]
        for client in [county.reader, stranger] {
            for path in paths {
                let answer = try await client.get(path, headers: [purpose])
                // Whoever names it is told that there is none of this name.
                #expect(!path.contains("datasets/funds") || answer.status == 404 || answer.status == 401)
                #expect(answer.status >= 400 || !answer.text.contains("funds"), "\(path): \(answer.text.prefix(300))")
                #expect(!answer.text.contains("谧") && !answer.text.contains("资金") && !answer.text.contains(site.url), "\(path): \(answer.text.prefix(300))")
            }
        }
        #expect(try await stranger.get("/v1/exchange/received/\(site.grant)/data.csv", headers: [purpose]).status == 404)
        #expect(try await county.reader.get("/v1/exchange/received/\(site.grant)/data.csv", headers: [purpose]).status == 401)
        // Who oversees sees that it is there, and not what.
        #expect(try await authority.get("/v1/exchange/received").json()["data"]?.array?.count == 1)
        #expect(try await authority.get("/v1/exchange/received/\(site.grant)/data.csv", headers: [purpose]).status == 403)
        #expect(try await site.here.get("/v1/exchange/received/\(site.grant)/data.csv").status == 400)
        let rights = try await county.database.database.execute(
            "SELECT has_schema_privilege('daylight_reader', 'received', 'USAGE') OR has_table_privilege('daylight_exchange', 'received.g1', 'INSERT')")
        #expect(try rights[0].read(Bool.self, 0) == false)
        let told = try await site.node("status").output + county.log
        #expect(!told.contains("dk_"))
    }

    @Test func whatCameFromANodeThatWasRestoredFromABackupIsTakenAnew() async throws {
        try await Self.with { site in
            let (region, county) = (site.region, site.county)
            #expect(try await site.receive().status == 0)
            try await Self.eventually("the first delivery") { try await site.received() == site.granted() }
            await region.stop()
            try await region.database.backUp()
            try await region.restart()
            try await region.publish("funds", Self.file(2, 1...10), mode: "upsert")
            try await Self.eventually("the second delivery") { try await site.received() == site.granted() }
            let ahead = try #require(try await site.received())
            // Back to version 1. What is here is read until all of that has come.
            await region.kill()
            try await region.database.restore()
            let cuts = site.link.cutCount
            site.link.cut(after: 40_000)
            try await region.restart()
            try await Self.eventually("a link that breaks in the middle") { site.link.cutCount >= cuts + 2 }
            #expect(try await site.received() == ahead)
            site.link.cut(after: nil)
            try await Self.eventually("version 1 again") { try await site.received() == site.granted() }
            try await Self.eventually("a list that says so") { try await site.listed()?["version"]?.int == 1 }
            #expect(county.log.contains("no version that the node knows"))
            // And where there is another version 2 when the two meet again.
            try await region.publish("funds", Self.file(3, 1...10), mode: "upsert")
            try await Self.eventually("the next version 2") { try await site.received() == site.granted() }
            await county.kill()
            await region.kill()
            try await region.database.restore()
            try await region.restart()
            try await region.publish("funds", Self.file(4, 1...10), mode: "upsert")
            try await county.restart()
            try await Self.eventually("the last version 2") { try await site.received() == site.granted() }
            #expect(try await site.received()?.contains("K10002,4.50") == true)
            // All of it is signed for.
            try await Self.eventually("the receipt") {
                let deliveries = try await site.above.get("/v1/exchange/grants/\(site.grant)/deliveries?limit=100").json()["data"]?.array ?? []
                return deliveries.contains { $0["to_version"]?.int == 2 && $0["from_version"]?.int == 0 && $0["receipted_at"]?.string != nil }
            }
            try await Self.eventually("a node where all is well") { try await site.listed()?["state"]?.string == "receiving" }
        }
    }

    @Test func aNodeInAnInternalRangeIsAskedOnlyWhereTheOperatorAllowsIt() async throws {
        try await Self.with { site in
            // The county may, the region may not.
            let region = site.region.database
            #expect(try await Installation.run(["node", "add", site.county.reader.baseURL], database: region).status == 0)
            #expect(
                try await Installation.run(
                    ["node", "receive", site.county.reader.baseURL, UUID().uuidString, "--access-key-file", site.accessKey.path, "--receipt-key", site.receiptKey.path], database: region
                ).status == 0)
            try await Self.eventually("two refusals") {
                try await Installation.run(["node", "status"], database: region).output.split(separator: "\n").filter { $0.contains("may not be connected to") }.count == 2
            }
            #expect(try await site.node("add", site.url).status == 0)
            try await Self.eventually("a node that is followed") { try await site.county.reader.get("/v1/nodes").json()["data"]?[0]?["state"]?.string == "following" }
            // What the ledger's key says now has to hold for statements, too; a withdrawal at home takes the rows away at once.
            #expect(try await site.receive("--purpose", "核对").status == 0)
            try await Self.eventually("the first delivery") { try await site.received() == site.granted() }
            // Away for long, or close to the end of the term as it is known: the grant is looked at again, and all of it comes anew.
            await site.county.kill()
            let database = site.county.database.database
            try await database.execute("UPDATE received.g1 SET note = 'x' WHERE code = 'K10020'")
            try await database.execute("UPDATE daylight.received_grant SET checked_at = now() - interval '2 hours', expires_at = now() + interval '2 seconds'")
            try await site.county.restart()
            try await Self.eventually("all of it anew") { try await site.received() == site.granted() }
            #expect(try await site.listed()?["until"]?.string == "2030-12-31T00:00:00+08:00")
            // A version that is withdrawn as such takes its rows away until there is another one.
            let version = try await site.region.pusher.send(.POST, "/v1/datasets/funds/withdrawals", json: #"{"subject":"version","version":1,"reason":{"zh":"有误"}}"#)
            #expect(version.status == 201, "\(version.text)")
            try await Self.eventually("rows that are gone") { try await site.listed()?["row_count"]?.int == 0 }
            #expect(try await database.execute("SELECT FROM received.g1").count == 0)
            #expect(try await site.listed()?["reason"]?["en"]?.string?.contains("DL2009") == true)
            try await site.region.publish("funds", Self.file(5, 1...20))
            try await Self.eventually("the next version") { try await site.listed()?["row_count"]?.int == 10 }
            #expect(try await site.received() == site.granted())
            let gone = try await site.region.pusher.send(.POST, "/v1/datasets/funds/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"全部撤回"}}"#)
            #expect(gone.status == 201, "\(gone.text)")
            try await Self.eventually("the end") { try await site.node("status").output.contains("grant \(site.grant): ended") }
            let listed = try await site.listed()
            #expect(listed?["row_count"]?.int == 0 && listed?["version"] == nil && listed?["reason"]?["en"]?.string == "the dataset was withdrawn at home", "\(String(describing: listed))")
            #expect(try await site.county.database.database.execute("SELECT FROM received.g1").count == 0)
        }
    }
}
