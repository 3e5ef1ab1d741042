import Foundation
import Model
import NIOCore
import Postgres
import TestSupport
import Testing

/// A department does its whole part in the exchange from a terminal, against the built server.
@Suite struct ExchangeCommandTests {
    /// Rows of a version: some go, some come, some change.
    private static func rows(_ version: Int, count: Int) -> Data {
        var lines = ["number,code,name,amount,at"]
        for number in -count / 4..<count where (number + version) % 17 != 0 {
            let name = number % 5 == version % 5 ? "\"第\(version)版, \"\"\(number)\"\"\n\"" : "名\(number)"
            lines.append("\(number),\(number % 3 == 0 ? "甲" : "a"),\(name),\(number % 7 == 0 ? "" : "\(number).5\(version % 10)"),2026-03-01T08:00:0\(version % 10)+08:00")
        }
        return Data((lines.joined(separator: "\n") + "\n").utf8)
    }

    @Test func aDepartmentDoesItsWholePartFromATerminal() async throws {
        try await ExchangeSite.with(shareType: "conditional") { site, receiverKey in
            try await site.installation.publish("lines", Self.rows(1, count: 100))
            // Keys.
            #expect(try await site.run("receiver", ["pull", UUID().uuidString.lowercased(), "--to", site.path("x.csv")]).status == 2)
            try await site.good("receiver", ["key", "make", site.path("receiver.signing"), "--label", "2026"])
            #expect(try FileManager.default.attributesOfItem(atPath: site.path("receiver.signing"))[.posixPermissions] as? Int == 0o600)
            #expect(try await site.run("receiver", ["key", "make", site.path("receiver.signing")]).status == 2, "a key is not written over")
            let key = try #require(try await site.json("receiver", ["key", "register"])["id"]?.string)
            #expect(try await site.good("receiver", ["signing", "on", "--department", site.receiver]).contains("must be signed"))
            #expect(try await site.good("provider", ["departments"], language: "zh_CN.UTF-8").contains("写操作须签名"))
            #expect(try await site.good("provider", ["nodes"]).contains("no other node"))
            try await site.installation.database.database.execute(
                "INSERT INTO daylight.home_node (url, state, error_zh, error_en) VALUES ('https://county.example', 'unreachable', '无法连接', 'it does not answer')")
            let nodes = try await site.good("provider", ["nodes"])
            #expect(nodes.contains("https://county.example  unreachable  0 datasets  it does not answer"), "\(nodes)")
            try await site.installation.database.database.execute("DELETE FROM daylight.home_node")
            let unsigned = try await site.run("receiver", ["request", "lines", "--unsigned"] + ExchangeSite.draft)
            #expect(unsigned.status == 1 && unsigned.output.contains("DL5061"), "\(unsigned.output)")

            // Asking, and what goes to and fro.
            let wrong = try await site.run("receiver", ["request", "lines"] + ExchangeSite.draft.map { $0 == "number < 90" ? "nothing < 90" : $0 })
            #expect(wrong.status == 1 && wrong.output.contains("/filter"), "\(wrong.output)")
            let request = try #require(try await site.json("receiver", ["request", "lines"] + ExchangeSite.draft)["id"]?.string)
            #expect(try await site.good("provider", ["inbox"]).contains(request))
            #expect(try await site.good("receiver", ["inbox"], language: "zh_CN.UTF-8").contains("没有待办"))
            try await site.good("provider", ["ask", request, "--note", "请说明存放位置"])
            try await site.good("receiver", ["supplement", request, "--note", "政务云"])
            try await site.good("provider", ["refuse", request, "--note", "涉密"])
            try await site.good("receiver", ["dispute", request, "--note", "应当共享"])
            try await site.good("receiver", ["refer", request, "--note", "协商不成"])
            #expect(try await site.run("receiver", ["uphold", request, "--note", "自行裁定"]).status == 1)
            let granted = try await site.json("authority", ["uphold", request, "--note", "应予共享"])
            let grant = try #require(granted["grant"]?.string)
            #expect(try await site.good("receiver", ["show", request]).contains("uphold"))
            #expect(try await site.good("receiver", ["requests", "--state", "granted"]).contains(request))
            #expect(try await site.good("receiver", ["grants"]).contains(grant))

            // The copies, version by version.
            let file = site.path("lines.csv"), table = site.installation.database.url.replacing("?", with: "/copies?")
            for version in 1...4 {
                if version > 1 { try await site.installation.publish("lines", Self.rows(version, count: 100)) }
                let output = try await site.good("receiver", ["pull", grant, "--to", file])
                #expect(output.contains(version == 1 ? "stored version 1" : "version \(version - 1) -> \(version)"), "\(output)")
                try await site.good("receiver", ["pull", grant, "--to", table])
                let expected = try await site.granted(grant, key: receiverKey)
                #expect(try String(contentsOfFile: file, encoding: .utf8) == expected, "version \(version)")
                var rows = ""
                for try await chunk in site.installation.database.database.copyOut(
                    "COPY (SELECT number, code, name, amount, to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00' AS at FROM public.copies ORDER BY code COLLATE \"C\", number) TO STDOUT (FORMAT csv, HEADER)")
                { rows += String(buffer: chunk) }
                #expect(rows == expected, "version \(version)")
            }
            #expect(try await site.good("receiver", ["pull", grant, "--to", file], language: "zh_CN.UTF-8").contains("已是最新：第 4 版"))
            let types = try await site.installation.database.database.execute("SELECT count(*) FROM information_schema.columns WHERE table_name = 'copies' AND data_type IN ('bigint', 'numeric', 'timestamp with time zone')")
            #expect(try types[0].read(Int.self, 0) == 3)

            // What was signed, by both.
            let deliveries = try await site.installation.database.database.execute(
                "SELECT d.id::text AS id FROM daylight.delivery d JOIN daylight.receipt r ON r.delivery = d.id JOIN daylight.delivery_call c ON c.delivery = d.id ORDER BY d.started_at")
            #expect(deliveries.count == 8, "each was asked for by a signed call and signed for")
            let delivery: String = try deliveries[0].read("id")
            #expect(try await site.good("provider", ["receipt", delivery]).contains(key))
            #expect(try await site.json("provider", ["statement", delivery])["statement"]?["call"]?["base"]?.string?.contains("%E5%BA%94%E6%80%A5%20%E8%B0%83%E5%BA%A6") == true)
            #expect(try await site.run("receiver", ["statement", delivery, "--file", file]).status == 1, "the file is of another version")
            // The server's key for statements is one that the ledger's key vouches for; another ledger does not.
            let reader = site.installation.reader, ledgerKey = try await reader.get("/ledger/key").text.trimmingCharacters(in: .whitespacesAndNewlines)
            let statementKey = try #require(try await reader.get("/v1/exchange/statement-key").json()["public_key"]?.string)
            let stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", other = Data(repeating: 7, count: 32).base64EncodedString()
            for (settings, status, words) in [
                (#","ledger_key":"\#(ledgerKey)""#, 0, "the signature holds"), (#","ledger_key":"\#(ledgerKey)","statement_key":"\#(statementKey)""#, 0, "the signature holds"),
                (#","ledger_key":"\#(stranger)""#, 1, "compare both keys with the operator"), (#","ledger_key":"\#(ledgerKey)","statement_key":"\#(other)""#, 1, "change statement_key"),
                (#","statement_key":"\#(other)""#, 1, "not signed by the server's key"), (#","ledger_key":"nothing""#, 2, "ledger_key"),
            ] {
                let profile = try String(contentsOfFile: site.path("receiver.json"), encoding: .utf8)
                try (profile.dropLast() + settings + "}").write(toFile: site.path("pinned.json"), atomically: true, encoding: .utf8)
                for arguments in [["statement", delivery], ["pull", grant, "--to", site.path("pinned.csv")]] where arguments[0] == "statement" || (status != 0 && settings.contains("ledger_key")) {
                    let found = try await site.run("pinned", arguments)
                    #expect(found.status == status && found.output.contains(words), "\(settings): \(found.output)")
                }
                #expect(!FileManager.default.fileExists(atPath: site.path("pinned.csv")))
            }
            #expect(try await site.good("receiver", ["receipt", delivery, "--proof"]).contains("tlog-proof"))
            // The direct readings of this test were never signed for.
            #expect(try await site.json("receiver", ["receipt", "--grant", grant])["data"]?.array?.count == 4)

            // Another key, and the end.
            #expect(try await site.good("receiver", ["key", "rotate"]).contains(key))
            #expect(try await site.good("receiver", ["key", "list", site.receiver]).contains("revoked"))
            try await site.installation.publish("lines", Self.rows(5, count: 100))
            try await site.good("receiver", ["pull", grant, "--to", file])
            let following = try site.start("receiver", ["pull", grant, "--to", site.path("followed.csv"), "--follow", "--every", "1"])
            for _ in 0..<600 where !FileManager.default.fileExists(atPath: site.path("followed.csv")) { try await Task.sleep(for: .milliseconds(100)) }
            try await site.good("receiver", ["finish", request, "--note", "用毕"])
            for _ in 0..<600 where following.isRunning { try await Task.sleep(for: .milliseconds(100)) }
            #expect(!following.isRunning && following.terminationStatus == 4, "whoever follows hears of the end, too")
            let ended = try await site.run("receiver", ["pull", grant, "--to", file])
            #expect(ended.status == 4 && ended.output.contains("dispose"), "\(ended.output)")
            #expect(try await site.json("receiver", ["confirm", request, "--note", "已删除"])["state"]?.string == "ended")
            await site.installation.stop()
            #expect(try await site.run("receiver", ["inbox"]).status == 3)
        }
    }

    @Test func killedAtAnyMomentItLosesNothingAndDoublesNothing() async throws {
        try await ExchangeSite.with(shareType: "unconditional") { site, receiverKey in
            try await site.installation.publish("lines", Self.rows(1, count: 8000))
            try await site.good("receiver", ["key", "make", site.path("receiver.signing")])
            try await site.good("receiver", ["key", "register"])
            let grant = try #require(try await site.json("receiver", ["request", "lines"] + ExchangeSite.draft.filter { $0 != "--filter" && $0 != "number < 90" })["grant"]?.string)
            let file = site.path("lines.csv"), table = site.installation.database.url.replacing("?", with: "/copies?")
            for version in 1...5 {
                if version > 1 { try await site.installation.publish("lines", Self.rows(version, count: 8000)) }
                for kill in 0..<3 {
                    let running = try [file, table].map { try site.start("receiver", ["pull", grant, "--to", $0, "--follow", "--every", "1"]) }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 30...900)))
                    // The last time the server goes as well.
                    if version == 3, kill == 2 { await site.installation.kill() }
                    for process in running {
                        #expect(process.isRunning)
                        await process.kill()
                    }
                    if version == 3, kill == 2 { try await site.installation.restart() }
                }
            }
            for target in [file, table] { try await site.good("receiver", ["pull", grant, "--to", target]) }
            let expected = try await site.granted(grant, key: receiverKey)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == expected)
            let counts = try await site.installation.database.database.execute("SELECT count(*) AS rows, count(DISTINCT (code, number)) AS keys, sum(amount)::text AS sum FROM public.copies")
            #expect(try counts[0].read(Int.self, "rows") == counts[0].read(Int.self, "keys"))
            let records = PlainCSV.records(expected).dropFirst()
            #expect(try counts[0].read(Int.self, "rows") == records.count)
            #expect(Decimal(string: try counts[0].read(String.self, "sum")) == records.compactMap { Decimal(string: $0[3]) }.reduce(0, +))
            // Nothing is owed for what is stored, and no receipt is for something that is not.
            let owed = try await site.installation.database.database.execute("SELECT owed IS NULL AS settled, version FROM public.daylight_copy")
            #expect(try owed[0].read(Bool.self, "settled") && owed[0].read(Int32.self, "version") == 5)
            #expect(!(try String(contentsOfFile: file + ".daylight", encoding: .utf8)).contains("owed"))
            let newest = try await site.installation.database.database.execute("SELECT count(*) AS count FROM daylight.receipt WHERE to_version = 5")
            #expect(try newest[0].read(Int.self, "count") >= 2)
        }
    }
}
