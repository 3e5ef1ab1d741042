internal import NIOConcurrencyHelpers

/// Lets so many tests do something at once, the others wait for their turn.
public final class TestTurns: Sendable {
    /// Tests that work on databases: all of them together would need more connections than a server gives.
    static let databases = TestTurns(32)
    /// The turns that the test has: what it does inside of one needs no second, or two tests could wait for each other.
    @TaskLocal private static var taken: Set<ObjectIdentifier> = []

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: NIOLockedValueBox<State>

    public init(_ count: Int) { state = NIOLockedValueBox(State(free: count)) }

    /// Does something when it is the test's turn.
    public func wait<Result>(isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result) async throws -> Result {
        if Self.taken.contains(ObjectIdentifier(self)) { return try await body() }
        await take()
        defer { giveBack() }
        return try await Self.$taken.withValue(Self.taken.union([ObjectIdentifier(self)])) { try await body() }
    }

    private func take() async {
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

    private func giveBack() {
        state.withLockedValue { state -> CheckedContinuation<Void, Never>? in
            if !state.waiting.isEmpty { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }?.resume()
    }
}
