import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@Suite struct WholeWayTests {
    static let first = "code,name,height,budget\nB,北灯塔,12.5,100\nA,\"南,灯塔\",7,\nC,,,3\n"

    @Test func aPushIsCheckedReviewedReleasedAndRead() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push(Self.first)
            #expect(report.push.state == .ready)
            #expect(report.push.rowCount == 3 && report.push.recordCount == 3)
            #expect(report.record.preview == RowCounts(added: 3, changed: 0, removed: 0))
            #expect(report.push.byteCount == Self.first.utf8.count)
            // The canonical CSV, written by hand: public fields, key order, one spelling of decimals.
            let canonical = "code,name,height\nA,\"南,灯塔\",7.00\nB,北灯塔,12.50\nC,,\n"
            #expect(report.push.digest == Workshop.sha256(canonical))
            #expect(report.record.canonicalBytes == canonical.utf8.count)
            let version = try await shop.release(report)
            #expect(version.number == 1 && version.rowCount == 3 && version.added == 3)
            #expect(version.digest == report.push.digest)
            #expect(try await shop.rows() == ["A,南,灯塔,7.00", "B,北灯塔,12.50", "C"])
            #expect(try await shop.stagingTables() == 0)
            let push = try await shop.publishing.push(report.push.id).push
            #expect(push.state == .released && push.version == 1)
        }
    }

    @Test func nothingIsVisibleBeforeTheRelease() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push(Self.first)
            #expect(try await shop.count("SELECT count(*) FROM pg_class WHERE relnamespace IN ('data'::regnamespace) AND relkind = 'r'") == 0)
            try await shop.pass(report)
            #expect(try await shop.count("SELECT count(*) FROM published.dataset") == 0)
            #expect(try await shop.publishing.push(report.push.id).push.state == .approved)
        }
    }

    @Test func theSameFileTwiceMakesNoNewVersionAndSaysSo() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            let again = try await shop.push(Self.first)
            #expect(again.push.state == .unchanged)
            #expect(again.push.version == 1)
            #expect(again.push.reason?.en?.contains("version 1") == true)
            #expect(try await shop.count("SELECT count(*) FROM daylight.version") == 1)
            #expect(try await shop.stagingTables() == 0)
            for mode in [PushMode.upsert, .append] {
                let other = try await shop.push(Self.first, mode)
                #expect(other.push.state == .unchanged, "\(mode)")
            }
        }
    }

    @Test func aReplaceWritesOnlyWhatDiffers() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            let version = try await shop.publish("code,name,height,budget\nA,\"南,灯塔\",7,\nC,西灯塔,,3\nD,东灯塔,1,1\n")
            #expect(version.added == 1 && version.changed == 1 && version.removed == 1 && version.rowCount == 3)
            #expect(try await shop.rows() == ["A,南,灯塔,7.00", "C,西灯塔", "D,东灯塔,1.00"])
            #expect(try await shop.rows(version: 1) == ["A,南,灯塔,7.00", "B,北灯塔,12.50", "C"])
            #expect(version.digest == Workshop.sha256("code,name,height\nA,\"南,灯塔\",7.00\nC,西灯塔,\nD,东灯塔,1.00\n"))
            #expect(try await shop.count("SELECT count(*) FROM data.d\(raw: String(shop.number))") == 5)
        }
    }

    @Test func anUpsertChangesAndAddsAndRemovesNothing() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            let report = try await shop.push("code,name,height,budget\nC,西灯塔,,3\nA,\"南,灯塔\",7,\nD,东灯塔,1,1\n", .upsert)
            #expect(report.record.preview == RowCounts(added: 1, changed: 1, removed: 0))
            let version = try await shop.release(report)
            #expect(version.rowCount == 4)
            let canonical = "code,name,height\nA,\"南,灯塔\",7.00\nB,北灯塔,12.50\nC,西灯塔,\nD,东灯塔,1.00\n"
            #expect(version.digest == Workshop.sha256(canonical))
            #expect(version.byteCount == canonical.utf8.count)
        }
    }

    @Test func anAppendAddsAndRefusesKeysThatStand() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            let refused = try await shop.push("code,name,height,budget\nC,西灯塔,,3\nD,东灯塔,1,1\n", .append)
            #expect(refused.push.state == .rejected)
            #expect(refused.codes == ["F402:1"])
            #expect(refused.findings.first?.line == 2)
            #expect(refused.findings.first?.message.en?.contains("C") == true)
            let version = try await shop.publish("code,name,height,budget\nE,灯塔,2,\nD,东灯塔,1,1\n", .append)
            #expect(version.added == 2 && version.rowCount == 5)
        }
    }

    @Test func aHiddenChangeAloneMakesAVersionWithTheSameDigest() async throws {
        try await Workshop.with { shop in
            let first = try await shop.publish(Self.first)
            let second = try await shop.publish(Self.first.replacing("12.5,100", with: "12.5,101"))
            #expect(second.number == 2 && second.changed == 0 && second.added == 0)
            #expect(second.digest == first.digest)
            // The department's history has it.
            #expect(try await shop.count("SELECT budget FROM data.d\(raw: String(shop.number)) WHERE _since = 2") == 101)
        }
    }

    @Test func changesThatNobodySeesAreKeptAndNotCounted() async throws {
        var schema = Workshop.schema
        schema.fields.append(Field(name: "keeper", title: LocalizedText(zh: "守塔人"), type: .text, visibility: .public, mask: .name))
        try await Workshop.with(schema: schema) { shop in
            let first = try await shop.publish("code,name,height,budget,keeper\nA,a,1,1,张三\nB,b,1,1,李四\nC,c,1,1,王五\nD,d,1,1,赵六\n")
            // A is changed in a hidden field, B behind the mask, C for everybody, D in what the mask shows.
            let mixed = "code,name,height,budget,keeper\nA,a,1,2,张三\nB,b,1,1,李六\nC,x,1,1,王五\nD,d,1,1,钱六\n"
            for mode in [PushMode.replace, .upsert] {
                let tried = try await shop.push(mixed, mode, dryRun: true)
                #expect(tried.record.preview == RowCounts(added: 0, changed: 2, removed: 0), "\(mode)")
            }
            let second = try await shop.publish(mixed)
            #expect([second.added, second.changed, second.removed] == [0, 2, 0] && second.digest != first.digest)
            #expect(try await shop.count("SELECT count(*) FROM data.d\(raw: String(shop.number)) WHERE _since = 2") == 4)
            // Behind the mask alone: a version, in which nobody sees a change.
            let report = try await shop.push(mixed.replacing("李六", with: "李七"))
            #expect(report.push.state == .ready && report.record.preview == RowCounts(added: 0, changed: 0, removed: 0))
            let third = try await shop.release(report)
            #expect(third.number == 3 && third.changed == 0 && third.digest == second.digest)
            #expect(try await shop.count("SELECT count(*) FROM data.d\(raw: String(shop.number)) WHERE _since = 3 AND keeper = '李七'") == 1)
            #expect(try await shop.push(mixed.replacing("李六", with: "李七")).push.state == .unchanged)
        }
    }

    @Test func aFieldThatBecomesPublicDoesNotTellWhichOfItsHiddenValuesChanged() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            var schema = Workshop.schema
            schema.fields[3].visibility = .public
            try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(schema)))")
            let version = try await shop.publish(Self.first.replacing("12.5,100", with: "12.5,101"))
            #expect(version.number == 2 && version.changed == 0)
        }
    }

    @Test func aNewFieldJoinsTheTableAndTheView() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            var schema = Workshop.schema
            schema.fields.insert(Field(name: "colour", title: LocalizedText(zh: "颜色"), type: .text, visibility: .public), at: 1)
            try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(schema)))")
            let same = try await shop.push(Self.first)
            #expect(same.push.state == .ready)
            let version = try await shop.publish("code,name,height,budget,colour\nA,a,1,,red\n")
            #expect(version.schema.fields.count == 5)
            #expect(try await shop.rows(columns: "code, colour") == ["A,red"])
            await expectProblem(.releaseOutdated) {
                try await shop.pass(same)
                var narrower = schema
                narrower.fields.append(Field(name: "extra", title: LocalizedText(zh: "其他"), type: .text, visibility: .public))
                try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(narrower)))")
                _ = try await shop.publishing.release(same.push.id, by: shop.pusher)
            }
        }
    }

    @Test func aFieldThatChangesItsTypeOrHidesIsAConflict() async throws {
        try await Workshop.with { shop in
            try await shop.publish(Self.first)
            var schema = Workshop.schema
            schema.fields[2].type = .integer
            schema.fields[1].visibility = .private
            try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(schema)))")
            await expectProblem(.schemaConflict) { try await shop.push("code\nA\n") }
        }
    }

    @Test func everyTypeGoesThroughAndComesBackInItsOneSpelling() async throws {
        let csv = #"""
            code,name,height,steps,automated,lit_on,inspected_at,season,position,lamps,keeper,budget,keeper_phone
            L2,"灯塔 ""二""",12.50,99,true,1999-12-31,2013-03-01T00:00:00+08:00,2026-Q1,"120.1,30.2","{""a"": 1}",欧阳锋,10.10,13800000000
            L1,灯塔一,,,false,,2013-03-01T00:00:00Z,,,,张三,,

            """#
        try await Workshop.with(schema: Lighthouse.schema) { shop in
            let report = try await shop.push(csv)
            #expect(report.codes.isEmpty)
            let canonical = #"""
                code,name,height,steps,automated,lit_on,inspected_at,season,position,lamps,keeper
                L1,灯塔一,,,false,,2013-03-01T08:00:00+08:00,,,,张*
                L2,"灯塔 ""二""",12.50,99,true,1999-12-31,2013-03-01T00:00:00+08:00,2026-Q1,"120.1,30.2","{""a"": 1}",欧**

                """#
            #expect(report.push.digest == Workshop.sha256(canonical), "\(canonical)")
            try await shop.release(report)
        }
    }
}
