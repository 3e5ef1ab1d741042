/// A dataset as other departments see it: what it is, on what terms it is shared, and what the one that asks has of it already.
public struct ShareableDataset: Sendable, Hashable, Encodable {
    /// What can be asked for: names and shapes, without codes and checks.
    public struct Item: Sendable, Hashable, Encodable {
        public var name: String
        public var title: LocalizedText
        public var type: FieldType
        public var unit: String?

        public init(_ field: Field) {
            name = field.name
            title = field.title
            type = field.type
            unit = field.unit
        }
    }

    public var id: String
    public var title: LocalizedText
    public var abstract: LocalizedText
    public var department: String
    public var audience: Audience
    public var shareType: ShareType
    public var shareCondition: String?
    public var shareMethod: String?
    /// Why it is not shared, or not public: the law, and the reason.
    public var legalBasis: String?
    public var reason: String?
    /// The newest version, when it was released, and how many rows it has.
    public var version: Int
    public var rowCount: Int
    public var releasedAt: Timestamp
    public var primaryKey: [String]
    public var fields: [Item]
    /// The newest request of the caller's department, and the grant that runs.
    public var request: String?
    public var requestState: ShareRequest.State?
    public var grant: String?

    public init(
        id: String, description: DatasetDescription, audience: Audience, version: Int, rowCount: Int, releasedAt: Timestamp, primaryKey: [String], fields: [Field],
        request: String?, requestState: ShareRequest.State?, grant: String?
    ) {
        self.id = id
        title = description.title
        abstract = description.abstract
        department = description.department
        self.audience = audience
        shareType = description.shareType
        shareCondition = description.shareCondition
        shareMethod = description.shareMethod
        legalBasis = description.legalBasis
        reason = description.reason
        self.version = version
        self.rowCount = rowCount
        self.releasedAt = releasedAt
        self.primaryKey = primaryKey
        self.fields = fields.map(Item.init)
        self.request = request
        self.requestState = requestState
        self.grant = grant
    }
}

/// Which of them are asked for.
public struct ShareableFilter: Sendable, Hashable {
    /// The providing department.
    public var department: String?
    public var shareType: ShareType?
    public var audience: Audience?
    /// Each of them stands in the identifier, the title, the abstract, the keywords or a field that can be asked for.
    public var words: [String]

    public init(department: String? = nil, shareType: ShareType? = nil, audience: Audience? = nil, words: [String] = []) {
        self.department = department
        self.words = words
        self.shareType = shareType
        self.audience = audience
    }
}
