import Model
import NIOCore
import Postgres
import TestSupport
import Testing

@testable import Store

/// Questions answered from roll-ups, held against the same answered from the rows.
@Suite struct RollupTests {
    private static let schema: TableSchema = {
        var schema = Lighthouse.schema
        schema.rollups = [
            Rollup(name: "days", groupBy: ["name", "day(inspected_at)"], select: ["avg(height)", "min(height)", "max(steps)", "count(automated)", "max(name)"]),
            Rollup(name: "codes", groupBy: ["prefix(code,5)", "automated", "lit_on"], select: ["sum(steps)", "avg(steps)", "min(inspected_at)"]),
            Rollup(name: "seasons", groupBy: ["season", "month(lit_on)"], select: ["avg(height)", "sum(steps)"]),
        ]
        return schema
    }()

    private static func json(_ rows: AggregateRows?) -> String? {
        guard let rows else { return nil }
        var buffer = ByteBuffer()
        rows.writeJSON(into: &buffer)
        return String(buffer: buffer) + (rows.isTruncated ? " and more" : "")
    }

    /// Four versions, whose rows come, change and go.
    private static func fourVersions(_ db: TestDatabase) async throws -> TestRelease {
        let rows = AggregateTests.rows
        let release = try await db.publish(schema: schema, rows: rows)
        var changed = (0..<20).map { rows[$0 * 7] }
        for index in changed.indices {
            changed[index][2] = index % 3 == 0 ? nil : "\(index).50"
            changed[index][6] = index % 2 == 0 ? nil : "2013-03-31 15:59:59+00"
        }
        try await release.release(2, rows: changed, removing: [[rows[1][0]!], [rows[2][0]!]])
        try await release.release(3, rows: (0..<30).map { ["M\(100_000 + $0)"] + rows[$0].dropFirst() })
        try await release.release(4, rows: [rows[7]], removing: (10..<40).map { [rows[$0][0]!] })
        return release
    }

    @Test func randomQuestionsGiveTheSameWithAndWithoutRollups() async throws {
        try await withTestDatabase { db in
            let release = try await Self.fourVersions(db)
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            var random = Generator(seed: 5)
            var used: [String: Int] = [:]
            for round in 0..<240 {
                let number = random.below(4) + 1
                let version = try await released.find(release.dataset, version: number)
                #expect(version.rollups.count == 3)
                let parameters = try Self.question(&random, version)
                let query = try AggregateTests.query(parameters, version)
                let plain = Self.json(try await store.aggregate(AggregateRead(version: version, query: query), isCurrent: number == 4))
                for shape in version.rollups {
                    guard let plan = RollupPlan(query, over: shape) else { continue }
                    used[shape.name, default: 0] += 1
                    let read = AggregateRead(version: version, query: query, rollup: plan)
                    for isCurrent in number == 4 ? [true, false] : [false] {
                        let kept = Self.json(try await store.aggregate(read, isCurrent: isCurrent))
                        #expect(kept == plain, "round \(round), \(shape.name), version \(number): \(parameters)")
                        if kept != plain { return }
                    }
                    // What is not the current version gives no group of it.
                    if number < 4 { #expect(try await store.aggregate(read, isCurrent: true)?.count == 0) }
                }
            }
            #expect(used.count == 3 && used.values.allSatisfy { $0 >= 20 }, "\(used)")
            await store.close()
        }
    }

    /// A question near what the roll-ups keep: most of them can be answered from one, not all.
    private static func question(_ random: inout Generator, _ version: ReleasedVersion) throws -> [(String, String)] {
        let themes: [(groups: [String], measures: [String], filters: [(String, String)])] = [
            (
                ["name", "day(inspected_at)", "month(inspected_at)", "quarter(inspected_at)", "year(inspected_at)", "prefix(name,1)"],
                ["avg(height)", "sum(height)", "count(height)", "min(height)", "max(steps)", "count(automated)", "max(name)", "min(name)", "count_distinct(name)", "count(name)"],
                [
                    ("name", "灯塔"), ("name__in", "灯塔,plain"), ("inspected_at__gte", "2013-03-05"), ("inspected_at__lt", "2013-04-01"), ("inspected_at__null", "true"),
                    ("inspected_at__gt", "2013-03-05"), ("name__like", "%a%"), ("steps__gt", "0"), ("filter", "name LIKE '%a%' OR NOT name IN ('plain', 'a,b')"),
                    ("filter", "inspected_at >= TIMESTAMP('2013-03-05T00:00:00+08:00') AND CASEI(name) <> CASEI('PLAIN')"), ("filter", "name = 'plain' OR inspected_at IS NULL"),
                ]
            ),
            (
                ["prefix(code,5)", "prefix(code,2)", "prefecture(code)", "automated", "lit_on", "day(lit_on)", "month(lit_on)", "year(lit_on)"],
                ["sum(steps)", "avg(steps)", "count(steps)", "min(inspected_at)", "count_distinct(lit_on)", "max(lit_on)", "count(automated)"],
                [("code__like", "L1002%"), ("code__like", "M%"), ("lit_on__lte", "2050-01-01"), ("automated", "true"), ("lit_on__null", "true"), ("code", "L100007")]
            ),
            (
                ["season", "year(season)", "month(lit_on)", "quarter(lit_on)", "year(lit_on)"],
                ["avg(height)", "sum(height)", "sum(steps)", "count_distinct(season)", "min(season)", "count(season)"],
                [("season__gte", "2020"), ("lit_on__lt", "2050-01-01"), ("lit_on__lte", "2049-12-31"), ("lit_on__gt", "2050-01-01"), ("season__null", "true")]
            ),
        ]
        var theme = themes[random.below(3)]
        var select = ["count(*)"]
        for _ in 0..<random.below(4) { select.append(theme.measures.remove(at: random.below(theme.measures.count))) }
        var parameters = [("select", select.joined(separator: ",")), ("limit", ["3", "10000"][random.below(2)])]
        let groups = (0..<random.below(4)).map { _ in theme.groups.remove(at: random.below(theme.groups.count)) }
        if !groups.isEmpty { parameters.append(("group_by", groups.joined(separator: ","))) }
        for _ in 0..<random.below(3) {
            let filter = theme.filters.remove(at: random.below(theme.filters.count))
            if !parameters.contains(where: { $0.0 == filter.0 }) { parameters.append(filter) }
        }
        let columns = try AggregateTests.query(parameters, version).columns.map(\.name)
        if random.below(2) == 0 { parameters.append(("sort", "-" + columns[random.below(columns.count)])) }
        if random.below(4) == 0 { parameters.append(("having", "count__gt=\(random.below(5))")) }
        return parameters
    }

    @Test func onlyGroupsThatChangedAreWritten() async throws {
        try await withTestDatabase { db in
            var schema = Lighthouse.schema
            schema.rollups = [Rollup(name: "letters", groupBy: ["prefix(code,4)"], select: ["sum(steps)"])]
            func row(_ code: String, _ steps: String?) -> [String?] { [code, "n", nil, steps] + [String?](repeating: nil, count: 9) }
            let release = try await db.publish(schema: schema, rows: [row("A001", "1"), row("A002", "2"), row("A003", nil)])
            let relation = try #require(RowTable(number: release.number, schema: schema).rollups.first)
            func states() async throws -> [String] {
                try await db.database.execute(
                    "SELECT _g0 || ' ' || _p0 || ' ' || coalesce(_p1::text, '-') || ' ' || _since || ' ' || coalesce(_until::text, '-') FROM \(relation.table) ORDER BY _g0, _since"
                ).map { try $0.read(0) }
            }
            #expect(try await states() == ["A001 1 1 1 -", "A002 1 2 1 -", "A003 1 - 1 -"])
            try await release.release(2, rows: [row("A002", "5"), row("A0021", "3"), row("A004", "4")], removing: [["A003"]])
            #expect(try await states() == ["A001 1 1 1 -", "A002 1 2 1 2", "A002 2 8 2 -", "A003 1 - 1 2", "A004 1 4 2 -"])
            try await release.release(3, rows: [row("A0022", nil)], removing: [["A004"]])
            #expect(try await states() == ["A001 1 1 1 -", "A002 1 2 1 2", "A002 2 8 2 3", "A002 3 8 3 -", "A003 1 - 1 2", "A004 1 4 2 3"])
            #expect(try await db.database.execute("SELECT since, groups FROM daylight.rollup").map { "\(try $0.read(Int.self, 0)) \(try $0.read(Int.self, 1))" } == ["1 2"])
        }
    }

    @Test func aRollupAnswersFromTheVersionOnThatDeclaredIt() async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(20)
            let plain = try await db.publish(rows: rows)
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            let later = plain.declaring(Self.schema.rollups)
            try await later.release(2, rows: [], removing: [[rows[0][0]!]])
            #expect(try await released.find(plain.dataset, version: 1).rollups == [])
            #expect(try await released.find(plain.dataset, version: 2).rollups.count == 3)
            // A roll-up that another version keeps says nothing of this one, whoever believes it.
            let first = try await released.find(plain.dataset, version: 1)
            let query = try AggregateTests.query([], first)
            let plan = try #require(RollupPlan(query, over: try RollupShape(Self.schema.rollups[0], schema: Self.schema)))
            let read = AggregateRead(version: first, query: query, rollup: plan)
            #expect(try await store.aggregate(read, isCurrent: false)?.count == 0)
            #expect(try await store.isCovered(read) == false)
            // Not declared any more: its tables go, and so does what is read from them.
            try await plain.release(3, rows: [], removing: [[rows[1][0]!]])
            #expect(try await ReleasedDatasets(store: store).find(plain.dataset, version: 2).rollups == [])
            #expect(try await store.aggregate(read, isCurrent: false) == nil)
            #expect(try await db.database.execute("SELECT FROM pg_class WHERE relname ~ '^r[0-9]+_'").isEmpty)
            await store.close()
        }
    }

    @Test func theReaderSeesRollupsByTheirViewAlone() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(schema: Self.schema, rows: Lighthouse.rows(5))
            let reader = try await db.open(as: .reader)
            for rollup in RowTable(number: release.number, schema: Self.schema).rollups {
                #expect(try await reader.execute("SELECT sum(_p0)::integer FROM \(rollup.view)")[0].read(Int.self, 0) == 5)
                let refused = await #expect(throws: PostgresError.self) { try await reader.execute("SELECT FROM \(rollup.table)") }
                #expect(refused?.sqlState == .insufficientPrivilege)
            }
            await reader.close()
        }
    }
}
