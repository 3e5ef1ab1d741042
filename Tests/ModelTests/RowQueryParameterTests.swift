import Model
import Testing

@Suite struct RowQueryParameterTests {
    private let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, visibility: .public),
            Field(name: "height", title: LocalizedText(zh: "高"), type: .decimal(precision: 6, scale: 2), visibility: .public),
            Field(name: "steps", title: LocalizedText(zh: "级"), type: .integer, visibility: .public),
            Field(name: "automated", title: LocalizedText(zh: "自动"), type: .boolean, visibility: .public),
            Field(name: "lit_on", title: LocalizedText(zh: "启用"), type: .date, visibility: .public),
            Field(name: "seen_at", title: LocalizedText(zh: "时间"), type: .datetime, visibility: .public),
            Field(name: "season", title: LocalizedText(zh: "季"), type: .period, visibility: .public),
            Field(name: "lamps", title: LocalizedText(zh: "灯"), type: .json, visibility: .public),
            Field(name: "limit", title: LocalizedText(zh: "限"), type: .integer, visibility: .public),
            Field(name: "odd__name", title: LocalizedText(zh: "怪"), type: .text, visibility: .public),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .decimal(precision: 20, scale: 2), visibility: .department),
        ],
        primaryKey: ["code"]
    )

    private func read(_ pairs: (String, String)...) throws -> RowQuery {
        try RowQuery(parameters: pairs.map { (name: $0.0, value: $0.1) }, fields: QueryableFields(schema))
    }

    private func problem(_ pairs: (String, String)...) -> Problem? {
        do {
            _ = try RowQuery(parameters: pairs.map { (name: $0.0, value: $0.1) }, fields: QueryableFields(schema))
            return nil
        } catch {
            return error as? Problem
        }
    }

    @Test func conditionsAreTypedAndJoined() throws {
        let query = try read(("code", "007"), ("steps__gte", "+3"), ("height__in", "1.50,2"), ("code__like", "L%"), ("lit_on__null", "false"))
        #expect(
            query.predicate
                == .and([
                    .compare(field: "code", .equal, value: "007"), .compare(field: "steps", .greaterOrEqual, value: "3"),
                    .isIn(field: "height", values: ["1.50", "2"]), .like(field: "code", pattern: "L%"), .not(.isNull(field: "lit_on")),
                ]))
    }

    @Test(arguments: [
        ("2013-03-01", "2013-03-01T00:00:00+08:00"), ("2013-03-01T00:00:00Z", "2013-03-01T08:00:00+08:00"),
        ("2013-03-01T00:00:00 08:00", "2013-03-01T00:00:00+08:00"), ("2013-03-01 05:00:00", "2013-03-01T05:00:00+08:00"),
        ("2013-03-01T00:00:00-05:00", "2013-03-01T13:00:00+08:00"),
    ]) func datetimesAreUnderstoodAsPeopleWriteThem(text: String, canonical: String) throws {
        #expect(try read(("seen_at__lt", text)).predicate == .compare(field: "seen_at", .less, value: canonical))
    }

    @Test(arguments: [
        ("steps", "1.5"), ("steps", "9223372036854775808"), ("height", "1e3"), ("height", "--1"), ("automated", "yes"), ("lit_on", "2023-02-30"),
        ("seen_at", "yesterday"), ("season", "2023-Q5"), ("season", "2023-13"), ("lamps", "{}"), ("steps__like", "1%"), ("automated__gt", "true"),
        ("code__null", "maybe"), ("code__between", "1"), ("code__like", "a\\"), ("code__in", "\"a"),
    ]) func wrongValuesAreRefusedWithTheirPlace(name: String, value: String) {
        let problem = problem((name, value))
        #expect(problem?.code == .invalidFilter)
        #expect(problem?.places.map(\.place) == [name])
    }

    @Test func hiddenFieldsDoNotExist() {
        for (hidden, nobody) in [
            ("budget", "budgex"), ("budget__gt", "budgex__gt"), ("budget__foo", "budgex__foo"), ("budget__in", "budgex__in"), ("budget__null", "budgex__null"),
        ] {
            let (a, b) = (problem((hidden, "1")), problem((nobody, "1")))
            #expect(a?.code == .unknownField)
            #expect(a?.detail.zh.replacing("budget", with: "budgex") == b?.detail.zh)
            #expect(a?.places.map { $0.message.en?.replacing("budget", with: "budgex") } == b?.places.map(\.message.en))
        }
        for parameter in ["sort", "fields"] {
            #expect(problem((parameter, "budget"))?.places.first?.message.zh == problem((parameter, "budgex"))?.places.first?.message.zh.replacing("budgex", with: "budget"))
            #expect(problem((parameter, "-budget"))?.code == .unknownField)
        }
        #expect(problem(("nothing", "1"))?.detail.text(in: .en).contains("budget") == false)
    }

    @Test func everyWrongPlaceIsNamedAtOnce() {
        #expect(problem(("steps", "x"), ("sort", "lamps"), ("limit", "0"))?.places.map(\.place) == ["steps", "sort", "limit"])
    }

    @Test func reservedNamesWinAndFieldsOfThatNameKeepEq() throws {
        let query = try read(("limit", "5"), ("limit__eq", "7"))
        #expect(query.limit == 5)
        #expect(query.predicate == .compare(field: "limit", .equal, value: "7"))
        #expect(try read(("odd__name", "x")).predicate == .compare(field: "odd__name", .equal, value: "x"))
        #expect(try read(("odd__name__ne", "x")).predicate == .compare(field: "odd__name", .notEqual, value: "x"))
    }

    @Test func limitsHold() {
        #expect(problem(("limit", "10001"))?.code == .invalidLimit)
        #expect(problem(("code", String(repeating: "x", count: 1025)))?.code == .invalidFilter)
        #expect(problem(("code__in", Array(repeating: "x", count: 1001).joined(separator: ",")))?.code == .invalidFilter)
        #expect(problem(("code__like", String(repeating: "%a", count: 9)))?.code == .invalidFilter)
        #expect(problem(("code__like", String(repeating: "%", count: 50))) == nil)
        #expect(problem(("code", "a"), ("code", "b"))?.code == .invalidFilter)
        #expect(problem(("sort", "code,code"))?.code == .invalidSort)
        #expect(problem(("version", "0"))?.code == .invalidParameter)
    }

    @Test(arguments: [
        ("code", ProblemCode.invalidFilter, "written code__in=a,b"), ("code__gte", .invalidFilter, "may be given once only"), ("filter", .invalidFilter, "join conditions with AND"),
        ("limit", .invalidParameter, "may be given once only"), ("filter-lang", .invalidParameter, "may be given once only"),
    ]) func whatComesTwiceIsToldItsOtherSpelling(name: String, code: ProblemCode, expected: String) {
        let good = ["filter": "code = 'a'", "limit": "5", "filter-lang": "cql2-text"][name] ?? "a"
        let problem = problem((name, good), (name, good))
        #expect(problem?.code == code)
        #expect(problem?.places.map(\.place) == [name])
        #expect(problem?.places.first?.message.en?.hasSuffix(expected) == true, "\(String(describing: problem))")
    }

    @Test func aValueThatIsTooLongIsCalledThatInListsToo() {
        let long = String(repeating: "x", count: 1025)
        #expect(problem(("code", long))?.places.first?.message.en == "a value has at most 1024 bytes")
        #expect(problem(("code__in", "a,\(long)"))?.places.first?.message.en == "value 2: a value has at most 1024 bytes")
    }

    @Test func listsMayQuoteCommas() throws {
        #expect(try read(("code__in", "\"a,b\",c,\"say \"\"hi\"\"\"")).predicate == .isIn(field: "code", values: ["a,b", "c", "say \"hi\""]))
        #expect(try read(("code__in", "a,,b")).predicate == .isIn(field: "code", values: ["a", "", "b"]))
    }

    /// A comma and a combining mark behind it are one character, and two code points.
    @Test func aCombiningMarkHidesNoComma() throws {
        #expect(try read(("code__in", "a,\u{301}x")).predicate == .isIn(field: "code", values: ["a", "\u{301}x"]))
        #expect(try read(("code__in", "\"a,b\",\u{301}x")).predicate == .isIn(field: "code", values: ["a,b", "\u{301}x"]))
        #expect(problem(("sort", "code,\u{301}"))?.places.map { $0.message.en?.hasPrefix("no field \u{301};") } == [true])
        #expect(problem(("fields", "code,\u{301}"))?.places.map { $0.message.en?.hasPrefix("no field \u{301};") } == [true])
    }

    /// RFC 3339 with other offsets reaches some hours farther than years of four digits at +08:00.
    @Test(arguments: ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00 14:00", "9999-12-31T23:59:59-12:00"])
    func instantsHaveYearsOfFourDigits(_ text: String) {
        for name in ["seen_at", "seen_at__gt", "seen_at__in"] {
            let place = problem((name, text))?.places.first
            #expect(place?.place == name && place?.message.en?.contains("9999-12-31T23:59:59.999999+08:00") == true)
        }
    }

    @Test func theFirstAndTheLastInstantAreRead() throws {
        for text in ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59.999999+08:00"] {
            #expect(try read(("seen_at", text)).predicate == .compare(field: "seen_at", .equal, value: text))
        }
    }

    @Test func keysAreReadAndWrittenInOneSpelling() {
        let fields = [schema.fields[0], schema.fields[5]]
        let values = RowKey.values("a%2Cb%25,2013-03-01T00:00:00Z", fields: fields)
        #expect(values == ["a,b%", "2013-03-01T08:00:00+08:00"])
        #expect(values.map(RowKey.text) == "a%2Cb%25,2013-03-01T08%3A00%3A00%2B08%3A00")
        #expect(RowKey.values("a", fields: fields) == nil)
        #expect(RowKey.values("a,2013-03-01T00:00:00Z,c", fields: fields) == nil)
        #expect(RowKey.values("a,x", fields: fields) == nil)
        #expect(RowKey.values("%zz,2013-03-01", fields: fields) == nil)
        #expect(RowKey.values("%ff,2013-03-01", fields: fields) == nil)
        #expect(RowKey.values(",2013-03-01", fields: fields) == ["", "2013-03-01T00:00:00+08:00"])
    }
}
