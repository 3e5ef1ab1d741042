internal import DequeModule
public import Model
internal import NIOConcurrencyHelpers

/// Lets a bounded number of works in at once; others wait in the order in which they came, up to a bound of their own.
public final class Slots: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<(ticket: Int, continuation: CheckedContinuation<Void, any Error>)> = []
        var nextTicket = 0
    }

    private let limit: Int
    private let refusal: Problem
    private let state: NIOLockedValueBox<State>

    /// - Parameter refusal: what those are told who find too many waiting.
    public init(capacity: Int, waiting: Int, refusal: Problem) {
        limit = waiting
        self.refusal = refusal
        state = NIOLockedValueBox(State(free: capacity))
    }

    /// Takes a place; `leave()` gives it back.
    ///
    /// - Throws: the refusal where too many wait already, `CancellationError`.
    public func enter() async throws {
        let ticket = state.withLockedValue { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        try await withTaskCancellationHandler {
            try await wait(ticket)
        } onCancel: {
            abandon(ticket)
        }
    }

    /// Gives a place back; the one who waits longest gets it.
    public func leave() {
        let next = state.withLockedValue { state in
            if let next = state.waiting.popFirst() { return next.continuation as CheckedContinuation<Void, any Error>? }
            state.free += 1
            return nil
        }
        next?.resume()
    }

    @inline(never)
    private func wait(_ ticket: Int) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let outcome: Result<Void, any Error>? = state.withLockedValue { state in
                // Checked under the lock: a cancellation before this point found nobody to wake.
                if Task.isCancelled { return .failure(CancellationError()) }
                if state.free > 0 {
                    state.free -= 1
                    return .success(())
                }
                if state.waiting.count >= limit {
                    return .failure(refusal)
                }
                state.waiting.append((ticket, continuation))
                return nil
            }
            if let outcome { continuation.resume(with: outcome) }
        }
    }

    private func abandon(_ ticket: Int) {
        let abandoned = state.withLockedValue { state -> CheckedContinuation<Void, any Error>? in
            guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else { return nil }
            return state.waiting.remove(at: index).continuation
        }
        abandoned?.resume(throwing: CancellationError())
    }
}
