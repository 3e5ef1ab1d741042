/// A push as it is kept: what its department sees of it, and what a release needs to know.
public struct PushRecord: Sendable, Hashable {
    public var push: Push
    /// What a release would do, counted when the push was checked; nil before.
    public var preview: RowCounts?
    /// The shape and the mapping that it was checked against.
    public var schema: TableSchema
    public var mapping: Mapping?
    /// Size of the canonical CSV of the checked rows, in bytes.
    public var canonicalBytes: Int?
    /// The head of the tree over the checked rows (32 bytes), where they are a whole version.
    public var rowTreeHead: [UInt8]?
    /// SHA-256 of the body as it came, 64 hexadecimal digits.
    public var contentDigest: String?

    public init(push: Push, schema: TableSchema, mapping: Mapping?) {
        self.push = push
        self.schema = schema
        self.mapping = mapping
    }
}

/// How one state of a dataset's rows differs from another.
public struct RowCounts: Sendable, Hashable, Codable {
    public var added: Int
    public var changed: Int
    public var removed: Int

    public init(added: Int, changed: Int, removed: Int) {
        self.added = added
        self.changed = changed
        self.removed = removed
    }

    public var isZero: Bool { added == 0 && changed == 0 && removed == 0 }
}

/// What a push has to know of the dataset that it goes to.
public struct PushTarget: Sendable, Hashable {
    public var dataset: String
    /// Names the dataset's tables.
    public var number: Int
    public var department: String
    public var state: Dataset.State
    public var policy: PushPolicy
    public var audience: Audience
    public var shareType: ShareType
    /// Whether only its department and those who review or oversee may see it.
    public var isHidden: Bool { state == .draft || audience != .public }
    public var schema: TableSchema
    /// The pinned profile, and its review policy as it stands in the profile.
    public var profile: ProfileReference?
    public var reviewPolicy: String?
    public var mapping: Mapping?
    public var currentVersion: Int?
    /// The schema that the current version was released with, and its digest.
    public var currentSchema: TableSchema?
    public var currentDigest: String?
    public var rowCount: Int
    /// How long rows may be public, by the pinned profile, and by the one that the current version was released with.
    public var publicityWindow: PublicityWindow?
    public var currentWindow: PublicityWindow?
    /// The profile that the current version was released with.
    public var currentProfile: ProfileReference?
    /// The address of the node where it is at home; nil for this installation's own.
    public var home: String?

    public init(
        dataset: String, number: Int, department: String, state: Dataset.State, policy: PushPolicy, audience: Audience, shareType: ShareType,
        schema: TableSchema, profile: ProfileReference?, reviewPolicy: String?, mapping: Mapping?, currentVersion: Int?, currentSchema: TableSchema?, currentDigest: String?, rowCount: Int
    ) {
        self.dataset = dataset
        self.number = number
        self.department = department
        self.state = state
        self.policy = policy
        self.audience = audience
        self.shareType = shareType
        self.schema = schema
        self.profile = profile
        self.reviewPolicy = reviewPolicy
        self.mapping = mapping
        self.currentVersion = currentVersion
        self.currentSchema = currentSchema
        self.currentDigest = currentDigest
        self.rowCount = rowCount
    }
}

/// How often a code was found in a push, also beyond the findings that are kept.
public struct FindingCount: Sendable, Hashable, Codable {
    public var code: FindingCode
    public var severity: Check.Severity
    public var count: Int

    public init(code: FindingCode, severity: Check.Severity, count: Int) {
        self.code = code
        self.severity = severity
        self.count = count
    }
}

/// A record that a quarantine push left out, as it came.
public struct RejectedRecord: Sendable, Hashable {
    /// The line on which it starts; 0 for the header.
    public var line: Int
    /// The record's text, decoded to UTF-8, without its line end.
    public var text: String

    public init(line: Int, text: String) {
        self.line = line
        self.text = text
    }
}

/// A kept finding with its place in the push's list, from 1.
public struct NumberedFinding: Sendable, Hashable {
    public var number: Int
    public var finding: Finding

    public init(number: Int, finding: Finding) {
        self.number = number
        self.finding = finding
    }
}

/// The answer to a request that carried an Idempotency-Key, kept for its retries.
public struct StoredAnswer: Sendable, Hashable {
    public var status: Int
    public var body: String

    public init(status: Int, body: String) {
        self.status = status
        self.body = body
    }
}
