import Synchronization

/// The values of one facet by small numbers, so that counting them is counting in an array. Grows only; 0 is no value.
final class Pool: Sendable {
    private struct State {
        var ordinals: [String: UInt32] = [:]
        var values: [String] = [""]
    }

    private let state = Mutex(State())

    /// The number of a value, a new one where it was never seen.
    func ordinal(adding value: String) -> UInt32 {
        state.withLock { state in
            if let known = state.ordinals[value] { return known }
            let ordinal = UInt32(state.values.count)
            state.values.append(value)
            state.ordinals[value] = ordinal
            return ordinal
        }
    }

    /// How many numbers there are, with 0.
    var count: Int { state.withLock { $0.values.count } }

    /// The values by number.
    var values: [String] { state.withLock { $0.values } }

    /// The number of a value; nil where no dataset ever had it.
    func ordinal(of value: String) -> UInt32? { state.withLock { $0.ordinals[value] } }
}
