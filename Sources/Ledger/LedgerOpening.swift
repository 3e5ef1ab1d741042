public import Model

/// What a salted digest in the ledger is of, for those who may know.
public struct LedgerOpening: Sendable, Hashable, Codable {
    /// As it stands in the leaf: SHA-256 of the salt and the content.
    public let commitment: Commitment
    /// 64 hexadecimal digits.
    public let salt: String
    /// In the spelling of RFC 8785.
    public let content: String

    private init(salt: [UInt8], content: CanonicalJSON) {
        commitment = Commitment(salt: salt, content: content.bytes)
        self.salt = HexDigest.hexadecimal(salt)
        self.content = String(decoding: content.bytes, as: UTF8.self)
    }

    /// - Throws: `EncodingError`: not for what the model can hold.
    public init(_ withdrawal: Withdrawal, salt: [UInt8]) throws { self.init(salt: salt, content: try CanonicalJSON(withdrawal)) }

    /// - Throws: as the other.
    public init(_ review: Review, salt: [UInt8]) throws { self.init(salt: salt, content: try CanonicalJSON(review)) }
}
