/// Holds an expression against the fields that may be asked about: names become fields, literals values of the type that they are compared with.
struct FilterBinder {
    let fields: QueryableFields
    /// The spelling that faults show values in.
    let language: FilterLanguage
    private var operations = 0

    init(fields: QueryableFields, language: FilterLanguage) {
        self.fields = fields
        self.language = language
    }

    mutating func predicate(_ expression: FilterExpression) throws(FilterFault) -> Predicate {
        switch expression.node {
        case .and(let parts): return .and(try all(parts))
        case .or(let parts): return .or(try all(parts))
        case .not(let part): return .not(try predicate(part))
        case .boolean(let value): return value ? .and([]) : .or([])
        case .comparison(let comparison, let left, let right): return try compare(left, comparison, right)
        case .between(let value, let low, let high):
            return .and([try compare(value, .greaterOrEqual, low), try compare(value, .lessOrEqual, high)])
        case .isIn(let value, let list): return try isIn(value, list)
        case .like(let value, let pattern): return try like(value, pattern)
        case .isNull(let value):
            return try isNull(value)
        case .temporal(let relation, let left, let right): return try temporal(relation, left, right, at: expression.place)
        case .field, .text, .number, .date, .timestamp, .interval, .open, .folded, .arithmetic:
            throw FilterFault(expression.place, zh: "应为条件", en: "expected a condition")
        }
    }

    private mutating func all(_ parts: [FilterExpression]) throws(FilterFault) -> [Predicate] {
        var predicates: [Predicate] = []
        for part in parts { predicates.append(try predicate(part)) }
        return predicates
    }

    func field(_ name: String, at place: Int) throws(FilterFault) -> QueryableFields.Entry {
        guard let entry = fields[name] else {
            let message = fields.unknown(name)
            throw FilterFault(place, .unknownField, zh: message.zh, en: message.text(in: .en))
        }
        return entry
    }

    private mutating func isNull(_ operand: FilterExpression) throws(FilterFault) -> Predicate {
        switch operand.node {
        case .field(let name): return .isNull(field: try field(name, at: operand.place).name)
        // An interval that is written out is there as far as its ends are.
        case .interval(let start, let end):
            _ = try temporal(.equals, operand, operand, at: operand.place)
            var parts: [Predicate] = []
            for case .field(let name) in [start.node, end.node] { parts.append(.isNull(field: name)) }
            return .or(parts)
        default: return operand.isCondition ? .isUndecided(try predicate(operand)) : .isMissing(try term(operand))
        }
    }

    // MARK: comparisons

    private mutating func compare(_ left: FilterExpression, _ comparison: Predicate.Comparison, _ right: FilterExpression) throws(FilterFault) -> Predicate {
        if case .field(let name) = left.node, right.isLiteral { return try compare(try field(name, at: left.place), comparison, right) }
        if case .field(let name) = right.node, left.isLiteral { return try compare(try field(name, at: right.place), comparison.mirrored, left) }
        let (first, second) = (try term(left), try term(right))
        guard first.kind == second.kind else {
            throw FilterFault(
                right.place, zh: "两边类型不同：\(first.kind) 与 \(second.kind)", en: "the two sides are of different types: \(first.kind) and \(second.kind)")
        }
        if comparison != .equal, comparison != .notEqual {
            try checkOrder(left, first)
            try checkOrder(right, second)
        }
        return .relation(first, comparison, second)
    }

    private func checkOrder(_ expression: FilterExpression, _ term: Predicate.Term) throws(FilterFault) {
        if term.kind == .boolean { throw Self.unordered(.boolean, at: expression.place) }
        if case .field(let name) = expression.node, let entry = fields[name], !entry.type.isOrdered { throw Self.unordered(entry.type, at: expression.place) }
    }

    private static func unordered(_ type: FieldType, at place: Int) -> FilterFault {
        FilterFault(place, zh: "\(type) 类型没有大小之分，只能用 = 和 <>", en: "values of type \(type) have no order; compare with = or <>")
    }

    private func compare(_ field: QueryableFields.Entry, _ comparison: Predicate.Comparison, _ literal: FilterExpression) throws(FilterFault) -> Predicate {
        if comparison != .equal, comparison != .notEqual, !field.type.isOrdered { throw Self.unordered(field.type, at: literal.place) }
        if let value = try value(literal, as: field.type) { return .compare(field: field.name, comparison, value: value) }
        // A whole number can be compared with one that is not, or that no field can hold.
        if field.type == .integer, case .number(let number) = literal.node {
            return .relation(.field(field.name, .number), comparison, .literal(number, .number))
        }
        throw mismatch(field, literal)
    }

    private func mismatch(_ field: QueryableFields.Entry, _ literal: FilterExpression) -> FilterFault {
        let expected = field.type.filterExpectation(in: language)
        return FilterFault(
            literal.place, zh: "\(field.name) 是 \(field.type) 类型，\(expected.zh)", en: "\(field.name) is of type \(field.type); \(expected.text(in: .en))")
    }

    /// A literal as a value of a field's type, spelled canonically; nil where it is none.
    private func value(_ literal: FilterExpression, as type: FieldType) throws(FilterFault) -> String? {
        switch (type.termKind, literal.node) {
        case (.text, .text(let text, _)), (.date, .text(let text, _)), (.datetime, .text(let text, _)), (.number, .number(let text)), (.date, .date(let text)),
            (.datetime, .date(let text)), (.datetime, .timestamp(let text)):
            try checkLength(text, at: literal.place)
            return type.literal(text)
        case (.boolean, .boolean(let value)): return value ? "true" : "false"
        default: return nil
        }
    }

    private func checkLength(_ text: String, at place: Int) throws(FilterFault) {
        let most = Predicate.Limits.valueBytes
        guard text.utf8.count <= most else { throw FilterFault(place, zh: "值不得超过 \(most) 字节", en: "a value has at most \(most) bytes") }
    }

    private mutating func isIn(_ value: FilterExpression, _ list: [FilterExpression]) throws(FilterFault) -> Predicate {
        if case .field(let name) = value.node, list.allSatisfy(\.isLiteral) {
            let field = try field(name, at: value.place)
            var values: [String] = []
            for literal in list {
                if let value = try self.value(literal, as: field.type) { values.append(value) } else if field.type != .integer { throw mismatch(field, literal) }
            }
            if values.count == list.count { return .isIn(field: name, values: values) }
        }
        var parts: [Predicate] = []
        for item in list { parts.append(try compare(value, .equal, item)) }
        return .or(parts)
    }

    // MARK: patterns

    private mutating func like(_ value: FilterExpression, _ pattern: FilterExpression) throws(FilterFault) -> Predicate {
        let (text, isFolded) = try self.pattern(pattern)
        if case .field(let name) = value.node {
            let field = try field(name, at: value.place)
            guard field.type.isTextual else {
                throw FilterFault(value.place, zh: "\(field.type) 类型不能用 LIKE", en: "values of type \(field.type) cannot be matched by a pattern")
            }
            if !isFolded { return .like(field: name, pattern: text) }
        }
        let term = try term(value)
        guard term.kind == .text else { throw FilterFault(value.place, zh: "LIKE 的左边应为文本", en: "expected text on the left of LIKE") }
        return .matches(term, pattern: isFolded ? .folded(.literal(text, .text)) : .literal(text, .text))
    }

    private func pattern(_ expression: FilterExpression) throws(FilterFault) -> (text: String, isFolded: Bool) {
        switch expression.node {
        case .folded(let part): return (try pattern(part).text, true)
        case .text(_, let pattern):
            try checkLength(pattern, at: expression.place)
            if let fault = LikePattern.fault(in: pattern) { throw FilterFault(expression.place, zh: fault.zh, en: fault.text(in: .en)) }
            return (pattern, false)
        default:
            switch language {
            case .text: throw FilterFault(expression.place, zh: "应为单引号内的模式", en: "expected a pattern in single quotes")
            case .json: throw FilterFault(expression.place, zh: "应为字符串形式的模式", en: "expected a pattern, which is a string")
            }
        }
    }

    // MARK: terms

    private mutating func term(_ expression: FilterExpression) throws(FilterFault) -> Predicate.Term {
        switch expression.node {
        case .field(let name):
            let field = try field(name, at: expression.place)
            guard let kind = field.type.termKind else { throw mismatch(field, expression) }
            return .field(name, kind)
        case .text(let text, _):
            try checkLength(text, at: expression.place)
            guard !text.utf8.contains(0) else { throw FilterFault(expression.place, zh: "不得含空字符", en: "must not contain NUL") }
            return .literal(text, .text)
        case .number(let number): return .literal(number, .number)
        case .boolean(let value): return .literal(value ? "true" : "false", .boolean)
        case .date(let text): return .literal(text, .date)
        case .timestamp(let text): return .literal(text, .datetime)
        case .folded(let part):
            let term = try term(part)
            guard term.kind == .text else { throw FilterFault(part.place, zh: "CASEI 只用于文本", en: "CASEI is for text only") }
            return .folded(term)
        case .arithmetic(let operation, let left, let right):
            operations += 1
            guard operations <= Predicate.Limits.operations else { throw FilterExpression.tooManyOperations(expression.place) }
            return .arithmetic(operation, try number(left), try number(right))
        default: throw FilterFault(expression.place, zh: "应为信息项名或值", en: "expected a field or a value")
        }
    }

    private mutating func number(_ expression: FilterExpression) throws(FilterFault) -> Predicate.Term {
        let term = try term(expression)
        guard term.kind == .number else {
            throw FilterFault(expression.place, zh: "算术只用于数值，此处是 \(term.kind)", en: "arithmetic is for numbers, found \(term.kind)")
        }
        return term
    }
}

extension FieldType {
    /// What a literal of this type looks like in a filter.
    fileprivate func filterExpectation(in language: FilterLanguage) -> LocalizedText {
        switch language {
        case .text: textExpectation
        case .json: jsonExpectation
        }
    }

    private var jsonExpectation: LocalizedText {
        switch self {
        case .text, .code: LocalizedText(zh: "应为字符串", en: "expected a string")
        case .integer, .decimal: LocalizedText(zh: "应为数值，不是字符串", en: "expected a number, not a string")
        case .boolean: LocalizedText(zh: "应为 true 或 false", en: "expected true or false")
        case .date: LocalizedText(zh: "应为 \(FilterLanguage.json.day)", en: "expected \(FilterLanguage.json.day)")
        case .datetime:
            LocalizedText(
                zh: #"应为 {"timestamp":"2026-03-01T00:00:00Z"} 或 \#(FilterLanguage.json.day)；\#(Timestamp.writable.zh)"#,
                en: #"expected {"timestamp":"2026-03-01T00:00:00Z"} or \#(FilterLanguage.json.day); \#(Timestamp.writable.text(in: .en))"#)
        case .period: LocalizedText(zh: "应为字符串 YYYY、YYYY-MM 或 YYYY-Qn", en: "expected a string YYYY, YYYY-MM or YYYY-Qn")
        case .geoPoint: LocalizedText(zh: "应为字符串 经度,纬度", en: "expected a string longitude,latitude")
        case .json: LocalizedText(zh: "只能用 isNull", en: "only isNull can be asked")
        }
    }

    private var textExpectation: LocalizedText {
        switch self {
        case .text, .code: LocalizedText(zh: "应为单引号内的文本", en: "expected text in single quotes")
        case .integer, .decimal: LocalizedText(zh: "应为不加引号的数值", en: "expected a number without quotes")
        case .boolean: LocalizedText(zh: "应为 TRUE 或 FALSE", en: "expected TRUE or FALSE")
        case .date: LocalizedText(zh: "应为 \(FilterLanguage.text.day)", en: "expected \(FilterLanguage.text.day)")
        case .datetime:
            LocalizedText(
                zh: "应为 TIMESTAMP('2026-03-01T00:00:00Z') 或 \(FilterLanguage.text.day)；\(Timestamp.writable.zh)",
                en: "expected TIMESTAMP('2026-03-01T00:00:00Z') or \(FilterLanguage.text.day); \(Timestamp.writable.text(in: .en))")
        case .period: LocalizedText(zh: "应为 'YYYY'、'YYYY-MM' 或 'YYYY-Qn'", en: "expected 'YYYY', 'YYYY-MM' or 'YYYY-Qn'")
        case .geoPoint: LocalizedText(zh: "应为 '经度,纬度'", en: "expected 'longitude,latitude'")
        case .json: LocalizedText(zh: "只能用 IS NULL", en: "only IS NULL can be asked")
        }
    }
}
