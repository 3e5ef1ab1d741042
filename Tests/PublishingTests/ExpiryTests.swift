import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// Rows that are public for a time: they come when they may, go when they must, and what has gone for good stays away.
@Suite struct ExpiryTests {
    static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编号"), type: .code, required: true, maxLength: 20, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "当事人"), type: .text, visibility: .public, mask: .name),
            Field(name: "since", title: LocalizedText(zh: "起"), type: .date, visibility: .public),
            Field(name: "until", title: LocalizedText(zh: "止"), type: .date, visibility: .public),
            Field(name: "state", title: LocalizedText(zh: "修复"), type: .code, visibility: .public),
        ],
        primaryKey: ["code"], rollups: [Rollup(name: "states", groupBy: ["state"], select: ["max(until)"])])
    static let window = PublicityWindow(
        from: "since", until: "until", source: "虚构公示办法第三条", endsWhen: [.init(field: "state", in: ["repaired"], reason: .repaired)])

    private static func with(_ policy: PushPolicy = .strict, _ body: (Workshop) async throws -> Void) async throws {
        try await Workshop.with(schema: schema, policy: policy, reviewPolicy: "pre_approved_feed", window: window) { try await body($0) }
    }

    private static func at(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }
    private static func codes(_ shop: Workshop, version: Int? = nil) async throws -> [String] { try await shop.rows(version: version, columns: "code") }

    private static func publish(_ shop: Workshop, _ csv: String, _ mode: PushMode = .replace) async throws -> Version {
        guard case .released(_, let version) = try await shop.publishing.release(shop.push(csv, mode).push.id, by: shop.pusher) else { throw Unexpected("no release") }
        return version
    }

    private static func expiry(_ shop: Workshop) async throws -> String? {
        try await shop.db.database.execute("SELECT (expires_at AT TIME ZONE interval '+08:00')::text AS at FROM daylight.dataset")[0].read(String?.self, "at")
    }

    @Test func aDayLastsUntilItsEndAndThenTheRowLeavesEveryVersion() async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code,name,until\nA,张三丰,2099-01-01\nB,b,2099-02-01\nC,c,\n")
            _ = try await Self.publish(shop, "code,name,until\nA,李四,2099-01-01\nB,b,2099-02-01\nC,c,\n")
            #expect(try await Self.expiry(shop) == "2099-01-02 00:00:00")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-01T23:59:59.999999+08:00")) == 0)
            #expect(try await Self.codes(shop) == ["A", "B", "C"])
            let now = try Self.at("2099-01-02T00:00:00+08:00")
            #expect(try await shop.publishing.expireDue(at: now) == 1)
            #expect(try await Self.codes(shop) == ["B", "C"])
            for version in 1...2 {
                #expect(try await Self.codes(shop, version: version) == ["B", "C"])
                #expect(try await shop.publishing.version(version, of: shop.target()).withdrawal != nil)
            }
            let version = try await shop.publishing.version(3, of: shop.target())
            #expect(version.removed == 1 && version.rowCount == 2 && version.withdrawal == nil && version.releasedAt == now)
            #expect(version.digest == Workshop.sha256("code,name,since,until,state\nB,*,,2099-02-01,\nC,*,,,\n"))
            #expect(version.profile == ProfileReference(id: "lighthouse", version: 1))
            let tombstone = try #require(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10).first)
            #expect(tombstone.reasonCode == .expired && tombstone.keys == ["A"] && tombstone.legalBasis == Self.window.source)
            #expect(try await shop.count("SELECT count(*) FROM data.d1 WHERE code = 'A'") == 0)
            // The log tells of it, without what was in it.
            #expect(try await shop.count("SELECT count(*) FROM daylight.ledger_pending WHERE kind = 'withdrawal'") == 1)
            #expect(try await shop.count("SELECT count(*) FROM daylight.ledger_pending WHERE kind = 'release'") == 3)
            #expect(try await shop.count("SELECT count(*) FROM daylight.rollup WHERE since <> 3") == 0)
            // Nothing is done twice, and the next one has its turn.
            #expect(try await shop.publishing.expire("lighthouse", at: now) == 0)
            #expect(try await Self.expiry(shop) == "2099-02-02 00:00:00")
            #expect(try await shop.other().expireDue(at: Self.at("2100-01-01T00:00:00+08:00")) == 1)
            #expect(try await Self.expiry(shop) == nil)
            #expect(try await Self.codes(shop) == ["C"])
        }
    }

    @Test func theNewestStateOfARowSaysHowLongAlsoOnceItIsGone() async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code,until\nA,2099-01-01\nB,2099-06-01\nC,2099-03-01\n")
            // A may stay longer, B must go sooner, C is no longer in the set, but in version 1.
            _ = try await Self.publish(shop, "code,until\nA,2099-06-01\nB,2099-01-01\n")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-02T00:00:00+08:00")) == 1)
            #expect(try await Self.codes(shop) == ["A"])
            #expect(try await Self.codes(shop, version: 1) == ["A", "C"])
            #expect(try await Self.expiry(shop) == "2099-03-02 00:00:00")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-03-02T00:00:00+08:00")) == 1)
            #expect(try await Self.codes(shop, version: 1) == ["A"])
            #expect(try await shop.publishing.versions(of: shop.target(), before: nil, limit: 10).map(\.number) == [3, 2, 1])
        }
    }

    @Test func allThatIsDueGoesInOneVersionOneWithdrawalForEachReason() async throws {
        try await Self.with { shop in
            let csv = "code,until,state\n" + (1...300).map { "R\($0),2099-01-0\($0 % 3 + 1),\n" }.joined()
            _ = try await Self.publish(shop, csv)
            // As if the profile had no such condition when they came.
            try await shop.db.database.execute("UPDATE data.d1 SET state = 'repaired' WHERE code IN ('R1', 'R2', 'R3')")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-03T12:00:00+08:00")) == 201)
            #expect(try await shop.publishing.version(2, of: shop.target()).rowCount == 99)
            let tombstones = try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10)
            #expect(Set(tombstones.map { "\($0.reasonCode?.rawValue ?? "") \($0.keys.count)" }) == ["expired 198", "repaired 3"])
        }
    }

    @Test func aRowWhosePublicityHasEndedIsNoPartOfWhatIsReleased() async throws {
        try await Self.with { shop in
            let report = try await shop.push("code,name,until\nA,a,2020-01-01\nB,b,2099-01-01\n")
            #expect(report.codes == ["F408w:1"] && report.findings.first?.line == 2 && report.push.rowCount == 1)
            let expected = "code,name,since,until,state\nB,*,,2099-01-01,\n"
            #expect(report.push.digest == Workshop.sha256(expected))
            guard case .released(_, let version) = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("no release") }
            #expect(version.digest == Workshop.sha256(expected) && version.rowCount == 1)
            // It was never public, so there is nothing to tell.
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10).isEmpty)
            #expect(try await shop.count("SELECT count(*) FROM daylight.ended_row") == 0)
            #expect(try await shop.push("code,name,until\nA,a,2020-01-01\nB,b,2099-01-01\n").push.state == .unchanged)
        }
    }

    @Test(arguments: [PushMode.upsert, .replace]) func aRepairTakesTheRowOutOfEveryVersionAndItStaysAway(_ mode: PushMode) async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code,name,state\nA,a,none\nB,b,none\n")
            let rest = mode == .replace ? "B,b,none\n" : ""
            let report = try await shop.push("code,name,state\nA,a,repaired\n" + rest, mode)
            #expect(report.codes == ["F408w:1"])
            #expect(report.record.preview == RowCounts(added: 0, changed: 0, removed: 1))
            guard case .released(_, let version) = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("no release") }
            #expect(version.removed == 1 && version.rowCount == 1 && version.digest == Workshop.sha256("code,name,since,until,state\nB,*,,,none\n"))
            #expect(try await Self.codes(shop) == ["B"])
            #expect(try await Self.codes(shop, version: 1) == ["B"])
            #expect(try await shop.publishing.version(1, of: shop.target()).withdrawal != nil)
            let tombstone = try #require(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10).first)
            #expect(tombstone.reasonCode == .repaired && tombstone.keys == ["A"])
            // Said again it changes nothing; said otherwise it is refused.
            #expect(try await shop.push("code,name,state\nA,a,repaired\n" + rest, mode).push.state == .unchanged)
            let again = try await shop.push("code,name,state\nA,a,none\n" + rest, mode)
            #expect(again.push.state == .rejected && again.codes == ["F410:1"] && again.findings.first?.message.en == "key A was withdrawn (repaired)")
        }
    }

    @Test func aRepairedRowThatOnlyOldVersionsHoldLeavesThemToo() async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code,state\nA,none\nB,none\n")
            _ = try await Self.publish(shop, "code,state\nB,none\n")
            let report = try await shop.push("code,state\nA,repaired\n", .upsert)
            #expect(report.push.state == .approved)
            guard case .unchanged = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("a new version") }
            #expect(try await Self.codes(shop, version: 1) == ["B"])
            #expect(try await shop.publishing.version(1, of: shop.target()).withdrawal != nil)
        }
    }

    @Test func aRowWhoseTimeHadOnlyEndedMayComeBackAndIsTold() async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code,until\nA,2099-01-01\nB,\n")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-02T00:00:00+08:00")) == 1)
            let report = try await shop.push("code,until\nA,2199-01-01\n", .upsert)
            #expect(report.codes == ["F410w:1"])
            guard case .released = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("no release") }
            #expect(try await Self.codes(shop) == ["A", "B"])
        }
    }

    @Test(arguments: Withdrawal.ReasonCode.allCases) func theReasonOfAWithdrawalSaysWhetherTheRowMayComeBack(_ code: Withdrawal.ReasonCode) async throws {
        try await Self.with { shop in
            _ = try await Self.publish(shop, "code\nA\nB\n")
            let withdrawal = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["A"], reason: code.text, code: code, by: shop.pusher)
            #expect(withdrawal.reasonCode == code)
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 1) == [withdrawal])
            let report = try await shop.push("code\nA\n", .upsert)
            #expect(report.codes == (code.isFinal ? ["F410:1"] : code == .expired ? ["F410w:1"] : []))
            #expect(report.push.state == (code.isFinal ? .rejected : .approved))
        }
    }

    @Test func aPushWaitsUntilAllOfItsRowsMayBePublic() async throws {
        try await Self.with { shop in
            let report = try await shop.push("code,since\nA,2020-01-01\nB,2098-05-01\n")
            #expect(report.codes == ["F409w:1"] && report.findings.first?.line == 3)
            guard case .scheduled(let record) = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("released early") }
            let begin = try Self.at("2098-05-01T00:00:00+08:00")
            #expect(record.push.state == .scheduled && record.push.releaseAt == begin)
            // Asking again, or for an earlier time, changes nothing.
            guard case .scheduled = try await shop.publishing.release(report.push.id, by: shop.pusher) else { throw Unexpected("released early") }
            guard case .scheduled(let earlier) = try await shop.publishing.release(report.push.id, at: Self.at("2098-01-01T00:00:00+08:00"), by: shop.pusher) else {
                throw Unexpected("released early")
            }
            #expect(earlier.push.releaseAt == begin)
            #expect(try await shop.publishing.runDue(at: Self.at("2098-04-30T23:59:59+08:00")) == 0)
            #expect(try await shop.publishing.runDue(at: begin) == 1)
            #expect(try await Self.codes(shop) == ["A", "B"])
        }
    }

    @Test func whatEndsBeforeAScheduledReleaseIsNotReleased() async throws {
        try await Self.with { shop in
            let report = try await shop.push("code,until\nA,2097-01-01\nB,2099-01-01\n")
            guard case .scheduled = try await shop.publishing.release(report.push.id, at: Self.at("2098-01-01T00:00:00+08:00"), by: shop.pusher) else {
                throw Unexpected("released early")
            }
            #expect(try await shop.publishing.runDue(at: Self.at("2098-01-01T00:00:00+08:00")) == 1)
            let version = try await shop.publishing.version(1, of: shop.target())
            #expect(version.rowCount == 1 && version.digest == Workshop.sha256("code,name,since,until,state\nB,,,2099-01-01,\n"))
            #expect(try await Self.codes(shop) == ["B"])
        }
    }

    @Test func keysOfEveryTypeAreNamedAsTheirAddressesAre() async throws {
        let schema = TableSchema(
            fields: [
                Field(name: "seen_at", title: LocalizedText(zh: "时间"), type: .datetime, required: true, visibility: .public),
                Field(name: "amount", title: LocalizedText(zh: "数"), type: .decimal(precision: 8, scale: 2), required: true, visibility: .public),
                Field(name: "flag", title: LocalizedText(zh: "标志"), type: .boolean, required: true, visibility: .public),
                Field(name: "until", title: LocalizedText(zh: "止"), type: .datetime, visibility: .public),
            ], primaryKey: ["seen_at", "amount", "flag"])
        try await Workshop.with(schema: schema, reviewPolicy: "pre_approved_feed", window: PublicityWindow(until: "until", source: "办法")) { shop in
            _ = try await Self.publish(shop, "seen_at,amount,flag,until\n2026-03-01T08:00:00.25+08:00,1.50,true,2099-01-01T08:00:00.5+08:00\n")
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-01T08:00:00.499999+08:00")) == 0)
            #expect(try await shop.publishing.expireDue(at: Self.at("2099-01-01T08:00:00.5+08:00")) == 1)
            let key = "2026-03-01T08%3A00%3A00.250%2B08%3A00,1.50,true"
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 1).first?.keys == [key])
            #expect(RowKey.values(key, fields: Array(schema.fields.prefix(3))).map(RowKey.text) == key)
        }
    }
}
