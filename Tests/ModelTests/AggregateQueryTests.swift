import Model
import Testing

@Suite struct AggregateQueryTests {
    private static let schema: TableSchema = {
        func field(_ name: String, _ type: FieldType, _ visibility: Visibility = .public, mask: Mask? = nil) -> Field {
            Field(name: name, title: LocalizedText(zh: name), type: type, visibility: visibility, mask: mask)
        }
        return TableSchema(
            fields: [
                field("region", .code), field("name", .text), field("amount", .decimal(precision: 20, scale: 2)), field("staff", .integer),
                field("observed_at", .datetime), field("day", .date), field("season", .period), field("open", .boolean), field("extra", .json),
                field("owner", .text, mask: .name), field("secret", .decimal(precision: 20, scale: 2), .department), field("phone", .code, .private),
            ],
            primaryKey: ["region"])
    }()

    private static func read(_ parameters: (name: String, value: String)...) throws -> AggregateQuery {
        try AggregateQuery(parameters: parameters, filterable: QueryableFields(schema), aggregable: QueryableFields(unmasked: schema))
    }

    private static func problem(_ parameters: (name: String, value: String)...) -> Problem? {
        do {
            _ = try AggregateQuery(parameters: parameters, filterable: QueryableFields(schema), aggregable: QueryableFields(unmasked: schema))
            return nil
        } catch {
            return error as? Problem
        }
    }

    @Test func everyFormHasItsColumn() throws {
        let query = try Self.read(
            ("group_by", "region,hour(observed_at), month( observed_at ),quarter(day),year(season),prefix(region,4),prefecture(region),open"),
            ("select", "count(*),count(amount),count_distinct(name),sum(amount),avg(amount),avg(staff),min(day),max(name),p5(amount),p95(observed_at)"))
        #expect(
            query.columns.map { "\($0.name) \($0.type)" } == [
                "region code", "hour_observed_at datetime", "month_observed_at period", "quarter_day period", "year_season period", "prefix_region_4 text",
                "prefecture_region code", "open boolean", "count integer", "count_amount integer", "count_distinct_name integer", "sum_amount decimal(38,2)",
                "avg_amount decimal(38,6)", "avg_staff decimal(38,4)", "min_day date", "max_name text", "p5_amount decimal(20,2)", "p95_observed_at datetime",
            ])
    }

    @Test func withoutAnythingAllRowsAreCounted() throws {
        let query = try Self.read()
        #expect(query.columns.map(\.name) == ["count"] && query.groupBy.isEmpty && query.limit == 100 && query.version == nil && query.predicate == nil)
    }

    @Test func conditionsAndOrderNameColumnsOfTheAnswer() throws {
        let query = try Self.read(
            ("group_by", "region"), ("select", "sum(amount),count(*),max(name)"), ("having", "sum_amount__gte=-10.5,count=3,\"max_name__ne=a,b=c\""),
            ("sort", "-sum_amount,region"), ("limit", "10000"), ("version", "7"), ("staff__gt", "3"))
        #expect(query.having.map { "\($0.measure) \($0.comparison.rawValue) \($0.value)" } == ["0 gte -10.5", "1 eq 3", "2 ne a,b=c"])
        #expect(query.sort.map { "\($0.column) \($0.descending)" } == ["1 true", "0 false"])
        #expect(query.limit == 10_000 && query.version == 7 && query.predicate == .compare(field: "staff", .greater, value: "3"))
    }

    @Test(arguments: [
        ("group_by", "", "character 1"), ("group_by", "region,", "character 8"), ("group_by", "month(observed_at", "missing"), ("group_by", "region)", "character 7"),
        ("group_by", "month(year(day))", "do not nest"), ("group_by", "week(day)", "no week"), ("group_by", "region,  hour(day)", "character 10"),
        ("group_by", "month(season)", "year"), ("group_by", "month(name)", "datetime"), ("group_by", "prefix(region)", "prefix(field,n)"),
        ("group_by", "prefix(region,0)", "1 to 64"), ("group_by", "prefix(region,65)", "1 to 64"), ("group_by", "prefix(staff,2)", "code and text"),
        ("group_by", "county(name)", "division codes"), ("group_by", "province()", "no field"), ("group_by", "county(region,2)", "county(field)"),
        ("group_by", "extra", "json"), ("group_by", "region,region", "write each once"), ("group_by", "month(day)x", "comma"), ("group_by", "day()", "no field"),
        ("group_by", "day(day,day)", "day(field)"), ("select", "amount", "inside a function"), ("select", "total(amount)", "no such function"),
        ("select", "sum(*)", "count(*) alone"), ("select", "sum(name)", "no meaning"), ("select", "sum()", "no field"), ("select", "sum(amount,staff)", "sum(field)"),
        ("select", "p0(amount)", "no such function"), ("select", "p100(amount)", "no such function"), ("select", "p05(amount)", "no such function"),
        ("select", "p50(name)", "no meaning"), ("select", "min(open)", "no meaning"), ("select", "count_distinct(extra)", "no meaning"),
        ("select", "count(*),count(*)", "write each once"), ("select", "sum(amount); drop table", "comma"), ("having", "count", "column__operator=value"),
        ("having", "sum_amount__gt=3", "no column"), ("having", "count__like=3", "no such operator"), ("having", "count__gt=x", "integer"), ("having", "count__gt=1.5", "integer"),
        ("having", "\"count=3", "unbalanced"), ("sort", "region", "no column"), ("sort", "count,-count", "twice"), ("sort", "", "no column"), ("limit", "0", "1 to 10000"),
        ("limit", "10001", "1 to 10000"), ("limit", "ten", "1 to 10000"),
    ]) func faultsNameThePlaceAndTheCure(name: String, value: String, words: String) throws {
        let problem = try #require(Self.problem((name, value)))
        #expect(problem.code.status == 400)
        let place = try #require(problem.places.first)
        #expect(place.place == name)
        #expect(place.message.en?.contains(words) == true, "\(place.message)")
        #expect(place.message.zh.unicodeScalars.contains { $0.value > 0x4E00 })
    }

    @Test func boundsHold() {
        let many = (1...17).map { "p\($0)(amount)" }.joined(separator: ",")
        #expect(Self.problem(("select", many))?.code == .invalidAggregate)
        #expect(Self.problem(("group_by", (1...9).map { "prefix(region,\($0))" }.joined(separator: ",")))?.code == .invalidAggregate)
        #expect(Self.problem(("having", "count__gt=1\(String(repeating: "0", count: 1024))"))?.places.first?.message.en?.hasSuffix("a value has at most 1024 bytes") == true)
        #expect(Self.problem(("having", (1...17).map { "count__gt=\($0)" }.joined(separator: ",")))?.code == .invalidAggregate)
        #expect(Self.problem(("select", "count(*)"), ("select", "count(*)"))?.code == .invalidAggregate)
        #expect(Self.problem(("fields", "region"))?.code == .unknownParameter)
        #expect(Self.problem(("cursor", "x"))?.code == .unknownParameter)
        #expect(Self.problem(("nothing", "1"))?.code == .unknownField)
    }

    /// A sign and a combining mark behind it are one character, and two code points.
    @Test func aCombiningMarkHidesNoSign() throws {
        let query = try Self.read(("select", "max(name),min(name)"), ("having", "max_name=\u{301}a,min_name__ne=,max_name__gt=\u{301}"))
        #expect(query.having.map { "\($0.measure) \($0.comparison.rawValue) \($0.value)" } == ["0 eq \u{301}a", "1 ne ", "0 gt \u{301}"])
        #expect(Self.problem(("select", "count(*),\u{301}"))?.places.first?.message.en?.hasPrefix("at character 10, \u{301}:") == true)
        #expect(Self.problem(("group_by", "prefix(region,\u{301}2)"))?.places.first?.message.en?.contains("write prefix(field,n)") == true)
        #expect(Self.problem(("sort", "count,\u{301}"))?.places.first?.message.en?.contains("no column \u{301};") == true)
    }

    @Test(arguments: ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]) func instantsHaveYearsOfFourDigits(text: String) {
        let place = Self.problem(("select", "max(observed_at)"), ("having", "max_observed_at__gt=\(text)"))?.places.first
        #expect(place?.place == "having" && place?.message.en?.contains("9999-12-31T23:59:59.999999+08:00") == true)
    }

    /// A hidden field, a masked one and a name that nobody uses are told the same.
    @Test(arguments: ["secret", "phone", "owner", "nobody"]) func hiddenFieldsAreNotThere(name: String) throws {
        for (parameter, form) in [
            ("group_by", "X"), ("group_by", "prefix(X,2)"), ("group_by", "month(X)"), ("select", "sum(X)"), ("select", "count(X)"), ("select", "p50(X)"), ("select", "X"),
            ("select", "count_distinct(X)"),
        ] {
            func told(_ name: String) -> String? {
                Self.problem((parameter, form.replacing("X", with: name))).map { "\($0.code) \($0.detail.zh) \($0.places)".replacing(name, with: "X") }
            }
            #expect(told(name) != nil && told(name) == told("nothing"), "\(form)")
        }
    }

    @Test func whateverIsWrittenIsReadOrRefused() {
        let pieces = ["sum", "(", ")", ",", "amount", "*", "count", "month", "region", " ", "p95", "prefix", "4", "__", "gte", "=", "-", "\"", "\u{0}", "灯", "day"]
        var state: UInt64 = 11
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var read = 0
        for _ in 0..<20_000 {
            func text() -> String { (0..<below(9)).map { _ in pieces[below(pieces.count)] }.joined() }
            do {
                let query = try Self.read(("group_by", text()), ("select", text()), ("having", "count=1"), ("sort", text()))
                read += query.columns.isEmpty ? 0 : 1
            } catch {
                #expect((error as? Problem)?.code.status == 400)
            }
            if (try? Self.read(("group_by", text()))) != nil { read += 1 }
        }
        #expect(read > 0)
    }
}
