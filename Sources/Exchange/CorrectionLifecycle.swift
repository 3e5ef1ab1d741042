public import Model

/// A correction's way, as a value: an event goes in, the next state and what has to be done come out.
///
/// `docs/exchange.md` has it as a table, and a test holds the table against this. It performs nothing.
public struct CorrectionLifecycle: Sendable, Hashable {
    public enum Event: String, Sendable, Hashable, ListedWord {
        /// A version mended the value.
        case correct
        /// The value is right, with reasons.
        case uphold
        /// Somebody else has to answer: another department, or the authority.
        case refer
        /// Whoever doubted no longer does.
        case withdraw
        /// The clock ran out.
        case overdue
    }

    /// What has to be done with the event, besides storing the state.
    public enum Action: Sendable, Hashable {
        case start(ShareClock)
        case stopClock
        /// The clock ran out: say so for ever.
        case markLate
        /// Remember who has to answer now.
        case assign
        /// Enter the answer into the ledger.
        case enterAnswer
    }

    /// Why an event does not fit.
    public enum Refusal: Error, Sendable, Hashable {
        /// It was handed on often enough: whoever has it answers.
        case referredTooOften
        case wrongState(Correction.State)
    }

    /// So often a correction can be referred.
    public static let longestWay = 3

    public private(set) var state: Correction.State
    public private(set) var referrals: Int

    public init(state: Correction.State, referrals: Int = 0) {
        self.state = state
        self.referrals = referrals
    }

    /// What has to be done with a new one.
    public static let beginning: [Action] = [.start(.correction)]

    /// Takes an event.
    ///
    /// - Returns: what has to be done.
    /// - Throws: ``Refusal``; all is then as before.
    public mutating func handle(_ event: Event) throws(Refusal) -> [Action] {
        guard !state.isClosed else { throw .wrongState(state) }
        switch event {
        case .correct:
            state = .corrected
            return [.stopClock, .enterAnswer]
        case .uphold:
            state = .upheld
            return [.stopClock, .enterAnswer]
        case .withdraw:
            state = .withdrawn
            return [.stopClock]
        case .refer:
            guard referrals < Self.longestWay else { throw .referredTooOften }
            referrals += 1
            state = .referred
            return [.assign, .start(.referral)]
        case .overdue:
            if state == .escalated { return [.markLate, .stopClock] }
            state = .escalated
            return [.markLate, .start(.decision)]
        }
    }
}

extension CorrectionLifecycle.Event {
    /// Who may send it; nil for what happens by itself.
    public var senders: [Correction.Party]? {
        switch self {
        case .correct, .uphold, .refer: [.owner, .assignee, .authority]
        case .withdraw: [.reporter]
        case .overdue: nil
        }
    }
}
