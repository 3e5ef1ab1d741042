/// What a request costs beyond the one unit that most cost: the one place for these numbers, told in `GET /v1/limits` and docs/limits.md.
public enum Costs {
    /// Rows that one unit of `query` buys in a page, by the rows asked for.
    public static let rowsPerUnit = 100
    /// Units of `query` that an aggregate costs at least where it is computed from the rows, which it reads without giving them.
    public static let aggregate = 5
    /// The planner's estimate that one unit of `query` buys in an aggregate, or in a page that no index gives at once.
    public static let estimatePerUnit = 20_000
    /// Changes that one unit of `read` buys, by the changes asked for.
    public static let changesPerUnit = 100
    /// Units of `read` that opening an event stream costs.
    public static let eventStream = 10
    /// Bytes that one further unit of `download` buys in a stream of rows that are read while they are sent. Files are not counted: they are there already.
    public static let liveBytesPerUnit = 8 * 1024 * 1024

    /// Units for an amount, at least one.
    static func units(_ amount: Int, per unit: Int) -> Int { max(1, (amount + unit - 1) / unit) }
}
