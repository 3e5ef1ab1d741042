public import Model

/// What the catalogue is asked for, as the caller put it.
public struct DatasetFilter: Sendable, Hashable, Codable {
    /// Words in Chinese or English.
    public var words: String?
    public var department: String?
    public var theme: String?
    public var profile: String?
    public var region: String?
    public var regionLevel: Department.Level?
    /// One of the formats that it comes in.
    public var format: String?
    public var updateCycle: UpdateCycle?
    public var shareType: ShareType?
    public var openness: Openness?
    /// A year that it covers.
    public var year: Int?

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

/// What an answer is to hold besides the hits.
public struct DatasetListing: Sendable {
    /// Values of a facet that are listed; nil for no facets.
    public var facetLimit: Int?
    public var highlights = false
    public var explains = false

    public init(facetLimit: Int? = nil) { self.facetLimit = facetLimit }
}

/// A page of the catalogue.
public struct DatasetPage: Sendable {
    public struct Entry: Sendable {
        public var card: DatasetCard
        /// Where the words stand, where it was asked for.
        public var highlights: Highlights?
        /// Why it stands where it stands, where it was asked for.
        public var score: Score?

        public var id: String { card.overview.id }
    }

    /// Texts in which words were found: escaped for HTML, with `<em>` around the words. Nil where none was found.
    public struct Highlights: Sendable, Hashable {
        public var title: (zh: String?, en: String?)
        public var abstract: (zh: String?, en: String?)
        /// Keywords and titles of data items, each whole.
        public var keywords: [String]
        public var dataItems: [String]

        public static func == (a: Highlights, b: Highlights) -> Bool {
            a.title == b.title && a.abstract == b.abstract && a.keywords == b.keywords && a.dataItems == b.dataItems
        }

        public func hash(into hasher: inout Hasher) {
            for text in [title.zh, title.en, abstract.zh, abstract.en] + keywords + dataItems { hasher.combine(text) }
        }
    }

    /// The points of a hit.
    public struct Score: Sendable, Hashable {
        public struct Word: Sendable, Hashable {
            /// Folded.
            public var word: String
            /// `title`, `keywords` or `text`: the abstract, the data items, the department's name.
            public var field: String
            public var points: Int
        }

        public var total: Int
        public var words: [Word]
        public var freshness: Int
        public var size: Int
        public var completeness: Int
    }

    /// How many hits have one value.
    public struct FacetValue: Sendable, Hashable, Codable {
        public var value: String
        public var title: LocalizedText?
        public var count: Int
    }

    /// The values of one facet, the most frequent first.
    public struct FacetCounts: Sendable, Hashable {
        public var name: String
        public var values: [FacetValue]
        /// Whether there are more values than are listed.
        public var isCut: Bool
    }

    public var entries: [Entry]
    /// All hits, on this page and others.
    public var total: Int
    /// Nil where they were not asked for.
    public var facets: [FacetCounts]?
    /// Where the next page begins; nil on the last.
    public var next: String?
}

/// What somebody who types may be after.
public enum Suggestion: Sendable, Hashable {
    case department(code: String, name: LocalizedText)
    case dataset(id: String, title: LocalizedText)
    /// Another name of what was typed.
    case word(String)
}
