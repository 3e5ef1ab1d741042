import Model
import Testing

@Suite struct FilterTextTests {
    private typealias Term = Predicate.Term

    @Test func conditionsBecomeTheOneTree() throws {
        let height = Term.field("height", .number)
        let cases: [(String, Predicate)] = [
            ("name = '灯塔'", .compare(field: "name", .equal, value: "灯塔")),
            ("name<>'it''s'", .compare(field: "name", .notEqual, value: "it's")),
            (#"name = 'a\'b\\c\td\%'"#, .compare(field: "name", .equal, value: "a'b\\c\td\\%")),
            ("steps >= -3", .compare(field: "steps", .greaterOrEqual, value: "-3")),
            ("steps > 1.5", .relation(.field("steps", .number), .greater, .literal("1.5", .number))),
            ("height < 1.25E2", .compare(field: "height", .less, value: "125")),
            ("height < 125e-4", .compare(field: "height", .less, value: "0.0125")),
            ("height < .5", .compare(field: "height", .less, value: "0.5")),
            ("10 < height", .compare(field: "height", .greater, value: "10")),
            ("automated = TRUE", .compare(field: "automated", .equal, value: "true")),
            ("lit_on >= DATE('2013-03-01')", .compare(field: "lit_on", .greaterOrEqual, value: "2013-03-01")),
            ("lit_on = '2013-03-01'", .compare(field: "lit_on", .equal, value: "2013-03-01")),
            ("seen_at < TIMESTAMP('2013-03-01T00:00:00Z')", .compare(field: "seen_at", .less, value: "2013-03-01T08:00:00+08:00")),
            ("seen_at < DATE('2013-03-01')", .compare(field: "seen_at", .less, value: "2013-03-01T00:00:00+08:00")),
            ("season = '2023-Q4'", .compare(field: "season", .equal, value: "2023-Q4")),
            ("\"in\" = 1 and date = DATE('2013-03-01')", .and([.compare(field: "in", .equal, value: "1"), .compare(field: "date", .equal, value: "2013-03-01")])),
            ("steps IS NULL", .isNull(field: "steps")),
            ("lamps is not null", .not(.isNull(field: "lamps"))),
            ("steps+1 IS NULL", .isMissing(.arithmetic(.add, .field("steps", .number), .literal("1", .number)))),
            ("name LIKE '%灯\\%'", .like(field: "name", pattern: "%灯\\%")),
            ("name NOT LIKE 'a\\\\b'", .not(.like(field: "name", pattern: "a\\\\b"))),
            ("CASEI(name) LIKE casei('A%')", .matches(.folded(.field("name", .text)), pattern: .folded(.literal("A%", .text)))),
            ("CASEI(name) = CASEI('A')", .relation(.folded(.field("name", .text)), .equal, .folded(.literal("A", .text)))),
            ("steps BETWEEN 1 AND 3", .and([.compare(field: "steps", .greaterOrEqual, value: "1"), .compare(field: "steps", .lessOrEqual, value: "3")])),
            (
                "steps NOT BETWEEN 1 AND 3 OR FALSE",
                .or([.not(.and([.compare(field: "steps", .greaterOrEqual, value: "1"), .compare(field: "steps", .lessOrEqual, value: "3")])), .or([])])
            ),
            ("code IN ('a', 'b')", .isIn(field: "code", values: ["a", "b"])),
            ("height not in (1, 2.50)", .not(.isIn(field: "height", values: ["1", "2.50"]))),
            (
                "steps IN (1, 2.5)",
                .or([.compare(field: "steps", .equal, value: "1"), .relation(.field("steps", .number), .equal, .literal("2.5", .number))])
            ),
            ("height > width", .relation(height, .greater, .field("width", .number))),
            ("1 = 1", .relation(.literal("1", .number), .equal, .literal("1", .number))),
            ("TRUE", .and([])),
            (
                "(height + 1) * 2 > width",
                .relation(.arithmetic(.multiply, .arithmetic(.add, height, .literal("1", .number)), .literal("2", .number)), .greater, .field("width", .number))
            ),
            (
                "height - 1 - 2 = -width",
                .relation(
                    .arithmetic(.subtract, .arithmetic(.subtract, height, .literal("1", .number)), .literal("2", .number)), .equal,
                    .arithmetic(.subtract, .literal("0", .number), .field("width", .number)))
            ),
            (
                "height + 2 * 3 ^ 2 div 4 % 5 > 0",
                .relation(
                    .arithmetic(
                        .add, height,
                        .arithmetic(
                            .remainder,
                            .arithmetic(
                                .quotient,
                                .arithmetic(.multiply, .literal("2", .number), .arithmetic(.power, .literal("3", .number), .literal("2", .number))),
                                .literal("4", .number)), .literal("5", .number))), .greater, .literal("0", .number))
            ),
            ("not (steps = 1 or steps = 2)　and\u{A0}name = ''", .and([
                .not(.or([.compare(field: "steps", .equal, value: "1"), .compare(field: "steps", .equal, value: "2")])), .compare(field: "name", .equal, value: ""),
            ])),
            ("steps = 1 OR steps = 2 AND steps = 3", .or([
                .compare(field: "steps", .equal, value: "1"), .and([.compare(field: "steps", .equal, value: "2"), .compare(field: "steps", .equal, value: "3")]),
            ])),
        ]
        for (filter, predicate) in cases { #expect(try FilterFields.text(filter) == predicate, "\(filter)") }
    }

    @Test func temporalFunctionsAreComparisonsOfStartsAndEnds() throws {
        let cases: [(String, Predicate)] = [
            ("T_AFTER(lit_on, DATE('2013-03-01'))", .compare(field: "lit_on", .greater, value: "2013-03-01")),
            ("t_before(DATE('2013-03-01'), lit_on)", .compare(field: "lit_on", .greater, value: "2013-03-01")),
            (
                "T_DURING(seen_at, INTERVAL('2013-03-01', '2013-04-01T00:00:00Z'))",
                .and([
                    .compare(field: "seen_at", .greater, value: "2013-03-01T00:00:00+08:00"), .compare(field: "seen_at", .less, value: "2013-04-01T08:00:00+08:00"),
                ])
            ),
            (
                "T_INTERSECTS(INTERVAL(lit_on, out_on), INTERVAL('..', '2013-03-01'))",
                .and([
                    .compare(field: "lit_on", .lessOrEqual, value: "2013-03-01"), .compare(field: "out_on", .greaterOrEqual, value: "-infinity"),
                ])
            ),
            ("T_MEETS(INTERVAL(lit_on, out_on), INTERVAL('2013-03-01', '..'))", .compare(field: "out_on", .equal, value: "2013-03-01")),
            (
                "T_DISJOINT(lit_on, out_on)",
                .or([.relation(.field("lit_on", .date), .less, .field("out_on", .date)), .relation(.field("lit_on", .date), .greater, .field("out_on", .date))])
            ),
        ]
        for (filter, predicate) in cases { #expect(try FilterFields.text(filter) == predicate, "\(filter)") }
    }

    /// Filters, the character at which each goes wrong, and a word of what is expected there.
    @Test(arguments: [
        ("", 1, "a field, a value"), ("   ", 4, "a field, a value"), ("name", 5, "a comparison"), ("name = ", 8, "a field, a value"),
        ("name = '灯塔' xor steps = 1", 13, "AND, OR or the end"), ("名 = 1", 1, "no field 名"), ("name = '灯塔' AND 名 = 1", 17, "no field"),
        ("name = '灯", 10, "closing quote"), ("name = \"", 9, "closing quote"), ("(name = 'a'", 12, "AND, OR or )"), ("(steps + 1", 11, "a comparison or )"),
        ("name = 'a')", 11, "AND, OR or the end"), ("steps = 'a'", 9, "a number without quotes"), ("code = 7", 8, "text in single quotes"),
        ("lit_on > DATE('2023-02-30')", 15, "a date"), ("seen_at > TIMESTAMP('yesterday')", 21, "RFC 3339"), ("automated > TRUE", 13, "have no order"),
        ("lamps = 'x'", 9, "only IS NULL"), ("spot < '1,2'", 8, "no order"), ("steps LIKE '1%'", 1, "cannot be matched"), ("name LIKE steps", 11, "a pattern"),
        ("name LIKE 'a\\\\\\'", 17, "closing quote"), ("steps NOT 3", 11, "LIKE, BETWEEN or IN"), ("steps IS 3", 10, "NULL or NOT NULL"), ("steps IN 3", 10, "("),
        ("steps IN (1, )", 14, "a field, a value"), ("steps IN ()", 11, "a field, a value"), ("steps BETWEEN 1 OR 2", 17, "AND"), ("steps AND name = 'a'", 7, "a comparison"),
        ("name = 'a' OR steps", 20, "a comparison"), ("S_INTERSECTS(spot, POINT(1 2))", 1, "no function"), ("ACCENTI(name) = 'a'", 1, "no function"),
        ("T_AFTER(name, DATE('2013-03-01'))", 9, "expected date or datetime"), ("T_AFTER(lit_on, 5)", 17, "a field of time"),
        ("T_AFTER(lit_on, TIMESTAMP('2013-03-01T00:00:00Z'))", 9, "use DATE"), ("T_MEETS(lit_on, INTERVAL('..', '..'))", 9, "INTERVAL(…) on both sides"),
        ("T_AFTER(lit_on, INTERVAL('x', '..'))", 26, "'..' or a field"), ("name + 1 = 2", 1, "arithmetic is for numbers"), ("steps = 1 = 1", 11, "AND, OR or the end"),
        ("(steps = 1) = 1", 2, "a value"), ("height = name", 10, "different types"), ("CASEI(steps) = 'a'", 7, "for text"), ("steps = # 1", 9, "begins nothing"),
        ("and = 1", 1, "double quotes"), ("steps = 1e99", 9, "80 digits"), ("steps = +name", 10, "a number"), ("name = 'a\u{0}'", 8, "expected text"),
    ]) func whatIsWrongIsSaidWithItsCharacter(filter: String, place: Int, expected: String) {
        let fault = FilterFields.fault(filter)
        #expect(fault?.place == place, "\(filter): \(String(describing: fault))")
        #expect(fault?.message.en?.contains(expected) == true, "\(filter): \(String(describing: fault))")
        #expect(fault.map { !$0.message.zh.isEmpty } == true)
    }

    /// Letters whose capitals are those of a keyword, and the sign of the kelvin, which is equal to one.
    @Test(arguments: ["steps \u{131}s NULL", "steps I\u{17F} NULL", "ca\u{17F}ei(name) = 'a'", "name LI\u{212A}E 'a'", "NOT steps \u{131}n (1)", "steps d\u{131}v 2 = 1"])
    func keywordsAreASCII(filter: String) {
        #expect(FilterFields.fault(filter) != nil)
    }

    /// RFC 3339 with other offsets reaches some hours farther than years of four digits at +08:00.
    @Test(arguments: ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]) func instantsHaveYearsOfFourDigits(text: String) {
        let range = "9999-12-31T23:59:59.999999+08:00"
        for (filter, place) in [
            ("seen_at < TIMESTAMP('\(text)')", 21), ("T_AFTER(seen_at,TIMESTAMP('\(text)'))", 27), ("T_DURING(seen_at,INTERVAL('\(text)','..'))", 27),
            ("TIMESTAMP('2020-01-01T00:00:00Z') < TIMESTAMP('\(text)')", 47), ("seen_at = '\(text)'", 11),
        ] {
            let fault = FilterFields.fault(filter)
            #expect(fault?.place == place && fault?.message.en?.contains(range) == true, "\(filter): \(String(describing: fault))")
        }
        for filter in [#"{"op":"<","args":[{"property":"seen_at"},{"timestamp":"\#(text)"}]}"#, #"{"op":"t_during","args":[{"property":"seen_at"},{"interval":["..","\#(text)"]}]}"#] {
            #expect(FilterFields.fault(filter, .json)?.message.en?.contains(range) == true, "\(filter)")
        }
    }

    @Test func hiddenFieldsDoNotExist() {
        for filter in ["budget = 1", "budget IS NULL", "steps = 1 AND CASEI(budget) = 'a'", "height > budget", "T_AFTER(budget, lit_on)", "budget IN (1)", "budget LIKE 'a'"] {
            let (hidden, nobody) = (FilterFields.fault(filter), FilterFields.fault(filter.replacing("budget", with: "budgex")))
            #expect(hidden?.code == .unknownField)
            #expect(hidden?.place == nobody?.place)
            #expect(hidden?.message.zh.replacing("budget", with: "budgex") == nobody?.message.zh)
            #expect(hidden?.message.en?.replacing("budget", with: "budgex") == nobody?.message.en)
        }
        #expect(FilterFields.fault("nothing = 1")?.message.en?.contains("budget") == false)
    }

    @Test func limitsHold() throws {
        let deep = { (levels: Int) in String(repeating: "(", count: levels) + "steps = 1" + String(repeating: ")", count: levels) }
        #expect(FilterFields.fault(deep(32)) == nil)
        #expect(FilterFields.fault(deep(33))?.place == 34)
        #expect(FilterFields.fault(String(repeating: "NOT ", count: 33) + "steps = 1")?.message.en?.contains("32 levels") == true)
        #expect(FilterFields.fault("steps > " + String(repeating: "-", count: 3000) + "height")?.message.en?.contains("32 levels") == true)
        // A chain is not nested, however long it is; what is on the right of an operation is.
        let chain = { (operations: Int) in "steps > 1" + String(repeating: "+1*1", count: operations / 2) }
        #expect(FilterFields.fault(chain(100)) == nil)
        #expect(FilterFields.fault(chain(102))?.message.en?.contains("100 arithmetic") == true)
        #expect(FilterFields.fault("steps > 1" + String(repeating: "-1", count: 4000))?.message.en?.contains("100 arithmetic") == true)
        #expect(FilterFields.fault("steps > " + String(repeating: "1+(", count: 33) + "1" + String(repeating: ")", count: 33))?.message.en?.contains("32 levels") == true)
        let list = { (count: Int) in "steps IN (" + Array(repeating: "1", count: count).joined(separator: ",") + ")" }
        #expect(FilterFields.fault(list(1000)) == nil)
        #expect(FilterFields.fault(list(1001))?.place == 11 + 2000)
        #expect(FilterFields.fault("name = '" + String(repeating: "x", count: 1025) + "'")?.place == 8)
        #expect(FilterFields.fault(String(repeating: " ", count: 8193))?.message.en?.contains("8192") == true)
        #expect(FilterFields.fault("name LIKE '" + String(repeating: "%a", count: 9) + "'")?.place == 11)
        let sums = Array(repeating: "steps+1+1+1+1+1=1", count: 21).joined(separator: " OR ")
        #expect(FilterFields.fault(sums)?.message.en?.contains("100 arithmetic") == true)
    }

    @Test func aFilterJoinsTheParameters() throws {
        func read(_ pairs: (String, String)...) throws -> RowQuery { try RowQuery(parameters: pairs.map { (name: $0.0, value: $0.1) }, fields: FilterFields.all) }
        #expect(
            try read(("filter", "steps > 3 OR name = 'a'"), ("code", "7")).predicate
                == .and([
                    .compare(field: "code", .equal, value: "7"),
                    .or([.compare(field: "steps", .greater, value: "3"), .compare(field: "name", .equal, value: "a")]),
                ]))
        #expect(try read(("filter-lang", "cql2-json"), ("filter", #"{"op":"isNull","args":[{"property":"steps"}]}"#)).predicate == .isNull(field: "steps"))
        #expect(try read(("filter-lang", "cql2-text")).predicate == nil)
        func problem(_ pairs: (String, String)...) -> Problem? {
            do {
                _ = try RowQuery(parameters: pairs.map { (name: $0.0, value: $0.1) }, fields: FilterFields.all)
                return nil
            } catch {
                return error as? Problem
            }
        }
        let parse = problem(("filter", "name = '灯塔' xor steps = 1"))
        #expect(parse?.code == .invalidFilter)
        #expect(parse?.places.map(\.place) == ["filter:13"])
        #expect(parse?.places.first?.message.zh.hasPrefix("第 13 个字符：应为") == true)
        #expect(problem(("filter", "budget = 1"))?.code == .unknownField)
        #expect(problem(("filter", "steps = 1"), ("filter-lang", "sql"))?.places.map(\.place) == ["filter-lang"])
        #expect(problem(("filter", "steps = 1"), ("filter", "steps = 2"))?.places.map(\.place) == ["filter"])
        #expect(problem(("filter", Array(repeating: "steps = 1", count: 51).joined(separator: " OR ")))?.places.map(\.place) == ["filter"])
    }
}
