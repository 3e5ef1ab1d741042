public import Model

extension Leaf {
    /// Says that the doubt about a value was answered, and when, and nothing else: whoever has the document and its salt can prove what was answered.
    public struct Correction: Sendable, Hashable, Codable {
        public var recordedAt: Timestamp
        /// Salted digest of the correction as it was answered.
        public var commitment: Commitment

        /// - Throws: `EncodingError`: not for what the model can hold.
        public init(_ correction: Model.Correction, salt: [UInt8]) throws {
            recordedAt = correction.updatedAt
            commitment = Commitment(salt: salt, content: try CanonicalJSON(correction).bytes)
        }
    }
}

extension LedgerEntry {
    /// A correction as it was answered, without the salt.
    public static func answered(_ correction: Correction) throws -> LedgerEntry {
        let salt = Commitment.salt()
        return try LedgerEntry(.correction(.init(correction, salt: salt)), salt: Salt(subject: correction.id, bytes: salt, content: try CanonicalJSON(correction).bytes))
    }
}
