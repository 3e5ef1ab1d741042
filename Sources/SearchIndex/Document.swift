/// A dataset as the index takes it in: what it is found by, and what it is counted and ranked by.
public struct Document: Sendable {
    /// The dataset's number.
    public var number: Int32
    /// Seen only by its department and by those who see all drafts.
    public var isDraft: Bool
    /// UTF-8, one line each: title, keywords, abstract, titles of public data items.
    public var text: [UInt8]
    /// When it was released, for a draft when it was last edited: microseconds since 1970.
    public var at: Int64
    public var rowCount: Int?
    /// How many of the metadata that may be left out are there.
    public var completeness: Int
    /// The years that it covers.
    public var years: ClosedRange<Int>?
    /// By facet; formats joined by commas. Nil or missing where it has none.
    public var values: [Facet: String]

    public init(
        number: Int32, isDraft: Bool, text: [UInt8], at: Int64, rowCount: Int? = nil, completeness: Int = 0, years: ClosedRange<Int>? = nil,
        values: [Facet: String]
    ) {
        self.number = number
        self.isDraft = isDraft
        self.text = text
        self.at = at
        self.rowCount = rowCount
        self.completeness = completeness
        self.years = years
        self.values = values
    }
}

/// What hits are counted by and narrowed to.
public enum Facet: Int, Sendable, CaseIterable {
    case department, theme, region, profile, formats, updateCycle, shareType, openness

    static let count = allCases.count
}

/// Where a word stands: the better, the greater.
public enum Level: Int, Sendable, Comparable {
    /// In the abstract, the data items or the department's name.
    case text = 1
    case keywords
    case title

    public static func < (a: Level, b: Level) -> Bool { a.rawValue < b.rawValue }
}
