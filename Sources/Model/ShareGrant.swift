/// What a department was given of another one's data (授权). It never changes but for its end.
public struct ShareGrant: Sendable, Hashable, Codable {
    public var id: String
    /// The request that it answers.
    public var request: String
    public var dataset: String
    public var provider: String
    public var receiver: String
    /// Fields, rows, purpose and term. Data got by it stays with its receiver: passing it on needs the provider's consent (Order 809, article 25).
    public var terms: ShareTerms
    public var method: ShareMethod
    /// The version that stood when it was given; nothing older can be read by it.
    public var fromVersion: Int
    public var grantedAt: Timestamp
    /// When it ended before its term, or with it.
    public var endedAt: Timestamp?
    /// What opens the salted digest in the ledger's leaf, for the two who share: 64 hexadecimal digits.
    public var salt: String?

    public init(
        id: String, request: String, dataset: String, provider: String, receiver: String, terms: ShareTerms, method: ShareMethod, fromVersion: Int, grantedAt: Timestamp,
        endedAt: Timestamp? = nil
    ) {
        self.id = id
        self.request = request
        self.dataset = dataset
        self.provider = provider
        self.receiver = receiver
        self.terms = terms
        self.method = method
        self.fromVersion = fromVersion
        self.grantedAt = grantedAt
        self.endedAt = endedAt
    }
}

/// One transfer of granted data (交付): the state of a version, or what changed between two versions.
public struct Delivery: Sendable, Hashable, Codable {
    public var id: String
    public var grant: String
    /// 0 where it is the whole state.
    public var fromVersion: Int
    public var toVersion: Int
    /// SHA-256 of the bytes that were sent; nil while they are, and for ever where they were cut off.
    public var digest: String?
    public var rowCount: Int?
    public var byteCount: Int?
    public var startedAt: Timestamp
    public var finishedAt: Timestamp?
    /// When its receipt was recorded; nil while it lacks one.
    public var receiptedAt: Timestamp?
    /// Whole hours for which it has lacked one since it was sent whole.
    public var unreceiptedHours: Int?

    public init(id: String, grant: String, fromVersion: Int, toVersion: Int, startedAt: Timestamp) {
        self.id = id
        self.grant = grant
        self.fromVersion = fromVersion
        self.toVersion = toVersion
        self.startedAt = startedAt
    }
}

/// A public key of a department: Ed25519 (RFC 8032) with which it signs receipts, or X25519 (RFC 7748) to which its files are sealed.
public struct ReceiptKey: Sendable, Hashable, Codable {
    /// What a key is for.
    public enum Use: String, Sendable, ListedWord {
        case receipt, encryption
    }

    public var id: String
    public var department: String
    public var use: Use
    /// 32 bytes in base64.
    public var publicKey: String
    public var label: String
    public var registeredAt: Timestamp
    public var revokedAt: Timestamp?
    /// Why it was revoked.
    public var reason: String?

    public init(
        id: String, department: String, use: Use = .receipt, publicKey: String, label: String, registeredAt: Timestamp, revokedAt: Timestamp? = nil, reason: String? = nil
    ) {
        self.id = id
        self.use = use
        self.department = department
        self.publicKey = publicKey
        self.label = label
        self.registeredAt = registeredAt
        self.revokedAt = revokedAt
        self.reason = reason
    }
}

/// What a receiver signs: that it got exactly these bytes. Signed is its JSON in the spelling of RFC 8785.
public struct ReceiptStatement: Sendable, Hashable, Codable {
    public static let format = "daylight-receipt/1"

    public var format: String
    public var grant: String
    public var delivery: String
    public var dataset: String
    public var fromVersion: Int
    public var toVersion: Int
    /// SHA-256 of the bytes that came, 64 hexadecimal digits.
    public var digest: String
    public var rowCount: Int
    public var receivedAt: Timestamp

    public init(grant: String, delivery: String, dataset: String, fromVersion: Int, toVersion: Int, digest: String, rowCount: Int, receivedAt: Timestamp) {
        format = Self.format
        self.grant = grant
        self.delivery = delivery
        self.dataset = dataset
        self.fromVersion = fromVersion
        self.toVersion = toVersion
        self.digest = digest
        self.rowCount = rowCount
        self.receivedAt = receivedAt
    }
}

/// A receiver's signature for a delivery (回执).
public struct Receipt: Sendable, Hashable, Codable {
    public var statement: ReceiptStatement
    /// The key's identifier.
    public var key: String
    /// 64 bytes in base64.
    public var signature: String
    public var recordedAt: Timestamp
    /// What opens the salted digest in the ledger's leaf, for the two who share: 64 hexadecimal digits.
    public var salt: String?

    public init(statement: ReceiptStatement, key: String, signature: String, recordedAt: Timestamp, salt: String? = nil) {
        self.statement = statement
        self.key = key
        self.signature = signature
        self.recordedAt = recordedAt
        self.salt = salt
    }
}
