import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@Suite struct WithdrawalTests {
    static let reason = LocalizedText(zh: "仪器故障", en: "the instrument failed")

    @Test func withdrawnRowsLeaveEveryVersionAndWhatIsLeftIsTheNext() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\n")
            try await shop.publish("code,name\nA,a2\n\"B,1\",b\n")
            try await shop.publish("code,name\nA,a3\n\"B,1\",b\nC,c\n")
            let withdrawal = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["B%2c1", "B%2C1"], reason: Self.reason, by: shop.pusher)
            #expect(withdrawal.keys == ["B%2C1"])
            let version = try await shop.publishing.version(4, of: shop.target())
            #expect(version.removed == 1 && version.rowCount == 2 && version.push == nil)
            #expect(version.digest == Workshop.sha256("code,name,height\nA,a3,\nC,c,\n"))
            #expect(try await shop.rows(columns: "code, name") == ["A,a3", "C,c"])
            #expect(try await shop.rows(version: 2, columns: "code, name") == ["A,a2"])
            #expect(try await shop.publishing.version(1, of: shop.target()).withdrawal == nil)
            #expect(try await shop.publishing.version(2, of: shop.target()).withdrawal == withdrawal.id)
            #expect(try await shop.publishing.version(3, of: shop.target()).withdrawal == withdrawal.id)
            #expect(version.withdrawal == nil)
            #expect(try await shop.count("SELECT count(*) FROM daylight.withdrawn_row WHERE key = 'B%2C1' AND since = 2 AND state ->> 'name' = 'b'") == 1)
            // The department may publish the row again, mended.
            try await shop.publish("code,name\n\"B,1\",mended\n", .upsert)
            #expect(try await shop.rows(columns: "code, name") == ["A,a3", "B,1,mended", "C,c"])
        }
    }

    /// Whatever its fields are called: names that our own SQL uses are good names.
    @Test func rowsOfAnyFieldsLeave() async throws {
        for (type, value) in [(FieldType.text, "x"), (.json, "{\"x\": 1}")] {
            var schema = Workshop.schema
            for name in ["t", "l", "g", "v", "w", "s"] { schema.fields.append(Field(name: name, title: LocalizedText(zh: name), type: type, visibility: .public)) }
            try await Workshop.with(schema: schema) { shop in
                let cell = "\"\(value.replacing("\"", with: "\"\""))\""
                try await shop.publish("code,name,t,l\nA,a,\(cell),\(cell)\nB,b,\(cell),\(cell)\n")
                _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["B"], reason: Self.reason, by: shop.pusher)
                #expect(try await shop.rows(columns: "code, name") == ["A,a"])
                #expect(try await shop.count("SELECT count(*) FROM daylight.withdrawn_row WHERE key = 'B' AND state ->> 'name' = 'b' AND state ? 't'") == 1)
            }
        }
    }

    @Test func rowsThatOnlyOldVersionsHeldMakeNoNewOne() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\nB,b\n")
            try await shop.publish("code,name\nA,a\n")
            let withdrawal = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["B"], reason: Self.reason, by: shop.pusher)
            #expect(try await shop.publishing.versions(of: shop.target(), before: nil, limit: 10).map(\.number) == [2, 1])
            #expect(try await shop.publishing.version(1, of: shop.target()).withdrawal == withdrawal.id)
            #expect(try await shop.rows(version: 1, columns: "code, name") == ["A,a"])
        }
    }

    @Test func aVersionThatLostARowCanBeWithdrawnAsAWhole() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\nB,b\n")
            try await shop.publish("code,name\nA,a\n")
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["B"], reason: Self.reason, by: shop.pusher)
            _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 1, reason: Self.reason, by: shop.pusher)
            await expectProblem(.versionWithdrawn) { _ = try await shop.publishing.version(1, of: shop.target()) }
            await expectProblem(.invalidWithdrawal) {
                _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 1, reason: Self.reason, by: shop.pusher)
            }
        }
    }

    @Test func aWithdrawnVersionSaysWhy() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name\nA,a\n")
            try await shop.publish("code,name\nA,b\n")
            _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 1, reason: Self.reason, by: shop.pusher)
            await expectProblem(.versionWithdrawn) { _ = try await shop.publishing.version(1, of: shop.target()) }
            await expectProblem(.invalidWithdrawal) {
                _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 1, reason: Self.reason, by: shop.pusher)
            }
            await expectProblem(.versionNotFound) {
                _ = try await shop.publishing.withdraw(.version, of: "lighthouse", version: 9, reason: Self.reason, by: shop.pusher)
            }
        }
    }

    @Test func aWithdrawnDatasetTakesNoPushAndSaysWhy() async throws {
        try await Workshop.with { shop in
            let early = try await shop.push("code,name\nB,b\n")
            try await shop.publish("code,name\nA,a\n")
            try await shop.pass(early)
            let withdrawal = try await shop.publishing.withdraw(.dataset, of: "lighthouse", reason: Self.reason, legalBasis: "第十四条", by: shop.pusher)
            await expectProblem(.datasetWithdrawn) { _ = try await shop.publishing.visible("lighthouse", to: .anonymous) }
            await expectProblem(.datasetWithdrawn) { try await shop.push("code,name\nA,a\n") }
            await expectProblem(.datasetWithdrawn) { _ = try await shop.publishing.release(early.push.id, by: shop.pusher) }
            await expectProblem(.datasetWithdrawn) { _ = try await shop.publishing.withdraw(.dataset, of: "lighthouse", reason: Self.reason, by: shop.pusher) }
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10) == [withdrawal])
            // PostgreSQL itself keeps its rows from the public, whatever a node still believes.
            #expect(try await shop.count("SELECT count(*) FROM pg_views WHERE schemaname = 'published' AND viewname = 'd1' AND has_table_privilege('daylight_reader', 'published.d1', 'SELECT')") == 0)
            #expect(try await shop.count("SELECT count(*) FROM published.d1") == 1)
        }
    }

    @Test func everyWrongPlaceOfAWithdrawalIsNamed() async throws {
        try await Workshop.with { shop in
            await expectProblem(.datasetNotReleased) {
                _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["A"], reason: Self.reason, by: shop.pusher)
            }
            try await shop.publish("code,name\nA,a\n")
            for (subject, version, keys, places) in [
                (Withdrawal.Subject.rows, Optional<Int>.none, [String](), ["/keys"]), (.rows, 1, ["A"], ["/version"]), (.version, nil, [], ["/version"]),
                (.rows, nil, ["A,B", "X", "%zz"], ["/keys/0", "/keys/2"]), (.rows, nil, ["A", "X"], ["/keys/1"]),
            ] {
                do {
                    _ = try await shop.publishing.withdraw(subject, of: "lighthouse", version: version, keys: keys, reason: Self.reason, by: shop.pusher)
                    Issue.record("allowed: \(subject) \(keys)")
                } catch let problem as Problem {
                    #expect(problem.code == .invalidWithdrawal)
                    #expect(problem.places.map(\.place) == places)
                }
            }
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 10).isEmpty)
            #expect(try await shop.rows(columns: "code, name") == ["A,a"])
        }
    }
}
