internal import Foundation

extension AggregateQuery {
    /// The parameters that are not about which rows.
    public static let parameterNames = ["group_by", "select", "having", "sort", "limit"]

    /// Reads `group_by=region,month(observed_at)`, `select=sum(amount),count(*)`, `having=sum_amount__gte=100`, `sort=-sum_amount`, `limit`, `version`,
    /// and the conditions on rows that ``RowQuery`` reads.
    ///
    /// - Parameters:
    ///   - parameters: names and values, decoded, in their order.
    ///   - filterable: what conditions on rows may be about.
    ///   - aggregable: what may be grouped and computed; other names get the same answer as names that nobody uses.
    /// - Throws: a `Problem` with every place that is wrong and how to mend it; codes `invalidAggregate`, `unknownField`, `invalidSort`, `invalidLimit`,
    ///   `unknownParameter`, and those of `RowQuery`.
    public init(parameters: [(name: String, value: String)], filterable: QueryableFields, aggregable: QueryableFields) throws {
        let foreign = parameters.filter { $0.name == "fields" || $0.name == "cursor" }
        guard foreign.isEmpty else {
            throw Problem(
                .unknownParameter, zh: "聚合没有 fields 和 cursor；用 select 选列，用 limit 定条数", en: "an aggregate has no fields and no cursor; choose columns by select, their number by limit",
                places: foreign.map { .init($0.name, zh: "没有这个参数", en: "no such parameter") })
        }
        let rows = try RowQuery(parameters: parameters, fields: filterable, other: Self.parameterNames)
        predicate = rows.predicate
        version = rows.version

        var reader = AggregateReader(fields: aggregable)
        func value(_ name: String) -> String? {
            let values = parameters.filter { $0.name == name }
            if values.count > 1 { reader.wrong(.invalidAggregate, name, zh: "只能给出一次；多项用逗号分隔", en: "may be given once only; separate several by commas") }
            return values.first?.value
        }
        groupBy = value("group_by").map { reader.groups($0) } ?? []
        select = reader.measures(value("select") ?? "count(*)")
        reader.requireDistinct(groupBy, select)
        having = value("having").map { reader.conditions($0, select) } ?? []
        sort = value("sort").map { reader.sort($0, columns.map(\.name)) } ?? []
        if let text = value("limit") {
            if let number = Int(text), Self.limits.contains(number) { limit = number } else {
                let (low, high) = (Self.limits.lowerBound, Self.limits.upperBound)
                reader.wrong(.invalidLimit, "limit", zh: "应为 \(low) 到 \(high) 的整数", en: "expected a whole number from \(low) to \(high)")
            }
        }
        try reader.check()
    }

    /// Reads what a roll-up declares.
    ///
    /// - Throws: a `Problem` whose places are `group_by` and `select`.
    init(_ rollup: Rollup, fields: QueryableFields) throws {
        var reader = AggregateReader(fields: fields)
        groupBy = reader.groups(rollup.groupBy.joined(separator: ","))
        if !rollup.select.isEmpty { select = reader.measures(rollup.select.joined(separator: ","), atMost: Rollup.selectLimit) }
        reader.requireDistinct(groupBy, select)
        try reader.check()
    }
}

/// Reads the parameters of an aggregate and collects what is wrong with them.
private struct AggregateReader {
    let fields: QueryableFields
    private var code: ProblemCode?
    private var places: [Problem.Place] = []

    init(fields: QueryableFields) {
        self.fields = fields
    }

    mutating func wrong(_ code: ProblemCode, _ place: String, zh: String, en: String) {
        if self.code == nil { self.code = code }
        if places.count < 20 { places.append(Problem.Place(place, zh: zh, en: en)) }
    }

    private mutating func wrong(_ term: AggregateTerm, _ place: String, _ code: ProblemCode = .invalidAggregate, zh: String, en: String) {
        let shown = term.text.prefix(80)
        wrong(code, place, zh: "第 \(term.position) 个字符起的 \(shown)：\(zh)", en: "at character \(term.position), \(shown): \(en)")
    }

    /// Throws what was collected.
    func check() throws {
        guard let code, let first = places.first else { return }
        throw Problem(code, zh: "参数 \(first.place)：\(first.message.zh)", en: "parameter \(first.place): \(first.message.text(in: .en))", places: places)
    }

    private mutating func terms(_ text: String, _ place: String, atMost most: Int) -> [AggregateTerm] {
        switch AggregateTerm.list(text) {
        case .success(let terms):
            if terms.count <= most { return terms }
            wrong(.invalidAggregate, place, zh: "不得超过 \(most) 项", en: "at most \(most) items")
        case .failure(let fault): wrong(.invalidAggregate, place, zh: fault.message.zh, en: fault.message.text(in: .en))
        }
        return []
    }

    private mutating func field(_ name: String, _ term: AggregateTerm, _ place: String) -> QueryableFields.Entry? {
        if let field = fields[name] { return field }
        let names = fields.entries.prefix(60).map(\.name).joined(separator: ", ")
        wrong(term, place, .unknownField, zh: "没有信息项 \(name.prefix(64))；可用：\(names)", en: "no field \(name.prefix(64)); there are: \(names)")
        return nil
    }

    // MARK: group_by

    private static let groupForms = AggregateQuery.Bucket.allCases.map { "\($0.rawValue)(field)" }.joined(separator: ", ")
        + ", prefix(field,n), " + AggregateQuery.Level.allCases.map { "\($0.rawValue)(field)" }.joined(separator: ", ")

    mutating func groups(_ text: String) -> [AggregateQuery.Group] {
        terms(text, "group_by", atMost: AggregateQuery.groupLimit).compactMap { group($0) }
    }

    private mutating func group(_ term: AggregateTerm) -> AggregateQuery.Group? {
        let place = "group_by"
        guard let arguments = term.arguments else {
            guard let field = field(term.name, term, place) else { return nil }
            guard field.type != .json else {
                wrong(term, place, zh: "json 类型不能分组", en: "values of type json cannot be grouped")
                return nil
            }
            return .init(form: .value, field: field.name, fieldType: field.type)
        }
        if let bucket = AggregateQuery.Bucket(rawValue: term.name) {
            guard arguments.count == 1 else {
                wrong(term, place, zh: "应写作 \(term.name)(信息项)", en: "write \(term.name)(field)")
                return nil
            }
            guard let field = field(arguments[0], term, place) else { return nil }
            guard bucket.takes(field.type) else {
                wrong(term, place, zh: "\(field.type) 类型不能按 \(term.name) 分组；\(Self.bucketHint.zh)", en: "values of type \(field.type) have no \(term.name); \(Self.bucketHint.en ?? "")")
                return nil
            }
            return .init(form: .bucket(bucket), field: field.name, fieldType: field.type)
        }
        if let level = AggregateQuery.Level(rawValue: term.name) {
            guard arguments.count == 1 else {
                wrong(term, place, zh: "应写作 \(term.name)(信息项)", en: "write \(term.name)(field)")
                return nil
            }
            guard let field = field(arguments[0], term, place) else { return nil }
            guard field.type == .code else {
                wrong(term, place, zh: "\(term.name) 只用于 code 类型的行政区划代码", en: "\(term.name) is for values of type code that are division codes")
                return nil
            }
            return .init(form: .level(level), field: field.name, fieldType: field.type)
        }
        guard term.name == "prefix" else {
            wrong(term, place, zh: "没有 \(term.name.prefix(32))；可用：信息项本身, \(Self.groupForms)", en: "no \(term.name.prefix(32)); there are: a field itself, \(Self.groupForms)")
            return nil
        }
        let lengths = AggregateQuery.prefixLengths
        guard arguments.count == 2, let count = Int(arguments[1]), lengths.contains(count) else {
            wrong(
                term, place, zh: "应写作 prefix(信息项,n)，n 为 \(lengths.lowerBound) 到 \(lengths.upperBound)",
                en: "write prefix(field,n), n from \(lengths.lowerBound) to \(lengths.upperBound)")
            return nil
        }
        guard let field = field(arguments[0], term, place) else { return nil }
        guard field.type == .code || field.type == .text else {
            wrong(term, place, zh: "prefix 只用于 code 和 text 类型", en: "prefix is for values of type code and text")
            return nil
        }
        return .init(form: .prefix(count), field: field.name, fieldType: field.type)
    }

    private static let bucketHint = LocalizedText(
        zh: "datetime 可用全部时段，date 可用 day 至 year，period 可用 year", en: "datetime has all of them, date has day to year, period has year")

    // MARK: select

    private static let functions = "count(*), count(field), count_distinct(field), sum(field), avg(field), min(field), max(field), p1(field) … p99(field)"

    mutating func measures(_ text: String, atMost most: Int = AggregateQuery.selectLimit) -> [AggregateQuery.Measure] {
        terms(text, "select", atMost: most).compactMap { measure($0) }
    }

    private mutating func measure(_ term: AggregateTerm) -> AggregateQuery.Measure? {
        let place = "select"
        guard let function = AggregateQuery.Measure.Function(term.name), let arguments = term.arguments else {
            let isField = term.arguments == nil && fields[term.name] != nil
            wrong(
                term, place, zh: isField ? "信息项要放在函数里，或写到 group_by；函数：\(Self.functions)" : "没有这个函数；可用：\(Self.functions)",
                en: isField ? "a field stands inside a function, or in group_by; functions: \(Self.functions)" : "no such function; there are: \(Self.functions)")
            return nil
        }
        guard arguments.count == 1 else {
            wrong(term, place, zh: "应写作 \(term.name)(信息项)", en: "write \(term.name)(field)")
            return nil
        }
        if arguments[0] == "*" {
            if function == .count { return .init(function: .count, field: nil, fieldType: .integer) }
            wrong(term, place, zh: "* 只能用于 count(*)", en: "* is for count(*) alone")
            return nil
        }
        guard let field = field(arguments[0], term, place) else { return nil }
        guard function.takes(field.type) else {
            wrong(term, place, zh: "\(field.type) 类型不能求 \(term.name)", en: "\(term.name) has no meaning for values of type \(field.type)")
            return nil
        }
        return .init(function: function, field: field.name, fieldType: field.type)
    }

    /// Columns are told apart by their names.
    mutating func requireDistinct(_ groups: [AggregateQuery.Group], _ measures: [AggregateQuery.Measure]) {
        var seen: Set<String> = []
        for (place, name) in groups.map({ ("group_by", $0.name) }) + measures.map({ ("select", $0.name) }) where !seen.insert(name).inserted {
            wrong(.invalidAggregate, place, zh: "列名 \(name) 出现了两次；每列只写一次", en: "two columns would be named \(name); write each once")
        }
    }

    // MARK: having, sort

    mutating func conditions(_ text: String, _ select: [AggregateQuery.Measure]) -> [AggregateQuery.Condition] {
        guard let parts = ValueListText.split(text) else {
            wrong(.invalidAggregate, "having", zh: "引号不成对；含逗号的条件写作 \"max_name__eq=a,b\"", en: "unbalanced quotes; a condition with a comma is written \"max_name__eq=a,b\"")
            return []
        }
        guard parts.count <= AggregateQuery.havingLimit else {
            wrong(.invalidAggregate, "having", zh: "不得超过 \(AggregateQuery.havingLimit) 个条件", en: "at most \(AggregateQuery.havingLimit) conditions")
            return []
        }
        return parts.compactMap { condition($0, select) }
    }

    private mutating func condition(_ text: String, _ select: [AggregateQuery.Measure]) -> AggregateQuery.Condition? {
        let place = "having", shown = text.prefix(80)
        guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            wrong(
                .invalidAggregate, place, zh: "\(shown)：应写作 列名__运算=值，如 sum_amount__gte=100", en: "\(shown): write column__operator=value, such as sum_amount__gte=100")
            return nil
        }
        let left = String(text[..<equals]), right = String(text[text.utf8.index(after: equals)...])
        var name = left
        var comparison = Predicate.Comparison.equal
        if !select.contains(where: { $0.name == left }), let mark = left.range(of: "__", options: .backwards) {
            name = String(left[..<mark.lowerBound])
            guard let found = Predicate.Comparison(rawValue: String(left[mark.upperBound...])) else {
                let known = Predicate.Comparison.allCases.map(\.rawValue).joined(separator: ", ")
                wrong(.invalidAggregate, place, zh: "\(shown)：没有这个运算；可用：\(known)", en: "\(shown): no such operator; there are: \(known)")
                return nil
            }
            comparison = found
        }
        guard let measure = select.firstIndex(where: { $0.name == name }) else {
            let known = select.map(\.name).joined(separator: ", ")
            wrong(.invalidAggregate, place, zh: "\(shown)：select 中没有列 \(name.prefix(64))；可用：\(known)", en: "\(shown): select has no column \(name.prefix(64)); there are: \(known)")
            return nil
        }
        let most = Predicate.Limits.valueBytes
        guard right.utf8.count <= most else {
            wrong(.invalidAggregate, place, zh: "\(shown)：值不得超过 \(most) 字节", en: "\(shown): a value has at most \(most) bytes")
            return nil
        }
        guard let literal = select[measure].type.literal(right) else {
            let expected = select[measure].type.literalExpectation
            wrong(.invalidAggregate, place, zh: "\(shown)：\(expected.zh)", en: "\(shown): \(expected.text(in: .en))")
            return nil
        }
        return .init(measure: measure, comparison: comparison, value: literal)
    }

    mutating func sort(_ text: String, _ columns: [String]) -> [AggregateQuery.Sort] {
        var sort: [AggregateQuery.Sort] = []
        for part in text[...].pieces(at: ",") {
            let descending = part.hasPrefix("-")
            let name = descending ? part.dropFirst() : part
            guard let column = columns.firstIndex(where: { $0 == name }) else {
                let known = columns.joined(separator: ", ")
                wrong(.invalidSort, "sort", zh: "结果中没有列 \(name.prefix(64))；可用：\(known)", en: "the answer has no column \(name.prefix(64)); there are: \(known)")
                continue
            }
            guard !sort.contains(where: { $0.column == column }) else {
                wrong(.invalidSort, "sort", zh: "\(name) 出现了两次", en: "\(name) stands there twice")
                continue
            }
            sort.append(.init(column: column, descending: descending))
        }
        return sort
    }
}

extension AggregateQuery.Bucket {
    /// Whether values of this type fall into such spans.
    fileprivate func takes(_ type: FieldType) -> Bool {
        switch type {
        case .datetime: true
        case .date: self != .hour
        // A period can be longer than a month or a quarter, never than a year.
        case .period: self == .year
        default: false
        }
    }
}

extension AggregateQuery.Measure.Function {
    /// - Parameter word: the name before the parenthesis.
    fileprivate init?(_ word: String) {
        switch word {
        case "count": self = .count
        case "count_distinct": self = .countDistinct
        case "sum": self = .sum
        case "avg": self = .average
        case "min": self = .minimum
        case "max": self = .maximum
        default:
            guard word.first == "p", let hundredths = Int(word.dropFirst()), (1...99).contains(hundredths), word == "p\(hundredths)" else { return nil }
            self = .percentile(hundredths)
        }
    }

    fileprivate func takes(_ type: FieldType) -> Bool {
        let isNumber =
            switch type {
            case .integer, .decimal: true
            default: false
            }
        return switch self {
        case .count: true
        case .countDistinct: type != .json
        case .sum, .average: isNumber
        case .minimum, .maximum: type.isOrdered
        case .percentile: isNumber || type == .date || type == .datetime
        }
    }
}
