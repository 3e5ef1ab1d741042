import Foundation
import Ledger
import Model
import Postgres
import TestSupport
import Testing

/// A server and a witness as they run at two departments, and somebody who tries to change the past.
@Suite struct WitnessedLedgerTests {
    private static let name = "test.example/ledger"

    /// Runs a test with a server that asks two witnesses.
    private static func with(_ body: (Installation, [WitnessProcess]) async throws -> Void) async throws {
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": name, "DAYLIGHT_ADMIN_PORT": String(try await Installation.freePort())]) { site in
            let key = try await site.reader.get("/ledger/key").text.trimmingCharacters(in: .whitespacesAndNewlines)
            try await WitnessProcess.with(name: "audit.example/witness", logs: [key]) { one in
                try await WitnessProcess.with(name: "people.example/witness", logs: [key]) { two in
                    await site.stop()
                    // A file, as an operator keeps it.
                    let file = site.home.appending(path: "witnesses")
                    try "# who signs\n\(try await one.verifier) \(one.url)\n\(try await two.verifier) \(two.url)/\n".write(to: file, atomically: true, encoding: .utf8)
                    try await site.restart(with: ["DAYLIGHT_WITNESSES": file.path])
                    try await body(site, [one, two])
                }
            }
        }
    }

    private static func states(_ site: Installation) async throws -> [String] {
        let ledger = try await site.reader.get("/v1/ledger").json()
        return (0..<2).compactMap { ledger["witnesses"]?[$0]?["state"]?.string }
    }

    @Test func aFileIsProvenWithWhoElseSignedAndWhen() async throws {
        try await Self.with { site, witnesses in
            try await site.describe("seen", Descriptions.own("见证", department: site.department, fields: FaultTests.fields, key: ["id"]))
            try await site.publish("seen", Data("id,name,amount\n1,一,1.00\n".utf8))
            try await eventually("a proof that both signed: \(site.log.suffix(2000))") {
                let proof = try await site.reader.get("/v1/datasets/seen/versions/1/proof").text
                return InclusionProof(proof)?.checkpoint.signatures.count == 3
            }
            try await eventually("both agree") { try await Self.states(site) == ["agreeing", "agreeing"] }
            try await eventually("the cosigned head") {
                let cosigned = try await site.reader.get("/ledger/cosigned")
                return cosigned.status == 200 && SignedNote(cosigned.text)?.signatures.count == 3
            }

            let data = site.home.appending(path: "data").path, proof = site.home.appending(path: "proof").path
            try await site.reader.get("/v1/datasets/seen/versions/1/data.csv").body.write(to: URL(filePath: data))
            try await site.reader.get("/v1/datasets/seen/versions/1/proof").body.write(to: URL(filePath: proof))
            let key = try await site.reader.get("/ledger/key").text.trimmingCharacters(in: .whitespacesAndNewlines)
            let known = [try await witnesses[0].verifier.description, try await witnesses[1].verifier.description], year = String(Timestamp.now.description.prefix(4))
            func verify(_ more: [String], language: String = "C") async throws -> (status: Int32, output: String) {
                let arguments = [data, "--proof", proof, "--key", key] + more
                // The small one knows no quorum.
                if more.contains("--quorum") { return try await Installation.run(["verify"] + arguments, environment: ["LC_ALL": language]) }
                return try await VerifyTests.verify(arguments, language: language)
            }
            let both = try await verify(["--witness", known[0], "--witness", known[1], "--quorum", "2"])
            #expect(both.status == 0, "\(both.output)")
            for word in ["audit.example/witness", "people.example/witness", "since \(year)"] { #expect(both.output.contains(word), "\(both.output)") }
            // Both ask for both where nothing else is said; who is not known is named as not checked.
            #expect(try await verify(["--witness", known[0], "--witness", known[1]]).status == 0)
            let one = try await verify(["--witness", known[0]])
            #expect(one.status == 0 && one.output.contains("not checked") && one.output.contains("people.example/witness"), "\(one.output)")
            #expect(try await verify(["--witness", known[0]], language: "zh_CN.UTF-8").output.contains("见证方 audit.example/witness"))
            let stranger = try #require(Cosigner(name: "stranger.example", seed: Array(1...32))).verifier.description
            let short = try await verify(["--witness", known[0], "--witness", stranger])
            #expect(short.status == 1 && short.output.contains("stranger.example"), "\(short.output)")
            #expect(try await verify(["--witness", known[0], "--witness", stranger, "--quorum", "1"]).status == 0)
            #expect(try await Installation.run(["verify", data, "--proof", proof, "--key", key, "--witness", key]).status == 2)
            #expect(try await verify(["--quorum", "1"]).status != 0)
            func audit(_ more: [String]) async throws -> (status: Int32, output: String) {
                try await Installation.run(["audit", site.reader.baseURL, "--state", site.home.appending(path: "audit").path, "--key", key] + more, environment: ["LC_ALL": "C"])
            }
            let audited = try await audit(["--witness", known[0], "--witness", known[1]])
            #expect(audited.status == 0 && audited.output.contains("audit.example/witness \(year)") && audited.output.contains("people.example/witness"), "\(audited.output)")
            let unknown = try await audit(["--witness", known[0], "--witness", stranger])
            #expect(unknown.status == 2 && unknown.output.contains("stranger.example"), "\(unknown.output)")
            #expect(try await audit(["--witness", known[0], "--witness", stranger, "--quorum", "1"]).status == 0)
            // A line that was touched makes the witness's word nothing.
            let text = try String(contentsOfFile: proof, encoding: .utf8), lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            let line = try #require(lines.last { $0.contains("people.example") }), at = line.index(line.endIndex, offsetBy: -20)
            let touched = line.replacingCharacters(in: at...at, with: line[at] == "A" ? "B" : "A")
            try text.replacing(line, with: touched).write(toFile: proof, atomically: true, encoding: .utf8)
            #expect(try await verify(["--witness", known[1]]).status == 1)
        }
    }

    @Test func whoRewritesTheLogInTheDatabaseIsRefused() async throws {
        try await Self.with { site, witnesses in
            try await site.describe("past", Descriptions.own("往事", department: site.department, fields: FaultTests.fields, key: ["id"]))
            for version in 1...3 { try await site.publish("past", Data("id,name,amount\n1,一,\(version).00\n".utf8)) }
            func head() async throws -> Checkpoint? { SignedNote(try await site.reader.get("/ledger/checkpoint").text).flatMap { Checkpoint(text: $0.text) } }
            var before: Checkpoint?
            try await eventually("both signed the newest head: \(site.log.suffix(2000))") {
                before = try await head()
                let ledger = try await site.reader.get("/v1/ledger").json()
                return (0..<2).allSatisfy { ledger["witnesses"]?[$0]?["cosigned_size"]?.int == before?.size && before != nil }
            }
            let old = try #require(before)

            // The amount of the first version was another one, they say now; and everything is signed with the right key.
            let forger = Forger(database: site.database, name: Self.name), false1 = String(repeating: "0", count: 64)
            try await forger.rewriteRelease(of: "past", version: 1) { $0.replacing(/"digest":"[0-9a-f]{64}"/, with: "\"digest\":\"\(false1)\"") }
            // The server alone does not notice: it goes on and signs.
            try await site.publish("past", Data("id,name,amount\n1,一,4.00\n".utf8))
            try await eventually("a larger head") { try await head().map { $0.size > old.size } ?? false }
            let new = try #require(try await head())
            let consistency = try #require(ConsistencyProof(try await site.reader.get("/ledger/consistency?old=\(old.size)").text))
            #expect(!ProofCheck.isConsistent(from: (old.size, old.head), to: (new.size, new.head), proof: consistency.path))

            // Both witnesses refuse, and everybody can see it. At first they may have been asked for the head of the same size, which is another reason.
            var ledger = JSONValue.null
            try await eventually("both refuse what does not go on: \(ledger) \(site.log.suffix(3000))") {
                ledger = try await site.reader.get("/v1/ledger").json()
                return (0..<2).allSatisfy {
                    let witness = ledger["witnesses"]?[$0]
                    return witness?["state"]?.string == "refusing" && witness?["reason"]?.string == "inconsistent" && witness?["cosigned_size"]?.int == old.size
                }
            }
            // What both signed before the leaf that was changed still holds; nothing later does.
            #expect((ledger["cosigned"]?["size"]?.int ?? 0) < old.size)
            #expect(SignedNote(try await site.reader.get("/ledger/checkpoint").text)?.signatures.count == 1)
            try await eventually("the log tells it") { site.log.contains("a witness refuses the ledger's head") }
            try await eventually("the metrics tell it") {
                let metrics = try await site.metrics()
                return metrics.contains(#"daylight_ledger_witness_state{witness="audit.example/witness",state="refusing"} 1"#)
                    && metrics.contains(#"daylight_ledger_witness_state{witness="people.example/witness",state="agreeing"} 0"#)
            }
            for witness in witnesses { try await eventually("the witness tells it: \(witness.log)") { witness.log.contains("refused: the head is not proven to go on") } }

            // Put back as it was, it is signed again.
            let leaf = try await site.database.database.execute("SELECT digest FROM daylight.version WHERE dataset = 'past' AND number = 1")[0].read(String.self, 0)
            try await forger.rewriteRelease(of: "past", version: 1) { $0.replacing(false1, with: leaf) }
            try await eventually("both sign again: \(site.log.suffix(2000))") {
                let newest = try await head(), ledger = try await site.reader.get("/v1/ledger").json()
                return newest != nil && ledger["cosigned"]?["size"]?.int == newest?.size && ["agreeing", "agreeing"] == (0..<2).map { ledger["witnesses"]?[$0]?["state"]?.string }
            }
        }
    }
}
