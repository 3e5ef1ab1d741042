/// The shape of a dataset's rows: what a profile, or a dataset that declares its own data items, comes down to.
///
/// Released versions keep the schema that they were released with.
public struct TableSchema: Sendable, Hashable, Codable {
    public var fields: [Field]
    /// Names of the fields that identify a row; never empty. Key fields hold no null: an absent text or code is the empty string.
    public var primaryKey: [String]
    /// The order in which a reader expects rows; the primary key where it is empty.
    public var naturalOrder: [String]
    /// The field that places a row in time, where there is one.
    public var timeField: String?
    /// Field lists that get an index over the current rows.
    public var indexes: [[String]]
    public var checks: [Check]
    /// Fields that are computed from others.
    public var derived: [Derived]
    /// Groups that are kept computed with every version.
    public var rollups: [Rollup]

    public init(
        fields: [Field], primaryKey: [String], naturalOrder: [String] = [], timeField: String? = nil, indexes: [[String]] = [], checks: [Check] = [],
        derived: [Derived] = [], rollups: [Rollup] = []
    ) {
        self.fields = fields
        self.primaryKey = primaryKey
        self.naturalOrder = naturalOrder
        self.timeField = timeField
        self.indexes = indexes
        self.checks = checks
        self.derived = derived
        self.rollups = rollups
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        fields = try c.decode([Field].self, forKey: .fields)
        primaryKey = try c.decode([String].self, forKey: .primaryKey)
        naturalOrder = try c.decodeIfPresent([String].self, forKey: .naturalOrder) ?? []
        timeField = try c.decodeIfPresent(String.self, forKey: .timeField)
        indexes = try c.decodeIfPresent([[String]].self, forKey: .indexes) ?? []
        checks = try c.decodeIfPresent([Check].self, forKey: .checks) ?? []
        derived = try c.decodeIfPresent([Derived].self, forKey: .derived) ?? []
        rollups = try c.decodeIfPresent([Rollup].self, forKey: .rollups) ?? []
    }

    public func field(_ name: String) -> Field? { fields.first { $0.name == name } }

    /// What everybody may see, in declared order.
    public var publicFields: [Field] { fields.filter { $0.visibility == .public } }
}
