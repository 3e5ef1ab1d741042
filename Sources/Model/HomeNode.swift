/// Another installation whose catalogue is mirrored here: the home of those datasets, or the way to it (节点).
public struct HomeNode: Sendable, Hashable {
    /// How it stands with it.
    public enum State: String, Sendable, Codable {
        /// Not all of it is here yet.
        case beginning
        case following
        /// It does not answer; it is tried again.
        case unreachable
        /// Its ledger contradicts itself: nothing of it is taken.
        case refused
        /// Not followed any more.
        case removed
    }

    /// The head of its ledger that was verified last.
    public struct Head: Sendable, Hashable {
        public var size: Int
        /// 32 bytes.
        public var hash: [UInt8]

        public init(size: Int, hash: [UInt8]) { (self.size, self.hash) = (size, hash) }
    }

    public var id: String
    /// Its address: scheme and authority.
    public var url: String
    public var state: State
    /// The verifier key of its ledger; nil before it was asked.
    public var ledgerKey: String?
    public var head: Head?
    /// The number of the last of its changes that was looked into.
    public var cursor: Int
    public var error: LocalizedText?
    /// Turns that failed, one behind another.
    public var failures: Int
    public var nextTryAt: Timestamp
    public var addedAt: Timestamp
    /// When there was nothing more of it to take.
    public var checkedAt: Timestamp?
    /// Published datasets that come from it.
    public var datasets: Int

    public init(
        id: String, url: String, state: State, ledgerKey: String?, head: Head?, cursor: Int, error: LocalizedText?, failures: Int, nextTryAt: Timestamp, addedAt: Timestamp,
        checkedAt: Timestamp?, datasets: Int
    ) {
        (self.id, self.url, self.state, self.ledgerKey, self.head, self.cursor) = (id, url, state, ledgerKey, head, cursor)
        (self.error, self.failures, self.nextTryAt, self.addedAt, self.checkedAt, self.datasets) = (error, failures, nextTryAt, addedAt, checkedAt, datasets)
    }

    /// Reads an address as it is kept: `http` or `https`, a host and perhaps a port, nothing else.
    ///
    /// - Returns: nil where it is not that.
    public static func address(_ text: String) -> String? {
        let text = text.hasSuffix("/") ? String(text.dropLast()) : text
        guard text.utf8.count <= 300, text.wholeMatch(of: /https?:\/\/([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/) != nil else { return nil }
        return text
    }
}

/// A dataset of another node that is not taken, or not its newest state.
public struct HomeTrouble: Sendable, Hashable {
    public enum Kind: String, Sendable, Codable {
        /// What it serves is not what its ledger promised.
        case lie
        /// The identifier or the resource code belongs to another dataset here.
        case taken
        /// It cannot be kept here as it is there.
        case unfit
        /// It cannot be had whole, although the node answers.
        case broken
    }

    /// The node's identifier.
    public var node: String
    public var dataset: String
    public var kind: Kind
    public var version: Int?
    public var message: LocalizedText
    public var failures: Int
    public var since: Timestamp
    public var nextTryAt: Timestamp

    public init(node: String, dataset: String, kind: Kind, version: Int?, message: LocalizedText, failures: Int, since: Timestamp, nextTryAt: Timestamp) {
        (self.node, self.dataset, self.kind, self.version) = (node, dataset, kind, version)
        (self.message, self.failures, self.since, self.nextTryAt) = (message, failures, since, nextTryAt)
    }
}
