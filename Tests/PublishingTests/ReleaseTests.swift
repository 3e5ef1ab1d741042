import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@Suite struct ReleaseTests {
    @Test func aScheduledReleaseHappensAtItsTimeOnce() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push("code,name\nA,a\n")
            try await shop.pass(report)
            let now = Timestamp.now
            let at = Timestamp(microseconds: now.microseconds + 3_600_000_000)
            guard case .scheduled(let record) = try await shop.publishing.release(report.push.id, at: at, by: shop.pusher) else { throw Unexpected("not scheduled") }
            #expect(record.push.state == .scheduled && record.push.releaseAt == at)
            #expect(try await shop.publishing.runDue(at: now) == 0)
            // Two nodes look at the same moment.
            let other = shop.other()
            async let one = shop.publishing.runDue(at: at)
            async let two = other.runDue(at: at)
            let released = try await one + two
            #expect(released == 1)
            #expect(try await shop.rows(columns: "code, name") == ["A,a"])
            #expect(try await shop.count("SELECT count(*) FROM daylight.version") == 1)
        }
    }

    @Test func aTimeInThePastMeansNow() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push("code,name\nA,a\n")
            try await shop.pass(report)
            guard case .released = try await shop.publishing.release(report.push.id, at: Timestamp(microseconds: 0), by: shop.pusher) else { throw Unexpected("not released") }
        }
    }

    @Test func aReplaceThatWasCheckedAgainstAnOlderVersionIsComparedAnew() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\nB,b\n")
            let late = try await shop.push("code,name\nA,a\nB,x\n")
            #expect(late.record.preview == RowCounts(added: 0, changed: 1, removed: 0))
            try await shop.publish("code,name\nA,a\nC,c\n")
            let version = try await shop.release(late)
            #expect(version.number == 3 && version.added == 1 && version.removed == 1 && version.changed == 0)
            #expect(version.digest == late.push.digest)
            #expect(try await shop.publishing.push(late.push.id).preview == RowCounts(added: 1, changed: 0, removed: 1))
            #expect(try await shop.rows(columns: "code, name") == ["A,a", "B,x"])
        }
    }

    @Test func anAppendWhoseKeysWereReleasedInTheMeantimeIsOutdated() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\n")
            let late = try await shop.push("code,name\nB,x\n", .append)
            let scheduled = try await shop.push("code,name\nB,y\n", .append)
            try await shop.publish("code,name\nB,b\n", .append)
            try await shop.pass(late)
            await expectProblem(.releaseOutdated) { _ = try await shop.publishing.release(late.push.id, by: shop.pusher) }
            #expect(try await shop.publishing.push(late.push.id).push.state == .approved)
            try await shop.pass(scheduled)
            try await shop.db.database.execute("UPDATE daylight.push SET state = 'scheduled', release_at = now() WHERE id = \(scheduled.push.id)")
            #expect(try await shop.publishing.runDue(at: .now) == 0)
            let failed = try await shop.publishing.push(scheduled.push.id).push
            #expect(failed.state == .failed && failed.reason?.en?.contains("stand already") == true)
            #expect(try await shop.rows(columns: "code, name") == ["A,a", "B,b"])
        }
    }

    @Test func thePushThatAnotherReleaseOvertookWithTheSameRowsMakesNoVersion() async throws {
        try await Workshop.with { shop in
            let first = try await shop.push("code,name\nA,a\n")
            let second = try await shop.push("code,name\nA,a\n")
            try await shop.release(first)
            try await shop.pass(second)
            guard case .unchanged(let record) = try await shop.publishing.release(second.push.id, by: shop.pusher) else { throw Unexpected("a release") }
            #expect(record.push.state == .unchanged && record.push.version == 1)
            #expect(try await shop.stagingTables() == 0)
        }
    }

    @Test func checkedRowsThatACrashOfTheServerEmptiedAreNeverReleased() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\n")
            let report = try await shop.push("code,name\nB,b\n")
            try await shop.pass(report)
            let table = "p" + report.push.id.filter { $0 != "-" }
            try await shop.db.database.execute("TRUNCATE staging.\(identifier: table)")
            await expectProblem(.pushStateConflict) { _ = try await shop.publishing.release(report.push.id, by: shop.pusher) }
            #expect(try await shop.publishing.push(report.push.id).push.state == .failed)
            #expect(try await shop.rows(columns: "code, name") == ["A,a"])
        }
    }

    @Test(arguments: [#"{"disclosure":"withheld","share_type":"not_shared"}"#, #"{"openness":"closed","share_type":"not_shared"}"#])
    func whatNobodyCouldReadIsNotReleased(change: String) async throws {
        try await Workshop.with { shop in
            let report = try await shop.push("code,name\nA,a\n")
            try await shop.pass(report)
            try await shop.db.database.execute("UPDATE daylight.dataset SET description = description || \(JSONB(change))")
            await expectProblem(.pushStateConflict) { _ = try await shop.publishing.release(report.push.id, by: shop.pusher) }
            #expect(try await shop.count("SELECT count(*) FROM daylight.version") == 0)
        }
    }

    @Test func aReleaseTellsAllNodes() async throws {
        try await Workshop.with { shop in
            let listener = try await shop.db.open(as: .writer)
            var notifications = listener.notifications(["daylight_change"]).makeAsyncIterator()
            #expect(await notifications.next() == .reconnected)
            try await shop.publish("code,name\nA,a\n")
            #expect(await notifications.next() == .message(channel: "daylight_change", payload: "lighthouse"))
            await listener.close()
        }
    }

    @Test func thePublicReaderSeesTheViewAndNothingElse() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name,height,budget\nA,a,1,7\n")
            let reader = try await shop.db.open(as: .reader)
            let number = String(shop.number)
            let columns = try await reader.execute("SELECT * FROM published.d\(raw: number)").columns
            #expect(columns == ["code", "name", "height", "_since", "_until"])
            for sql in ["SELECT * FROM data.d\(number)", "SELECT * FROM daylight.push", "DELETE FROM published.d\(number)", "SELECT * FROM daylight.dataset"] {
                do {
                    try await reader.execute(SQL(raw: sql))
                    Issue.record("allowed: \(sql)")
                } catch let error as PostgresError {
                    #expect(error.isInsufficientPrivilege, "\(sql)")
                }
            }
            await reader.close()
        }
    }
}
