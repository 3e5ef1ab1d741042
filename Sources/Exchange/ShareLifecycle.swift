public import Model

/// A share request's way, as a value: an event goes in, the next state and what has to be done come out.
///
/// `docs/exchange.md` has it as a table, and a test holds the table against this. It performs nothing: callers carry out the actions and store the state in the same
/// transaction.
public struct ShareLifecycle: Sendable, Hashable {
    public enum Event: String, Sendable, Hashable, ListedWord {
        /// The provider takes it, in whole or in part.
        case accept
        /// The provider says no.
        case refuse
        /// The provider says, once, what is missing.
        case askSupplement = "ask_supplement"
        /// The receiver supplies what was missing.
        case supplement
        /// The receiver does not want it any more.
        case withdraw
        /// The receiver disputes a refusal: both negotiate.
        case dispute
        /// One of both asks the authority to decide.
        case refer
        /// The authority decides for the receiver.
        case uphold
        /// The authority decides against it.
        case dismiss
        /// The provider lets the grant run longer.
        case extend
        /// The provider takes the grant back.
        case revoke
        /// The receiver has what it needed.
        case finish
        /// The receiver has disposed of the data.
        case confirmDisposal = "confirm_disposal"
        /// The clock ran out.
        case overdue
        /// Data was delivered.
        case delivered
        /// The grant's term has come to its end.
        case expired
    }

    /// What has to be done with the event, besides storing the state.
    public enum Action: Sendable, Hashable {
        case start(ShareClock)
        case stopClock
        /// The clock ran out: say so for ever.
        case markLate
        /// Make the grant: from now on the data can be read.
        case grant
        /// Move the grant's end.
        case extendGrant
        /// End the grant: from now on nothing can be read.
        case endGrant
        /// Remember that the one notice was given.
        case noteSupplement
    }

    /// Why an event does not fit.
    public enum Refusal: Error, Sendable, Hashable {
        /// The one notice of what is missing was given already.
        case alreadyAsked
        case wrongState(ShareRequest.State)
    }

    public private(set) var state: ShareRequest.State
    public private(set) var supplementAsked: Bool

    public init(state: ShareRequest.State, supplementAsked: Bool = false) {
        self.state = state
        self.supplementAsked = supplementAsked
    }

    /// The beginning: what is shared without conditions is granted at once, all else waits for an answer.
    public static func begin(_ type: ShareType) -> (state: ShareRequest.State, actions: [Action])? {
        switch type {
        case .unconditional: (.granted, [.grant, .start(.delivery)])
        case .conditional: (.submitted, [.start(.answer)])
        case .notShared: nil
        }
    }

    /// Takes an event.
    ///
    /// - Returns: what has to be done.
    /// - Throws: ``Refusal``; all is then as before.
    public mutating func handle(_ event: Event) throws(Refusal) -> [Action] {
        let (next, actions) = try step(event)
        state = next
        if actions.contains(.noteSupplement) { supplementAsked = true }
        return actions
    }

    private func step(_ event: Event) throws(Refusal) -> (ShareRequest.State, [Action]) {
        switch (state, event) {
        case (.submitted, .askSupplement):
            guard !supplementAsked else { throw .alreadyAsked }
            return (.supplementing, [.noteSupplement, .start(.supplement)])
        case (.supplementing, .supplement): return (.submitted, [.start(.answer)])
        case (.supplementing, .overdue): return (.withdrawn, [.stopClock])

        case (.submitted, .overdue): return (.escalated, [.markLate, .start(.decision)])
        case (.negotiating, .overdue): return (.referred, [.start(.decision)])
        case (.escalated, .overdue), (.referred, .overdue), (.granted, .overdue), (.disposing, .overdue): return (state, [.markLate, .stopClock])

        case (.submitted, .accept), (.escalated, .accept), (.negotiating, .accept), (.escalated, .uphold), (.referred, .uphold):
            return (.granted, [.grant, .start(.delivery)])
        case (.submitted, .refuse), (.escalated, .refuse): return (.refused, [.stopClock])
        case (.escalated, .dismiss), (.referred, .dismiss): return (.dismissed, [.stopClock])

        case (.refused, .dispute): return (.negotiating, [.start(.negotiation)])
        case (.negotiating, .refer): return (.referred, [.start(.decision)])
        case (.submitted, .withdraw), (.supplementing, .withdraw), (.escalated, .withdraw), (.refused, .withdraw), (.negotiating, .withdraw), (.referred, .withdraw):
            return (.withdrawn, [.stopClock])

        case (.granted, .delivered): return (.delivering, [.stopClock])
        case (.delivering, .delivered): return (.delivering, [])
        case (.granted, .extend), (.delivering, .extend): return (state, [.extendGrant])
        // What never left has not to be disposed of.
        case (.granted, .revoke), (.granted, .finish), (.granted, .expired): return (.ended, [.endGrant, .stopClock])
        case (.delivering, .revoke), (.delivering, .finish), (.delivering, .expired): return (.disposing, [.endGrant, .start(.disposal)])
        case (.disposing, .confirmDisposal): return (.ended, [.stopClock])

        default: throw .wrongState(state)
        }
    }
}

extension ShareRequest.State {
    /// Who has to act.
    public var actor: ShareRequest.Party? {
        switch self {
        case .submitted, .negotiating, .granted: .provider
        case .supplementing, .disposing: .receiver
        case .escalated, .referred: .authority
        case .refused, .dismissed, .withdrawn, .delivering, .ended: nil
        }
    }
}

extension ShareLifecycle.Event {
    /// Who may send it; nil for what happens by itself.
    public var sender: [ShareRequest.Party]? {
        switch self {
        case .accept, .refuse, .askSupplement, .extend, .revoke: [.provider]
        case .supplement, .withdraw, .dispute, .finish, .confirmDisposal: [.receiver]
        case .refer: [.provider, .receiver]
        case .uphold, .dismiss: [.authority]
        case .overdue, .delivered, .expired: nil
        }
    }

    /// Whether it has to say why.
    public var needsReason: Bool { [.refuse, .askSupplement, .dispute, .refer, .uphold, .dismiss, .revoke].contains(self) }
}
