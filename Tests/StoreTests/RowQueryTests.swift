import Model
import Postgres
import TestSupport
import Testing

@testable import Store

/// Questions about rows, held against a plain evaluation of the same tree over all rows.
@Suite struct RowQueryTests {
    /// Values of one row as the view shows them, by field.
    typealias Values = [String: String?]

    @Test func randomQuestionsGiveWhatAPlainEvaluationGives() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(300))
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            let version = try await released.find(release.dataset, version: nil)
            let all = try await Self.everything(version, store)
            #expect(all.count == 300)
            var random = Generator(seed: 7)
            for round in 0..<300 {
                var query = RowQuery(limit: [1, 7, 50, 400][random.below(4)])
                query.predicate = random.below(4) == 0 ? nil : Self.predicate(&random, all, depth: 2)
                query.sort = Self.sort(&random)
                let expected = all.filter { Self.holds(query.predicate, $0) == true }.sorted { Self.precedes($0, $1, query.sort, version.schema) }
                for isCurrent in [true, false] {
                    let found = try await Self.pages(version, query, store, isCurrent: isCurrent)
                    #expect(found == expected.map { $0["code"]! }, "round \(round), current \(isCurrent): \(query)")
                    if found != expected.map({ $0["code"]! }) { break }
                }
            }
            await store.close()
        }
    }

    @Test func olderVersionsAreReadAsTheyWere() async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(60)
            let release = try await db.publish(rows: rows)
            var changed = rows[3]
            changed[1] = "改名"
            try await release.release(2, rows: [changed], removing: [[rows[5][0]!]])
            var added = rows[4]
            added[0] = "L999999"
            try await release.release(3, rows: [added], removing: [[rows[3][0]!]])
            let store = try await db.openStore()
            let released = ReleasedDatasets(store: store)
            let codes = rows.compactMap { $0[0] }
            let expected = [1: codes, 2: codes.filter { $0 != codes[5] }, 3: codes.filter { $0 != codes[5] && $0 != codes[3] } + ["L999999"]]
            for (number, codes) in expected {
                let version = try await released.find(release.dataset, version: number)
                #expect(try await Self.pages(version, RowQuery(limit: 9), store, isCurrent: false) == codes)
            }
            let second = try await released.find(release.dataset, version: 2)
            let row = try await store.row(second, key: [codes[3]], isCurrent: false)
            #expect(row.map { Self.text($0.rows, 0, 1) } == "改名")
            // Among the current rows an old version finds those that have stood since then, never another version's; of pages, nothing at all.
            #expect(try await store.row(second, key: [codes[0]], isCurrent: true) != nil)
            #expect(try await store.row(second, key: [codes[3]], isCurrent: true) == nil)
            #expect(try await store.row(second, key: ["L999999"], isCurrent: true) == nil)
            #expect(try await store.page(PageRead(version: second, query: RowQuery()), isCurrent: true).count == 0)
            await store.close()
        }
    }

    /// Rows with a value stand before rows without: no plan may read the two parts side by side.
    @Test func rowsWithoutAValueComeBehindTheOthers() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(3000))
            try await release.release(2, rows: [])
            try await db.database.execute("ANALYZE data.\(identifier: "d\(release.number)")")
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: 1)
            let query = try RowQuery(parameters: [(name: "sort", value: "-height,name")], fields: version.queryable)
            let sql = PageRead(version: version, query: query).sql(isCurrent: false, isLimited: false)
            func plan(_ settings: String) async throws -> String {
                try await store.reader.transaction(TransactionOptions(readOnly: true)) { connection in
                    try await connection.executeScript("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0; \(settings)")
                    return try await connection.execute("EXPLAIN \(sql)").map { try $0.read(String.self, 0) }.joined(separator: "\n")
                }
            }
            #expect(try await plan("SET LOCAL enable_parallel_append = on").contains("Parallel Append"), "so that the next line says something")
            let safe = try await plan("")
            #expect(safe.contains("Append") && !safe.contains("Parallel Append"), "\(safe)")
            await store.close()
        }
    }

    @Test(arguments: ["", "height", "-height", "-height,code"]) func pagesComeFromAnIndex(sort: String) async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(3000))
            try await db.database.execute("ANALYZE data.\(identifier: "d\(release.number)")")
            let store = try await db.openStore()
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            let parameters = sort.isEmpty ? [] : [(name: "sort", value: sort)]
            let query = try RowQuery(parameters: parameters + [(name: "limit", value: "10")], fields: version.queryable)
            let first = try await store.page(PageRead(version: version, query: query), isCurrent: true)
            for read in [PageRead(version: version, query: query), PageRead(version: version, query: query, after: first.lastValues)] {
                let plan = try await store.reader.execute("EXPLAIN \(read.sql(isCurrent: true))").map { Self.text($0.rows, $0.index, 0) ?? "" }
                #expect(plan.contains { $0.contains("Index") }, "\(plan.joined(separator: "\n"))")
                #expect(!plan.contains { $0.contains("Seq Scan on d\(release.number)") }, "\(plan.joined(separator: "\n"))")
            }
            await store.close()
        }
    }

    // MARK: the plain evaluation

    static func text(_ rows: RowSet, _ row: Int, _ column: Int) -> String? {
        rows.bytes(row, column).map { String(decoding: $0, as: UTF8.self) }
    }

    static func everything(_ version: ReleasedVersion, _ store: Store) async throws -> [Values] {
        let page = try await store.page(PageRead(version: version, query: RowQuery(limit: 10_000)), isCurrent: true)
        let names = version.schema.publicFields.map(\.name)
        return (0..<page.count).map { row in
            Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, text(page.rows, row, $0)) })
        }
    }

    static func pages(_ version: ReleasedVersion, _ query: RowQuery, _ store: Store, isCurrent: Bool) async throws -> [String] {
        var codes: [String] = []
        var after: [String?]?
        for _ in 0..<1000 {
            var query = query
            query.fields = ["code"]
            let page = try await store.page(PageRead(version: version, query: query, after: after), isCurrent: isCurrent)
            codes += (0..<page.count).map { text(page.rows, $0, 0)! }
            guard page.hasMore else { return codes }
            after = page.lastValues
        }
        return codes
    }

    static func sort(_ random: inout Generator) -> [RowQuery.SortField] {
        var names = ["name", "height", "steps", "lit_on", "inspected_at", "season", "keeper", "code"]
        return (0..<random.below(4)).map { _ in
            RowQuery.SortField(names.remove(at: random.below(names.count)), descending: random.below(2) == 0)
        }
    }

    static func predicate(_ random: inout Generator, _ rows: [Values], depth: Int) -> Predicate {
        if depth > 0, random.below(3) > 0 {
            let parts = (0..<random.below(3) + 1).map { _ in predicate(&random, rows, depth: depth - 1) }
            return [.and(parts), .or(parts), .not(parts[0]), .isUndecided(parts[0])][random.below(4)]
        }
        let ordered = ["code", "name", "height", "steps", "lit_on", "inspected_at", "season", "keeper"]
        let name = ordered[random.below(ordered.count)]
        let value = (rows[random.below(rows.count)][name] ?? nil) ?? (rows.compactMap { $0[name] ?? nil }.first ?? "")
        switch random.below(8) {
        case 5:
            let (a, b) = (number(&random, rows, depth: 2), number(&random, rows, depth: 2))
            return .relation(a, Predicate.Comparison.allCases[random.below(6)], b)
        case 6:
            let folded = Predicate.Term.folded(.field("name", .text))
            let literal = [value, "STRASSE", "ünïcödé", "A,B", "LıKE"][random.below(5)]
            return random.below(2) == 0
                ? .relation(folded, [.equal, .notEqual][random.below(2)], .folded(.literal(literal, .text)))
                : .matches(folded, pattern: .folded(.literal(["%A%", "_I%", "ünï%", "say%", "%\\%%"][random.below(5)], .text)))
        case 7:
            if random.below(2) == 0 { return .isMissing(number(&random, rows, depth: 2)) }
            if random.below(2) == 0 { return .compare(field: "lit_on", Predicate.Comparison.allCases[random.below(6)], value: ["infinity", "-infinity"][random.below(2)]) }
            return .relation(.field("name", .text), Predicate.Comparison.allCases[random.below(6)], .field("keeper", .text))
        case 0: return .isNull(field: name)
        case 1: return .isIn(field: name, values: [value] + (0..<3).compactMap { _ in rows[random.below(rows.count)][name] ?? nil })
        case 2: return .compare(field: "automated", [.equal, .notEqual][random.below(2)], value: random.below(2) == 0 ? "true" : "false")
        case 3: return .like(field: "name", pattern: ["%a%", "_i%", "灯_", "%\\%%", "%"][random.below(5)])
        default: return .compare(field: name, Predicate.Comparison.allCases[random.below(6)], value: value)
        }
    }

    static func number(_ random: inout Generator, _ rows: [Values], depth: Int) -> Predicate.Term {
        if depth > 0, random.below(2) == 0 {
            let operation = Predicate.Term.Operation.allCases[random.below(7)]
            // Powers stay small, so that the plain evaluation is exact.
            if operation == .power { return .arithmetic(.power, number(&random, rows, depth: 0), .literal(["0", "1", "2"][random.below(3)], .number)) }
            return .arithmetic(operation, number(&random, rows, depth: depth - 1), number(&random, rows, depth: depth - 1))
        }
        return [.field("height", .number), .field("steps", .number), .literal(["0", "1", "-2", "2.5", "10"][random.below(5)], .number)][random.below(3)]
    }

    /// The value of a term; nil for a missing one.
    static func value(_ term: Predicate.Term, _ row: Values) -> String? {
        switch term {
        case .field(let name, _): return row[name] ?? nil
        case .literal(let value, _): return value
        case .folded(let part): return value(part, row).map { $0.lowercased().uppercased() }
        case .arithmetic(let operation, let left, let right):
            guard let a = value(left, row), let b = value(right, row) else { return nil }
            return ExactNumber.result(operation.rawValue, a, b)
        }
    }

    /// Three values, as in SQL: nil where a missing value leaves it open.
    static func holds(_ predicate: Predicate?, _ row: Values) -> Bool? {
        switch predicate {
        case nil: return true
        case .and(let parts):
            let results = parts.map { holds($0, row) }
            return results.contains(false) ? false : results.contains(nil) ? nil : true
        case .or(let parts):
            let results = parts.map { holds($0, row) }
            return results.contains(true) ? true : results.contains(nil) ? nil : false
        case .not(let part): return holds(part, row).map { !$0 }
        case .isNull(let field): return (row[field] ?? nil) == nil
        case .isIn(let field, let values): return (row[field] ?? nil).map { value in values.contains { order(value, $0, field) == 0 } }
        case .relation(let left, let comparison, let right):
            guard let a = value(left, row), let b = value(right, row) else { return nil }
            return holds(comparison, order(a, b, left.kind == .number ? "height" : "name"))
        case .matches(let term, let pattern):
            guard let text = value(term, row), let pattern = value(pattern, row) else { return nil }
            return matches(Array(text.unicodeScalars)[...], Array(pattern.unicodeScalars)[...])
        case .isMissing(let term): return value(term, row) == nil
        case .isUndecided(let part): return holds(part, row) == nil
        case .like(_, let pattern): return (row["name"] ?? nil).map { matches(Array($0.unicodeScalars)[...], Array(pattern.unicodeScalars)[...]) }
        case .compare(let field, let comparison, let value):
            guard var own = row[field] ?? nil else { return nil }
            if field == "automated" { own = own == "t" ? "true" : "false" }
            if value.hasSuffix("infinity") { return holds(comparison, value == "infinity" ? -1 : 1) }
            return holds(comparison, order(own, value, field))
        }
    }

    static func holds(_ comparison: Predicate.Comparison, _ order: Int) -> Bool {
        switch comparison {
        case .equal: order == 0
        case .notEqual: order != 0
        case .greater: order > 0
        case .greaterOrEqual: order >= 0
        case .less: order < 0
        case .lessOrEqual: order <= 0
        }
    }

    static func matches(_ text: ArraySlice<UnicodeScalar>, _ pattern: ArraySlice<UnicodeScalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        switch first {
        case "%": return matches(text, pattern.dropFirst()) || (!text.isEmpty && matches(text.dropFirst(), pattern))
        case "_": return !text.isEmpty && matches(text.dropFirst(), pattern.dropFirst())
        case "\\": return text.first == pattern.dropFirst().first && matches(text.dropFirst(), pattern.dropFirst(2))
        default: return text.first == first && matches(text.dropFirst(), pattern.dropFirst())
        }
    }

    static func order(_ a: String, _ b: String, _ field: String) -> Int {
        if field == "height" || field == "steps" { return ExactNumber.order(a, b) }
        // The spellings of dates and of datetimes in one offset sort as their bytes do; a fraction comes before the sign of the offset.
        let (left, right) = field == "inspected_at" ? (a.replacing("+08", with: ""), b.replacing("+08", with: "")) : (a, b)
        return left == right ? 0 : left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
    }

    static func precedes(_ a: Values, _ b: Values, _ sort: [RowQuery.SortField], _ schema: TableSchema) -> Bool {
        var sort = sort
        if !sort.contains(where: { $0.field == "code" }) { sort.append(RowQuery.SortField("code", descending: sort.last?.descending ?? false)) }
        for field in sort {
            switch (a[field.field] ?? nil, b[field.field] ?? nil) {
            case (nil, nil): continue
            case (nil, _): return false
            case (_, nil): return true
            case (let x?, let y?):
                let order = order(x, y, field.field)
                if order != 0 { return field.descending ? order > 0 : order < 0 }
            }
        }
        return false
    }
}

/// The same numbers in every run.
struct Generator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}

/// Which questions may share an event loop's connection.
@Suite struct ShortPageTests {
    @Test(arguments: [
        ("", true), ("sort=-code", true), ("code=L1", true), ("code__gt=L1", true), ("sort=height", true), ("height__gte=3&sort=-height", true),
        ("name=x", false), ("name=x&sort=height", false), ("sort=name", false), ("filter=code>'L1'", true), ("filter=CASEI(code)='l1'", false), ("code__like=%25x", false), ("steps__null=true", false), ("limit=5000", false),
        ("city=a&sort=lit_on", true), ("city=a&lit_on__gt=2020-01-01&sort=lit_on,code", true), ("city__gt=a&sort=lit_on", false), ("city=a&sort=lit_on,-code", false),
    ]) func questionsThatAnIndexAnswersAreShort(question: String, isShort: Bool) throws {
        var schema = Lighthouse.schema
        schema.fields.append(Field(name: "city", title: LocalizedText(zh: "市"), type: .text, visibility: .public))
        schema.indexes.append(["city", "lit_on", "code"])
        let parameters = question.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1)
            return (name: String(parts[0]), value: String(parts[1]).replacing("%25", with: "%"))
        }
        for (rows, expected) in [(1_000_000, isShort), (100, !question.contains("CASEI"))] {
            let version = ReleasedVersion(
                dataset: "lighthouse", datasetNumber: 1, number: 1, digest: "", rowCount: rows, byteCount: 0, schema: schema,
                releasedAt: Timestamp(microseconds: 0), withdrawal: nil, isWithdrawn: false)
            let query = try RowQuery(parameters: parameters, fields: version.queryable)
            #expect(PageRead(version: version, query: query).isShort(isCurrent: true) == expected, "\(question) over \(rows) rows")
        }
    }
}
