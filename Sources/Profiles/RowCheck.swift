public import Model

/// One compiled rule about a row: a one-value or one-row check of a schema, over canonical values.
///
/// Arithmetic is exact: whole numbers of 128 bits in units of the last decimal place that the rule can meet. `TableSchema.validate()` refuses sums
/// that could overflow them.
public struct RowCheck: Sendable {
    public let severity: Check.Severity
    private let rule: RowRule
    private let condition: RowCondition?
    private let names: [String]
    /// Values of these fields may stand in findings.
    private let isShown: [Bool]

    /// - Returns: nil where the check is not about one row (see `TableSchema.setChecks`), or names what the schema does not have.
    public init?(_ check: Check, in schema: TableSchema) {
        guard let rule = RowRule(check, in: schema) else { return nil }
        self.rule = rule
        condition = check.when.flatMap { RowCondition($0, in: schema) }
        if check.when != nil, condition == nil { return nil }
        severity = check.severity ?? .error
        names = schema.fields.map(\.name)
        isShown = schema.fields.map { $0.visibility == .public && $0.mask == nil }
    }

    /// - Parameters:
    ///   - line: the line of the file on which the record starts.
    ///   - value: the canonical bytes of the field at an index of `schema.fields`; empty is null.
    /// - Returns: nil where the rule holds, or where a null keeps it from applying.
    public func check(line: Int?, _ value: (Int) -> UnsafeRawBufferPointer) -> Finding? {
        if let condition, !condition.holds(value) { return nil }
        guard let breach = rule.breach(value) else { return nil }
        let shown = isShown[breach.field] && value(breach.field).count > 0 ? value(breach.field).text : nil
        let hidden = !breach.sources.allSatisfy { isShown[$0] }
        var finding = Finding(breach.code, severity: severity, line: line, field: names[breach.field], value: shown)
        finding.message = breach.code.message(breach.arguments.map { argument in
            switch argument {
            case .literal(let text): text
            case .name(let index): names[index]
            case .computed(let text): hidden ? "…" : text
            }
        })
        return finding
    }
}

extension TableSchema {
    /// The rules that look at one row, compiled; in the order of `checks`.
    public var rowChecks: [RowCheck] { checks.compactMap { RowCheck($0, in: self) } }

    /// The rules that need all rows, which Store runs in SQL.
    public var setChecks: [Check] { checks.filter { $0.kind.isAboutSet } }
}

extension Check.Kind {
    /// Whether the rule needs more than one row, or data beside the row.
    public var isAboutSet: Bool {
        switch self {
        case .unique, .foreignKey, .codeList, .hierarchySums, .balance, .monotoneTime: true
        case .required, .range, .pattern, .identifierChecksum, .dateOrder, .conditionalRequired, .sumEquals, .tolerance: false
        }
    }
}

/// What a row does wrong, before it is put into words.
struct RowBreach {
    enum Argument {
        case literal(String)
        case name(Int)
        /// Made of the row's values.
        case computed(String)
    }

    let code: FindingCode
    /// The field that the finding is about.
    let field: Int
    let arguments: [Argument]
    /// The fields whose values the computed arguments give away.
    let sources: [Int]

    init(_ code: FindingCode, field: Int, _ arguments: [Argument] = [], sources: [Int] = []) {
        self.code = code
        self.field = field
        self.arguments = arguments
        self.sources = sources
    }
}
