import Foundation
import Ledger
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// `daylight audit` against a server that tells the truth, and against one that lies in one way after the other: each lie is made in the database, behind the server's back.
@Suite struct AuditTests {
    /// One way to lie.
    private struct Deceit {
        let name: String
        /// Makes it, and takes it back.
        let make: (Site) async throws -> Void
        let undo: (Site) async throws -> Void
        /// What the audit has to say of it.
        let kind: String
        var version: Int?
        var words: [String] = []
        var arguments: [String] = []
        /// Whether the audit remembers the time before the lie.
        var remembers = false
    }

    /// The server and what was right in its database.
    struct Site {
        let installation: Installation
        let folder: URL
        let forger: Forger

        /// - Parameter settles: whether what it changes may be kept in memory.
        func sql(_ statements: String, settles: Bool = true) async throws {
            // As somebody who has the database in their hands: no constraint keeps them.
            try await installation.database.database.execute(SQL(raw: "DO $do$ BEGIN PERFORM set_config('session_replication_role', 'replica', true); \(statements); END $do$"))
            guard settles else { return }
            for dataset in ["accounts", "cells"] { try await installation.database.database.execute("SELECT pg_notify('daylight_change', \(dataset))") }
            // What is kept in memory is trusted for less than a second.
            try await Task.sleep(for: .milliseconds(1200))
        }

        func restore(_ table: String, settles: Bool = true) async throws {
            try await sql("DELETE FROM daylight.\(table); INSERT INTO daylight.\(table) SELECT * FROM daylight.before_\(table)", settles: settles)
        }

        /// The report in what an audit wrote: lines of progress may stand before it, the words behind it.
        static func report(_ output: String) throws -> JSONValue {
            let begin = output.range(of: "{\n")?.lowerBound ?? output.startIndex, end = output.range(of: "\n}\n")?.upperBound ?? output.endIndex
            return try JSONValue(json: Data(output[begin..<max(begin, end)].utf8))
        }

        func audit(_ state: String, _ more: [String] = [], language: String = "C") async throws -> (status: Int32, output: String) {
            try await Installation.run(
                ["audit", installation.reader.baseURL, "--state", folder.appending(path: state).path, "--grace", "1", "--sample", "0"] + more, environment: ["LC_ALL": language])
        }
    }

    /// - Parameter limit: what strangers may read in a second.
    static func with(limit: Int = 500, _ body: (Site) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": "test.example/ledger", "DAYLIGHT_RATE_LIMITS": "anonymous.read=\(limit)/1"]) { site in
            for dataset in ["accounts", "cells"] {
                try await site.describe(dataset, Descriptions.own("核查", department: site.department, fields: FaultTests.fields, key: ["id"]))
                // It counts the revision of the dataset on, and leaves the description as it is.
                if dataset == "accounts" { try await site.map(dataset, #"{"steps":[{"kind":"missing","tokens":["NA"]}]}"#) }
                for version in 1...3 { try await site.publish(dataset, Data("id,name,amount\n1,一,\(version).00\n2,\"二\n行\",2.50\n3,三,0.10\n".utf8)) }
            }
            try await eventually("the ledger has everything") { try await site.database.database.execute("SELECT FROM daylight.ledger_pending").isEmpty }
            for table in ["version", "ledger_leaf", "ledger_checkpoint", "profile", "description_revision", "ledger_salt", "withdrawal"] {
                try await site.database.database.execute(SQL(raw: "CREATE TABLE daylight.before_\(table) AS SELECT * FROM daylight.\(table)"))
            }
            try await body(Site(installation: site, folder: folder, forger: Forger(database: site.database, name: "test.example/ledger")))
        }
    }

    @Test func anHonestServerIsFollowedFromWhereTheLastAuditEnded() async throws {
        // A limit that an audit meets: it has to wait and go on.
        try await Self.with(limit: 15) { site in
            let first = try await site.audit("state", ["--all", "--json"])
            #expect(first.status == 0, "\(first.output)")
            let report = try Site.report(first.output)
            #expect(report["versions"]?.int == 6 && report["downloads"]?.int == 6 && report["datasets"]?.int == 2 && report["previous_size"]?.int == nil, "\(first.output)")
            let size = try #require(report["size"]?.int)
            // Releases, reviews and the profiles that were loaded.
            #expect(size > 12 && report["leaves_read"]?.int == size && report["lie"]?.object == nil)
            #expect(report["descriptions"]?.int == 2 && report["profiles"]?.int ?? 0 > 0 && report["reviews"]?.int == 6, "\(first.output)")
            #expect(report["kinds"]?["release"]?.int == 6 && report["kinds"]?["review"]?.int == 6 && report["openings"]?.int == 0, "\(first.output)")

            let pushed = try await site.installation.pusher.send(
                .POST, "/v1/datasets/accounts/withdrawals", json: #"{"subject":"version","version":2,"reason":{"zh":"测试","en":"test"},"legal_basis":"条例"}"#)
            #expect(pushed.status == 201)
            // What is kept in memory is trusted for less than a second.
            try await Task.sleep(for: .milliseconds(1200))
            let second = try await site.audit("state", ["--json", "--sample", "2"])
            #expect(second.status == 0, "\(second.output)")
            let later = try Site.report(second.output)
            #expect(later["previous_size"]?.int == size && later["leaves_read"]?.int == 1 && later["withdrawn"]?.int == 1 && later["withdrawals"]?.int == 1 && later["downloads"]?.int == 2, "\(second.output)")
            let words = try await site.audit("state", language: "zh_CN.UTF-8")
            #expect(words.status == 0 && words.output.contains("未发现不实") && words.output.contains("6 版"), "\(words.output)")
            let again = try await site.audit("state", ["--again", "--json"]), read = try Site.report(again.output)["leaves_read"]?.int
            #expect(again.status == 0 && read == size + 1, "\(again.output)")

            // A withdrawn dataset is known by its leaf.
            let gone = try await site.installation.pusher.send(.POST, "/v1/datasets/cells/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"测试","en":"test"}}"#)
            #expect(gone.status == 201)
            let last = try await site.audit("state")
            #expect(last.status == 0, "\(last.output)")

            let stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
            let key = try await site.audit("other", ["--key", stranger])
            #expect(key.status == 1 && key.output.contains("A LIE") && key.output.contains("key"), "\(key.output)")
            let nobody = try await Installation.run(["audit", "http://127.0.0.1:1", "--state", site.folder.appending(path: "none").path])
            #expect(nobody.status == 2, "\(nobody.output)")
        }
    }

    @Test func eachLieIsNamed() async throws {
        try await Self.with { site in
            let honest = try await site.audit("honest")
            #expect(honest.status == 0, "\(honest.output)")
            for deceit in Self.deceits {
                let state = "state-\(UUID().uuidString)"
                if deceit.remembers { try FileManager.default.copyItem(at: site.folder.appending(path: "honest"), to: site.folder.appending(path: state)) }
                try await deceit.make(site)
                let found = try await site.audit(state, ["--json"] + deceit.arguments)
                try await deceit.undo(site)
                #expect(found.status == 1, "\(deceit.name): \(found.output)")
                // The report first, then the words.
                let lie = try? Site.report(found.output)["lie"]
                #expect(lie?["kind"]?.string == deceit.kind, "\(deceit.name): \(found.output)")
                if let version = deceit.version { #expect(lie?["dataset"]?.string != nil && lie?["version"]?.int == version, "\(deceit.name): \(found.output)") }
                for word in deceit.words + ["A LIE", "promised", "served"] { #expect(found.output.contains(word), "\(deceit.name): \(found.output)") }
            }
            // All were taken back: it is honest again.
            var last = ""
            try await eventually("an audit without a lie: \(last)") {
                let (status, output) = try await site.audit("honest", ["--all"])
                last = output
                return status == 0
            }
        }
    }

    private static let zeroes = String(repeating: "0", count: 64)
    private static let digest = String(repeating: "ab", count: 32)

    private static var deceits: [Deceit] {
        func version(_ name: String, _ statement: String, kind: String, version: Int?, _ words: [String] = [], arguments: [String] = []) -> Deceit {
            Deceit(name: name, make: { try await $0.sql(statement) }, undo: { try await $0.restore("version") }, kind: kind, version: version, words: words, arguments: arguments)
        }
        func log(_ name: String, kind: String, remembers: Bool = false, _ words: [String] = [], _ make: @escaping (Site) async throws -> Void) -> Deceit {
            Deceit(
                name: name, make: make,
                undo: {
                    try await $0.restore("ledger_leaf", settles: false)
                    try await $0.restore("ledger_checkpoint", settles: false)
                }, kind: kind, words: words, remembers: remembers)
        }
        let accounts = "WHERE dataset = 'accounts' AND number"
        return [
            version("another digest", "UPDATE daylight.version SET digest = '\(zeroes)' \(accounts) = 2", kind: "version", version: 2, ["accounts", zeroes]),
            version("another number of rows", "UPDATE daylight.version SET row_count = 4 \(accounts) = 1", kind: "version", version: 1, ["number of rows"]),
            version("another time", "UPDATE daylight.version SET released_at = released_at - interval '1 day' \(accounts) = 3", kind: "version", version: 3, ["time of release"]),
            version("another schema", "UPDATE daylight.version SET schema = replace(schema::text, '名称', '别名')::jsonb WHERE dataset = 'cells' AND number = 3", kind: "version", version: 3, ["schema"], arguments: ["--all"]),
            version("a version that nobody recorded",
                "INSERT INTO daylight.version SELECT (jsonb_populate_record(v, '{\"number\": 4, \"push\": null}')).* FROM daylight.version v \(accounts) = 3", kind: "unrecorded", version: 4),
            version("a version that is gone", "DELETE FROM daylight.version \(accounts) = 2", kind: "vanished", version: 2),
            version("a withdrawal that nobody recorded", "UPDATE daylight.version SET withdrawal = gen_random_uuid() \(accounts) = 1", kind: "withdrawal", version: 1),
            Deceit(
                name: "another profile",
                make: { try await $0.sql("UPDATE daylight.profile SET document = jsonb_set(document, '{title,zh}', '\"另一个\"') WHERE id = (SELECT min(id) FROM daylight.profile)") },
                undo: { try await $0.sql("UPDATE daylight.profile p SET document = b.document FROM daylight.before_profile b WHERE b.id = p.id AND b.version = p.version") }, kind: "profile"),
            Deceit(
                name: "another description",
                make: { try await $0.sql("UPDATE daylight.description_revision SET description = jsonb_set(description, '{abstract,zh}', '\"另一个\"') WHERE dataset = 'cells'") },
                undo: { try await $0.restore("description_revision") }, kind: "description", words: ["cells"]),
            Deceit(
                name: "a revision that nobody recorded",
                make: { try await $0.sql("INSERT INTO daylight.description_revision SELECT dataset, 99, jsonb_set(description, '{abstract,zh}', '\"另一个\"'), written_at, published_at FROM daylight.description_revision WHERE dataset = 'cells'") },
                undo: { try await $0.restore("description_revision") }, kind: "description", words: ["cells", "99"]),
            Deceit(
                name: "a dataset that is hidden", make: { try await $0.sql("UPDATE daylight.dataset SET state = 'draft' WHERE id = 'cells'") }, undo: { try await $0.sql("UPDATE daylight.dataset SET state = 'published' WHERE id = 'cells'") },
                kind: "vanished", words: ["cells"]),
            log("a leaf that does not hash to its tile", kind: "tile") { try await $0.sql("UPDATE daylight.ledger_leaf SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '\"byte_count\":', '\"byte_count\":1'), 'UTF8') WHERE dataset = 'accounts' AND version = 1") },
            log("a tile that its leaves do not make", kind: "tile") { try await $0.sql("UPDATE daylight.ledger_leaf SET hash = sha256('x') WHERE index = 5") },
            log("a head over other leaves", kind: "head") { site in
                try await site.sql("UPDATE daylight.ledger_leaf SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '\"byte_count\":', '\"byte_count\":1'), 'UTF8') WHERE dataset = 'accounts' AND version = 1; UPDATE daylight.ledger_leaf SET hash = sha256('\\x00'::bytea || entry)")
            },
            log("a head without the key's signature", kind: "head") { try await $0.sql("UPDATE daylight.ledger_checkpoint SET note = replace(note, 'test.example/ledger ', 'other.example/ledger ')") },
            log("a log that lost its end", kind: "head", remembers: true, ["shorter"]) { try await $0.sql("DELETE FROM daylight.ledger_checkpoint WHERE size > 14") },
            log("a past that is another one now", kind: "rewritten", remembers: true, ["history was rewritten"]) { site in
                try await site.forger.rewriteRelease(of: "accounts", version: 1) { $0.replacing(/"digest":"[0-9a-f]{64}"/, with: "\"digest\":\"\(zeroes)\"") }
            },
            log("a past that was never seen, without the versions that it tells of", kind: "chain") { site in
                try await site.forger.rewriteRelease(of: "accounts", version: 1) { $0.replacing(/"digest":"[0-9a-f]{64}"/, with: "\"digest\":\"\(zeroes)\"") }
            },
            log("two leaves for one version", kind: "twice") { site in try await site.forger.rewriteRelease(of: "accounts", version: 2) { $0.replacing("\"version\":2}", with: "\"version\":3}").replacing("\"version\":2,", with: "\"version\":3,") } },
            log("a leaf with a digest that is none", kind: "leaf", ["commitment", "64"]) { site in
                try await site.forger.rewriteReviews { $0 == 2 ? $1.replacing(/"commitment":"../, with: "\"commitment\":\"") : $1 }
            },
            log("one review twice", kind: "twice", ["salted digest"]) { site in
                var first = ""
                try await site.forger.rewriteReviews { number, entry in
                    if number == 0 { first = entry }
                    return number == 3 ? first : entry
                }
            },
            log("a grant that ended and was never given", kind: "sequence", ["more grants"]) { site in
                try await site.forger.rewriteReviews { $0 == 1 ? #"{"commitment":"\#(digest)","event":"ended","format":"daylight-leaf/1","kind":"grant","recorded_at":"2026-03-02T09:00:00+08:00"}"# : $1 }
            },
            log("a receipt for nothing", kind: "sequence", ["no grant"]) { site in
                try await site.forger.rewriteReviews { $0 == 1 ? #"{"commitment":"\#(digest)","format":"daylight-leaf/1","kind":"receipt","recorded_at":"2026-03-02T09:00:00+08:00"}"# : $1 }
            },
            log("a seal that was left out", kind: "sequence", ["numbered"]) { site in
                try await site.forger.rewriteReviews { number, entry in
                    let seal = #"{"count":1,"digest":"\#(digest)","first":1,"format":"daylight-leaf/1","from":"2026-03-02T09:00:00+08:00","kind":"audit","last":1,"number":9,"until":"2026-03-02T09:01:00+08:00"}"#
                    return number == 5 ? seal : entry
                }
            },
            log("a withdrawal of what was never there", kind: "sequence", ["nowhere"]) { site in
                try await site.forger.rewriteReviews { number, entry in
                    let words = #""dataset":"nowhere","format":"daylight-leaf/1","kind":"withdrawal","subject":"version","version":7,"withdrawal":"0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a10""#
                    return number == 2 ? #"{"commitment":"\#(digest)",\#(words),"withdrawn_at":"2026-03-02T09:00:00+08:00"}"# : entry
                }
            },
            log("a withdrawal that is not shown", kind: "withdrawal", ["not shown"]) { site in
                try await site.forger.rewriteReviews { number, entry in
                    let words = #""dataset":"cells","format":"daylight-leaf/1","kind":"withdrawal","subject":"rows","withdrawal":"0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a10""#
                    return number == 4 ? #"{"commitment":"\#(digest)",\#(words),"withdrawn_at":"2026-03-02T09:00:00+08:00"}"# : entry
                }
            },
            Deceit(
                name: "a withdrawal that nobody recorded",
                make: {
                    try await $0.sql("""
                        INSERT INTO daylight.withdrawal (id, dataset, subject, keys, reason_zh, withdrawn_at) VALUES ('0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a11', 'cells', 'rows', '{x}', '无', now());
                        UPDATE daylight.version SET withdrawal = '0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a11' WHERE dataset = 'cells' AND number = 1
                        """)
                },
                undo: {
                    try await $0.restore("version")
                    try await $0.restore("withdrawal")
                }, kind: "withdrawal", words: ["cells"]),
            log("an entry that is no leaf", kind: "leaf") { site in try await site.forger.rewriteRelease(of: "accounts", version: 2) { $0 + " " } },
            // Last: a server that found rows of a version to be wrong does not try again at once. Of the first version nothing was downloaded yet.
            Deceit(
                name: "one cell", make: { try await $0.sql("EXECUTE (SELECT format('UPDATE data.d%s SET amount = 9.99 WHERE id = ''1'' AND _since = 1', number) FROM daylight.dataset WHERE id = 'cells')") },
                undo: { try await $0.sql("EXECUTE (SELECT format('UPDATE data.d%s SET amount = 1.00 WHERE id = ''1'' AND _since = 1', number) FROM daylight.dataset WHERE id = 'cells')") },
                kind: "content", version: 1, words: ["cells"], arguments: ["--all"]),
        ]
    }
}
