/// How shared data reaches its receiver.
public enum ShareMethod: String, Sendable, Codable, CaseIterable {
    /// The receiver asks for rows and changes (服务接口).
    case pull
    /// Changes are sent to the receiver (批量交换).
    case push
    /// Files that the receiver downloads (文件下载).
    case file
}

/// A department's request for another one's data (共享申请), as far as everybody involved sees it.
public struct ShareRequest: Sendable, Hashable, Codable {
    /// Where it stands. `docs/exchange.md` has the table of what leads where.
    public enum State: String, Sendable, Codable, CaseIterable {
        /// The provider has to answer.
        case submitted
        /// The receiver has to supply what was missing.
        case supplementing
        /// The provider let the time for its answer pass: the authority has to see to it.
        case escalated
        /// The provider said no, with reasons; the receiver may dispute it.
        case refused
        /// Provider and receiver negotiate.
        case negotiating
        /// They did not come to terms: the authority has to decide.
        case referred
        /// The authority said no.
        case dismissed
        /// The receiver no longer wants it, or never supplied what was missing.
        case withdrawn
        /// There is a grant; nothing was delivered yet.
        case granted
        /// Data flows.
        case delivering
        /// The grant has ended; the receiver has to dispose of the data and confirm it.
        case disposing
        case ended
    }

    /// Who has to act next.
    public enum Party: String, Sendable, Codable, CaseIterable {
        case provider, receiver, authority
    }

    public var id: String
    public var dataset: String
    /// Who owns the data, by unified social credit code.
    public var provider: String
    /// Who asks for it.
    public var receiver: String
    public var state: State
    /// What is asked for.
    public var terms: ShareTerms
    public var legalBasis: String
    /// What the data is needed in (应用场景).
    public var scenario: String
    public var method: ShareMethod
    /// Who has to act, nil where nobody has to.
    public var actor: Party?
    /// What runs, nil where nothing does.
    public var clock: RunningClock?
    /// Whether a clock ran out, ever.
    public var late: Bool
    /// Whether the one notice that something is missing was given (一次性告知).
    public var supplementAsked: Bool
    /// Reasons of a refusal or of the end, and what else was said last.
    public var reason: String?
    public var grant: String?
    /// What its receiver has not signed for; told in its inbox only.
    public var receiptsMissing: MissingReceipts?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp
    /// Counts what happened to it.
    public var revision: Int

    public init(
        id: String, dataset: String, provider: String, receiver: String, state: State, terms: ShareTerms, legalBasis: String, scenario: String, method: ShareMethod,
        actor: Party? = nil, clock: RunningClock? = nil, late: Bool = false, supplementAsked: Bool = false, reason: String? = nil, grant: String? = nil,
        createdAt: Timestamp, updatedAt: Timestamp, revision: Int = 1
    ) {
        self.id = id
        self.dataset = dataset
        self.provider = provider
        self.receiver = receiver
        self.state = state
        self.terms = terms
        self.legalBasis = legalBasis
        self.scenario = scenario
        self.method = method
        self.actor = actor
        self.clock = clock
        self.late = late
        self.supplementAsked = supplementAsked
        self.reason = reason
        self.grant = grant
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.revision = revision
    }
}

/// Deliveries that were sent whole and not signed for.
public struct MissingReceipts: Sendable, Hashable, Codable {
    public var count: Int
    /// When the oldest of them was sent.
    public var since: Timestamp

    public init(count: Int, since: Timestamp) {
        self.count = count
        self.since = since
    }
}

/// What may be seen, for what, until when: of a request what is asked for, of a grant what was given.
public struct ShareTerms: Sendable, Hashable, Codable {
    /// Names of the dataset's fields; its primary key is always among them, since changes are told by key.
    public var fields: [String]
    /// Which rows, in CQL2 text; all where it is nil.
    public var filter: String?
    public var purpose: String
    /// Until when: the grant ends at this instant.
    public var until: Timestamp
    /// How much may be read in a time; only the server's own limits hold where it is nil.
    public var rate: ShareRate?

    public init(fields: [String], filter: String? = nil, purpose: String, until: Timestamp, rate: ShareRate? = nil) {
        self.fields = fields
        self.filter = filter
        self.purpose = purpose
        self.until = until
        self.rate = rate
    }
}

/// How often, and how many rows, a grant may be read in a time. What was used comes back evenly.
public struct ShareRate: Sendable, Hashable, Codable {
    /// What is counted.
    public enum Unit: String, Sendable, Codable, CaseIterable {
        case calls, rows
    }

    /// Reads in the time; no limit where it is nil.
    public var calls: Int?
    /// Rows in the time; no limit where it is nil. A read that has begun is finished.
    public var rows: Int?
    /// Seconds from nothing left to all of it.
    public var seconds: Int

    public init(calls: Int? = nil, rows: Int? = nil, seconds: Int) {
        self.calls = calls
        self.rows = rows
        self.seconds = seconds
    }

    public func quota(_ unit: Unit) -> Int? { unit == .calls ? calls : rows }
}

/// What is left of a grant's rate.
public struct ShareAllowance: Sendable, Hashable {
    public var unit: ShareRate.Unit
    public var quota: Int
    /// Seconds from nothing left to all of it.
    public var seconds: Int
    public var remaining: Int
    /// Seconds until all of it is there again.
    public var reset: Int

    public init(unit: ShareRate.Unit, quota: Int, seconds: Int, remaining: Int, reset: Int) {
        self.unit = unit
        self.quota = quota
        self.seconds = seconds
        self.remaining = remaining
        self.reset = reset
    }
}

/// A clock that runs on a request.
public struct RunningClock: Sendable, Hashable, Codable {
    /// Which one; `docs/exchange.md` has the table of them.
    public var name: ShareClock
    public var startedAt: Timestamp
    public var dueAt: Timestamp
    /// Whether it counts days whose holidays are not announced yet.
    public var provisional: Bool

    public init(name: ShareClock, startedAt: Timestamp, dueAt: Timestamp, provisional: Bool) {
        self.name = name
        self.startedAt = startedAt
        self.dueAt = dueAt
        self.provisional = provisional
    }
}

/// What the law, or the operator, gives time for.
public enum ShareClock: String, Sendable, Codable, CaseIterable {
    case answer, supplement, negotiation, decision, delivery, disposal
    /// The owner's of a doubted value, and whose it was referred to.
    case correction, referral
}

/// One thing that happened to a request.
public typealias ShareEvent = LifecycleEvent<ShareRequest.State>
