/// An immutable numbered state of a dataset's rows.
public struct Version: Sendable, Hashable, Codable {
    public var dataset: String
    /// From 1, without gaps.
    public var number: Int
    /// SHA-256 of the version's canonical CSV, 64 hexadecimal digits.
    public var digest: String
    /// Rows that stand in this version, and how it differs from the one before.
    public var rowCount: Int
    public var added: Int
    public var changed: Int
    public var removed: Int
    /// Size of the canonical CSV in bytes.
    public var byteCount: Int
    public var schema: TableSchema
    public var profile: ProfileReference?
    public var department: String
    public var push: String?
    public var releasedAt: Timestamp
    /// Set when the version, or rows in it, were withdrawn: its bytes can no longer be had.
    public var withdrawal: String?

    public init(
        dataset: String, number: Int, digest: String, rowCount: Int, added: Int, changed: Int, removed: Int, byteCount: Int, schema: TableSchema,
        profile: ProfileReference?, department: String, push: String?, releasedAt: Timestamp, withdrawal: String?
    ) {
        self.dataset = dataset
        self.number = number
        self.digest = digest
        self.rowCount = rowCount
        self.added = added
        self.changed = changed
        self.removed = removed
        self.byteCount = byteCount
        self.schema = schema
        self.profile = profile
        self.department = department
        self.push = push
        self.releasedAt = releasedAt
        self.withdrawal = withdrawal
    }
}
