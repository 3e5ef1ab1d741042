public import Model

/// A push's way from the first byte to its end, as a value: an event goes in, the next state and what has to be done come out.
///
/// ```
/// receiving ─▶ checking ─▶ ready ─▶ approved ─▶ released
///     │           │          │        │  ▲
///     │           │          │        ▼  │
///     │           │          │     scheduled
///     ▼           ▼          ▼        ▼
///   failed   rejected,    refused  refused, unchanged, failed
///            unchanged,
///            checked
/// ```
/// It performs nothing: callers carry out the actions and store the state in the same transaction.
public struct PushLifecycle: Sendable, Hashable {
    public enum Event: Sendable, Hashable, CaseIterable {
        /// The whole body has come and was read.
        case received
        /// The checks came to an end: with errors that refuse it, with the rows of the current version, or with something to release.
        case checkedWithErrors, checkedUnchanged, checkedForReview, checkedWithoutReview
        case reviewPassed, reviewRefused, reviewReferred
        /// A release was asked for: now, or later.
        case releaseAsked, releaseAskedLater
        /// The time of a scheduled release has come.
        case due
        /// What a release came to: done, nothing left to change, or no longer possible since another release came first.
        case released, foundUnchanged, outdated
        /// The connection, the server or the staged rows are gone.
        case broken
    }

    /// What has to be done with the event, besides storing the state.
    public enum Action: Sendable, Hashable {
        /// Run the checks over all rows.
        case check
        /// Nothing will be released from the staged rows: drop them.
        case dropRows
        /// Let the same Idempotency-Key be used again: nobody got an answer that stands.
        case freeIdempotencyKey
        /// Do the release.
        case release
        /// Remember the time of the release.
        case schedule
    }

    /// Why an event does not fit.
    public enum Refusal: Error, Sendable, Hashable {
        /// No review has passed the content.
        case notReviewed
        /// The push is at its end, or not there yet.
        case wrongState(Push.State)
    }

    public private(set) var state: Push.State
    /// Whether nothing is to be kept.
    public let dryRun: Bool

    public init(state: Push.State = .receiving, dryRun: Bool = false) {
        self.state = state
        self.dryRun = dryRun
    }

    /// Takes an event.
    ///
    /// - Returns: what has to be done.
    /// - Throws: ``Refusal``; the state is then as before.
    public mutating func handle(_ event: Event) throws(Refusal) -> [Action] {
        let (next, actions) = try step(event)
        state = next
        return actions
    }

    private func step(_ event: Event) throws(Refusal) -> (Push.State, [Action]) {
        switch (state, event) {
        case (.receiving, .received): (.checking, [.check])
        // What cannot be read at all is rejected before there is anything to check.
        case (.receiving, .checkedWithErrors), (.checking, .checkedWithErrors): (.rejected, [.dropRows])
        case (.receiving, .broken), (.checking, .broken): (.failed, [.dropRows, .freeIdempotencyKey])

        case (.checking, .checkedUnchanged): (dryRun ? .checked : .unchanged, [.dropRows])
        case (.checking, .checkedForReview): dryRun ? (.checked, [.dropRows]) : (.ready, [])
        case (.checking, .checkedWithoutReview): dryRun ? (.checked, [.dropRows]) : (.approved, [])

        case (.ready, .reviewPassed), (.approved, .reviewPassed): (.approved, [])
        case (.scheduled, .reviewPassed): (.scheduled, [])
        // A doubt after a pass takes the pass back.
        case (.ready, .reviewReferred), (.approved, .reviewReferred), (.scheduled, .reviewReferred): (.ready, [])
        case (.ready, .reviewRefused), (.approved, .reviewRefused), (.scheduled, .reviewRefused): (.refused, [.dropRows])

        case (.ready, .releaseAsked), (.ready, .releaseAskedLater): throw .notReviewed
        case (.approved, .releaseAsked): (.approved, [.release])
        case (.scheduled, .releaseAsked), (.scheduled, .due): (.scheduled, [.release])
        case (.approved, .releaseAskedLater), (.scheduled, .releaseAskedLater): (.scheduled, [.schedule])

        case (.approved, .released), (.scheduled, .released): (.released, [.dropRows])
        case (.approved, .foundUnchanged), (.scheduled, .foundUnchanged): (.unchanged, [.dropRows])
        // Somebody waits for the answer of a release now, and can push again; a scheduled one has only its state to say it.
        case (.approved, .outdated): (.approved, [])
        case (.scheduled, .outdated): (.failed, [.dropRows])
        case (.approved, .broken), (.scheduled, .broken): (.failed, [.dropRows])

        default: throw .wrongState(state)
        }
    }
}
