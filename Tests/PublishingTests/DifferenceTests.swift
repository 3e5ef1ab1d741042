import Model
import NIOCore
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// Differences between versions that pushes made, held against a plain comparison of the rows that the two versions give.
@Suite struct DifferenceTests {
    /// A key of two fields whose order is not that of the columns, a hidden field, and one that is hidden at first.
    static let schema = TableSchema(
        fields: [
            Field(name: "number", title: LocalizedText(zh: "序号"), type: .integer, required: true, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "名称"), type: .text, visibility: .public),
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, required: true, visibility: .public),
            Field(name: "height", title: LocalizedText(zh: "塔高"), type: .decimal(precision: 8, scale: 2), visibility: .public),
            Field(name: "keeper", title: LocalizedText(zh: "守塔人"), type: .text, visibility: .public, mask: .name),
            Field(name: "lit", title: LocalizedText(zh: "在用"), type: .boolean, visibility: .public),
            Field(name: "grade", title: LocalizedText(zh: "等级"), type: .integer, visibility: .department),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .integer, visibility: .department),
        ],
        primaryKey: ["code", "number"])

    typealias Entry = [String: JSONValue]

    @Test func appliedToTheOlderRowsItGivesTheNewer() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            var random = SeededNumbers(seed: 11)
            var schema = Self.schema
            var columns = schema.fields.map(\.name)
            var last = 0
            for round in 0..<14 {
                if round == 6 {
                    schema.fields.insert(Field(name: "note", title: LocalizedText(zh: "备注"), type: .text, visibility: .public), at: 2)
                    columns = schema.fields.map(\.name)
                    try await shop.declare(schema)
                } else if round == 10 {
                    schema.fields[schema.fields.firstIndex { $0.name == "grade" }!].visibility = .public
                    try await shop.declare(schema)
                }
                let mode: PushMode = round == 0 ? .replace : [.replace, .upsert, .upsert, .append][random.below(4)]
                // What is appended must be new.
                let numbers = mode == .append ? (100 * round)..<(100 * round + 5) : 0..<(mode == .replace ? 20 : 6)
                let lines = numbers.flatMap { number in ["A", "é"].compactMap { code in random.below(8) == 0 ? nil : Self.line(columns, code, number, &random) } }
                let report = try await shop.push((["\(columns.joined(separator: ","))"] + lines).joined(separator: "\n") + "\n", mode)
                if report.push.state != .unchanged { last = try await shop.release(report).number }
            }
            try #require(last > 9)
            let released = ReleasedDatasets(store: shop.store)
            var states: [[String: Entry]] = [[:]], versions: [ReleasedVersion?] = [nil]
            for number in 1...last {
                let version = try await released.find(shop.dataset, version: number)
                versions.append(version)
                states.append(try await Self.rows(version, shop.store))
            }
            for old in 0...last {
                for new in max(1, old)...last {
                    let to = try #require(versions[new])
                    for fields in [nil, ["lit"], ["code", "height", "name"]] as [[String]?] {
                        let read = DifferenceRead(from: versions[old], to: to, query: RowQuery(fields: fields))
                        let found = try await Self.lines(shop.store.ndjson(read))
                        let expected = Self.difference(states[old], states[new], fields: fields, shown: versions[old]?.schema.publicFields.map(\.name) ?? [])
                        #expect(found == expected, "\(old) to \(new), \(fields ?? [])")
                        if found != expected { return }
                    }
                }
            }
        }
    }

    @Test func aRowBelongsToItWhereOneOfItsStatesMeetsTheCondition() async throws {
        try await Workshop.with { shop in
            try await shop.publish("code,name,height\nA,a,1\nB,b,2\nC,c,3\nD,d,4\n")
            try await shop.publish("code,name,height\nA,x,1\nB,b,20\nC,c,30.5\nE,e,5\n")
            let released = ReleasedDatasets(store: shop.store)
            let (one, two) = (try await released.find(shop.dataset, version: 1), try await released.find(shop.dataset, version: 2))
            func keys(_ parameters: [(name: String, value: String)]) async throws -> [String] {
                let query = try RowQuery(parameters: parameters, fields: two.queryable)
                return try await Self.lines(shop.store.ndjson(DifferenceRead(from: one, to: two, query: query))).compactMap { $0["key"]?["code"]?.string }
            }
            #expect(try await keys([]) == ["A", "B", "C", "D", "E"])
            #expect(try await keys([("height__lt", "3")]) == ["A", "B"])
            #expect(try await keys([("height__gte", "20")]) == ["B", "C"])
            #expect(try await keys([("code__in", "A,D,E")]) == ["A", "D", "E"])
            #expect(try await keys([("filter", "name = 'x' OR height = 4")]) == ["A", "D"])
            #expect(try await keys([("height__lt", "3"), ("fields", "height")]) == ["B"])
        }
    }

    // MARK: the plain comparison

    private static func line(_ columns: [String], _ code: String, _ number: Int, _ random: inout SeededNumbers) -> String {
        columns.map { column in
            switch column {
            case "code": code
            case "number": String(number)
            case "name": ["", "a", "\"b,c\"", "\"say \"\"x\"\"\""][random.below(4)]
            case "height": ["", "1", "2.50"][random.below(3)]
            case "keeper": ["张三", "张四", "李四"][random.below(3)]
            case "lit": ["", "true", "false"][random.below(3)]
            case "grade": ["", "1"][random.below(2)]
            case "note": ["", "n"][random.below(2)]
            default: String(random.below(3))
            }
        }.joined(separator: ",")
    }

    private static func lines(_ stream: RowStream) async throws -> [Entry] {
        var text = ByteBuffer()
        for try await var buffer in stream { text.writeBuffer(&buffer) }
        return try String(buffer: text).split(separator: "\n").map { try #require(try JSONValue(json: String($0)).object) }
    }

    /// Rows by the text of their key, which sorts as the key does.
    private static func rows(_ version: ReleasedVersion, _ store: Store) async throws -> [String: Entry] {
        let rows = try await lines(store.ndjson(PageRead(version: version, query: RowQuery())))
        return Dictionary(uniqueKeysWithValues: rows.map { row in
            let number = String(row["number"]?.int ?? 0)
            return ((row["code"]?.string ?? "") + " " + String(repeating: "0", count: 9 - number.count) + number, row)
        })
    }

    private static func difference(_ old: [String: Entry], _ new: [String: Entry], fields: [String]?, shown: [String]) -> [Entry] {
        func values(_ row: Entry, _ isIncluded: (String) -> Bool) -> Entry {
            row.filter { name, _ in name != "code" && name != "number" && fields?.contains(name) ?? true && isIncluded(name) }
        }
        return Set(old.keys).union(new.keys).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { key in
            let row = new[key] ?? old[key] ?? [:]
            var entry: Entry = ["key": .object(row.filter { $0.key == "code" || $0.key == "number" })]
            switch (old[key], new[key]) {
            case (nil, let new?):
                entry["change"] = .string("added")
                entry["new"] = .object(values(new) { _ in true })
            case (let old?, nil):
                entry["change"] = .string("removed")
                entry["old"] = .object(values(old) { _ in true })
            case (let old?, let new?):
                let names = values(new) { new[$0] ?? .null != old[$0] ?? .null }.keys
                if names.isEmpty { return nil }
                entry["change"] = .string("changed")
                entry["old"] = .object(Dictionary(uniqueKeysWithValues: names.map { ($0, old[$0] ?? .null) }))
                entry["new"] = .object(Dictionary(uniqueKeysWithValues: names.map { ($0, new[$0] ?? .null) }))
            case (nil, nil): return nil
            }
            return entry
        }
    }
}

extension Workshop {
    /// Gives the dataset another schema, as an edit of its description does.
    func declare(_ schema: TableSchema) async throws {
        try await db.database.execute("UPDATE daylight.dataset SET schema = \(JSONB(try JSON.encode(schema))) WHERE id = \(dataset)")
    }
}

/// The same numbers in every run.
private struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % bound
    }
}
