/// How a witness stands to the ledger: whether it signs the heads, and why not.
public struct WitnessStanding: Sendable, Hashable, Codable {
    public enum State: String, Sendable, Codable, CaseIterable {
        /// Nobody has asked it yet.
        case unasked
        /// It signed the last head that it was asked for.
        case agreeing
        /// It gave no answer, or said that it cannot answer now.
        case unreachable
        /// It does not know this ledger or its key, or does not speak the protocol.
        case misconfigured
        /// It says that the head contradicts what it signed before.
        case refusing
    }

    /// Why it did not sign.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        case noAnswer = "no_answer"
        case overloaded
        case unknownLog = "unknown_log"
        case unknownKey = "unknown_key"
        /// Its answer is not of the protocol, or its signature is wrong.
        case invalidAnswer = "invalid_answer"
        /// Its last head is larger than this ledger's.
        case largerHead = "larger_head"
        /// Its last head has the same size and is another one.
        case otherHead = "other_head"
        /// What leads from its last head to the new one does not hold.
        case inconsistent

        public var state: State {
            switch self {
            case .noAnswer, .overloaded: .unreachable
            case .unknownLog, .unknownKey, .invalidAnswer: .misconfigured
            case .largerHead, .otherHead, .inconsistent: .refusing
            }
        }
    }

    /// Verifier key, `name+hash+base64`.
    public var key: String
    public var name: String
    public var state: State
    public var reason: Reason?
    /// Since when it stands so.
    public var since: Timestamp
    /// The largest head that it signed, and when.
    public var cosignedSize: Int?
    public var cosignedAt: Timestamp?

    public init(key: String, name: String, state: State, reason: Reason? = nil, since: Timestamp, cosignedSize: Int? = nil, cosignedAt: Timestamp? = nil) {
        self.key = key
        self.name = name
        self.state = state
        self.reason = reason
        self.since = since
        self.cosignedSize = cosignedSize
        self.cosignedAt = cosignedAt
    }
}
