internal import Model

/// The test that a row check makes, with names resolved to places in the row.
enum RowRule: Sendable {
    case required(Int)
    case conditionalRequired(Int, conditionField: Int, conditionText: String)
    case range(RangeRule)
    case pattern(Int, Pattern)
    case checksum(Int, Check.Scheme)
    case order(earlier: Int, later: Int, FieldType, minimumDays: Int?)
    case sum(SumRule)
    case tolerance(ToleranceRule)

    /// - Returns: nil where the check is about the set, or lacks what its kind needs.
    init?(_ check: Check, in schema: TableSchema) {
        func index(_ name: String?) -> Int? { name.flatMap { name in schema.fields.firstIndex { $0.name == name } } }
        switch check.kind {
        case .required:
            guard let field = index(check.field) else { return nil }
            self = .required(field)
        case .conditionalRequired:
            guard let field = index(check.field), let when = check.when, let conditionField = index(when.field) else { return nil }
            self = .conditionalRequired(field, conditionField: conditionField, conditionText: when.text)
        case .range:
            guard let field = index(check.field), let rule = RangeRule(check, field: field, in: schema) else { return nil }
            self = .range(rule)
        case .pattern:
            guard let field = index(check.field), let text = check.pattern, let pattern = try? Pattern(text) else { return nil }
            self = .pattern(field, pattern)
        case .identifierChecksum:
            guard let field = index(check.field), let scheme = check.scheme else { return nil }
            self = .checksum(field, scheme)
        case .dateOrder:
            guard let earlier = index(check.earlier), let later = index(check.later) else { return nil }
            self = .order(earlier: earlier, later: later, schema.fields[earlier].type, minimumDays: check.minimumDays)
        case .sumEquals:
            guard let rule = SumRule(check, in: schema) else { return nil }
            self = .sum(rule)
        case .tolerance:
            guard let rule = ToleranceRule(check, in: schema) else { return nil }
            self = .tolerance(rule)
        case .unique, .foreignKey, .codeList, .hierarchySums, .balance, .monotoneTime: return nil
        }
    }

    /// - Returns: nil where the row keeps the rule, or a missing value keeps the rule from applying.
    func breach(_ value: (Int) -> UnsafeRawBufferPointer) -> RowBreach? {
        switch self {
        case .required(let field):
            return value(field).count == 0 ? RowBreach(.required, field: field) : nil
        case .conditionalRequired(let field, let conditionField, let text):
            return value(field).count == 0 ? RowBreach(.conditionalRequired, field: field, [.name(conditionField), .literal(text)]) : nil
        case .range(let rule): return rule.breach(value)
        case .pattern(let field, let pattern):
            let bytes = value(field)
            return bytes.count == 0 || pattern.matches(bytes) ? nil : RowBreach(.patternMismatch, field: field, [.literal(pattern.text)])
        case .checksum(let field, let scheme):
            let bytes = value(field)
            return bytes.count == 0 || scheme.accepts(bytes) ? nil : RowBreach(.checksum, field: field, [.literal(scheme.standard)])
        case .order(let earlier, let later, let type, let minimumDays):
            let (first, second) = (value(earlier), value(later))
            if first.count == 0 || second.count == 0 { return nil }
            let difference = OrderKey.of(second, type: type) - OrderKey.of(first, type: type)
            if difference < 0 { return RowBreach(.dateOrder, field: earlier, [.name(earlier), .name(later)]) }
            // Dates differ by days; the first day counts.
            guard let minimumDays, difference + 1 < minimumDays else { return nil }
            return RowBreach(.tooFewDays, field: later, [.name(earlier), .literal(String(difference + 1)), .literal(String(minimumDays))])
        case .sum(let rule): return rule.breach(value)
        case .tolerance(let rule): return rule.breach(value)
        }
    }
}

/// Bounds of a field by literals or by other fields of the row.
struct RangeRule: Sendable {
    private let field: Int
    private let quantity: Comparand
    private let lower: Comparand?
    private let upper: Comparand?
    private let minimum: String
    private let maximum: String

    init?(_ check: Check, field: Int, in schema: TableSchema) {
        self.field = field
        func index(_ name: String?) -> Int? { name.flatMap { name in schema.fields.firstIndex { $0.name == name } } }
        let (low, high) = (index(check.minimumField), index(check.maximumField))
        if check.minimumField != nil && low == nil || check.maximumField != nil && high == nil { return nil }
        let involved = [field, low, high].compactMap { $0 }
        let scale = involved.map { Quantity.places(of: schema.fields[$0].type) }.max() ?? 0
        func comparand(_ index: Int) -> Comparand { .field(Quantity(field: index, type: schema.fields[index].type, scale: scale), schema.fields[index].type) }
        func literal(_ text: String?) -> Comparand? {
            guard let text, let key = OrderKey.of(literal: text, of: schema.fields[field]) else { return nil }
            return .literal(key &* Quantity.power(scale - Quantity.places(of: schema.fields[field].type)))
        }
        quantity = comparand(field)
        lower = low.map(comparand) ?? literal(check.minimum)
        upper = high.map(comparand) ?? literal(check.maximum)
        minimum = check.minimum ?? ""
        maximum = check.maximum ?? ""
        if lower == nil, upper == nil { return nil }
    }

    func breach(_ value: (Int) -> UnsafeRawBufferPointer) -> RowBreach? {
        guard let mine = quantity.key(value) else { return nil }
        if let lower, let bound = lower.key(value), mine < bound {
            if case .field(let other, _) = lower { return RowBreach(.fieldBelowField, field: field, [.name(other.field)]) }
            return RowBreach(.belowMinimum, field: field, [.literal(minimum)])
        }
        if let upper, let bound = upper.key(value), mine > bound {
            if case .field(let other, _) = upper { return RowBreach(.fieldAboveField, field: field, [.name(other.field)]) }
            return RowBreach(.aboveMaximum, field: field, [.literal(maximum)])
        }
        return nil
    }

    /// One side of a comparison.
    enum Comparand: Sendable {
        case literal(Int128)
        case field(Quantity, FieldType)

        func key(_ value: (Int) -> UnsafeRawBufferPointer) -> Int128? {
            switch self {
            case .literal(let key): return key
            case .field(let quantity, let type):
                if Quantity.wholeDigits(of: type) != nil { return quantity.of(value) }
                let bytes = value(quantity.field)
                return bytes.count == 0 ? nil : OrderKey.of(bytes, type: type)
            }
        }
    }
}

/// Σ parts = total within a tolerance. Missing parts count nothing; the rule needs a total and at least one part.
struct SumRule: Sendable {
    private let parts: [Quantity]
    private let total: Quantity
    private let tolerance: Int128
    private let scale: Int

    init?(_ check: Check, in schema: TableSchema) {
        func index(_ name: String?) -> Int? { name.flatMap { name in schema.fields.firstIndex { $0.name == name } } }
        guard let names = check.parts, let total = index(check.total) else { return nil }
        let parts = names.compactMap { index($0) }
        guard parts.count == names.count, !parts.isEmpty else { return nil }
        let tolerance = check.tolerance ?? "0"
        let scale = ((parts + [total]).map { Quantity.places(of: schema.fields[$0].type) } + [Quantity.places(of: tolerance)]).max() ?? 0
        guard let allowed = Quantity.literal(tolerance, scale: scale) else { return nil }
        self.parts = parts.map { Quantity(field: $0, type: schema.fields[$0].type, scale: scale) }
        self.total = Quantity(field: total, type: schema.fields[total].type, scale: scale)
        self.tolerance = allowed
        self.scale = scale
    }

    func breach(_ value: (Int) -> UnsafeRawBufferPointer) -> RowBreach? {
        guard let says = total.of(value) else { return nil }
        var sum: Int128 = 0
        var isAnything = false
        for part in parts {
            guard let amount = part.of(value) else { continue }
            isAnything = true
            sum &+= amount
        }
        guard isAnything, (sum &- says).magnitude > tolerance.magnitude else { return nil }
        return RowBreach(
            .sumMismatch, field: total.field, [.computed(Quantity.text(sum, scale: scale)), .computed(Quantity.text(says, scale: scale))],
            sources: parts.map(\.field) + [total.field])
    }
}

/// |field − other| ≤ tolerance.
struct ToleranceRule: Sendable {
    private let left: Quantity
    private let right: Quantity
    private let tolerance: Int128
    private let allowed: String
    private let scale: Int

    init?(_ check: Check, in schema: TableSchema) {
        func index(_ name: String?) -> Int? { name.flatMap { name in schema.fields.firstIndex { $0.name == name } } }
        guard let field = index(check.field), let other = index(check.other), let allowed = check.tolerance else { return nil }
        let scale = max(Quantity.places(of: schema.fields[field].type), Quantity.places(of: schema.fields[other].type), Quantity.places(of: allowed))
        guard let tolerance = Quantity.literal(allowed, scale: scale) else { return nil }
        left = Quantity(field: field, type: schema.fields[field].type, scale: scale)
        right = Quantity(field: other, type: schema.fields[other].type, scale: scale)
        self.tolerance = tolerance
        self.allowed = allowed
        self.scale = scale
    }

    func breach(_ value: (Int) -> UnsafeRawBufferPointer) -> RowBreach? {
        guard let a = left.of(value), let b = right.of(value) else { return nil }
        let difference = (a &- b).magnitude
        guard difference > tolerance.magnitude else { return nil }
        let text = Quantity.text(Int128(truncatingIfNeeded: difference), scale: scale)
        return RowBreach(.toleranceExceeded, field: left.field, [.name(right.field), .computed(text), .literal(allowed)], sources: [left.field, right.field])
    }
}

extension Check.Scheme {
    func accepts(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .uscc: Identifiers.isCreditCode(bytes)
        case .organisation: Identifiers.isOrganisationCode(bytes)
        case .citizen: Identifiers.isCitizenNumber(bytes)
        }
    }

    /// The standard that the check character comes from.
    var standard: String {
        switch self {
        case .uscc: "GB 32100-2015"
        case .organisation: "GB 11714-1997"
        case .citizen: "GB 11643-1999"
        }
    }
}

extension Check.Condition {
    /// What the field must be like, in a few characters.
    var text: String {
        if !values.isEmpty { return values.prefix(10).joined(separator: "、") }
        if minimum != nil || maximum != nil { return [minimum.map { "≥ \($0)" }, maximum.map { "≤ \($0)" }].compactMap { $0 }.joined(separator: "，") }
        return present == false ? "∅" : "*"
    }
}
