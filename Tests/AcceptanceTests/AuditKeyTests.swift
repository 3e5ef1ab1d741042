import Foundation
import NIOHTTP1
import Postgres
import TestSupport
import Testing

/// `daylight audit` with the key of a department: what the server opens to it is held against the leaves.
@Suite struct AuditKeyTests {
    @Test func whatIsOpenedIsHeldAgainstItsLeaf() async throws {
        try await AuditTests.with { site in
            let key = site.folder.appending(path: "access.key")
            try site.installation.pushKey.write(to: key, atomically: true, encoding: .utf8)
            func audit(_ state: String) async throws -> (status: Int32, output: String, report: JSONValue) {
                let found = try await site.audit(state, ["--json", "--access-key-file", key.path])
                return (found.status, found.output, try AuditTests.Site.report(found.output))
            }
            // A dataset that is closed to the public: its leaves say nothing to strangers.
            let closed = Descriptions.own("内部", department: site.installation.department, fields: FaultTests.fields, key: ["id"])
                .replacing(#""openness":"unconditional","disclosure":"proactive""#, with: #""openness":"closed","disclosure":"proactive""#)
            try await site.installation.describe("inner", closed)
            for version in 1...2 { try await site.installation.publish("inner", Data("id,name,amount\n1,一,\(version).00\n".utf8)) }
            let database = site.installation.database.database
            try await eventually("the ledger has everything") { try await database.execute("SELECT FROM daylight.ledger_pending").isEmpty }

            let honest = try await audit("honest")
            #expect(honest.status == 0, "\(honest.output)")
            // Eight reviews, and the two releases that were sealed.
            #expect(honest.report["openings"]?.int == 10 && honest.report["datasets"]?.int == 3 && honest.report["versions"]?.int == 8, "\(honest.output)")
            #expect(honest.report["kinds"]?["sealed"]?.int == 2)
            let stranger = try await site.audit("stranger", ["--json"])
            #expect(try stranger.status == 0 && AuditTests.Site.report(stranger.output)["openings"]?.int == 0)

            try await database.execute("CREATE TABLE daylight.before_sealed_entry AS SELECT * FROM daylight.sealed_entry")
            try await database.execute("DROP TABLE daylight.before_ledger_salt")
            try await database.execute("CREATE TABLE daylight.before_ledger_salt AS SELECT * FROM daylight.ledger_salt")
            try await database.execute("DROP TABLE daylight.before_version")
            try await database.execute("CREATE TABLE daylight.before_version AS SELECT * FROM daylight.version")
            let one = "WHERE subject = (SELECT min(subject::text)::uuid FROM daylight.ledger_salt)"
            for (name, kind, table, statement) in [
                ("another decision", "opening", "ledger_salt", "UPDATE daylight.ledger_salt SET content = convert_to(replace(convert_from(content, 'UTF8'), '\"pass\"', '\"refuse\"'), 'UTF8') \(one)"),
                ("another salt", "opening", "ledger_salt", "UPDATE daylight.ledger_salt SET salt = sha256('x') \(one)"),
                ("another leaf", "opening", "ledger_salt", "UPDATE daylight.ledger_salt SET leaf = (SELECT l.hash FROM daylight.ledger_leaf l WHERE l.kind = 'review' ORDER BY l.index DESC LIMIT 1), content = convert_to('{}', 'UTF8') \(one)"),
                ("another number", "opening", "sealed_entry", "UPDATE daylight.sealed_entry SET entry = convert_to(replace(convert_from(entry, 'UTF8'), '\"row_count\":1', '\"row_count\":2'), 'UTF8') WHERE version = 1"),
                ("another version", "version", "version", "UPDATE daylight.version SET row_count = 7 WHERE dataset = 'inner' AND number = 2"),
            ] {
                try await site.sql(statement, settles: table == "version")
                let found = try await audit("state-\(UUID().uuidString)")
                if table == "sealed_entry" {
                    try await site.sql("UPDATE daylight.sealed_entry e SET entry = b.entry FROM daylight.before_sealed_entry b WHERE b.id = e.id")
                } else {
                    try await site.restore(table, settles: table == "version")
                }
                #expect(found.status == 1 && found.report["lie"]?["kind"]?.string == kind && found.report["lie"]?["leaf"]?.int != nil, "\(name): \(found.output)")
            }
            #expect(try await audit("honest").status == 0)
        }
    }

    @Test func anOpeningIsProvenOffline() async throws {
        let folder = try VerifyTests.Folder()
        defer { try? FileManager.default.removeItem(at: folder.url) }
        try await AuditTests.with { site in
            let page = try await site.installation.pusher.get("/v1/ledger/openings?limit=2").json()
            let indices = page["data"]?.array?.compactMap { $0["index"]?.int } ?? []
            try #require(indices.count == 2)
            for (name, index) in zip(["first", "second"], indices) {
                try folder.keep("\(name).json", try await site.installation.pusher.get("/v1/ledger/leaves/\(index)/opening").body)
                try folder.keep("\(name).proof", try await site.installation.reader.get("/v1/ledger/leaves/\(index)/proof").body)
            }
            let key = try folder.keep("key", try await site.installation.reader.get("/ledger/key").body)
            func verify(_ opening: String, _ proof: String, language: String = "C") async throws -> (status: Int32, output: String) {
                try await Installation.run(["verify", "--opening", folder.path(opening), "--proof", folder.path(proof), "--key", key], environment: ["LC_ALL": language])
            }
            let proven = try await verify("first.json", "first.proof")
            #expect(proven.status == 0 && proven.output.contains("Proven") && proven.output.contains("\"decision\":\"pass\""), "\(proven.output)")
            #expect(try await verify("first.json", "first.proof", language: "zh_CN.UTF-8").output.contains("已证明"))
            let text = try String(contentsOfFile: folder.path("first.json"), encoding: .utf8)
            try folder.keep("changed.json", text.replacing("pass", with: "refuse"))
            for (opening, proof) in [("changed.json", "first.proof"), ("first.json", "second.proof")] {
                let found = try await verify(opening, proof)
                #expect(found.status == 1 && found.output.contains("NOT proven"), "\(found.output)")
            }
            #expect(try await verify("key", "first.proof").status == 2)
            #expect(try await Installation.run(["verify", "--opening", folder.path("first.json"), "--key", key]).status != 0)
        }
    }
}
