/// A regular expression as a tree.
indirect enum PatternTree {
    case empty
    case set(ScalarSet)
    case sequence([PatternTree])
    case choice([PatternTree])
    /// `maximum` nil: without end.
    case repetition(PatternTree, minimum: Int, maximum: Int?)

    func forEachSet(_ body: (ScalarSet) -> Void) {
        switch self {
        case .empty: break
        case .set(let set): body(set)
        case .sequence(let parts), .choice(let parts): for part in parts { part.forEachSet(body) }
        case .repetition(let part, _, _): part.forEachSet(body)
        }
    }
}

/// Reads the syntax that `Pattern` documents, by recursive descent.
struct PatternParser {
    private static let longest = 1000
    private static let deepest = 50
    private static let mostRepeats = 1000

    private let scalars: [Unicode.Scalar]
    private var i = 0
    private var depth = 0

    static func parse(_ text: String) throws(Pattern.Failure) -> PatternTree {
        var scalars = Array(text.unicodeScalars)
        guard scalars.count <= longest else {
            throw Pattern.Failure(place: nil, zh: "正则表达式超过 \(longest) 个字符", en: "the expression is longer than \(longest) characters")
        }
        // The whole value must match anyhow; a `$` after an odd number of backslashes is a literal.
        let hasStart = scalars.first == "^"
        if scalars.last == "$", scalars.dropLast().reversed().prefix(while: { $0 == "\\" }).count.isMultiple(of: 2) { scalars.removeLast() }
        var parser = PatternParser(scalars: scalars)
        if hasStart { parser.i = 1 }
        let tree = try parser.choice()
        if parser.i < scalars.count { throw parser.failure("多余的“)”", "a ')' without '('") }
        return tree
    }

    private init(scalars: [Unicode.Scalar]) {
        self.scalars = scalars
    }

    private func failure(_ zh: String, _ en: String) -> Pattern.Failure { Pattern.Failure(place: i + 1, zh: zh, en: en) }

    private var next: Unicode.Scalar? { i < scalars.count ? scalars[i] : nil }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard next == scalar else { return false }
        i += 1
        return true
    }

    private mutating func choice() throws(Pattern.Failure) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.deepest else { throw failure("括号嵌套过深", "groups are nested too deeply") }
        var options = [try sequence()]
        while take("|") { options.append(try sequence()) }
        return options.count == 1 ? options[0] : .choice(options)
    }

    private mutating func sequence() throws(Pattern.Failure) -> PatternTree {
        var parts: [PatternTree] = []
        while let scalar = next, scalar != "|", scalar != ")" { parts.append(try repetition()) }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func repetition() throws(Pattern.Failure) -> PatternTree {
        let part = try atom()
        guard let (minimum, maximum) = try quantifier() else { return part }
        if let scalar = next, "*+?{".unicodeScalars.contains(scalar) {
            throw failure("量词后不能再跟量词（也没有惰性、占有量词）", "a quantifier cannot follow another; there are no lazy or possessive ones")
        }
        return .repetition(part, minimum: minimum, maximum: maximum)
    }

    private mutating func quantifier() throws(Pattern.Failure) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard take("{") else { return nil }
        guard let minimum = number() else { throw failure("“{”后应为次数；字面的“{”写作 \\{", "'{' needs a count; write a literal brace \\{") }
        var maximum: Int? = minimum
        if take(",") { maximum = number() }
        guard take("}") else { throw failure("次数应写作 {n}、{n,} 或 {n,m}", "write counts {n}, {n,} or {n,m}") }
        if let maximum, maximum < minimum { throw failure("最多次数小于最少次数", "the most is less than the least") }
        guard max(minimum, maximum ?? 0) <= Self.mostRepeats else {
            throw failure("次数超过 \(Self.mostRepeats)", "a count is greater than \(Self.mostRepeats)")
        }
        return (minimum, maximum)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let scalar = next, ("0"..."9").contains(scalar), (value ?? 0) < 100_000 {
            value = (value ?? 0) * 10 + Int(scalar.value - 0x30)
            i += 1
        }
        return value
    }

    private mutating func atom() throws(Pattern.Failure) -> PatternTree {
        guard let scalar = next else { return .empty }
        switch scalar {
        case "(":
            i += 1
            if take("?"), !take(":") { throw failure("只支持 (…) 和 (?:…)，没有环视", "only (…) and (?:…) are known; there are no look-arounds") }
            let inside = try choice()
            guard take(")") else { throw failure("缺少“)”", "a ')' is missing") }
            return inside
        case "[": return .set(try bracket())
        case ".":
            i += 1
            return .set(.any)
        case "\\": return .set(try escape())
        case "*", "+", "?", "{": throw failure("量词前没有内容", "nothing stands before the quantifier")
        case "^", "$": throw failure("整值匹配，“^”“$”只能在两端；字面值写作 \\^ \\$", "whole values are matched: '^' and '$' stand at the ends only; write literals \\^ \\$")
        case "]", "}": throw failure("字面的 ] 和 } 要写作 \\] \\}", "write literal ] and } as \\] \\}")
        default:
            i += 1
            return .set(ScalarSet(scalar))
        }
    }

    private mutating func bracket() throws(Pattern.Failure) -> ScalarSet {
        i += 1
        let inverted = take("^")
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while let scalar = next, scalar != "]" || isFirst {
            isFirst = false
            let low = try member()
            guard low.ranges.count == 1, low.ranges[0].count == 1, next == "-", i + 1 < scalars.count, scalars[i + 1] != "]" else {
                ranges += low.ranges
                continue
            }
            i += 1
            let high = try member()
            guard high.ranges.count == 1, high.ranges[0].count == 1, high.ranges[0].lowerBound >= low.ranges[0].lowerBound else {
                throw failure("字符范围颠倒或不完整", "the range of characters runs backwards or has no end")
            }
            ranges.append(low.ranges[0].lowerBound...high.ranges[0].lowerBound)
        }
        guard take("]") else { throw failure("缺少“]”", "a ']' is missing") }
        let set = ScalarSet(ranges)
        return inverted ? set.inverted : set
    }

    private mutating func member() throws(Pattern.Failure) -> ScalarSet {
        guard let scalar = next else { throw failure("缺少“]”", "a ']' is missing") }
        if scalar == "\\" { return try escape() }
        i += 1
        return ScalarSet(scalar)
    }

    private mutating func escape() throws(Pattern.Failure) -> ScalarSet {
        i += 1
        guard let scalar = next else { throw failure("表达式以“\\”结尾", "the expression ends in a backslash") }
        i += 1
        switch scalar {
        case "d": return .digit
        case "D": return ScalarSet.digit.inverted
        case "w": return .word
        case "W": return ScalarSet.word.inverted
        case "s": return .space
        case "S": return ScalarSet.space.inverted
        case "t": return ScalarSet("\t")
        case "n": return ScalarSet("\n")
        case "r": return ScalarSet("\r")
        case "p":
            guard scalars[i...].starts(with: "{Han}".unicodeScalars) else { throw failure("只支持 \\p{Han}", "only \\p{Han} is known") }
            i += 5
            return .han
        case "u":
            guard i + 4 <= scalars.count, let value = UInt32(String(String.UnicodeScalarView(scalars[i..<i + 4])), radix: 16), let named = Unicode.Scalar(value)
            else { throw failure("\\u 后应为四位十六进制数", "\\u needs four hexadecimal digits") }
            i += 4
            return ScalarSet(named)
        default:
            guard scalar.value < 0x80, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar) else {
                throw failure("未知的转义 \\\(scalar)（没有反向引用）", "unknown escape \\\(scalar); there are no back-references")
            }
            return ScalarSet(scalar)
        }
    }
}
