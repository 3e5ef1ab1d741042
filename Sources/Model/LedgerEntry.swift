/// What a transaction enters into the ledger beside the change that it makes.
public struct LedgerEntry: Sendable, Hashable {
    /// What opens a salted digest in the entry.
    public struct Salt: Sendable, Hashable {
        /// Identifier (UUID) of what the digest is of.
        public var subject: String
        /// 32 random bytes.
        public var bytes: [UInt8]
        /// What the digest is of, in the spelling of RFC 8785; nil where it is kept elsewhere, byte for byte.
        public var content: [UInt8]?

        public init(subject: String, bytes: [UInt8], content: [UInt8]? = nil) {
            self.subject = subject
            self.bytes = bytes
            self.content = content
        }
    }

    /// The entry's kind, as it stands in it.
    public var kind: String
    /// What it is about, so that its leaf can be found.
    public var dataset: String?
    public var version: Int?
    /// What is hashed: at most 65,535 bytes.
    public var bytes: [UInt8]
    public var salt: Salt?

    public init(kind: String, dataset: String? = nil, version: Int? = nil, bytes: [UInt8], salt: Salt? = nil) {
        self.kind = kind
        self.dataset = dataset
        self.version = version
        self.bytes = bytes
        self.salt = salt
    }
}
