import NIOConcurrencyHelpers
import NIOCore

/// A short read on its way through an event loop's pipeline.
struct PendingRead {
    let text: StatementText
    let parameters: Parameters
    let done: @Sendable (Result<RowSet, PostgresError>) -> Void
    /// Nil for callers that never give up.
    let ticket: ReadTicket?
    /// Sent again after its connection was lost before its turn came.
    var wasResent = false
    /// Prepared again after its plan or its prepared statement was gone.
    var wasRepaired = false
    /// Stopped by a cancel request that was meant for another read.
    var strayCancels: UInt8 = 0

    init(
        _ text: StatementText, _ parameters: Parameters, ticket: ReadTicket? = nil,
        _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void
    ) {
        (self.text, self.parameters, self.ticket, self.done) = (text, parameters, ticket, done)
    }

    var isAbandoned: Bool { ticket?.reason != nil }

    /// Answers the caller, who no longer listens if the read was abandoned.
    func complete(_ result: Result<RowSet, PostgresError>) {
        guard let ticket else { return done(result) }
        if ticket.finish() { done(result) }
    }
}

/// What lets the caller of a read give up: the one that comes first, the answer or the caller, wins.
final class ReadTicket: Sendable {
    private struct State {
        var reason: PostgresError.Code?
        var isFinished = false
        var onAbandon: (@Sendable (PostgresError.Code) -> Void)?
        var timer: Scheduled<Void>?
    }

    private let state = NIOLockedValueBox(State())

    /// Why the caller gave up; nil as long as it waits.
    var reason: PostgresError.Code? { state.withLockedValue { $0.reason } }

    /// Sets what answers the caller when it gives up; called at once if it has done so already.
    func onAbandon(_ action: @escaping @Sendable (PostgresError.Code) -> Void) {
        let reason = state.withLockedValue { state in
            if state.reason == nil { state.onAbandon = action }
            return state.reason
        }
        if let reason { action(reason) }
    }

    /// Keeps the timer of the deadline, to be stopped with the answer.
    func keep(_ timer: Scheduled<Void>) {
        let isLate = state.withLockedValue { state in
            if !state.isFinished { state.timer = timer }
            return state.isFinished
        }
        if isLate { timer.cancel() }
    }

    /// Gives up.
    /// - Returns: false when the answer was there first.
    func abandon(_ reason: PostgresError.Code) -> Bool {
        let (action, timer, isFirst) =
            state.withLockedValue { state in
                guard !state.isFinished else { return (nil, nil, false) }
                state.isFinished = true
                state.reason = reason
                return (state.onAbandon.take(), state.timer.take(), true)
            } as ((@Sendable (PostgresError.Code) -> Void)?, Scheduled<Void>?, Bool)
        timer?.cancel()
        action?(reason)
        return isFirst
    }

    /// Claims the right to answer.
    func finish() -> Bool {
        let (timer, isFirst) =
            state.withLockedValue { state in
                guard !state.isFinished else { return (nil, false) }
                state.isFinished = true
                state.onAbandon = nil
                return (state.timer.take(), true)
            } as (Scheduled<Void>?, Bool)
        timer?.cancel()
        return isFirst
    }
}
