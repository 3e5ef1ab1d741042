import Model
import Testing

@testable import Profiles

@Suite struct PatternTests {
    private func matches(_ pattern: String, _ text: String) throws -> Bool {
        let compiled = try Pattern(pattern)
        return Array(text.utf8).withUnsafeBytes { compiled.matches($0) }
    }

    @Test(arguments: [
        (#"\d{6}"#, "540000", "54000|5400000|54000a| 540000"),
        (#"^[1-3]\d{2}\d{3}\d*(/\d+)$"#, "221211003/1003", "421211003/1003|221211003|221211003/"),
        (#"[A-HJ-NP-RTUW-Y0-9]+"#, "91350100M000100Y43", "I|O|abc"),
        (#"[ⅠⅡⅢⅣⅤ]|劣Ⅴ"#, "劣Ⅴ", "劣|Ⅵ|劣Ⅴ。"),
        (#"\p{Han}{2,4}"#, "欧阳修", "欧|abc|欧阳修欧阳"),
        (#"(?:0\d{2,3}-)?\d{7,8}|1\d{4}|12345"#, "0891-6324992", "13812345678|0891-632499"),
        (#"a.c"#, "a中c", "ac|a\nc|abbc"),
        (#"[^\d\s]*x?"#, "abcx", "1|a b"),
        (#"(ab|a)(bc|c)?"#, "abc", "abb|bc"),
        (#"\u4e2d+"#, "中中", "国|"),
        (#"[]a]+"#, "]a", "b"),
        (#"[a\-z]+"#, "a-z", "b"),
        (#"a{0}b"#, "b", "ab"),
        (#"(a|)b"#, "b", "aab"),
        (#"\$\^\."#, "$^.", "abc"),
        (#"x\$"#, "x$", "x"),
    ])
    func matchesWholeValues(_ pattern: String, _ good: String, _ bad: String) throws {
        #expect(try matches(pattern, good))
        for text in bad.split(separator: "|", omittingEmptySubsequences: false) { #expect(try !matches(pattern, String(text)), "\(pattern) on \(text)") }
    }

    @Test(arguments: ["(", ")", "[a", "a**", "a+?", "*a", "{2}", "a{2", "a{3,2}", "a{2000}", #"\q"#, #"\1"#, "(?=a)", "(?<x>a)", "a^b", "a$b", #"\p{Latin}"#, "[z-a]", #"a\"#, "]", #"\u12"#])
    func whatIsNotKnownIsRefusedWithItsPlace(_ pattern: String) {
        #expect(throws: Pattern.Failure.self) { try Pattern(pattern) }
    }

    @Test func expressionsThatWouldGrowWithoutBoundAreRefused() {
        #expect(throws: Pattern.Failure.self) { try Pattern("(a{1000}){1000}") }
        #expect(throws: Pattern.Failure.self) { try Pattern("(a|b)*a(a|b){20}") }
        #expect(throws: Pattern.Failure.self) { try Pattern(String(repeating: "(", count: 100) + String(repeating: ")", count: 100)) }
    }

    /// `(a+)+b` on a long run of `a` takes a backtracking engine until the end of the world.
    @Test func hostileExpressionsStayLinear() throws {
        let text = String(repeating: "a", count: 100_000)
        var matched = true
        let time = try ContinuousClock().measure { matched = try matches("(a+)+b|(a|aa)+c|(a*)*d", text) }
        #expect(!matched)
        #expect(time < .seconds(40))
    }

    @Test func aFieldWithAPatternRefusesWhatDoesNotMatch() {
        let division = field("code") { $0.pattern = #"\d{6}"# }
        #expect(read("540000", as: division).isCanonical)
        #expect(read("54000", as: division) == .wrong(.patternMismatch))
        #expect(ValueCheck(division).arguments(for: .patternMismatch) == [#"\d{6}"#])
    }
}
