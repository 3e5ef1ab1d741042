/// What the index is asked.
public struct Query: Sendable {
    /// What a facet must be.
    public enum Condition: Sendable {
        case equals(String)
        /// Looked at once for each value that there is.
        case matches(@Sendable (String) -> Bool)
    }

    /// Whose drafts are seen besides what is published.
    public enum Drafts: Sendable, Hashable {
        case none, all
        /// Those of one department; of these numbers only, where any are named.
        case department(String, numbers: Set<Int32>?)
    }

    /// Nil asks for all datasets, newest first.
    public var question: Question?
    /// The words must stand in the title.
    public var inTitlesOnly = false
    public var conditions: [(facet: Facet, condition: Condition)] = []
    public var year: Int?
    public var drafts = Drafts.none
    /// The last hit of the page before.
    public var after: Place?
    public var limit = 20
    /// The day on which freshness is judged, counted from 1970.
    public var day: Int32
    public var countsFacets = false
    public var explains = false

    public init(day: Int32) { self.day = day }

    /// Where a hit stands in the order: the better score first, then the newer, then the lower number.
    public struct Place: Sendable, Hashable, Codable {
        public var score: Int32
        /// Microseconds since 1970.
        public var at: Int64
        public var number: Int32

        public init(score: Int32, at: Int64, number: Int32) {
            self.score = score
            self.at = at
            self.number = number
        }

        @inline(__always)
        public func comesBefore(_ other: Place) -> Bool {
            if score != other.score { return score > other.score }
            if at != other.at { return at > other.at }
            return number < other.number
        }
    }
}

/// What the index answers.
public struct Answer: Sendable {
    public struct Hit: Sendable, Hashable {
        public var place: Query.Place
        /// Why, where it was asked for.
        public var explanation: Explanation?
    }

    /// What the points of a hit are for.
    public struct Explanation: Sendable, Hashable {
        /// Where each word of the question stands at best.
        public var levels: [Level]
        public var freshness: Int
        public var size: Int
        public var completeness: Int
    }

    /// How many hits have one value.
    public struct Count: Sendable, Hashable {
        public var value: String
        public var count: Int

        public init(value: String, count: Int) {
            self.value = value
            self.count = count
        }
    }

    /// All hits, on this page and others.
    public var total: Int
    public var hits: [Hit]
    /// By facet, values that have any; empty where they were not asked for.
    public var counts: [Facet: [Count]]
    /// How many cover each year.
    public var years: [(year: Int, count: Int)]
}
