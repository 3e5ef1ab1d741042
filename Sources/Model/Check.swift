/// One rule of a profile or dataset, from a closed set of generic kinds (design.md, Profiles are data).
///
/// Which parameters a kind needs is validated where profiles are loaded.
public struct Check: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        // one value
        case required, range, pattern
        case codeList = "code_list"
        case identifierChecksum = "identifier_checksum"
        // one row
        case dateOrder = "date_order"
        case conditionalRequired = "conditional_required"
        case sumEquals = "sum_equals"
        case tolerance
        // the whole set
        case unique
        case foreignKey = "foreign_key"
        case hierarchySums = "hierarchy_sums"
        case balance
        case monotoneTime = "monotone_time"
    }

    public enum Severity: String, Sendable, Codable, CaseIterable { case error, warning }

    /// Numbering schemes whose check character can be computed (domain.md D5).
    public enum Scheme: String, Sendable, Codable, CaseIterable {
        /// GB 32100-2015, 18 characters.
        case uscc
        /// GB 11714, 9 characters.
        case organisation
        /// GB 11643-1999, 18 characters.
        case citizen
    }

    /// Holds where `field` has one of `values`; or lies within inclusive bounds; or is (not) there.
    public struct Condition: Sendable, Hashable, Codable {
        public var field: String
        /// Canonical spellings; empty where the condition is about something else.
        public var values: [String]
        /// Inclusive bounds, spelled like the field's values. Only for checks about one row.
        public var minimum: String?
        public var maximum: String?
        /// Whether the field has any value at all. Only for checks about one row.
        public var present: Bool?

        public init(field: String, values: [String] = [], minimum: String? = nil, maximum: String? = nil, present: Bool? = nil) {
            self.field = field
            self.values = values
            self.minimum = minimum
            self.maximum = maximum
            self.present = present
        }

        public init(from decoder: any Decoder) throws {
            let c = try decoder.container(keyedBy: CodingKeys.self)
            field = try c.decode(String.self, forKey: .field)
            values = try c.decodeIfPresent([String].self, forKey: .values) ?? []
            minimum = try c.decodeIfPresent(String.self, forKey: .minimum)
            maximum = try c.decodeIfPresent(String.self, forKey: .maximum)
            present = try c.decodeIfPresent(Bool.self, forKey: .present)
        }
    }

    public var kind: Kind
    public var severity: Severity?
    /// The field that the rule is about (one value kinds, conditional_required, monotone_time's time, tolerance's left side).
    public var field: String?
    /// Several fields: unique, foreign_key.
    public var fields: [String]?
    /// code_list: the list. pattern: an anchored regular expression.
    public var list: String?
    public var pattern: String?
    /// range: inclusive bounds as literals, or as the names of other fields of the row.
    public var minimum: String?
    public var maximum: String?
    public var minimumField: String?
    public var maximumField: String?
    /// identifier_checksum.
    public var scheme: Scheme?
    /// date_order: `earlier` ≤ `later`.
    public var earlier: String?
    public var later: String?
    /// date_order of dates: how many days both of them and those between must make at least.
    public var minimumDays: Int?
    /// foreign_key: the dataset and fields that must hold the value.
    public var dataset: String?
    public var references: [String]?
    /// sum_equals: Σ `parts` = `total` within `tolerance`.
    public var parts: [String]?
    public var total: String?
    /// hierarchy_sums, balance: the amount, what one group is, and for hierarchies the code and the lengths of its levels.
    public var code: String?
    public var amount: String?
    public var groupBy: [String]?
    public var lengths: [Int]?
    /// balance: Σ amount where `side` is in `left` = Σ amount where it is in `right`.
    public var side: String?
    public var left: [String]?
    public var right: [String]?
    /// tolerance: |`field` − `other`| ≤ `tolerance`.
    public var other: String?
    /// The allowed absolute difference, a decimal in the field's unit.
    public var tolerance: String?
    /// The rule applies only where this holds.
    public var when: Condition?

    public init(kind: Kind, field: String? = nil, fields: [String]? = nil, severity: Severity? = nil) {
        self.kind = kind
        self.field = field
        self.fields = fields
        self.severity = severity
    }
}
