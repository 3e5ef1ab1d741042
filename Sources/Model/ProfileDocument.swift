/// A profile as it is kept.
public struct ProfileDocument: Sendable, Hashable {
    public var id: String
    public var version: Int
    /// JSON text.
    public var document: String
    public var loadedAt: Timestamp

    public init(id: String, version: Int, document: String, loadedAt: Timestamp) {
        self.id = id
        self.version = version
        self.document = document
        self.loadedAt = loadedAt
    }
}
