import Model
import Testing

/// Random parameters: whatever comes, there is a question that keeps its bounds, or a problem that names a place. Never a crash.
@Suite struct RowQueryFuzzTests {
    private static let pieces = [
        "code", "height", "steps", "seen_at", "season", "lamps", "spot", "budget", "sort", "fields", "limit", "cursor", "version", "filter", "filter-lang", "__", "_", "eq", "ne", "gt",
        "gte", "in", "like", "null", "-", ",", "\"", "\\", "%", "true", "1", "0", ".", "+", " ", "2023", "-01", "Q4", "T00:00:00", "Z", "+08:00", "9223372036854775807",
        "汉", "é", "\u{0}", "\u{7F}", "\u{202E}", "😀", "'", ";", "$1", "--", "/*", "NaN", "Infinity", "e9",
    ]

    private let fields = QueryableFields(
        TableSchema(
            fields: [
                Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, visibility: .public),
                Field(name: "height", title: LocalizedText(zh: "高"), type: .decimal(precision: 6, scale: 2), visibility: .public),
                Field(name: "steps", title: LocalizedText(zh: "级"), type: .integer, visibility: .public),
                Field(name: "seen_at", title: LocalizedText(zh: "时间"), type: .datetime, visibility: .public),
                Field(name: "season", title: LocalizedText(zh: "季"), type: .period, visibility: .public),
                Field(name: "spot", title: LocalizedText(zh: "位置"), type: .geoPoint, visibility: .public),
                Field(name: "lamps", title: LocalizedText(zh: "灯"), type: .json, visibility: .public),
                Field(name: "budget", title: LocalizedText(zh: "预算"), type: .decimal(precision: 20, scale: 2), visibility: .private),
            ],
            primaryKey: ["code"]
        ))

    @Test(arguments: [1, 2, 3, 4] as [UInt64]) func anythingIsAQuestionOrAProblem(seed: UInt64) {
        var state = seed
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        func text() -> String { (0..<below(7)).map { _ in Self.pieces[below(Self.pieces.count)] }.joined() }
        var questions = 0
        for _ in 0..<5_000 {
            let parameters = (0..<below(5)).map { _ in
                below(2) == 0 ? (name: text(), value: text()) : (name: Self.pieces[below(15)] + "__" + Self.pieces[17 + below(6)], value: text())
            }
            do {
                let query = try RowQuery(parameters: parameters, fields: fields)
                questions += 1
                #expect(RowQuery.limits.contains(query.limit))
                #expect((query.predicate?.conditionCount ?? 0) <= Predicate.Limits.conditions)
                #expect(query.sort.count <= RowQuery.sortFields)
                let asked = query.predicate?.fields ?? []
                #expect(asked.union(query.sort.map(\.field)).union(query.fields ?? []).isDisjoint(with: ["budget"]))
            } catch let problem as Problem {
                #expect(problem.code.status == 400)
                #expect(!problem.places.isEmpty && problem.places.count <= 20)
            } catch {
                Issue.record("\(error)")
            }
            _ = RowKey.values(text(), fields: [])
        }
        #expect(questions > 100)
    }
}
