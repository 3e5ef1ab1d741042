public import Model

/// One compiled rule about a row: a one-value or one-row check of a schema, over canonical values.
public struct RowCheck: Sendable {
    public let severity: Check.Severity

    /// - Returns: nil where the check is not about one row (see `TableSchema.setChecks`).
    public init?(_ check: Check, in schema: TableSchema) {
        return nil
    }

    /// - Parameters:
    ///   - line: the line of the file on which the record starts.
    ///   - value: the canonical bytes of the field at an index of `schema.fields`; empty is null.
    /// - Returns: nil where the rule holds, or where a null keeps it from applying.
    public func check(line: Int?, _ value: (Int) -> UnsafeRawBufferPointer) -> Finding? { nil }
}

extension TableSchema {
    /// The rules that look at one row, compiled; in the order of `checks`.
    public var rowChecks: [RowCheck] { checks.compactMap { RowCheck($0, in: self) } }

    /// The rules that need all rows, which Store runs in SQL.
    public var setChecks: [Check] {
        checks.filter {
            switch $0.kind {
            case .unique, .foreignKey, .codeList, .hierarchySums, .balance, .monotoneTime: true
            case .required, .range, .pattern, .identifierChecksum, .dateOrder, .conditionalRequired, .sumEquals, .tolerance: false
            }
        }
    }
}
