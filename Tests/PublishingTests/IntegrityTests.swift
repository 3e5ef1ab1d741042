import Ledger
import Logging
import Model
import Notary
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// What is stored is held against the ledger; what was altered behind the server's back is found and named, and no longer once it is mended.
@Suite struct IntegrityTests {
    private static let logger = Logger(label: "daylight.tests")
    /// Three blocks of a tree over the rows.
    private static let csv = "code,name\n" + (1...700).map { "R\(10_000 + $0),name \($0)\n" }.joined()

    private static func checker(_ shop: Workshop, rate: Int = 1 << 40) -> Integrity {
        var configuration = Integrity.Configuration()
        configuration.interval = .zero
        configuration.rate = rate
        return Integrity(store: shop.store, configuration: configuration, logger: logger)
    }

    private static func notary(_ shop: Workshop) async throws -> Notary {
        let signer = try #require(NoteSigner(name: "test.example/ledger", seed: try await shop.store.secret("ledger") ?? []))
        return Notary(store: shop.store, signer: signer, logger: logger)
    }

    /// Two versions of three blocks, entered into the ledger and checked once.
    private static func with(_ body: (Workshop, Integrity, Notary) async throws -> Void) async throws {
        try await Workshop.with { shop in
            try await shop.publish(csv)
            try await shop.publish("code,name\nR10007,changed\nR10300,changed\n", .upsert)
            let notary = try await notary(shop), integrity = checker(shop)
            try await notary.prepare()
            try await integrity.work()
            let report = try await notary.integrity(limit: 10)
            #expect(report.findings == [] && report.findingCount == 0)
            let round = try #require(report.lastRound)
            let size = try await shop.publishing.versions(of: shop.target(), before: nil, limit: 10).reduce(0) { $0 + $1.byteCount }
            #expect(round.versions == 2 && round.skipped == 0 && round.bytes == size && report.currentRound == nil)
            try await body(shop, integrity, notary)
        }
    }

    /// The open findings, as `rows 1 row: R1 R2`.
    private static func findings(_ notary: Notary) async throws -> [String] {
        try await notary.integrity(limit: 100).findings.map {
            "\($0.kind.rawValue) \($0.version ?? 0) \($0.precision?.rawValue ?? "leaf \($0.leaf ?? -1)"): \($0.keys.joined(separator: " "))"
        }
    }

    @Test func anAlteredCellIsReportedWithDatasetVersionAndKeyUntilItIsMended() async throws {
        try await Self.with { shop, integrity, notary in
            try await shop.db.database.execute("UPDATE data.d1 SET name = 'forged' WHERE code = 'R10555'")
            try await integrity.work()
            #expect(try await Self.findings(notary) == ["rows 1 row: R10555", "rows 2 row: R10555"])
            let finding = try #require(try await notary.integrity(limit: 1).findings.first)
            #expect(finding.dataset == "lighthouse" && finding.keys == ["R10555"])
            // Seen again it is the same finding.
            try await integrity.work()
            let again = try #require(try await notary.integrity(limit: 1).findings.first)
            #expect(again.foundAt == finding.foundAt && again.seenAt > finding.seenAt)
            try await shop.db.database.execute("UPDATE data.d1 SET name = 'name 555' WHERE code = 'R10555'")
            try await integrity.recheck()
            #expect(try await Self.findings(notary) == [])
        }
    }

    @Test func whatIsKeptAboutAVersionIsHeldAgainstTheLedgerToo() async throws {
        try await Self.with { shop, integrity, notary in
            // Whoever forges a row, and the digest that belongs to it, has not the leaf.
            try await shop.db.database.execute("UPDATE data.d1 SET name = 'forged' WHERE code = 'R10555' AND _until IS NULL")
            let digest = Workshop.sha256("code,name,height\n" + (try await shop.rows(version: 2, columns: "code, name")).map { "\($0),\n" }.joined())
            try await shop.db.database.execute("UPDATE daylight.version SET digest = \(digest) WHERE number = 2")
            try await integrity.work()
            #expect(try await Self.findings(notary).sorted() == ["record 2 version: ", "rows 1 row: R10555", "rows 2 row: R10555"])
        }
    }

    @Test func rowsThatWereAddedTakenOrHiddenAreFoundInTheirBlock() async throws {
        try await Self.with { shop, integrity, notary in
            let database = shop.db.database
            // Hidden from version 2, as if a release had ended it.
            try await database.execute("UPDATE data.d1 SET _until = 2 WHERE code = 'R10400'")
            try await integrity.work()
            #expect(try await Self.findings(notary) == ["rows 2 row: R10400"])
            try await database.execute("UPDATE data.d1 SET _until = NULL WHERE code = 'R10400'")
            try await integrity.recheck()
            #expect(try await Self.findings(notary) == [])

            try await database.execute("INSERT INTO data.d1 (_since, code, name) VALUES (1, 'R10300x', 'forged')")
            try await integrity.work()
            // What was mended by hand in the same block bears a mark too.
            #expect(try await Self.findings(notary) == ["rows 1 row: R10300x R10400", "rows 2 row: R10300x R10400"])
            try await database.execute("DELETE FROM data.d1 WHERE code = 'R10300x'")
            try await integrity.recheck()

            // Nothing of what was deleted is left to be named, but its block is.
            try await database.execute("DELETE FROM data.d1 WHERE code = 'R10600'")
            try await integrity.work()
            for finding in try await notary.integrity(limit: 100).findings {
                #expect(finding.precision == .block && finding.keys.count == 187 && finding.keys.first == "R10513" && finding.keys.last == "R10700")
            }
            #expect(try await Self.findings(notary).count == 2)
        }
    }

    @Test func whereNoMarkTellsTheRowsTheirBlockIsNamed() async throws {
        try await Self.with { shop, integrity, notary in
            // As after a restore from a dump: one transaction wrote all rows.
            try await shop.db.database.execute("UPDATE data.d1 SET name = CASE WHEN code = 'R10300' AND _until IS NULL THEN 'forged' ELSE name END")
            try await integrity.work()
            let findings = try await notary.integrity(limit: 100).findings
            #expect(findings.map(\.version) == [2] && findings.first?.precision == .block)
            #expect(findings.first?.keys.count == 256 && findings.first?.keys.contains("R10300") == true && findings.first?.keys.contains("R10007") == false)
        }
    }

    @Test func aChangedLogIsFound() async throws {
        try await Self.with { shop, integrity, notary in
            let database = shop.db.database
            try await database.execute("UPDATE daylight.ledger_leaf SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'release', 'relaese'), 'UTF8') WHERE index = 1")
            try await integrity.work()
            #expect(try await Self.findings(notary).contains("ledger 0 leaf 1: "))
            // Also where the hash was changed with it: the head was signed.
            try await database.execute("UPDATE daylight.ledger_leaf SET hash = sha256('\\x00'::bytea || entry) WHERE index = 1")
            try await integrity.work()
            #expect(try await Self.findings(notary).contains { $0.hasPrefix("ledger") })
            try await database.execute(
                "UPDATE daylight.ledger_leaf SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'relaese', 'release'), 'UTF8') WHERE index = 1")
            try await database.execute("UPDATE daylight.ledger_leaf SET hash = sha256('\\x00'::bytea || entry) WHERE index = 1")
            try await integrity.recheck()
            #expect(try await Self.findings(notary) == [])
        }
    }

    @Test func aRoundGoesOnWhereItWasAndSkipsWhatWasWithdrawn() async throws {
        try await Self.with { shop, integrity, notary in
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["R10007"], reason: LocalizedText(zh: "误"), by: shop.pusher)
            try await notary.integrate()
            // A process died after version 2.
            try await shop.db.database.execute("INSERT INTO daylight.integrity_round (dataset, version, versions, skipped, bytes) VALUES ('lighthouse', 2, 0, 2, 0)")
            #expect(try await notary.integrity(limit: 1).currentRound?.skipped == 2)
            try await Self.checker(shop).work()
            let round = try #require(try await notary.integrity(limit: 1).lastRound)
            #expect(round.versions == 1 && round.skipped == 2)
            #expect(try await Self.findings(notary) == [])
        }
    }

    @Test func whatIsLeftOfAVersionIsCountedAndAWithdrawnOneIsReadAsBefore() async throws {
        try await Self.with { shop, integrity, notary in
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["R10007", "R10300"], reason: LocalizedText(zh: "误"), by: shop.pusher)
            try await notary.integrate()
            try await integrity.work()
            #expect(try await Self.findings(notary) == [])
            let round = try #require(try await notary.integrity(limit: 1).lastRound)
            #expect(round.versions == 1 && round.skipped == 2)
            // A row that was only in older versions, and another too many.
            let database = shop.db.database
            try await database.execute("UPDATE data.d1 SET _until = 2 WHERE code = 'R10400'")
            try await integrity.work()
            let found = try await Self.findings(notary).sorted()
            #expect(found.count == 2 && found.first == "rows 2 version: " && found.last?.hasPrefix("rows 3 ") == true, "\(found)")
            try await database.execute("UPDATE data.d1 SET _until = NULL WHERE code = 'R10400'")
            try await integrity.recheck()
            #expect(try await Self.findings(notary) == [])
            // Version 3 is hidden, and holds all of its rows.
            _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 3, reason: LocalizedText(zh: "误"), by: shop.pusher)
            try await database.execute("UPDATE data.d1 SET name = 'forged' WHERE code = 'R10555'")
            try await integrity.work()
            #expect(try await Self.findings(notary).contains { $0.hasPrefix("rows 3") })
        }
    }

    @Test func itReadsNoFasterThanItMay() async throws {
        try await Self.with { shop, _, _ in
            let clock = ContinuousClock()
            let bytes = try await shop.publishing.versions(of: shop.target(), before: nil, limit: 10).reduce(0) { $0 + $1.byteCount }
            let time = try await clock.measure { try await Self.checker(shop, rate: bytes).work() }
            #expect(time > .milliseconds(900))
            // Not at all where it may not.
            let rounds = try await shop.count("SELECT max(number) FROM daylight.integrity_round")
            try await Self.checker(shop, rate: 0).work()
            #expect(try await shop.count("SELECT max(number) FROM daylight.integrity_round") == rounds)
        }
    }
}
