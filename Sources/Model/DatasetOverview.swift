/// A dataset as it stands in lists.
public struct DatasetOverview: Sendable, Hashable {
    public var id: String
    public var number: Int
    public var state: Dataset.State
    /// Without its schema.
    public var description: DatasetDescription
    /// The profile at the version that it is at.
    public var profile: ProfileReference?
    public var currentVersion: Int?
    public var rowCount: Int?
    public var updatedAt: Timestamp
    public var audience: Audience = .public

    public init(
        id: String, number: Int, state: Dataset.State, description: DatasetDescription, profile: ProfileReference?, currentVersion: Int?, rowCount: Int?,
        updatedAt: Timestamp
    ) {
        self.id = id
        self.number = number
        self.state = state
        self.description = description
        self.profile = profile
        self.currentVersion = currentVersion
        self.rowCount = rowCount
        self.updatedAt = updatedAt
    }
}
