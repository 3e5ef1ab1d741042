import Model
import Testing

@Suite struct FilterJSONTests {
    /// The same question in both spellings.
    @Test(arguments: [
        ("name = '灯\\n塔'", #"{"op":"=","args":[{"property":"name"},"灯\n\u5854"]}"#),
        ("name = '😀'", #"{"op":"=","args":[{"property":"name"},"\ud83d\ude00"]}"#),
        ("NOT (steps < -1.5E1) AND automated = FALSE", #"{"op":"and","args":[{"op":"not","args":[{"op":"<","args":[{"property":"steps"},-1.5E1]}]},{"op":"=","args":[{"property":"automated"},false]}]}"#),
        ("steps IS NULL OR steps IS NOT NULL OR TRUE", #"{"op":"or","args":[{"op":"isNull","args":[{"property":"steps"}]},{"op":"not","args":[{"op":"isNull","args":[{"property":"steps"}]}]},true]}"#),
        ("CASEI(name) LIKE CASEI('a\\%%')", #"{"op":"like","args":[{"op":"casei","args":[{"property":"name"}]},{"op":"casei","args":["a\\%%"]}]}"#),
        ("height BETWEEN 1 AND 2.50", #"{ "op" : "between", "args" : [ {"property" : "height"}, 1, 2.50 ] }"#),
        ("code IN ('a','b')", #"{"op":"in","args":[{"property":"code"},["a","b"]]}"#),
        ("lit_on > DATE('2013-03-01')", #"{"op":">","args":[{"property":"lit_on"},{"date":"2013-03-01"}]}"#),
        ("seen_at <= TIMESTAMP('2013-03-01T00:00:00Z')", #"{"op":"<=","args":[{"property":"seen_at"},{"timestamp":"2013-03-01T00:00:00Z"}]}"#),
        ("T_DURING(seen_at, INTERVAL('2013-03-01','..'))", #"{"op":"t_during","args":[{"property":"seen_at"},{"interval":["2013-03-01",".."]}]}"#),
        ("T_FINISHEDBY(INTERVAL(lit_on,out_on), INTERVAL('..','2013-03-01'))", #"{"op":"t_finishedBy","args":[{"interval":[{"property":"lit_on"},{"property":"out_on"}]},{"interval":["..","2013-03-01"]}]}"#),
        ("height * 2 div 3 <> width ^ 2", #"{"op":"<>","args":[{"op":"div","args":[{"op":"*","args":[{"property":"height"},2]},3]},{"op":"^","args":[{"property":"width"},2]}]}"#),
        ("(steps > 1) IS NULL OR INTERVAL(lit_on,'..') IS NULL", #"{"op":"or","args":[{"op":"isNull","args":[{"op":">","args":[{"property":"steps"},1]}]},{"op":"isNull","args":[{"interval":[{"property":"lit_on"},".."]}]}]}"#),
    ]) func bothSpellingsGiveTheSameTree(text: String, json: String) throws {
        #expect(try FilterFields.text(text) == FilterFields.json(json))
    }

    @Test(arguments: [
        ("", 1, "a value"), ("{", 2, "a member's name"), ("[]", 1, "an object"), ("5", 1, "a condition"), ("true true", 6, "the end"), ("nil", 1, "a value"),
        (#"{"op":"="}"#, 1, "args"), (#"{"op":"=","args":[1]}"#, 18, "an array of 2"), (#"{"op":"xor","args":[]}"#, 7, "no operation xor"), (#"{"op":5,"args":[]}"#, 7, "a string"),
        (#"{"op":"=","args":[{"property":"名"},1]}"#, 19, "no field"), (#"{"op":"=","args":[{"property":"steps"},"1"]}"#, 40, "a number"),
        (#"{"op":"and","args":[true]}"#, 20, "an array"), (#"{"op":"not","args":[{"property":"steps"}]}"#, 21, "a condition"),
        (#"{"op":"=","args":[{"property":"steps"},{"op":"not","args":[true]}]}"#, 40, "a value"), (#"{"x":1}"#, 1, "a member op"),
        (#"{"op":"=","op":"=","args":[]}"#, 11, "twice"), (#"{"op":"in","args":[{"property":"steps"},[]]}"#, 41, "an array of 1"), (#""\x""#, 3, "an escape"),
        (#""\ud800""#, 4, "surrogates"), ("\"a\nb\"", 3, "control characters"), (#"{"date":"2013-02-30"}"#, 9, "a date"), ("01", 2, "the end"), ("1.", 3, "a digit"), ("-", 2, "a digit"),
        (#"{"op":"t_after","args":[5,{"date":"2013-03-01"}]}"#, 25, "property, date"), (#"{"interval":["..","x"]}"#, 19, "'..'"), (#"{"op":"=","args":[1,2}"#, 22, ", or ]"),
    ]) func whatIsWrongIsSaidWithItsCharacter(filter: String, place: Int, expected: String) {
        let fault = FilterFields.fault(filter, .json)
        #expect(fault?.place == place, "\(filter): \(String(describing: fault))")
        #expect(fault?.message.en?.contains(expected) == true, "\(filter): \(String(describing: fault))")
    }

    /// What was expected is spelled as JSON spells it, not as text does.
    @Test(arguments: [
        (#"{"op":"=","args":[{"property":"name"},5]}"#, "expected a string"), (#"{"op":"=","args":[{"property":"steps"},"1"]}"#, "expected a number, not a string"),
        (#"{"op":"=","args":[{"property":"automated"},"true"]}"#, "expected true or false"), (#"{"op":"=","args":[{"property":"lit_on"},5]}"#, #"expected {"date":"YYYY-MM-DD"}"#),
        (#"{"op":"=","args":[{"property":"seen_at"},true]}"#, #"expected {"timestamp":"#), (#"{"op":"=","args":[{"property":"season"},5]}"#, "expected a string YYYY"),
        (#"{"op":"=","args":[{"property":"spot"},5]}"#, "expected a string longitude,latitude"), (#"{"op":"=","args":[{"property":"lamps"},"a"]}"#, "only isNull can be asked"),
        (#"{"op":"like","args":[{"property":"name"},5]}"#, "expected a pattern, which is a string"),
        (#"{"op":"t_after","args":[{"property":"lit_on"},{"timestamp":"2013-03-01T00:00:00Z"}]}"#, #"use {"date":"YYYY-MM-DD"}"#),
        (#"{"op":"t_meets","args":[{"property":"lit_on"},{"date":"2013-03-01"}]}"#, #"expected {"interval":[…]} on both sides of t_meets"#),
    ]) func valuesAreShownAsJSONSpellsThem(filter: String, expected: String) {
        let message = FilterFields.fault(filter, .json)?.message
        #expect(message?.en?.contains(expected) == true, "\(filter): \(String(describing: message))")
        #expect(message?.zh.contains("引号") == false)
    }

    @Test func nestingIsBounded() {
        let deep = { (levels: Int) in
            String(repeating: #"{"op":"not","args":["#, count: levels) + "true" + String(repeating: "]}", count: levels)
        }
        #expect(FilterFields.fault(deep(31), .json) == nil)
        #expect(FilterFields.fault(deep(32), .json)?.message.en?.contains("32 levels") == true)
        #expect(FilterFields.fault(String(repeating: "[", count: 8000), .json)?.message.en?.contains("32 levels") == true)
    }
}

/// Random filters: whatever comes, there is a condition that keeps its bounds, or a fault within the text. Never a crash.
@Suite struct FilterFuzzTests {
    private static let textPieces = [
        "code", "name", "height", "steps", "automated", "lit_on", "seen_at", "season", "lamps", "budget", "\"in\"", "'a'", "'%灯_'", "'it''s'", "'\\\\'", "'2013-03-01'", "1", "2.5",
        "1e3", "TRUE", "DATE('2013-03-01')", "TIMESTAMP('2013-03-01T00:00:00Z')", "INTERVAL(", "'..'", "T_AFTER(", "T_DURING(", "CASEI(", "(", ")", ",", "=", "<>", "<", ">=", "+", "-", "*",
        "/", "^", "div", "AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "汉", "é", "\u{0}", "😀", "'", "\"", "\\", ";", "$1", "--",
    ]
    private static let jsonPieces = [
        "{\"op\":\"=\",\"args\":[", "{\"op\":\"and\",\"args\":[", "{\"op\":\"not\",\"args\":[", "{\"op\":\"in\",\"args\":[", "{\"op\":\"like\",\"args\":[", "{\"op\":\"t_after\",\"args\":[",
        "{\"op\":\"casei\",\"args\":[", "{\"op\":\"+\",\"args\":[", "{\"property\":\"name\"}", "{\"property\":\"steps\"}", "{\"property\":\"budget\"}", "{\"date\":\"2013-03-01\"}", "\"a\"", "\"%\"",
        "1", "-2.5e1", "true", "null", "[", "]", "]}", "]}", "{", "}", ",", ",", ",", ":", "\"", "\\u", "\\", "汉", "😀", "\u{0}", " ",
    ]

    @Test(arguments: [1, 2, 3, 4] as [UInt64], FilterLanguage.allCases) func anythingIsAConditionOrAFault(seed: UInt64, language: FilterLanguage) {
        var state = seed
        func below(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let pieces = language == .text ? Self.textPieces : Self.jsonPieces
        // Most random words are no filter, so whole ones are spoiled at a place or two as well.
        let whole = language == .text
            ? ["steps = 1 AND name LIKE 'a%' OR NOT (height + 1 > 2)", "T_DURING(seen_at, INTERVAL('2013-03-01','..')) AND CASEI(name) IN (CASEI('a'), 'b')"]
            : [#"{"op":"or","args":[{"op":"=","args":[{"property":"steps"},1]},{"op":"like","args":[{"op":"casei","args":[{"property":"name"}]},"a%"]}]}"#]
        var conditions = 0
        for round in 0..<4_000 {
            var filter: String
            if round % 2 == 0 {
                filter = (0..<below(12)).map { _ in pieces[below(pieces.count)] }.joined(separator: language == .text ? " " : "")
            } else {
                var scalars = Array(whole[below(whole.count)].unicodeScalars)
                for _ in 0..<below(3) {
                    let place = below(scalars.count)
                    switch below(3) {
                    case 0: scalars.remove(at: place)
                    case 1: scalars.insert(contentsOf: pieces[below(pieces.count)].unicodeScalars, at: place)
                    default: scalars.removeSubrange(place..<min(scalars.count, place + below(8)))
                    }
                    if scalars.isEmpty { scalars = [" "] }
                }
                var view = String.UnicodeScalarView()
                view.append(contentsOf: scalars)
                filter = String(view)
            }
            do {
                let predicate = try language.predicate(filter, fields: FilterFields.all)
                conditions += 1
                #expect(!predicate.fields.contains("budget"))
            } catch {
                #expect((1...filter.unicodeScalars.count + 1).contains(error.place), "\(filter): \(error)")
                #expect(error.code.status == 400)
            }
        }
        #expect(conditions > 100)
    }
}

extension Predicate {
    /// The fields that it names.
    var fields: Set<String> {
        switch self {
        case .and(let parts), .or(let parts): parts.reduce(into: []) { $0.formUnion($1.fields) }
        case .not(let part), .isUndecided(let part): part.fields
        case .compare(let field, _, _), .isIn(let field, _), .like(let field, _), .isNull(let field): [field]
        case .relation(let left, _, let right): Set(left.fields + right.fields)
        case .matches(let value, _): Set(value.fields)
        case .isMissing(let term): Set(term.fields)
        }
    }
}
