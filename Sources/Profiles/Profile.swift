public import Model

/// A domain's rules as data (领域规范): immutable per `id` and `version`, pinned by each version of a dataset that follows it.
public struct Profile: Sendable, Hashable, Codable {
    /// What has to be reviewed before a release.
    public enum ReviewPolicy: String, Sendable, Codable, CaseIterable {
        /// Every version.
        case eachVersion = "each_version"
        /// The first version; later ones of the same shape follow without.
        case firstVersion = "first_version"
        /// None: the feed was approved as a whole, for example hourly readings.
        case preApprovedFeed = "pre_approved_feed"
    }

    /// The unit in which a term counts.
    public enum TermUnit: String, Sendable, Codable, CaseIterable {
        case workingDays = "working_days"
        case calendarDays = "calendar_days"
        case hours
    }

    /// A length of time in the unit of its rule; law counts in working days and in calendar days, and they differ.
    public struct Term: Sendable, Hashable, Codable {
        public var value: Int
        public var unit: TermUnit

        public init(value: Int, unit: TermUnit) {
            self.value = value
            self.unit = unit
        }
    }

    /// By when a row has to be public.
    public struct PublishingDeadline: Sendable, Hashable, Codable {
        public var value: Int
        public var unit: TermUnit
        /// The date or datetime field from which the term runs.
        public var from: String
        /// The rule, for example `《预算法》第十四条`.
        public var source: String
    }

    /// Terms of other vocabularies. Keys are a field, or `field=value` for what one value means: `"amount": "awards/value/amount"`,
    /// `"record_kind=award": "tag:award"`.
    public struct Terms: Sendable, Hashable, Codable {
        public var dcat: [String: String]?
        public var ocds: [String: String]?

        public init(dcat: [String: String]? = nil, ocds: [String: String]? = nil) {
            self.dcat = dcat
            self.ocds = ocds
        }
    }

    /// Lower-case letters, digits and hyphens.
    public var id: String
    public var version: Int
    public var title: LocalizedText
    public var description: LocalizedText
    /// A code that groups profiles, for example `environment`.
    public var domain: String
    /// The laws and standards that the rules follow, with their numbers and years.
    public var basis: [String]?
    public var schema: TableSchema
    /// After how long without a new version a dataset is stale.
    public var freshness: Term?
    public var publishingDeadline: PublishingDeadline?
    public var reviewPolicy: ReviewPolicy
    public var publicityWindow: PublicityWindow?
    public var mappings: Terms?

    /// Reads a profile from JSON text and validates it.
    ///
    /// - Throws: `InvalidDocument` with every wrong place, by JSON pointer.
    public init(json: [UInt8]) throws(InvalidDocument) {
        self = try InvalidDocument.decode(Profile.self, from: json)
        let places = validate()
        if !places.isEmpty { throw InvalidDocument(places: places) }
    }
}
