public import Model

/// What the catalogue is asked for, as the caller put it.
public struct DatasetFilter: Sendable, Hashable, Codable {
    /// Words in Chinese or English.
    public var words: String?
    public var department: String?
    public var theme: String?
    public var profile: String?
    public var region: String?
    public var shareType: ShareType?

    public init(
        words: String? = nil, department: String? = nil, theme: String? = nil, profile: String? = nil, region: String? = nil, shareType: ShareType? = nil
    ) {
        self.words = words
        self.department = department
        self.theme = theme
        self.profile = profile
        self.region = region
        self.shareType = shareType
    }
}

/// A page of the catalogue.
public struct DatasetPage: Sendable {
    public struct Entry: Sendable {
        public var dataset: Dataset
        /// The profile at the version that it is at.
        public var profile: ProfileReference?
        public var rowCount: Int?
    }

    /// How many hits have one value.
    public struct FacetValue: Sendable, Hashable, Codable {
        public var value: String
        public var title: LocalizedText?
        public var count: Int
    }

    public var entries: [Entry]
    /// All hits, on this page and others.
    public var total: Int
    /// By facet; nil where they were not asked for.
    public var facets: [String: [FacetValue]]?
    /// Where the next page begins; nil on the last.
    public var next: String?
}
