import Model
import NIOCore
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// Roll-ups follow releases and withdrawals, in their transactions.
@Suite struct RollupTests {
    private static let schema: TableSchema = {
        var schema = Workshop.schema
        schema.rollups = [Rollup(name: "letters", groupBy: ["prefix(code,1)"], select: ["sum(height)", "max(name)"])]
        return schema
    }()

    /// What a version comes to by letter, as JSON: from its roll-up, and from its rows.
    private static func letters(_ shop: Workshop, version number: Int) async throws -> (kept: String?, plain: String?) {
        let version = try await ReleasedDatasets(store: shop.store).find("lighthouse", version: number)
        let query = try AggregateQuery(
            parameters: [(name: "group_by", value: "prefix(code,1)"), (name: "select", value: "count(*),sum(height),max(name)")], filterable: version.queryable,
            aggregable: QueryableFields(unmasked: version.schema))
        func json(_ rollup: RollupPlan?) async throws -> String? {
            var buffer = ByteBuffer()
            try await shop.store.aggregate(AggregateRead(version: version, query: query, rollup: rollup), isCurrent: false)?.writeJSON(into: &buffer)
            return String(buffer: buffer)
        }
        let plain = try await json(nil)
        guard let plan = version.rollups.first.flatMap({ RollupPlan(query, over: $0) }) else { return (nil, plain) }
        return (try await json(plan), plain)
    }

    @Test func everyVersionHasItsSums() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            try await shop.publish("code,name,height\nA1,a,1.50\nA2,b,2\nB1,c,\n")
            try await shop.publish("code,name,height\nA2,b,3\nC1,d,4\n", .upsert)
            try await shop.publish("code,name,height\nA1,a,1.50\nC1,d,4\n")
            let expected = [
                #"[{"prefix_code_1":"A","count":2,"sum_height":3.50,"max_name":"b"},{"prefix_code_1":"B","count":1,"sum_height":null,"max_name":"c"}]"#,
                #"[{"prefix_code_1":"A","count":2,"sum_height":4.50,"max_name":"b"},{"prefix_code_1":"B","count":1,"sum_height":null,"max_name":"c"},"#
                    + #"{"prefix_code_1":"C","count":1,"sum_height":4.00,"max_name":"d"}]"#,
                #"[{"prefix_code_1":"A","count":1,"sum_height":1.50,"max_name":"a"},{"prefix_code_1":"C","count":1,"sum_height":4.00,"max_name":"d"}]"#,
            ]
            for number in 1...3 {
                let found = try await Self.letters(shop, version: number)
                #expect(found.kept == expected[number - 1] && found.plain == found.kept, "version \(number)")
            }
        }
    }

    @Test func aNewDeclarationIsReasonEnoughForAVersion() async throws {
        try await Workshop.with { shop in
            let csv = "code,name,height\nA1,a,1.50\nB1,c,\n"
            let first = try await shop.publish(csv)
            #expect(try await shop.push(csv).push.state == .unchanged)
            try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(Self.schema)))")
            let second = try await shop.publish(csv)
            #expect(second.number == 2 && second.digest == first.digest && [second.added, second.changed, second.removed] == [0, 0, 0])
            let found = try await Self.letters(shop, version: 2)
            #expect(found.kept == found.plain && found.kept?.contains("1.50") == true)
            #expect(try await Self.letters(shop, version: 1).kept == nil)
            #expect(try await shop.push(csv).push.state == .unchanged)
            // One that is taken away makes no version.
            try await shop.db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(Workshop.schema)))")
            #expect(try await shop.push(csv).push.state == .unchanged)
        }
    }

    @Test func withdrawnRowsAreInNoSum() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            try await shop.publish("code,name,height\nA1,secret,777\nA2,b,2\nB1,c,1\n")
            try await shop.publish("code,name,height\nA1,secret,778\n", .upsert)
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["A1"], reason: WithdrawalTests.reason, by: shop.pusher)
            let now = try await Self.letters(shop, version: 3)
            #expect(now.kept == #"[{"prefix_code_1":"A","count":1,"sum_height":2.00,"max_name":"b"},{"prefix_code_1":"B","count":1,"sum_height":1.00,"max_name":"c"}]"#)
            #expect(now.plain == now.kept)
            // Older versions are computed from the rows that are left of them.
            for number in 1...2 {
                let before = try await Self.letters(shop, version: number)
                #expect(before.kept == nil && before.plain?.contains("secret") == false && before.plain?.contains("77") == false)
            }
            let rows = try await shop.db.database.execute("SELECT _since, _until, _p1::text, _p2 FROM data.\(identifier: try await Self.relation(shop)) ORDER BY _p1")
            #expect(try rows.map { "\(try $0.read(Int.self, 0)) \(try $0.read(String.self, 2)) \(try $0.read(String.self, 3))" } == ["3 1.00 c", "3 2.00 b"])
        }
    }

    @Test func rowsThatOnlyOldVersionsHeldAreInNoSumEither() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            try await shop.publish("code,name,height\nA1,a,5\nB1,secret,777\n")
            try await shop.publish("code,name,height\nA1,a,5\n")
            _ = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["B1"], reason: WithdrawalTests.reason, by: shop.pusher)
            #expect(try await Self.letters(shop, version: 1).kept == nil)
            #expect(try await Self.letters(shop, version: 2).kept == #"[{"prefix_code_1":"A","count":1,"sum_height":5.00,"max_name":"a"}]"#)
            #expect(try await shop.count("SELECT count(*) FROM data.\(identifier: try await Self.relation(shop)) WHERE _p2 = 'secret'") == 0)
        }
    }

    @Test func aWithdrawnDatasetsSumsAreClosed() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            try await shop.publish("code,name,height\nA1,a,5\n")
            let view = "published." + (try await Self.relation(shop))
            #expect(try await shop.count("SELECT has_table_privilege('daylight_reader', \(view, as: .text), 'SELECT')::integer") == 1)
            _ = try await shop.publishing.withdraw(.dataset, of: "lighthouse", reason: WithdrawalTests.reason, by: shop.pusher)
            #expect(try await shop.count("SELECT has_table_privilege('daylight_reader', \(view, as: .text), 'SELECT')::integer") == 0)
        }
    }

    private static func relation(_ shop: Workshop) async throws -> String {
        try await shop.db.database.execute("SELECT relation FROM daylight.rollup")[0].read(0)
    }
}
