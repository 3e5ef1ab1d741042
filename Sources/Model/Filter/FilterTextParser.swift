/// Reads CQL2 text (OGC 21-065r2, annex B) by recursive descent.
///
/// Conditions and values share one way down, because a `(` may open either; what came back is looked at where it is used.
struct FilterTextParser {
    private let tokens: [FilterToken]
    private var index = 0
    private var depth = 0

    init(_ filter: String) {
        tokens = FilterToken.all(in: filter)
    }

    /// Reads the whole text.
    mutating func parse() throws(FilterFault) -> FilterExpression {
        let expression = try disjunction()
        guard token.kind == .end else { throw expected(after: expression) }
        return try condition(expression)
    }

    // MARK: tokens

    private var token: FilterToken { tokens[index] }

    /// The last token stays, whatever is asked for.
    private mutating func advance() { index = min(index + 1, tokens.count - 1) }

    private func isWord(_ keyword: String) -> Bool {
        guard case .word(let word) = token.kind else { return false }
        return word.keyword == keyword
    }

    private func isSign(_ sign: String) -> Bool { token.kind == .sign(sign) }

    private mutating func take(word keyword: String) -> Bool {
        guard isWord(keyword) else { return false }
        advance()
        return true
    }

    private mutating func take(sign: String) -> Bool {
        guard isSign(sign) else { return false }
        advance()
        return true
    }

    private mutating func require(sign: String) throws(FilterFault) {
        guard take(sign: sign) else { throw expected(zh: " \(sign)", en: sign) }
    }

    // MARK: faults

    /// - Parameters:
    ///   - zh: what stands behind 应为.
    ///   - en: what stands behind "expected".
    private func expected(zh: String, en: String) -> FilterFault {
        switch token.kind {
        case .wrong(let zh, let en): FilterFault(token.place, zh: zh, en: en)
        case .end: FilterFault(token.place, zh: "应为\(zh)，但已结束", en: "expected \(en), found the end")
        default: FilterFault(token.place, zh: "应为\(zh)，此处是 \(token.spelling.prefix(40))", en: "expected \(en), found \(token.spelling.prefix(40))")
        }
    }

    private func expected(after expression: FilterExpression) -> FilterFault {
        expression.isCondition ? expected(zh: " AND、OR 或结尾", en: "AND, OR or the end") : expectedComparison()
    }

    private func expectedComparison() -> FilterFault {
        expected(zh: "比较运算：= <> < <= > >= LIKE BETWEEN IN IS NULL", en: "a comparison: = <> < <= > >= LIKE BETWEEN IN IS NULL")
    }

    private func condition(_ expression: FilterExpression) throws(FilterFault) -> FilterExpression {
        guard expression.isCondition else { throw expectedComparison() }
        return expression
    }

    private func value(_ expression: FilterExpression) throws(FilterFault) -> FilterExpression {
        guard expression.isValue else {
            throw FilterFault(expression.place, zh: "应为信息项名或值，此处是条件或时段", en: "expected a field or a value, found a condition or an interval")
        }
        return expression
    }

    /// Goes one level down.
    private mutating func nested<T>(_ body: (inout FilterTextParser) throws(FilterFault) -> T) throws(FilterFault) -> T {
        depth += 1
        if depth > Predicate.Limits.depth { throw FilterExpression.tooDeep(token.place) }
        let result = try body(&self)
        depth -= 1
        return result
    }

    // MARK: conditions

    private mutating func disjunction() throws(FilterFault) -> FilterExpression {
        let first = try conjunction()
        guard isWord("OR") else { return first }
        var parts = [try condition(first)]
        while take(word: "OR") {
            let part = try conjunction()
            parts.append(try condition(part))
        }
        return try FilterExpression(.or(parts), at: first.place)
    }

    private mutating func conjunction() throws(FilterFault) -> FilterExpression {
        let first = try negation()
        guard isWord("AND") else { return first }
        var parts = [try condition(first)]
        while take(word: "AND") {
            let part = try negation()
            parts.append(try condition(part))
        }
        return try FilterExpression(.and(parts), at: first.place)
    }

    private mutating func negation() throws(FilterFault) -> FilterExpression {
        let place = token.place
        guard take(word: "NOT") else { return try comparison() }
        let part = try nested { parser throws(FilterFault) in try parser.negation() }
        return try FilterExpression(.not(try condition(part)), at: place)
    }

    private static let comparisons: [String: Predicate.Comparison] = [
        "=": .equal, "<>": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]

    /// A comparison, and what may be asked of anything: `IS NULL`.
    private mutating func comparison() throws(FilterFault) -> FilterExpression {
        var expression = try plainComparison()
        while take(word: "IS") {
            let isNegated = take(word: "NOT")
            guard take(word: "NULL") else { throw isNegated ? expected(zh: " NULL", en: "NULL") : expected(zh: " NULL 或 NOT NULL", en: "NULL or NOT NULL") }
            expression = try negated(isNegated, .isNull(expression), at: expression.place)
        }
        return expression
    }

    private mutating func plainComparison() throws(FilterFault) -> FilterExpression {
        let left = try sum()
        if case .sign(let sign) = token.kind, let comparison = Self.comparisons[sign] {
            _ = try value(left)
            advance()
            return try FilterExpression(.comparison(comparison, left, try value(try sum())), at: left.place)
        }
        guard case .word = token.kind else { return left }
        let isNegated = take(word: "NOT")
        if take(word: "LIKE") { return try negated(isNegated, .like(try value(left), pattern: try sum()), at: left.place) }
        if take(word: "BETWEEN") {
            let low = try value(try sum())
            guard take(word: "AND") else { throw expected(zh: " AND", en: "AND") }
            return try negated(isNegated, .between(try value(left), low, try value(try sum())), at: left.place)
        }
        if take(word: "IN") { return try negated(isNegated, .isIn(try value(left), try list()), at: left.place) }
        if isNegated { throw expected(zh: " LIKE、BETWEEN 或 IN", en: "LIKE, BETWEEN or IN") }
        return left
    }

    private func negated(_ isNegated: Bool, _ node: FilterExpression.Node, at place: Int) throws(FilterFault) -> FilterExpression {
        let expression = try FilterExpression(node, at: place)
        return isNegated ? try FilterExpression(.not(expression), at: place) : expression
    }

    private mutating func list() throws(FilterFault) -> [FilterExpression] {
        try require(sign: "(")
        var values: [FilterExpression] = []
        repeat {
            let most = Predicate.Limits.listValues
            guard values.count < most else { throw FilterFault(token.place, zh: "不得超过 \(most) 个值", en: "at most \(most) values") }
            values.append(try value(try sum()))
        } while take(sign: ",")
        guard take(sign: ")") else { throw expected(zh: " , 或 )", en: ", or )") }
        return values
    }

    // MARK: values

    private mutating func sum() throws(FilterFault) -> FilterExpression {
        var left = try product()
        while case .sign(let sign) = token.kind, sign == "+" || sign == "-", let operation = Predicate.Term.Operation(rawValue: sign) {
            _ = try value(left)
            advance()
            left = try FilterExpression(.arithmetic(operation, left, try value(try product())), at: left.place)
        }
        return left
    }

    private var productOperation: Predicate.Term.Operation? {
        switch token.kind {
        case .sign(let sign) where sign == "*" || sign == "/" || sign == "%": Predicate.Term.Operation(rawValue: sign)
        case .word(let word) where word.keyword == "DIV": .quotient
        default: nil
        }
    }

    private mutating func product() throws(FilterFault) -> FilterExpression {
        var left = try power()
        while let operation = productOperation {
            _ = try value(left)
            advance()
            left = try FilterExpression(.arithmetic(operation, left, try value(try power())), at: left.place)
        }
        return left
    }

    private mutating func power() throws(FilterFault) -> FilterExpression {
        let left = try factor()
        guard isSign("^") else { return left }
        _ = try value(left)
        advance()
        return try FilterExpression(.arithmetic(.power, left, try value(try factor())), at: left.place)
    }

    private mutating func factor() throws(FilterFault) -> FilterExpression {
        let token = token
        switch token.kind {
        case .sign("("):
            advance()
            return try nested { parser throws(FilterFault) in
                let inner = try parser.disjunction()
                guard parser.take(sign: ")") else {
                    throw inner.isCondition ? parser.expected(zh: " AND、OR 或 )", en: "AND, OR or )") : parser.expected(zh: "比较运算或 )", en: "a comparison or )")
                }
                return inner
            }
        case .sign("-"):
            advance()
            if case .number(let number) = self.token.kind {
                advance()
                return try FilterExpression(.number("-" + number), at: token.place)
            }
            let operand = try nested { parser throws(FilterFault) in try parser.factor() }
            let zero = try FilterExpression(.number("0"), at: token.place)
            return try FilterExpression(.arithmetic(.subtract, zero, try value(operand)), at: token.place)
        case .sign("+"):
            advance()
            guard case .number(let number) = self.token.kind else { throw expected(zh: "数值", en: "a number") }
            advance()
            return try FilterExpression(.number(number), at: token.place)
        case .number(let number):
            advance()
            return try FilterExpression(.number(number), at: token.place)
        case .text(let text, let pattern):
            advance()
            return try FilterExpression(.text(text, pattern: pattern), at: token.place)
        case .name(let name):
            advance()
            return try FilterExpression(.field(name), at: token.place)
        case .word(let word): return try self.word(word)
        case .sign, .end, .wrong: throw expected(zh: "信息项名、值或 (", en: "a field, a value or (")
        }
    }

    private static let keywords: Set<String> = ["AND", "OR", "NOT", "LIKE", "BETWEEN", "IN", "IS", "NULL", "DIV"]

    private mutating func word(_ word: String) throws(FilterFault) -> FilterExpression {
        let place = token.place
        let upper = word.keyword ?? word
        if let keyword = word.keyword, Self.keywords.contains(keyword) { throw expected(zh: "信息项名、值或 (（与关键字同名的信息项写在双引号内）", en: "a field, a value or ( (a field named like a keyword is written in double quotes)") }
        if tokens[min(index + 1, tokens.count - 1)].kind == .sign("(") { return try function(upper) }
        advance()
        switch upper {
        case "TRUE": return try FilterExpression(.boolean(true), at: place)
        case "FALSE": return try FilterExpression(.boolean(false), at: place)
        default: return try FilterExpression(.field(word), at: place)
        }
    }

    // MARK: functions

    private static let relations = Dictionary(uniqueKeysWithValues: TemporalRelation.allCases.map { ($0.name.uppercased(), $0) })

    private mutating func function(_ name: String) throws(FilterFault) -> FilterExpression {
        let place = token.place
        let relation = Self.relations[name]
        guard relation != nil || ["CASEI", "DATE", "TIMESTAMP", "INTERVAL"].contains(name) else {
            let known = "CASEI, DATE, TIMESTAMP, INTERVAL, " + TemporalRelation.allCases.map { $0.name.uppercased() }.joined(separator: ", ")
            throw FilterFault(place, zh: "没有函数 \(name.prefix(40))；可用：\(known)", en: "no function \(name.prefix(40)); there are: \(known)")
        }
        advance()
        try require(sign: "(")
        let expression = try nested { parser throws(FilterFault) in
            if let relation {
                let first = try parser.operand()
                try parser.require(sign: ",")
                return try FilterExpression(.temporal(relation, first, try parser.operand()), at: place)
            }
            switch name {
            case "CASEI": return try FilterExpression(.folded(try parser.value(try parser.sum())), at: place)
            case "INTERVAL":
                let first = try parser.bound()
                try parser.require(sign: ",")
                return try FilterExpression(.interval(first, try parser.bound()), at: place)
            default: return try parser.instant(isDate: name == "DATE", at: place)
            }
        }
        try require(sign: ")")
        return expression
    }

    /// An operand of a temporal function.
    private mutating func operand() throws(FilterFault) -> FilterExpression {
        let expression = try sum()
        switch expression.node {
        case .field, .date, .timestamp, .interval: return expression
        default:
            throw FilterFault(
                expression.place, zh: "应为时间信息项、DATE('…')、TIMESTAMP('…') 或 INTERVAL('…','…')",
                en: "expected a field of time, DATE('…'), TIMESTAMP('…') or INTERVAL('…','…')")
        }
    }

    private mutating func bound() throws(FilterFault) -> FilterExpression {
        let token = token
        let expression = try sum()
        switch expression.node {
        case .field, .date, .timestamp: return expression
        case .text(let text, _):
            if let bound = try FilterExpression.bound(text, at: token.place) { return bound }
        default: break
        }
        throw FilterExpression.wrongBound(token.place)
    }

    private mutating func instant(isDate: Bool, at place: Int) throws(FilterFault) -> FilterExpression {
        guard case .text(let text, _) = token.kind else { throw expected(zh: "单引号内的时间", en: "a time in single quotes") }
        let expression = try FilterExpression.instant(text, isDate: isDate, place: token.place, at: place)
        advance()
        return expression
    }
}

extension String {
    /// In capitals, nil where it is not all ASCII: `ı` and `ſ` would become letters of keywords, and the sign of the kelvin is equal to one.
    fileprivate var keyword: String? {
        guard utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        return String(decoding: utf8.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }, as: UTF8.self)
    }
}

extension FilterExpression {
    /// - Parameters:
    ///   - place: where the text stands.
    ///   - start: where the whole stands.
    static func instant(_ text: String, isDate: Bool, place: Int, at start: Int) throws(FilterFault) -> FilterExpression {
        if isDate {
            guard CalendarDate(text) != nil else { throw FilterFault(place, zh: "应为日期 YYYY-MM-DD", en: "expected a date YYYY-MM-DD") }
            return try FilterExpression(.date(text), at: start)
        }
        guard let instant = Timestamp(text) else {
            throw FilterFault(
                place, zh: "应为 RFC 3339 时间，如 2026-03-01T00:00:00Z", en: "expected an RFC 3339 time such as 2026-03-01T00:00:00Z")
        }
        return try timestamp(instant, place: place, at: start)
    }

    private static func timestamp(_ instant: Timestamp, place: Int, at start: Int) throws(FilterFault) -> FilterExpression {
        guard instant.isWritable else { throw FilterFault(place, zh: Timestamp.writable.zh, en: Timestamp.writable.text(in: .en)) }
        return try FilterExpression(.timestamp(instant.description), at: start)
    }

    /// One end of an interval as text; nil where it is none.
    static func bound(_ text: String, at place: Int) throws(FilterFault) -> FilterExpression? {
        if text == ".." { return try FilterExpression(.open, at: place) }
        if CalendarDate(text) != nil { return try FilterExpression(.date(text), at: place) }
        return if let instant = Timestamp(text) { try timestamp(instant, place: place, at: place) } else { nil }
    }

    static func wrongBound(_ place: Int) -> FilterFault {
        FilterFault(
            place, zh: "应为 'YYYY-MM-DD'、RFC 3339 时间、'..' 或时间信息项", en: "expected 'YYYY-MM-DD', an RFC 3339 time, '..' or a field of time")
    }
}
