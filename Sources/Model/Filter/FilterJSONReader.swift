/// Reads CQL2 JSON (OGC 21-065r2, annex A) into the same expressions as CQL2 text.
enum FilterJSONReader {
    static func read(_ text: String) throws(FilterFault) -> FilterExpression { try condition(try FilterJSON.parse(text)) }

    private static func fault(_ json: FilterJSON, zh: String, en: String) -> FilterFault { FilterFault(json.place, zh: "应为\(zh)", en: "expected \(en)") }

    private static let comparisons: [String: Predicate.Comparison] = [
        "=": .equal, "<>": .notEqual, "<": .less, "<=": .lessOrEqual, ">": .greater, ">=": .greaterOrEqual,
    ]
    private static let relations = Dictionary(uniqueKeysWithValues: TemporalRelation.allCases.map { ($0.name, $0) })

    private static func condition(_ json: FilterJSON) throws(FilterFault) -> FilterExpression {
        let expression = try read(json)
        guard expression.isCondition else { throw fault(json, zh: "条件，如 {\"op\":\"=\",\"args\":[…]}", en: "a condition such as {\"op\":\"=\",\"args\":[…]}") }
        return expression
    }

    private static func value(_ json: FilterJSON) throws(FilterFault) -> FilterExpression {
        let expression = try read(json)
        guard expression.isValue else { throw fault(json, zh: "值或 {\"property\":…}", en: "a value or {\"property\":…}") }
        return expression
    }

    private static func read(_ json: FilterJSON) throws(FilterFault) -> FilterExpression {
        switch json.value {
        case .boolean(let value): return try FilterExpression(.boolean(value), at: json.place)
        case .string(let text): return try FilterExpression(.text(text, pattern: text), at: json.place)
        case .number(let number): return try FilterExpression(.number(number), at: json.place)
        case .null, .array: throw fault(json, zh: "对象或值", en: "an object or a value")
        case .object:
            if let operation = json["op"] { return try self.operation(json, try string(operation)) }
            if let name = json["property"] { return try FilterExpression(.field(try string(name)), at: json.place) }
            for (name, isDate) in [("date", true), ("timestamp", false)] {
                guard let text = json[name] else { continue }
                return try FilterExpression.instant(try string(text), isDate: isDate, place: text.place, at: json.place)
            }
            if let interval = json["interval"] {
                let bounds = try list(interval, count: 2...2)
                return try FilterExpression(.interval(try bound(bounds[0]), try bound(bounds[1])), at: json.place)
            }
            throw fault(json, zh: "成员 op、property、date、timestamp 或 interval", en: "a member op, property, date, timestamp or interval")
        }
    }

    private static func string(_ json: FilterJSON) throws(FilterFault) -> String {
        guard case .string(let text) = json.value else { throw fault(json, zh: "字符串", en: "a string") }
        return text
    }

    private static func list(_ json: FilterJSON, count: ClosedRange<Int>) throws(FilterFault) -> [FilterJSON] {
        guard case .array(let values) = json.value, count.contains(values.count) else {
            let number = count.count == 1 ? "\(count.lowerBound)" : "\(count.lowerBound)–\(count.upperBound)"
            throw fault(json, zh: "有 \(number) 项的数组", en: "an array of \(number)")
        }
        return values
    }

    private static func bound(_ json: FilterJSON) throws(FilterFault) -> FilterExpression {
        if case .string(let text) = json.value {
            if let bound = try FilterExpression.bound(text, at: json.place) { return bound }
        } else if json["property"] != nil {
            return try read(json)
        }
        throw FilterExpression.wrongBound(json.place)
    }

    private static func operand(_ json: FilterJSON) throws(FilterFault) -> FilterExpression {
        let expression = try read(json)
        switch expression.node {
        case .field, .date, .timestamp, .interval: return expression
        default: throw fault(json, zh: "property、date、timestamp 或 interval", en: "property, date, timestamp or interval")
        }
    }

    private static func operation(_ json: FilterJSON, _ name: String) throws(FilterFault) -> FilterExpression {
        guard let arguments = json["args"] else { throw fault(json, zh: "成员 args", en: "a member args") }
        func all(_ count: ClosedRange<Int>) throws(FilterFault) -> [FilterJSON] { try list(arguments, count: count) }
        if let comparison = comparisons[name] {
            let pair = try all(2...2)
            return try FilterExpression(.comparison(comparison, try value(pair[0]), try value(pair[1])), at: json.place)
        }
        if let relation = relations[name] {
            let pair = try all(2...2)
            return try FilterExpression(.temporal(relation, try operand(pair[0]), try operand(pair[1])), at: json.place)
        }
        if let operation = Predicate.Term.Operation(rawValue: name) {
            let pair = try all(2...2)
            return try FilterExpression(.arithmetic(operation, try value(pair[0]), try value(pair[1])), at: json.place)
        }
        switch name {
        case "and", "or":
            var parts: [FilterExpression] = []
            for part in try all(2...Predicate.Limits.listValues) { parts.append(try condition(part)) }
            return try FilterExpression(name == "and" ? .and(parts) : .or(parts), at: json.place)
        case "not": return try FilterExpression(.not(try condition(try all(1...1)[0])), at: json.place)
        case "like":
            let pair = try all(2...2)
            return try FilterExpression(.like(try value(pair[0]), pattern: try read(pair[1])), at: json.place)
        case "between":
            let three = try all(3...3)
            return try FilterExpression(.between(try value(three[0]), try value(three[1]), try value(three[2])), at: json.place)
        case "in":
            let pair = try all(2...2)
            let most = Predicate.Limits.listValues
            var values: [FilterExpression] = []
            for item in try list(pair[1], count: 1...most) { values.append(try value(item)) }
            return try FilterExpression(.isIn(try value(pair[0]), values), at: json.place)
        case "isNull": return try FilterExpression(.isNull(try read(try all(1...1)[0])), at: json.place)
        case "casei": return try FilterExpression(.folded(try value(try all(1...1)[0])), at: json.place)
        default:
            let known = "and, or, not, =, <>, <, <=, >, >=, like, between, in, isNull, casei, +, -, *, /, %, div, ^, "
                + TemporalRelation.allCases.map(\.name).joined(separator: ", ")
            throw FilterFault((json["op"] ?? json).place, zh: "没有运算 \(name.prefix(40))；可用：\(known)", en: "no operation \(name.prefix(40)); there are: \(known)")
        }
    }
}
