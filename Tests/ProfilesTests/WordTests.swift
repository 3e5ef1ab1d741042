import Model
import Testing

@Suite struct WordTests {
    @Test(arguments: ["张三", " leading and trailing ", "two\nlines\tand tab\r\n", "e\u{301}", "😀", "１２３", "%_\\", String(repeating: "长", count: 5000)])
    func textStaysAsItIs(_ text: String) {
        #expect(read(text, as: "text") == .canonical(text))
    }

    @Test(arguments: ["a\u{0}b", "a\u{7}b", "\u{1B}[31m", "12345678\u{7F}", "abcdefgh12345\u{1}", "甲\u{85}乙", "甲乙丙丁\u{9F}"])
    func controlCharactersAreRefused(_ text: String) {
        #expect(read(text, as: "text") == .wrong(.controlCharacter))
        #expect(read("x" + text + "x", as: "code") == .wrong(.controlCharacter))
    }

    @Test func codesAreTrimmedAndKeepTheirZeros() {
        #expect(read("  007 ", as: "code") == .canonical("007"))
        #expect(read("\u{3000}540000\u{3000}", as: "code") == .canonical("540000"))
        #expect(read("a\nb", as: "code") == .wrong(.controlCharacter))
        #expect(read("   ", as: "code") == .canonical(""))
        #expect(read("   ", as: field("code") { $0.required = true }) == .wrong(.required))
    }

    @Test func nothingIsMissingNotWrong() {
        for type in ["text", "code", "integer", "decimal(5,2)", "boolean", "date", "datetime", "period", "geo_point", "json"] {
            #expect(read("", as: type) == .canonical(""))
            #expect(read("", as: field(type) { $0.required = true }) == .wrong(.required))
        }
    }

    @Test(arguments: ["true", "TRUE", "True", "1", "t", "T", "yes", "YES", "是"])
    func trueHasManySpellings(_ text: String) { #expect(read(text, as: "boolean") == .canonical("true")) }

    @Test(arguments: ["false", "FALSE", "False", "0", "f", "F", "no", "No", "否"])
    func falseHasManySpellings(_ text: String) { #expect(read(text, as: "boolean") == .canonical("false")) }

    @Test(arguments: ["2", "-1", "是的", "tru", "on", "有", "√", "null"])
    func otherWordsAreNoBoolean(_ text: String) { #expect(read(text, as: "boolean") == .wrong(.notBoolean)) }

    @Test(arguments: [
        ("116.397,39.909", "116.397,39.909"), ("116.3970, 39.9090", "116.397,39.909"), ("-0.0,0", "0,0"), ("180,90", "180,90"), ("-180.000,-90.0", "-180,-90"),
        ("+091.5,029", "91.5,29"), ("0.000000000000001,-0.5", "0.000000000000001,-0.5"), ("100,9", "100,9"), ("5.,1", nil),
    ])
    func pointsAreLongitudeThenLatitude(_ input: String, _ canonical: String?) {
        #expect(read(input, as: "geo_point") == canonical.map { .canonical($0) } ?? .wrong(.notPoint))
    }

    @Test(arguments: ["181,0", "180.1,0", "0,90.0000001", "0,91", "116.397", "116.397;39.909", "a,b", "1,2,3", ",", "1e1,2", "116.3,", "0.1234567890123456,0", "1000,0"])
    func whatIsNoPointOfTheEarthIsRefused(_ input: String) { #expect(read(input, as: "geo_point") == .wrong(.notPoint)) }

    @Test(arguments: [
        "{}", "[]", "null", "true", "-0.5e+10", "\"中文\"", #"{"a":[1,2,{"b":null}],"c":"\u4e2d\n\"\\"}"#, " [ 1 , 2 ] ", #""\ud83d\ude00""#, "0",
        String(repeating: "[", count: 60) + String(repeating: "]", count: 60),
    ])
    func jsonPassesThrough(_ text: String) {
        #expect(read(text, as: "json") == .canonical(text.trimmingCharacters(of: " ")))
    }

    @Test(arguments: [
        "{", "}", "[1,]", "{\"a\":}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "nul", "\"\\x\"", "\"\\u12\"", #""\u0000""#, #""\ud83d""#, #""\ude00""#, #""\ud83dx""#, "\"a\nb\"", "1 2",
        "NaN", "1e", "1e5000", "[1 2]", "{\"a\" 1}", String(repeating: "[", count: 70) + String(repeating: "]", count: 70), "\"open", "\u{FEFF}{}",
    ])
    func whatJsonbWouldNotTakeIsRefused(_ text: String) { #expect(read(text, as: "json") == .wrong(.notJSON)) }

    @Test func lengthCountsCharactersNotBytes() {
        let short = field("text") { $0.maxLength = 3 }
        #expect(read("拉萨市", as: short).isCanonical)
        #expect(read("日喀则市", as: short) == .wrong(.tooLong))
        #expect(read("😀😀😀", as: short).isCanonical)
    }

    @Test func closedListsCompareCanonicalSpellings() {
        let words = field("text") { $0.values = ["国控", "省控", "a", ""] }
        #expect(read("国控", as: words).isCanonical)
        #expect(read("市控", as: words) == .wrong(.notInValues))
        #expect(read("b", as: words) == .wrong(.notInValues))
        let numbers = field("decimal(4,1)") { $0.values = ["0.5", "1.0", "10.0"] }
        #expect(read("1", as: numbers) == .canonical("1.0"))
        #expect(read("2", as: numbers) == .wrong(.notInValues))
    }

    @Test func publicTextThatIsACitizensNumberIsRefused() {
        #expect(read("11010519491231002X", as: "text") == .wrong(.personalIdentifier))
        #expect(read(" 11010519491231002x", as: "text") == .wrong(.personalIdentifier))
        #expect(read("11010519491231002X", as: "code") == .wrong(.personalIdentifier))
        #expect(read("110105194912310021", as: "code").isCanonical, "wrong check character")
        #expect(read("11010519491331002X", as: "code").isCanonical, "no such day")
        #expect(read("9137130016829134XT", as: "code").isCanonical, "a company's code")
        #expect(read("11010519491231002X", as: field("text") { $0.visibility = .private }).isCanonical)
        #expect(read("11010519491231002X", as: field("text") { $0.mask = .lastFour }).isCanonical)
    }

    /// 18-digit codes of organisations must not be taken for people by accident.
    @Test func creditCodesHardlyEverLookLikePeople() throws {
        var random = SplitMix(seed: 7)
        var taken = 0
        for _ in 0..<20_000 {
            let body = "91" + String(110_000 + random.next() % 500_000) + String(100_000_000 + random.next() % 900_000_000)
            let code = try #require(Identifiers.creditCode(body: body))
            if read(code, as: "code") != .canonical(code) { taken += 1 }
        }
        #expect(taken == 0)
    }
}

extension String {
    fileprivate func trimmingCharacters(of set: String) -> String {
        var text = Substring(self)
        while let first = text.first, set.contains(first) { text.removeFirst() }
        while let last = text.last, set.contains(last) { text.removeLast() }
        return String(text)
    }
}
