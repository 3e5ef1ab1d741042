/// A doubt about one published or delivered value (校核), and what became of it.
public struct Correction: Sendable, Hashable, Codable {
    /// Where it stands. `docs/exchange.md` has the table of what leads where.
    public enum State: String, Sendable, Codable, CaseIterable {
        /// The owner has to answer.
        case submitted
        /// Whoever it was referred to has to answer.
        case referred
        /// A clock ran out: the authority has to see to it.
        case escalated
        /// A version mended the value.
        case corrected
        /// The value is right, with reasons.
        case upheld
        /// Whoever doubted no longer does.
        case withdrawn

        /// Whether nobody has to act any more.
        public var isClosed: Bool { self == .corrected || self == .upheld || self == .withdrawn }
    }

    /// Who has a part in it.
    public enum Party: String, Sendable, Codable, CaseIterable {
        /// The department whose data it is.
        case owner
        /// Whom it was referred to.
        case assignee
        case authority
        /// The department that doubts.
        case reporter
    }

    /// Who doubted.
    public enum Origin: String, Sendable, Codable, CaseIterable {
        case reader, department
    }

    /// What speaks for the doubt.
    public struct Evidence: Sendable, Hashable, Codable {
        public var text: String?
        /// Addresses, `https` or `http`.
        public var links: [String]?

        public init(text: String? = nil, links: [String]? = nil) {
            self.text = text
            self.links = links
        }
    }

    public var id: String
    public var dataset: String
    /// The version in which the value was seen.
    public var version: Int
    /// The row's key as ``RowKey`` spells it.
    public var key: String
    public var field: String
    /// Whose data it is, by unified social credit code.
    public var owner: String
    public var origin: Origin
    /// Who may know of it: everybody, where the value is public as it stands; else those who have a part in it, and departments that were delivered the value.
    public var audience: Audience
    public var state: State
    /// Who has to act, nil where nobody has to.
    public var actor: Party?
    /// The department that it was referred to; nil where that is the authority, or nobody.
    public var assignee: String?
    /// How often it was referred.
    public var referrals: Int
    public var clock: RunningClock?
    /// Whether a clock ran out, ever.
    public var late: Bool
    /// What was answered.
    public var answer: String?
    /// The version that mended the value.
    public var mendedVersion: Int?
    public var answeredAt: Timestamp?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// Counts what happened to it.
    public var revision: Int

    // What follows is for those who have a part in it: it is nobody's business who doubts, and words of strangers are not published.

    /// The department that doubts.
    public var reporter: String?
    /// What is doubted and why; nil once it was erased.
    public var doubt: String?
    /// The value that is thought right, as a literal of the field's type.
    public var proposed: String?
    public var evidence: Evidence?
    /// What opens the salted digest of the answer in the ledger's leaf: 64 hexadecimal digits.
    public var salt: String?

    public init(
        id: String, dataset: String, version: Int, key: String, field: String, owner: String, origin: Origin, audience: Audience, state: State = .submitted,
        assignee: String? = nil, referrals: Int = 0, clock: RunningClock? = nil, late: Bool = false, createdAt: Timestamp, updatedAt: Timestamp, revision: Int = 1
    ) {
        self.id = id
        self.dataset = dataset
        self.version = version
        self.key = key
        self.field = field
        self.owner = owner
        self.origin = origin
        self.audience = audience
        self.state = state
        self.assignee = assignee
        self.referrals = referrals
        self.clock = clock
        self.late = late
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }

    /// The same without what is for those alone who have a part in it.
    public var withoutWords: Correction {
        var shown = self
        (shown.reporter, shown.doubt, shown.proposed, shown.evidence, shown.salt) = (nil, nil, nil, nil, nil)
        return shown
    }
}

/// One thing that happened to a correction.
public typealias CorrectionEvent = LifecycleEvent<Correction.State>

/// Tells a department that a value which it was delivered is doubted, or what became of the doubt.
public struct CorrectionNotice: Sendable, Hashable, Codable {
    /// Its place among all notices; those of one department need not follow one another.
    public var number: Int
    public var department: String
    /// The grant that the value was delivered by; nil for the department that doubted.
    public var grant: String?
    public var correction: String
    public var dataset: String
    public var key: String
    public var field: String
    /// The word of what happened: `doubted`, or a decision's.
    public var event: String
    public var at: Timestamp

    public init(number: Int, department: String, grant: String?, correction: String, dataset: String, key: String, field: String, event: String, at time: Timestamp) {
        self.number = number
        self.department = department
        self.grant = grant
        self.correction = correction
        self.dataset = dataset
        self.key = key
        self.field = field
        self.event = event
        at = time
    }
}

/// Which corrections a list has.
public struct CorrectionFilter: Sendable, Hashable {
    public var dataset: String?
    /// A row's key as ``RowKey`` spells it.
    public var key: String?
    public var state: Correction.State?
    /// Whether a clock ran out.
    public var late: Bool?
    /// Datasets that the caller's key is limited to; no limit where empty.
    public var datasets: [String] = []

    public init(dataset: String? = nil, key: String? = nil, state: Correction.State? = nil, late: Bool? = nil) {
        self.dataset = dataset
        self.key = key
        self.state = state
        self.late = late
    }
}

/// How many corrections stand beside a row.
public struct CorrectionCount: Sendable, Hashable {
    public var total: Int
    /// Those that wait for an answer.
    public var open: Int

    public init(total: Int, open: Int) {
        self.total = total
        self.open = open
    }
}
