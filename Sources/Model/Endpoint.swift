/// Where a department wants to be told of what happens in the exchange (回调地址): an address that takes webhooks.
public struct Endpoint: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case enabled
        /// What was told last was not taken; it is tried again.
        case failing
        /// Nothing is told.
        case disabled
    }

    /// Why nothing is told.
    public enum DisabledReason: String, Sendable, Codable, CaseIterable {
        /// The address answered 410.
        case gone
        /// Too much waited for it.
        case backlog
        /// Its department wants it so.
        case owner
    }

    public var id: String
    public var department: String
    public var url: String
    public var label: String
    /// What it is told of; everything where empty.
    public var events: [ExchangeEventType]
    public var state: State
    public var disabledAt: Timestamp?
    public var disabledReason: DisabledReason?
    /// Since when nothing was taken.
    public var failingSince: Timestamp?
    /// What went wrong last: a status, or a word.
    public var lastFailure: String?
    /// When something was taken last.
    public var deliveredAt: Timestamp?
    /// Messages on their way.
    public var waiting: Int
    /// Messages that were given up.
    public var dead: Int
    public var createdAt: Timestamp
    /// Counts its changes.
    public var revision: Int

    public init(
        id: String, department: String, url: String, label: String, events: [ExchangeEventType], state: State = .enabled, waiting: Int = 0, dead: Int = 0, createdAt: Timestamp,
        revision: Int = 1
    ) {
        self.id = id
        self.department = department
        self.url = url
        self.label = label
        self.events = events
        self.state = state
        self.waiting = waiting
        self.dead = dead
        self.createdAt = createdAt
        self.revision = revision
    }
}

/// What is told of, by the `type` of its CloudEvent.
public enum ExchangeEventType: String, Sendable, Codable, CaseIterable {
    case released = "daylight.dataset.released"
    case withdrawn = "daylight.dataset.withdrawn"
    case grantGiven = "daylight.grant.given"
    case grantChanged = "daylight.grant.changed"
    case grantEnded = "daylight.grant.ended"
    case requestChanged = "daylight.request.changed"
    case disposalDue = "daylight.disposal.due"
    case receiptMissing = "daylight.receipt.missing"
    /// A value is doubted that the department owns, was delivered or doubted, or something became of the doubt.
    case correctionChanged = "daylight.correction.changed"
}

/// One event on its way to one endpoint.
public struct WebhookMessage: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        case waiting, delivered
        /// Given up; it can be sent again.
        case dead
    }

    /// The event's identifier: `webhook-id`, the same in every attempt.
    public var id: String
    public var type: ExchangeEventType
    public var subject: String
    public var state: State
    public var attempts: Int
    public var createdAt: Timestamp
    /// When it is tried again; nil at once, or never.
    public var nextAttemptAt: Timestamp?
    public var expiresAt: Timestamp
    public var lastFailure: String?
    /// When it was taken or given up.
    public var settledAt: Timestamp?

    public init(id: String, type: ExchangeEventType, subject: String, state: State, attempts: Int, createdAt: Timestamp, expiresAt: Timestamp) {
        self.id = id
        self.type = type
        self.subject = subject
        self.state = state
        self.attempts = attempts
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}
