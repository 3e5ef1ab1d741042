/// A CQL2 expression as it was written: names and literals are not yet held against any field.
struct FilterExpression {
    indirect enum Node {
        case and([FilterExpression])
        case or([FilterExpression])
        case not(FilterExpression)
        case comparison(Predicate.Comparison, FilterExpression, FilterExpression)
        case like(FilterExpression, pattern: FilterExpression)
        case between(FilterExpression, FilterExpression, FilterExpression)
        case isIn(FilterExpression, [FilterExpression])
        case isNull(FilterExpression)
        case temporal(TemporalRelation, FilterExpression, FilterExpression)
        case field(String)
        /// The value, and the same text as a pattern: there, an escaped backslash stays escaped.
        case text(String, pattern: String)
        /// Digits with an optional sign and point; an exponent is worked in.
        case number(String)
        case boolean(Bool)
        /// `YYYY-MM-DD`.
        case date(String)
        /// RFC 3339.
        case timestamp(String)
        case interval(FilterExpression, FilterExpression)
        /// The end of an interval that has none.
        case open
        case folded(FilterExpression)
        case arithmetic(Predicate.Term.Operation, FilterExpression, FilterExpression)
    }

    let node: Node
    /// Where it begins: the character, counted from 1.
    let place: Int
    /// Levels of nesting, 1 for a leaf. A chain of operations is one level, however long it is: `a+1+1` is not nested, though its tree is.
    let height: Int
    /// Arithmetic operations in it, which bound the depth of the tree where ``height`` does not.
    private let operations: Int

    /// - Throws: where it is nested too deep.
    init(_ node: Node, at place: Int) throws(FilterFault) {
        self.node = node
        self.place = place
        let parts = Self.parts(node)
        var operations = parts.reduce(0) { $0 + $1.operations }
        if case .arithmetic(_, let left, let right) = node {
            operations += 1
            if operations > Predicate.Limits.operations { throw Self.tooManyOperations(place) }
            height = if case .arithmetic = left.node { max(left.height, right.height + 1) } else { max(left.height, right.height) + 1 }
        } else {
            height = 1 + parts.reduce(0) { max($0, $1.height) }
        }
        self.operations = operations
        if height > Predicate.Limits.depth { throw Self.tooDeep(place) }
    }

    static func tooDeep(_ place: Int) -> FilterFault {
        let most = Predicate.Limits.depth
        return FilterFault(place, zh: "嵌套不得超过 \(most) 层", en: "nested deeper than \(most) levels")
    }

    static func tooManyOperations(_ place: Int) -> FilterFault {
        let most = Predicate.Limits.operations
        return FilterFault(place, zh: "算术运算不得超过 \(most) 个", en: "at most \(most) arithmetic operations")
    }

    private static func parts(_ node: Node) -> [FilterExpression] {
        switch node {
        case .and(let parts), .or(let parts): parts
        case .not(let part), .isNull(let part), .folded(let part): [part]
        case .comparison(_, let a, let b), .like(let a, let b), .temporal(_, let a, let b), .interval(let a, let b), .arithmetic(_, let a, let b): [a, b]
        case .between(let a, let b, let c): [a, b, c]
        case .isIn(let value, let list): [value] + list
        case .field, .text, .number, .boolean, .date, .timestamp, .open: []
        }
    }

    /// Whether it is true or false of a row.
    var isCondition: Bool {
        switch node {
        case .and, .or, .not, .comparison, .like, .between, .isIn, .isNull, .temporal, .boolean: true
        default: false
        }
    }

    /// Whether it can be compared.
    var isValue: Bool {
        switch node {
        case .field, .text, .number, .boolean, .date, .timestamp, .folded, .arithmetic: true
        default: false
        }
    }

    /// Whether it is written out.
    var isLiteral: Bool {
        switch node {
        case .text, .number, .boolean, .date, .timestamp: true
        default: false
        }
    }
}

/// How two instants or intervals lie in time (CQL2, temporal functions; the interval relations are Allen's).
enum TemporalRelation: String, CaseIterable {
    case after, before, contains, disjoint, during, equals, finishedBy, finishes, intersects, meets, metBy, overlappedBy, overlaps, startedBy, starts

    /// The function's name in CQL2 JSON; in text it is written in any case.
    var name: String { "t_\(rawValue)" }

    /// Whether it says something of intervals only.
    var needsIntervals: Bool {
        switch self {
        case .after, .before, .contains, .disjoint, .during, .equals, .intersects: false
        default: true
        }
    }
}

/// Numbers of CQL2 text and JSON.
enum FilterNumber {
    /// Works the exponent into the digits.
    ///
    /// - Parameter text: digits, at most one point, an exponent behind `e` or `E`.
    /// - Returns: nil where it has no digits, or more than any field's values have.
    static func plain(_ text: String) -> String? {
        let parts = text.split(omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first, parts.count <= 2 else { return nil }
        let sides = mantissa.split(separator: ".", omittingEmptySubsequences: false)
        guard sides.count <= 2, !mantissa.utf8.elementsEqual(".".utf8) else { return nil }
        var whole = String(sides[0]), fraction = sides.count == 2 ? String(sides[1]) : ""
        if parts.count == 2 {
            guard let exponent = Int(parts[1]), abs(exponent) <= 80 else { return nil }
            if exponent > 0 {
                let padded = fraction + String(repeating: "0", count: max(0, exponent - fraction.count))
                whole += padded.prefix(exponent)
                fraction = String(padded.dropFirst(exponent))
            } else if exponent < 0 {
                let padded = String(repeating: "0", count: max(0, -exponent - whole.count)) + whole
                fraction = padded.suffix(-exponent) + fraction
                whole = String(padded.dropLast(-exponent))
            }
        }
        if whole.isEmpty { whole = "0" }
        guard whole.count + fraction.count <= 80 else { return nil }
        return fraction.isEmpty ? whole : whole + "." + fraction
    }
}
