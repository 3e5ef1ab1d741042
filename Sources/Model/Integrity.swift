/// Something stored that does not agree with the ledger.
public struct IntegrityFinding: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable, CaseIterable {
        /// The version's rows are not those that were released.
        case rows
        /// What is kept about the version (digest, length, number of rows) is not what its leaf says.
        case record
        /// The stored leaves or hashes of the log do not make the heads that were signed.
        case ledger
    }

    /// How exactly the place is known.
    public enum Precision: String, Sendable, Codable, CaseIterable {
        /// The rows that differ.
        case row
        /// The blocks of up to 256 rows in which they are, or were.
        case block
        /// The version alone.
        case version
    }

    /// Where in a version.
    public struct Place: Sendable, Hashable {
        /// In the spelling of `/rows/{key}`; up to 1,000.
        public var keys: [String]
        public var precision: Precision

        public init(keys: [String], precision: Precision) {
            self.keys = keys
            self.precision = precision
        }
    }

    public var kind: Kind
    public var dataset: String?
    public var version: Int?
    public var keys: [String]
    public var precision: Precision?
    /// Of the log: the first leaf from which on it does not agree.
    public var leaf: Int?
    public var foundAt: Timestamp
    /// When it was seen last.
    public var seenAt: Timestamp

    public init(
        kind: Kind, dataset: String?, version: Int?, keys: [String], precision: Precision?, leaf: Int?, foundAt: Timestamp, seenAt: Timestamp
    ) {
        self.kind = kind
        self.dataset = dataset
        self.version = version
        self.keys = keys
        self.precision = precision
        self.leaf = leaf
        self.foundAt = foundAt
        self.seenAt = seenAt
    }
}

/// One round of the check of everything that is stored.
public struct IntegrityRound: Sendable, Hashable, Codable {
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    /// Versions whose rows were read and hashed.
    public var versions: Int
    /// Versions that could not be: rows of them were withdrawn.
    public var skipped: Int
    /// Bytes of canonical CSV.
    public var bytes: Int

    public init(startedAt: Timestamp, finishedAt: Timestamp?, versions: Int, skipped: Int, bytes: Int) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.versions = versions
        self.skipped = skipped
        self.bytes = bytes
    }
}

/// How far the check has come, and what it found.
public struct IntegrityReport: Sendable, Hashable, Codable {
    /// The last round that went over everything.
    public var lastRound: IntegrityRound?
    /// The one under way.
    public var currentRound: IntegrityRound?
    public var findings: [IntegrityFinding]
    /// How many stand open.
    public var findingCount: Int

    public init(lastRound: IntegrityRound?, currentRound: IntegrityRound?, findings: [IntegrityFinding], findingCount: Int) {
        self.lastRound = lastRound
        self.currentRound = currentRound
        self.findings = findings
        self.findingCount = findingCount
    }
}
