/// What opens one leaf of the ledger, for those who may know: with it, its salted digest says what was entered.
public struct LeafOpening: Sendable, Hashable, Codable {
    /// The leaf's place in the log.
    public var index: Int
    /// The leaf's kind.
    public var kind: String
    /// As it stands in the leaf: SHA-256 of the salt and the content.
    public var commitment: Commitment
    /// 64 hexadecimal digits.
    public var salt: String
    /// What was entered, in the spelling of RFC 8785; of a `sealed` leaf, the leaf that it stands for.
    public var content: String

    /// - Parameters:
    ///   - salt: 32 bytes.
    ///   - content: the bytes that the digest is of, after the salt.
    public init(index: Int, kind: String, salt: [UInt8], content: [UInt8]) {
        self.index = index
        self.kind = kind
        commitment = Commitment(salt: salt, content: content)
        self.salt = HexDigest.hexadecimal(salt)
        self.content = String(decoding: content, as: UTF8.self)
    }

    /// Whether salt and content make the digest that a leaf has.
    public func opens(_ leaf: Leaf) -> Bool {
        guard let bytes = HexDigest.bytes(salt), kind == leaf.kind, let committed = leaf.commitment else { return false }
        return Commitment(salt: bytes, content: Array(content.utf8)) == committed
    }
}

extension Leaf {
    /// The salted digest in it; nil of kinds that have none.
    public var commitment: Commitment? {
        switch self {
        case .withdrawal(let leaf): leaf.commitment
        case .review(let leaf): leaf.commitment
        case .grant(let leaf): leaf.commitment
        case .receipt(let leaf): leaf.commitment
        case .correction(let leaf): leaf.commitment
        case .sealed(let leaf): leaf.commitment
        case .release, .profile, .audit, .description, .other: nil
        }
    }
}
