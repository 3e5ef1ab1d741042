/// What a dataset's description said from one edit to the next; it is never edited itself.
public struct DescriptionRevision: Sendable, Hashable {
    public var dataset: String
    /// The dataset's revision that it came with; numbers rise and may leave out some, for edits of something else.
    public var revision: Int
    public var description: DatasetDescription
    public var writtenAt: Timestamp
    /// Since when everybody may see it; nil for what was edited before the first release.
    public var publishedAt: Timestamp?

    public init(dataset: String, revision: Int, description: DatasetDescription, writtenAt: Timestamp, publishedAt: Timestamp?) {
        self.dataset = dataset
        self.revision = revision
        self.description = description
        self.writtenAt = writtenAt
        self.publishedAt = publishedAt
    }
}
