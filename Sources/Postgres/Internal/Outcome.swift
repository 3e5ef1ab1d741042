/// A result that one thread makes and one task waits for.
final class Outcome<Value: Sendable>: Sendable {
    private struct State {
        var result: Result<Value, PostgresError>?
        var waiter: CheckedContinuation<Result<Value, PostgresError>, Never>?
    }

    private let state = Monitor(State())

    func complete(_ result: Result<Value, PostgresError>) {
        state.withLock { state in
            state.result = result
            return state.waiter.take()
        }?.resume(returning: result)
    }

    var value: Result<Value, PostgresError> {
        get async {
            await withCheckedContinuation { continuation in
                let result = state.withLock { state in
                    if state.result == nil { state.waiter = continuation }
                    return state.result
                }
                if let result { continuation.resume(returning: result) }
            }
        }
    }
}
