/// A question about a dataset's rows: which, in what order, which fields, how many, from where on, at which version.
public struct RowQuery: Sendable, Hashable {
    /// One field of an order.
    public struct SortField: Sendable, Hashable {
        public var field: String
        public var descending: Bool

        public init(_ field: String, descending: Bool = false) {
            self.field = field
            self.descending = descending
        }
    }

    /// Rows in one page.
    public static let limits = 1...10_000
    public static let defaultLimit = 100
    /// Fields in one order.
    public static let sortFields = 8

    public var predicate: Predicate?
    /// Missing values come last, whatever the direction. What it leaves undecided, the primary key decides.
    public var sort: [SortField]
    /// The fields of the answer, in its order; all public ones where it is nil.
    public var fields: [String]?
    public var limit: Int
    /// Where the page before ended, as it was given out; nil for the first.
    public var cursor: String?
    /// The version to read; nil for the current one.
    public var version: Int?

    public init(
        predicate: Predicate? = nil, sort: [SortField] = [], fields: [String]? = nil, limit: Int = RowQuery.defaultLimit, cursor: String? = nil,
        version: Int? = nil
    ) {
        self.predicate = predicate
        self.sort = sort
        self.fields = fields
        self.limit = limit
        self.cursor = cursor
        self.version = version
    }
}
