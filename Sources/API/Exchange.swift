internal import Exchange
public import Hummingbird
public import Logging
public import Model
public import RateLimit

/// One request's way through the server, from its head to its log line.
///
/// Made on the connection's event loop and handed on: at any moment one piece of code works on it, so it needs no lock.
public final class Exchange: RequestContextSource, @unchecked Sendable {
    /// The request's id.
    public let id: String
    /// Monotonic nanoseconds at which the head was complete.
    public let startedAt: Int64
    /// The client's address, past trusted hops.
    public let client: IPAddress
    /// Who asks.
    public internal(set) var identity = Identity.anonymous {
        didSet { (tier, clientKey) = (identity.tier, identity.clientKey(at: client)) }
    }
    private(set) var tier = Tier.anonymous
    /// Whose quotas hold.
    private(set) var clientKey: ClientKey

    /// The department's signature on the call, where it has one.
    var signed: SignedRequest?

    let method: String
    let credential: Credential?
    /// Whether something was sent in the place of a key that is none.
    let hasMalformedCredential: Bool
    private let acceptLanguage: String?

    /// The route that took it; nil until one has.
    var route: Route?
    /// What the limiter said; nil until it was asked.
    var decision: Decision?
    /// Whether its limits have been charged.
    var isAdmitted = false
    /// Units that it was charged.
    var cost = 0
    /// As what its answer is to be kept, and the state of knowledge when it came; nil where it is not.
    var keeping: (name: AnswerCache.Name, generation: UInt64)?
    /// Whether it has been counted and logged; nothing may be taken for it any more.
    var isFinished = false
    /// Whether a download's place is held for it.
    var holdsDownload = false
    /// Whether an event stream's place is held for it.
    var holdsEvents = false
    /// What the audit is to know of it; nil where its route is not audited.
    var audited: AuditedFacts?
    /// Greatest number of body bytes that the route takes.
    var bodyLimit: Int

    /// Where Hummingbird's own notices go; requests are logged once, at the end, by the gate.
    public var logger: Logger { Self.frameworkLogger }
    private static let frameworkLogger = Logger(label: "daylight.http")

    init(id: String, startedAt: Int64, client: IPAddress, method: String, facts: RequestFacts, bodyLimit: Int) {
        self.id = id
        self.startedAt = startedAt
        self.client = client
        clientKey = ClientKey(address: client)
        self.method = method
        let text = facts.credentialText
        credential = text.flatMap { Credential($0) }
        hasMalformedCredential = text != nil && credential == nil
        acceptLanguage = facts.acceptLanguage
        self.bodyLimit = bodyLimit
    }

    /// The language of messages: the better liked of the two that exist, Chinese when neither is asked for.
    public var language: Language { LanguagePreference.language(acceptLanguage) }
}
