import Model
import Postgres
import TestSupport
import Testing

@testable import Store

/// Groups of rows, held against a plain evaluation over all rows, in whole numbers.
@Suite struct AggregateTests {
    typealias Values = RowQueryTests.Values

    @Test func randomAggregatesGiveWhatAPlainEvaluationGives() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Self.rows)
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            let all = try await RowQueryTests.everything(version, store)
            #expect(all.count == Self.rows.count)
            var random = Generator(seed: 3)
            for round in 0..<150 {
                let (parameters, query) = try Self.question(&random, all, version)
                let expected = PlainAggregate(query).groups(of: all)
                for isCurrent in [true, false] {
                    let found = try #require(try await store.aggregate(AggregateRead(version: version, query: query), isCurrent: isCurrent))
                    #expect(Self.texts(found) == Array(expected.prefix(query.limit)), "round \(round), current \(isCurrent): \(parameters)")
                    #expect(found.isTruncated == (expected.count > query.limit), "round \(round)")
                    guard Self.texts(found) == Array(expected.prefix(query.limit)) else { return }
                }
            }
            await store.close()
        }
    }

    @Test func spansOfTimeBeginAtMidnightInChina() async throws {
        try await withTestDatabase { db in
            let times = [
                "2013-02-28 15:59:59.999999+00", "2013-02-28 16:00:00+00", "2013-12-31 15:59:59.999999+00", "2013-12-31 16:00:00+00", "2014-03-31 15:30:00+00",
                "2014-03-31 16:00:00+00", nil,
            ]
            let rows = zip(Lighthouse.rows(times.count), times).map { row, time in
                var row = row
                row[6] = time
                return row
            }
            let release = try await db.publish(rows: rows)
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            let expected: [String: [String?]] = [
                "hour": ["2013-02-28 23:00:00+08", "2013-03-01 00:00:00+08", "2013-12-31 23:00:00+08", "2014-01-01 00:00:00+08", "2014-03-31 23:00:00+08", "2014-04-01 00:00:00+08", nil],
                "day": ["2013-02-28", "2013-03-01", "2013-12-31", "2014-01-01", "2014-03-31", "2014-04-01", nil],
                "month": ["2013-02", "2013-03", "2013-12", "2014-01", "2014-03", "2014-04", nil],
                "quarter": ["2013-Q1", "2013-Q4", "2014-Q1", "2014-Q2", nil], "year": ["2013", "2014", nil],
            ]
            for (bucket, keys) in expected {
                let query = try Self.query([("group_by", "\(bucket)(inspected_at)")], version)
                let found = Self.texts(try await store.aggregate(AggregateRead(version: version, query: query), isCurrent: true))
                #expect(found.map { $0[0] } == keys, "\(bucket)")
                #expect(found.compactMap { $0[1].flatMap { Int($0) } }.reduce(0, +) == times.count)
            }
            await store.close()
        }
    }

    @Test func numbersKeepEveryDigit() async throws {
        try await withTestDatabase { db in
            let field = { Field(name: $0, title: LocalizedText(zh: $0), type: $1, visibility: .public) }
            let schema = TableSchema(fields: [field("code", .code), field("amount", .decimal(precision: 38, scale: 2)), field("n", .integer)], primaryKey: ["code"])
            let big = "999999999999999999999999999999999999.99"
            let release = try await db.publish(
                schema: schema,
                rows: [["a", big, "9223372036854775807"], ["b", big, "9223372036854775807"], ["c", "-0.01", "-1"], ["d", nil, nil], ["e", "0.03", "2"]])
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            func ask(_ select: String, _ filter: (String, String)...) async throws -> [[String?]] {
                let query = try Self.query([("select", select)] + filter, version)
                return Self.texts(try await store.aggregate(AggregateRead(version: version, query: query), isCurrent: true))
            }
            #expect(try await ask("sum(amount),sum(n)", ("code__in", "a,b")) == [["1999999999999999999999999999999999999.98", "18446744073709551614"]])
            #expect(try await ask("avg(amount),avg(n)", ("code__in", "a,b,e")) == [["666666666666666666666666666666666666.670000", "6148914691236517205.3333"]])
            // Halves go away from zero, at the last digit that is shown.
            #expect(try await ask("avg(n),avg(amount)", ("code__in", "c,e")) == [["0.5000", "0.010000"]])
            #expect(try await ask("sum(amount),avg(amount),count(amount),count(*),min(n),p50(amount)", ("code", "d")) == [[nil, nil, "0", "1", nil, nil]])
            #expect(try await ask("sum(amount),count(*)", ("code", "nothing")) == [[nil, "0"]])
            await store.close()
        }
    }

    @Test func percentilesAreTheNearestRankWhateverTheCount() async throws {
        try await withTestDatabase { db in
            let schema = TableSchema(
                fields: [Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, visibility: .public), Field(name: "n", title: LocalizedText(zh: "数"), type: .integer, visibility: .public)],
                primaryKey: ["code"])
            let release = try await db.publish(schema: schema, rows: (1...100).map { ["\(1000 + $0)", "\($0)"] })
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            for start in stride(from: 1, to: 99, by: 16) {
                let shares = Array(start..<min(start + 16, 100))
                for count in [1, 3, 20, 25, 99, 100] {
                    let query = try Self.query([("select", shares.map { "p\($0)(n)" }.joined(separator: ",")), ("n__lte", "\(count)")], version)
                    let found = Self.texts(try await store.aggregate(AggregateRead(version: version, query: query), isCurrent: true))
                    #expect(found == [shares.map { String(($0 * count + 99) / 100) }], "of \(count)")
                }
            }
            await store.close()
        }
    }

    @Test func olderVersionsAreComputedAsTheyWere() async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(60)
            let release = try await db.publish(rows: rows)
            try await release.release(2, rows: [], removing: [[rows[5][0]!], [rows[6][0]!]])
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            for (number, count) in [(1, "60"), (2, "58")] {
                let version = try await released.find(release.dataset, version: number)
                let read = AggregateRead(version: version, query: try Self.query([], version))
                #expect(Self.texts(try await store.aggregate(read, isCurrent: false)) == [[count]])
                // The guard: of a version that is not current, nothing at all, also where there is no group.
                #expect(Self.texts(try await store.aggregate(read, isCurrent: true)) == (number == 2 ? [[count]] : []))
            }
            await store.close()
        }
    }

    @Test func whatWouldCostTooMuchIsRefusedBeforeItRuns() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(3000))
            try await db.database.execute("ANALYZE data.\(identifier: "d\(release.number)")")
            let store = try await db.openStore { $0.queryCost = 40 }
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            let wide = AggregateRead(version: version, query: try Self.query([("group_by", "name"), ("select", "p50(height)")], version))
            let problem = try #require(await #expect(throws: Problem.self) { try await store.aggregate(wide, isCurrent: true) })
            #expect(problem.code == .queryTooExpensive && problem.code.status == 422)
            #expect(problem.members[.costLimit] == "40" && problem.members[.estimatedCost].flatMap { Int($0) }.map { $0 > 40 } == true)
            #expect(problem.detail.zh.contains("inspected_at") && problem.detail.en?.contains("inspected_at, height, code") == true, "\(problem.detail)")
            // The same, narrowed as it says.
            let narrow = AggregateRead(version: version, query: try Self.query([("group_by", "name"), ("select", "p50(height)"), ("code", "L100007")], version))
            #expect(try await store.aggregate(narrow, isCurrent: true)?.count == 1)
            await store.close()
        }
    }

    /// A view that dawdles: the planner does not see it.
    private static func slowDown(_ release: TestRelease, _ db: TestDatabase, seconds: Double) async throws {
        let view = "d\(release.number)"
        for statement: SQL in [
            "ALTER VIEW published.\(identifier: view) RENAME TO \(identifier: view + "_was")",
            "CREATE VIEW published.\(identifier: view) AS SELECT * FROM published.\(identifier: view + "_was") WHERE pg_sleep(\(raw: String(seconds))) IS NOT NULL",
            "GRANT SELECT ON published.\(identifier: view) TO daylight_reader",
        ] { try await db.database.execute(statement) }
    }

    @Test func costlyQuestionsLeaveConnectionsToTheOthers() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(10))
            let store = try await db.openStore {
                $0.readerPool = 2
                $0.costlyRead = 0
            }
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            try await Self.slowDown(release, db, seconds: 0.3)
            let read = AggregateRead(version: version, query: try Self.query([], version))
            // One is answered at a time, two wait, two are refused at once.
            let outcomes = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        do {
                            let count = try await store.aggregate(read, isCurrent: true)?.count
                            #expect(count == 1)
                            return "answered"
                        } catch let problem as Problem {
                            #expect(problem.retryAfter != nil)
                            return problem.code.rawValue
                        }
                    }
                }
                group.addTask {
                    let found = try await store.readPooled("SELECT 1")
                    #expect(found.count == 1)
                    return "read"
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            // Nine seconds go by until the last answer.
            #expect(outcomes.last == "answered" && outcomes.contains("read"), "\(outcomes)")
            #expect(outcomes.filter { $0 == "answered" }.count == 3 && outcomes.filter { $0 == ProblemCode.overloaded.rawValue }.count == 2, "\(outcomes)")
            await store.close()
        }
    }

    @Test func whatTakesTooLongIsStopped() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(10))
            let store = try await db.openStore {
                $0.readerTimeout = 1
                $0.queryCost = .max
            }
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            try await Self.slowDown(release, db, seconds: 0.5)
            let read = AggregateRead(version: version, query: try Self.query([("group_by", "name")], version))
            let started = ContinuousClock.now
            let problem = await #expect(throws: Problem.self) { try await store.aggregate(read, isCurrent: true) }
            #expect(problem?.code == .statementTimeout && problem?.code.status == 503 && problem?.retryAfter != nil)
            #expect(ContinuousClock.now - started < .seconds(20))
            await store.close()
        }
    }
}
