/// How a push's rows join those that stand.
public enum PushMode: String, Sendable, Codable, CaseIterable {
    /// The pushed rows are the whole new state.
    case replace
    /// Rows with a known key change, others are added, nothing is removed.
    case upsert
    /// Rows are added; a key that stands already is an error.
    case append
}

/// One submission of rows by a department.
public struct Push: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case receiving, checking
        /// A dry run's end: nothing was kept.
        case checked
        /// Checks found errors; nothing will become visible.
        case rejected
        /// Waits for a review.
        case ready
        /// A review passed exactly this content.
        case approved
        /// A review refused it.
        case refused
        /// Will be released at a given time.
        case scheduled
        case released
        /// The same rows as the current version: there is nothing to release.
        case unchanged
        /// The connection or the server died; the push may be sent again.
        case failed
    }

    /// A UUID, lower case.
    public var id: String
    public var dataset: String
    public var department: String
    public var mode: PushMode
    public var state: State
    public var dryRun: Bool
    public var policy: PushPolicy
    /// The key that pushed (its identifier, never its secret).
    public var key: String?
    public var profile: ProfileReference?
    /// Records read, rows kept, records refused; a record can give several rows (unpivot) or none (a repeat).
    public var recordCount: Int
    public var rowCount: Int
    public var rejectedCount: Int
    public var errorCount: Int
    public var warningCount: Int
    /// Bytes received, as they came.
    public var byteCount: Int
    /// SHA-256 of the canonical CSV of the checked rows in key order, 64 hexadecimal digits: what a review is about.
    public var digest: String?
    /// The version current when the push was checked; nil for the first.
    public var baseVersion: Int?
    /// The version that it became, or that it equals.
    public var version: Int?
    public var releaseAt: Timestamp?
    public var receivedAt: Timestamp
    public var updatedAt: Timestamp
    /// Why it failed or was refused.
    public var reason: LocalizedText?

    public init(id: String, dataset: String, department: String, mode: PushMode, dryRun: Bool, policy: PushPolicy, key: String?, profile: ProfileReference?, receivedAt: Timestamp) {
        self.id = id
        self.dataset = dataset
        self.department = department
        self.mode = mode
        state = .receiving
        self.dryRun = dryRun
        self.policy = policy
        self.key = key
        self.profile = profile
        recordCount = 0
        rowCount = 0
        rejectedCount = 0
        errorCount = 0
        warningCount = 0
        byteCount = 0
        self.receivedAt = receivedAt
        updatedAt = receivedAt
    }
}

/// A reviewer's decision on one exact content (保密审查).
public struct Review: Sendable, Hashable, Codable {
    public enum Decision: String, Sendable, ListedWord { case pass, refuse, refer }

    public var id: String
    public var push: String
    public var decision: Decision
    public var legalBasis: String
    public var note: String?
    /// The digest of the content that was reviewed, 64 hexadecimal digits.
    public var digest: String
    /// Identifier of the reviewer's key.
    public var reviewer: String
    public var reviewedAt: Timestamp

    public init(id: String, push: String, decision: Decision, legalBasis: String, note: String?, digest: String, reviewer: String, reviewedAt: Timestamp) {
        self.id = id
        self.push = push
        self.decision = decision
        self.legalBasis = legalBasis
        self.note = note
        self.digest = digest
        self.reviewer = reviewer
        self.reviewedAt = reviewedAt
    }
}

/// The taking of something out of public view, and the tombstone that it leaves.
public struct Withdrawal: Sendable, Hashable, Codable {
    public enum Subject: String, Sendable, ListedWord { case dataset, version, rows }

    /// Why, as a word of a closed list.
    public enum ReasonCode: String, Sendable, ListedWord {
        /// What was published is wrong.
        case error
        /// The time of publicity has ended.
        case expired
        /// The credit was repaired (信用修复).
        case repaired
        /// The decision was revoked on administrative reconsideration (行政复议).
        case revokedByReconsideration = "revoked_by_reconsideration"
        /// A court set it aside.
        case court
        /// It holds personal data that must not be public.
        case personalData = "personal_data"
        case other

        /// Whether rows that went for this reason stay away: a later push cannot bring them back.
        public var isFinal: Bool {
            switch self {
            case .repaired, .revokedByReconsideration, .court, .personalData: true
            case .error, .expired, .other: false
            }
        }

        /// What a withdrawal says that nobody wrote a reason for.
        public var text: LocalizedText {
            switch self {
            case .error: LocalizedText(zh: "登记有误", en: "entered by mistake")
            case .expired: LocalizedText(zh: "公示期届满", en: "the time of publicity has ended")
            case .repaired: LocalizedText(zh: "信用已修复", en: "the credit was repaired")
            case .revokedByReconsideration: LocalizedText(zh: "经行政复议撤销", en: "revoked on administrative reconsideration")
            case .court: LocalizedText(zh: "经人民法院判决撤销", en: "set aside by a court")
            case .personalData: LocalizedText(zh: "含有个人信息", en: "holds personal data")
            case .other: LocalizedText(zh: "其他原因", en: "another reason")
            }
        }
    }

    public var id: String
    public var dataset: String
    public var subject: Subject
    /// The version withdrawn, for `version`.
    public var version: Int?
    /// Keys of the rows withdrawn, for `rows`, in the spelling of `/rows/{key}`.
    public var keys: [String]
    public var reason: LocalizedText
    /// Nil where it was withdrawn before there were codes.
    public var reasonCode: ReasonCode?
    public var legalBasis: String?
    public var withdrawnAt: Timestamp

    public init(
        id: String, dataset: String, subject: Subject, version: Int?, keys: [String], reason: LocalizedText, reasonCode: ReasonCode? = .other, legalBasis: String?,
        withdrawnAt: Timestamp
    ) {
        self.id = id
        self.dataset = dataset
        self.subject = subject
        self.version = version
        self.keys = keys
        self.reason = reason
        self.reasonCode = reasonCode
        self.legalBasis = legalBasis
        self.withdrawnAt = withdrawnAt
    }
}
