/// A grant by which another node gives rows to a department of this one (回流), and how it stands with what came by it.
public struct ReceivedGrant: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        /// Nothing has come yet.
        case waiting
        case receiving
        /// The last turn came to nothing; it is tried again.
        case failed
        /// It is over: nothing is taken any more, nobody reads what is here, and that has to be disposed of.
        case ended
        /// What came by it is gone from here.
        case disposed
    }

    /// As the node that gives calls it.
    public var id: String
    /// The address of that node.
    public var node: String
    public var state: State
    /// The request there that it answers; nil, as the next ones, before the node was asked.
    public var request: String?
    /// The department that it was given to.
    public var department: String?
    public var provider: String?
    public var dataset: String?
    public var title: LocalizedText?
    /// Until when it was given.
    public var until: Timestamp?
    /// The version that is here; nil where nothing is.
    public var version: Int?
    public var rowCount: Int
    /// Why the last turn came to nothing, or why it is over.
    public var reason: LocalizedText?
    /// Turns that failed, one behind another.
    public var failures: Int
    /// When the node is asked next; nil where it is asked no more.
    public var nextTryAt: Timestamp?
    public var addedAt: Timestamp
    /// When there was nothing more to take.
    public var checkedAt: Timestamp?
    /// When something was taken.
    public var receivedAt: Timestamp?
    public var endedAt: Timestamp?
    public var disposedAt: Timestamp?

    public init(id: String, node: String, state: State, rowCount: Int, failures: Int, addedAt: Timestamp) {
        (self.id, self.node, self.state, self.rowCount, self.failures, self.addedAt) = (id, node, state, rowCount, failures, addedAt)
    }

    /// Whether anything is still taken by it.
    public var isFollowed: Bool { [.waiting, .receiving, .failed].contains(state) }
}
