/// A dataset as it is kept: the entry, the shape of its rows, its mapping.
public struct DatasetRecord: Sendable, Hashable {
    /// Names the dataset's tables.
    public var number: Int
    public var dataset: Dataset
    /// What the next push is held against; as the public sees it, the shape of the current version.
    public var schema: TableSchema
    /// The profile at the version that the schema came from.
    public var profile: ProfileReference?
    public var mapping: Mapping?
    /// Counts edits of the mapping; 0 before the first.
    public var mappingRevision: Int
    public var rowCount: Int?
    public var releasedAt: Timestamp?
    /// The address of the node where it is at home; nil for this installation's own.
    public var home: String?

    public init(
        number: Int, dataset: Dataset, schema: TableSchema, profile: ProfileReference?, mapping: Mapping?, mappingRevision: Int, rowCount: Int?,
        releasedAt: Timestamp?
    ) {
        self.number = number
        self.dataset = dataset
        self.schema = schema
        self.profile = profile
        self.mapping = mapping
        self.mappingRevision = mappingRevision
        self.rowCount = rowCount
        self.releasedAt = releasedAt
    }

    public var id: String { dataset.id }
    public var department: String { dataset.description.department }
}
