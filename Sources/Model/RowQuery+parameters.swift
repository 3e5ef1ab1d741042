extension RowQuery {
    /// The parameters that are not fields; they win over fields of the same name, which can still be filtered with `name__eq`.
    public static let parameterNames = ["sort", "fields", "limit", "cursor", "version", "as_of", "filter", "filter-lang"]

    /// Parameter suffixes after `__`.
    public static let operatorNames = Predicate.Comparison.allCases.map(\.rawValue) + ["in", "like", "null"]

    /// Reads simple parameters: `field=value`, `field__gte=value`, `field__in=a,b`, `sort=-field`, `fields=a,b`, `limit`, `cursor`, `version`,
    /// and `filter` in the language that `filter-lang` names; all conditions must hold.
    ///
    /// Only fields that everybody may see exist here: the name of a hidden one gets the same answer as a name that nobody uses.
    /// - Parameters:
    ///   - parameters: names and values, decoded, in their order.
    ///   - fields: what may be asked about.
    ///   - other: names that the caller reads itself.
    /// - Throws: a `Problem` with every place that is wrong and what was expected there; codes `unknownField`, `invalidFilter`, `invalidSort`,
    ///   `invalidLimit`, `invalidCursor`.
    public init(parameters: [(name: String, value: String)], fields queryable: QueryableFields, other: [String] = []) throws {
        var reader = ParameterReader(fields: queryable)
        self.init()
        var conditions: [Predicate] = []
        var seen: [String] = []
        var filter: String?
        var language: FilterLanguage? = .text
        for (name, value) in parameters where !other.contains(name) {
            if seen.contains(name) {
                reader.repeated(name)
                continue
            }
            seen.append(name)
            switch name {
            case "sort": sort = reader.sort(value)
            case "fields": fields = reader.fieldList(value)
            case "limit":
                if let number = Int(value), Self.limits.contains(number) { limit = number } else {
                    let (low, high) = (Self.limits.lowerBound, Self.limits.upperBound)
                    reader.wrong(.invalidLimit, name, zh: "应为 \(low) 到 \(high) 的整数", en: "expected a whole number from \(low) to \(high)")
                }
            case "cursor": cursor = value
            case "version":
                if let number = Int(value), number > 0, number <= Int(Int32.max) { version = number } else {
                    reader.wrong(.invalidParameter, name, zh: "应为版本号，如 3", en: "expected a version number such as 3")
                }
            case "filter": filter = value
            case "filter-lang":
                language = FilterLanguage(rawValue: value)
                if language == nil {
                    let known = FilterLanguage.allCases.map(\.rawValue).joined(separator: ", ")
                    reader.wrong(.invalidParameter, name, zh: "应为以下之一：\(known)", en: "expected one of: \(known)")
                }
            default:
                if let condition = reader.condition(name, value) { conditions.append(condition) }
            }
        }
        if let filter, let language, let condition = reader.filter(filter, language) { conditions.append(condition) }
        if conditions.reduce(0, { $0 + $1.conditionCount }) > Predicate.Limits.conditions {
            let most = Predicate.Limits.conditions
            reader.wrong(.invalidFilter, filter == nil ? "?" : "filter", zh: "条件不得超过 \(most) 个", en: "at most \(most) conditions")
        }
        try reader.check()
        predicate = conditions.count > 1 ? .and(conditions) : conditions.first
    }
}

/// Reads single parameters and collects what is wrong with them.
private struct ParameterReader {
    let fields: QueryableFields
    private var code: ProblemCode?
    private var places: [Problem.Place] = []

    init(fields: QueryableFields) {
        self.fields = fields
    }

    private func field(_ name: some StringProtocol) -> QueryableFields.Entry? { fields[name] }

    mutating func wrong(_ code: ProblemCode, _ place: String, zh: String, en: String) {
        if self.code == nil { self.code = code }
        if places.count < 20 { places.append(Problem.Place(place, zh: zh, en: en)) }
    }

    /// Throws what was collected.
    func check() throws {
        guard let code, let first = places.first else { return }
        throw Problem(code, zh: "参数 \(first.place)：\(first.message.zh)", en: "parameter \(first.place): \(first.message.text(in: .en))", places: places)
    }

    private mutating func unknownField(_ place: String, _ name: String) {
        let message = fields.unknown(name)
        wrong(.unknownField, place, zh: message.zh, en: message.text(in: .en))
    }

    /// Says how what was meant by a parameter that comes twice is written.
    mutating func repeated(_ name: String) {
        if name == "filter" {
            wrong(.invalidFilter, name, zh: "只能给出一次；几个条件用 AND 连接", en: "may be given once only; join conditions with AND")
        } else if RowQuery.parameterNames.contains(name) {
            wrong(.invalidParameter, name, zh: "只能给出一次", en: "may be given once only")
        } else if let field = field(name) {
            wrong(.invalidFilter, name, zh: "只能给出一次；多个值用 \(field.name)__in=a,b", en: "may be given once only; several values are written \(field.name)__in=a,b")
        } else {
            wrong(.invalidFilter, name, zh: "只能给出一次", en: "may be given once only")
        }
    }

    mutating func condition(_ name: String, _ value: String) -> Predicate? {
        if let field = field(name) { return comparison(field, .equal, name, value) }
        let parts = name.parts
        guard let parts, let field = field(parts.field) else {
            // The name without its suffix, so that a mistyped field is named as such.
            let stem = parts.flatMap { RowQuery.operatorNames.contains(String($0.word)) ? String($0.field) : nil }
            unknownField(name.prefix(128).description, stem ?? name)
            return nil
        }
        switch parts.word {
        case "in": return list(field, name, value)
        case "like": return pattern(field, name, value)
        case "null":
            guard value == "true" || value == "false" else {
                wrong(.invalidFilter, name, zh: "应为 true 或 false", en: "expected true or false")
                return nil
            }
            return value == "true" ? .isNull(field: field.name) : .not(.isNull(field: field.name))
        case let word:
            guard let comparison = Predicate.Comparison(rawValue: String(word)) else {
                let known = RowQuery.operatorNames.joined(separator: ", ")
                wrong(.invalidFilter, name.prefix(128).description, zh: "没有运算 \(word.prefix(32))；可用：\(known)", en: "no operator \(word.prefix(32)); there are: \(known)")
                return nil
            }
            return self.comparison(field, comparison, name, value)
        }
    }

    mutating func filter(_ text: String, _ language: FilterLanguage) -> Predicate? {
        do {
            return try language.predicate(text, fields: fields)
        } catch {
            let message = error.message
            wrong(error.code, "filter:\(error.place)", zh: "第 \(error.place) 个字符：\(message.zh)", en: "character \(error.place): \(message.text(in: .en))")
            return nil
        }
    }

    private mutating func comparison(_ field: QueryableFields.Entry, _ comparison: Predicate.Comparison, _ place: String, _ value: String) -> Predicate? {
        if comparison != .equal, comparison != .notEqual, !field.type.isOrdered {
            wrong(.invalidFilter, place, zh: "\(field.type) 类型没有大小之分，只能用相等", en: "values of type \(field.type) have no order; compare for equality")
            return nil
        }
        guard isShort(value, place) else { return nil }
        guard let literal = field.type.literal(value) else {
            wrong(.invalidFilter, place, zh: field.type.literalExpectation.zh, en: field.type.literalExpectation.text(in: .en))
            return nil
        }
        return .compare(field: field.name, comparison, value: literal)
    }

    private mutating func isShort(_ value: String, _ place: String, number: Int? = nil) -> Bool {
        let most = Predicate.Limits.valueBytes
        if value.utf8.count <= most { return true }
        let (zh, en) = number.map { ("第 \($0) 个值：", "value \($0): ") } ?? ("", "")
        wrong(.invalidFilter, place, zh: "\(zh)值不得超过 \(most) 字节", en: "\(en)a value has at most \(most) bytes")
        return false
    }

    private mutating func list(_ field: QueryableFields.Entry, _ place: String, _ value: String) -> Predicate? {
        guard let values = ValueListText.split(value) else {
            wrong(.invalidFilter, place, zh: "引号不成对；含逗号的值写作 \"a,b\"", en: "unbalanced quotes; a value with a comma is written \"a,b\"")
            return nil
        }
        guard values.count <= Predicate.Limits.listValues else {
            let most = Predicate.Limits.listValues
            wrong(.invalidFilter, place, zh: "不得超过 \(most) 个值", en: "at most \(most) values")
            return nil
        }
        var literals: [String] = []
        for (index, value) in values.enumerated() {
            guard isShort(value, place, number: index + 1) else { return nil }
            guard let literal = field.type.literal(value) else {
                let expected = field.type.literalExpectation
                wrong(.invalidFilter, place, zh: "第 \(index + 1) 个值：\(expected.zh)", en: "value \(index + 1): \(expected.text(in: .en))")
                return nil
            }
            literals.append(literal)
        }
        return .isIn(field: field.name, values: literals)
    }

    private mutating func pattern(_ field: QueryableFields.Entry, _ place: String, _ value: String) -> Predicate? {
        guard field.type.isTextual else {
            wrong(.invalidFilter, place, zh: "\(field.type) 类型不能用 like", en: "values of type \(field.type) cannot be matched by a pattern")
            return nil
        }
        guard isShort(value, place) else { return nil }
        if let fault = LikePattern.fault(in: value) {
            wrong(.invalidFilter, place, zh: fault.zh, en: fault.text(in: .en))
            return nil
        }
        return .like(field: field.name, pattern: value)
    }

    mutating func sort(_ value: String) -> [RowQuery.SortField] {
        var sort: [RowQuery.SortField] = []
        for part in value[...].pieces(at: ",") {
            let descending = part.hasPrefix("-")
            let name = descending ? part.dropFirst() : part
            guard let field = field(name) else {
                unknownField("sort", String(name))
                continue
            }
            guard field.type.isOrdered else {
                wrong(.invalidSort, "sort", zh: "\(field.name) 是 \(field.type) 类型，不能排序", en: "\(field.name) is of type \(field.type), which has no order")
                continue
            }
            guard !sort.contains(where: { $0.field == field.name }) else {
                wrong(.invalidSort, "sort", zh: "\(field.name) 出现了两次", en: "\(field.name) stands there twice")
                continue
            }
            sort.append(RowQuery.SortField(field.name, descending: descending))
        }
        if sort.count > RowQuery.sortFields {
            wrong(.invalidSort, "sort", zh: "不得超过 \(RowQuery.sortFields) 个信息项", en: "at most \(RowQuery.sortFields) fields")
        }
        return sort
    }

    mutating func fieldList(_ value: String) -> [String] {
        var names: [String] = []
        for name in value[...].pieces(at: ",") {
            guard let field = field(name) else {
                unknownField("fields", String(name))
                continue
            }
            if !names.contains(field.name) { names.append(field.name) }
        }
        return names
    }
}

/// Patterns of `LIKE`.
enum LikePattern {
    /// What is wrong with a pattern; nil when nothing is.
    static func fault(in pattern: String) -> LocalizedText? {
        var wildcards = 0
        var escaped = false
        var previous: UInt8 = 0
        for byte in pattern.utf8 {
            if byte == 0 { return LocalizedText(zh: "不得含空字符", en: "must not contain NUL") }
            if !escaped, byte == UInt8(ascii: "%"), previous != UInt8(ascii: "%") { wildcards += 1 }
            previous = escaped ? 0 : byte
            escaped = !escaped && byte == UInt8(ascii: "\\")
        }
        if escaped { return LocalizedText(zh: "模式不得以单个 \\ 结尾", en: "a pattern must not end with a single \\") }
        let most = Predicate.Limits.patternWildcards
        return wildcards <= most ? nil : LocalizedText(zh: "% 不得超过 \(most) 处", en: "at most \(most) places with %")
    }
}

/// The values of `field__in`: separated by commas, in double quotes where they hold one, as in a CSV record (RFC 4180).
enum ValueListText {
    /// - Returns: nil when quotes do not pair.
    static func split(_ text: String) -> [String]? {
        guard text.utf8.contains(UInt8(ascii: "\"")) else { return text[...].pieces(at: ",").map { String($0) } }
        var values: [String] = []
        var value: [UInt8] = []
        var quoted = false, closed = false
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\"") where quoted:
                quoted = false
                closed = true
            case UInt8(ascii: "\"") where closed:
                value.append(byte)
                quoted = true
                closed = false
            case UInt8(ascii: "\"") where value.isEmpty: quoted = true
            case UInt8(ascii: ",") where !quoted:
                values.append(String(decoding: value, as: UTF8.self))
                value = []
                closed = false
            default:
                if closed { return nil }
                value.append(byte)
            }
        }
        if quoted { return nil }
        values.append(String(decoding: value, as: UTF8.self))
        return values
    }
}

extension Substring {
    /// Takes a list apart at an ASCII sign. As characters, a sign and a combining mark behind it would be one.
    func pieces(at sign: Unicode.Scalar) -> [Substring] {
        utf8.split(separator: UInt8(ascii: sign), omittingEmptySubsequences: false).map { Substring($0) }
    }
}

extension String {
    /// What stands before and behind the last `__`.
    fileprivate var parts: (field: Substring, word: Substring)? {
        let bytes = utf8
        var end = bytes.endIndex
        while let mark = bytes[..<end].lastIndex(of: UInt8(ascii: "_")), mark > bytes.startIndex {
            let before = bytes.index(before: mark)
            if bytes[before] == UInt8(ascii: "_") { return (self[..<before], self[bytes.index(after: mark)...]) }
            end = mark
        }
        return nil
    }
}
