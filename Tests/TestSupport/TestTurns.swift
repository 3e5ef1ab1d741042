internal import NIOConcurrencyHelpers

/// Lets so many tests work on databases at once: all of them together would need more connections than a server gives.
final class TestTurns: Sendable {
    static let shared = TestTurns(32)
    /// Whether the test has its turn: a second database beside the first needs none, or two tests could wait for each other.
    @TaskLocal static var isTaken = false

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLockedValueBox<State>

    init(_ count: Int) { state = NIOLockedValueBox(State(free: count)) }

    func take() async {
        await withCheckedContinuation { continuation in
            let isMine = state.withLockedValue { state in
                if state.free == 0 {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isMine { continuation.resume() }
        }
    }

    func giveBack() {
        state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }?.resume()
    }
}
