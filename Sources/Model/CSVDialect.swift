/// A way of writing CSV; each has its own bytes.
public struct CSVDialect: Sendable, Hashable {
    /// CRLF and a byte order mark, as Microsoft Excel wants them.
    public var excel: Bool
    /// An apostrophe before text that a spreadsheet would take for a formula; numbers are never touched.
    public var formulaGuard: Bool

    public init(excel: Bool = false, formulaGuard: Bool = false) {
        self.excel = excel
        self.formulaGuard = formulaGuard
    }
}
