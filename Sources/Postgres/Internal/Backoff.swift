/// How long to wait before the next attempt to connect: twice as long each time, up to a limit.
struct Backoff: Sendable, Hashable {
    /// Attempts that failed since the last success.
    private(set) var failures = 0

    static let first: Duration = .milliseconds(50)
    static let limit: Duration = .seconds(5)

    /// Counts a failure.
    /// - Parameter jitter: from 0 to 1, so that many clients of one server do not come back at the same moment.
    /// - Returns: the time to wait, between half of the step and the whole of it.
    mutating func failed(jitter: Double) -> Duration {
        let step = min(Self.limit, Self.first * (1 << min(failures, 10)))
        failures += 1
        return step * (0.5 + jitter / 2)
    }

    mutating func succeeded() { failures = 0 }
}
