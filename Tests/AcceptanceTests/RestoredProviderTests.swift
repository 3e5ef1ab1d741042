import Foundation
import NIOCore
import Postgres
import TestSupport
import Testing

/// A provider that is restored from a backup has versions no more that its receivers have. They hear of it, lose nothing of what they have, and get on with what there is when they say so.
@Suite(.serialized, .timeLimit(.minutes(20))) struct RestoredProviderTests {
    /// Rows of a version; another history has other names.
    private static func rows(_ version: Int, history: String) -> Data {
        Data(("number,code,name,amount,at\n" + (0..<40).map { "\($0),\($0 % 3 == 0 ? "甲" : "a"),\(history)\($0 % 4 == version % 4 ? version : 0),\(version).50,2026-03-01T08:00:00+08:00\n" }.joined()).utf8)
    }

    /// A receiver with a grant, and two copies that have version 1.
    private static func with(_ body: (ExchangeSite, _ grant: String, _ file: String, _ table: String, _ copies: TestDatabase, _ key: String) async throws -> Void) async throws {
        try await ExchangeSite.with(shareType: "unconditional") { site, key in
            try await withTestDatabase(migrated: false) { copies in
                try await site.installation.publish("lines", Self.rows(1, history: "一"))
                try await site.good("receiver", ["key", "make", site.path("receiver.signing")])
                try await site.good("receiver", ["key", "register"])
                let grant = try #require(try await site.json("receiver", ["request", "lines"] + ExchangeSite.draft)["grant"]?.string)
                let file = site.path("lines.csv"), table = copies.url.replacing("?", with: "/copies?")
                for target in [file, table] { try await site.good("receiver", ["pull", grant, "--to", target]) }
                try await body(site, grant, file, table, copies, key)
            }
        }
    }

    private static func backUp(_ site: ExchangeSite) async throws {
        await site.installation.stop()
        try await site.installation.database.backUp()
        try await site.installation.restart()
    }

    private static func restore(_ site: ExchangeSite) async throws {
        await site.installation.kill()
        try await site.installation.database.restore()
        try await site.installation.restart()
    }

    /// The table, as its CSV would be.
    private static func text(_ copies: TestDatabase) async throws -> String {
        var rows = ""
        for try await chunk in copies.database.copyOut(
            "COPY (SELECT number, code, name, amount, to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00' AS at FROM public.copies ORDER BY code COLLATE \"C\", number) TO STDOUT (FORMAT csv, HEADER)")
        { rows += String(buffer: chunk) }
        return rows
    }

    @Test func aCopyThatIsAheadOfARestoredProviderSaysSoAndStaysAsItIs() async throws {
        try await Self.with { site, grant, file, table, copies, key in
            try await Self.backUp(site)
            // Versions 2 and 3 are only in the copies, and one of these owes its receipt.
            for version in 2...3 {
                try await site.installation.publish("lines", Self.rows(version, history: "一"))
                for target in [file, table] { try await site.good("receiver", ["pull", grant, "--to", target]) }
            }
            let ahead = try String(contentsOfFile: file, encoding: .utf8)
            #expect(try await Self.text(copies) == ahead && ahead.contains("3.50"))
            try await copies.database.execute(
                """
                UPDATE public.daylight_copy SET owed = jsonb_build_object('format', 'daylight-receipt/1', 'grant', grant_id, 'delivery', delivery, 'dataset', dataset, 'from_version', 2, 'to_version', 3,
                    'digest', repeat('ab', 32), 'row_count', 1, 'received_at', '2026-03-02T09:10:02+08:00')
                """)
            let following = [file, table].map { ($0, site.path("followed-\($0.hashValue).log")) }
            let processes = try following.map { try site.start("receiver", ["pull", grant, "--to", $0.0, "--follow", "--every", "1"], log: $0.1) }
            try await Self.restore(site)
            // Who follows ends by itself, and says why.
            for (process, (target, log)) in zip(processes, following) {
                try await eventually("the end of \(target)") { !process.isRunning }
                let output = try String(contentsOfFile: log, encoding: .utf8)
                #expect(process.terminationStatus == 2 && output.contains("restored from an older backup") && output.contains("--again"), "\(target): \(process.terminationStatus) \(output)")
            }
            for target in [file, table] {
                let refused = try await site.run("receiver", ["pull", grant, "--to", target], language: "zh_CN.UTF-8")
                #expect(refused.status == 2 && refused.output.contains("较早的备份"), "\(refused.output)")
            }
            // The number is there again, the version is another: neither is taken for the other, nor are changes laid over what they do not fit.
            for version in 2...3 { try await site.installation.publish("lines", Self.rows(version, history: "二")) }
            for target in [file, table] { #expect(try await site.run("receiver", ["pull", grant, "--to", target]).status == 2) }
            try await site.installation.publish("lines", Self.rows(4, history: "二"))
            for target in [file, table] { #expect(try await site.run("receiver", ["pull", grant, "--to", target]).status == 2) }
            #expect(try String(contentsOfFile: file, encoding: .utf8) == ahead)
            #expect(try await Self.text(copies) == ahead)
            // When the receiver says so, it gets what there is, and goes on from there.
            for target in [file, table] { #expect(try await site.good("receiver", ["pull", grant, "--to", target, "--again"]).contains("stored version 4")) }
            try await site.installation.publish("lines", Self.rows(5, history: "二"))
            for target in [file, table] { #expect(try await site.good("receiver", ["pull", grant, "--to", target]).contains("version 4 -> 5")) }
            let expected = try await site.granted(grant, key: key)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == expected && expected.contains("二5"))
            #expect(try await Self.text(copies) == expected)
            let owed = try await copies.database.execute("SELECT owed IS NULL AS settled, version FROM public.daylight_copy")
            #expect(try owed[0].read(Bool.self, "settled") && owed[0].read(Int32.self, "version") == 5)
            #expect(!(try String(contentsOfFile: file + ".daylight", encoding: .utf8)).contains("owed"))
        }
    }

    @Test func aCopyThatIsNotAheadGoesOnAsIfNothingHadHappened() async throws {
        try await Self.with { site, grant, file, table, copies, key in
            // One copy is from before deliveries were noted.
            try await copies.database.execute("ALTER TABLE public.daylight_copy DROP COLUMN delivery")
            try await Self.backUp(site)
            try await site.installation.publish("lines", Self.rows(2, history: "一"))
            try await Self.restore(site)
            try await site.installation.publish("lines", Self.rows(2, history: "二"))
            for target in [file, table] { #expect(try await site.good("receiver", ["pull", grant, "--to", target]).contains("version 1 -> 2")) }
            let expected = try await site.granted(grant, key: key)
            #expect(try String(contentsOfFile: file, encoding: .utf8) == expected && expected.contains("二2"))
            #expect(try await Self.text(copies) == expected)
        }
    }
}
