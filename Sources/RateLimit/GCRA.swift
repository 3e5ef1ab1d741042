/// The generic cell rate algorithm (ITU-T I.371, virtual scheduling form) as a value.
///
/// The whole state is one instant, the theoretical arrival time: the moment at which the quota is full again.
/// Nothing ticks; the caller passes the time.
public struct GCRA: Sendable, Hashable {
    /// Nanoseconds, on the caller's clock, at which the quota is full again.
    public internal(set) var fullAt: Int64

    /// - Parameter fullAt: nanoseconds on the caller's clock; any time in the past is a full quota.
    public init(fullAt: Int64 = .min) {
        self.fullAt = fullAt
    }

    /// Spends units if they are there.
    ///
    /// A cost above the whole quota is taken as the quota, or it could never be met.
    /// - Parameters:
    ///   - cost: units; zero only asks.
    ///   - limit: the quota that applies.
    ///   - now: nanoseconds on a clock that does not go back.
    /// - Returns: whether it was let through and what is left.
    public mutating func spend(_ cost: Int, of limit: Limit, at now: Int64) -> Decision {
        let interval = limit.emissionInterval
        let capacity = interval * Int64(limit.quota)
        let wanted = interval * Int64(min(max(0, cost), limit.quota))
        let start = max(fullAt, now)
        let debt = start - now
        guard debt + wanted <= capacity else {
            return Decision(
                allowed: false,
                limit: limit,
                remaining: Int(max(0, capacity - debt) / interval),
                nanosecondsUntilFull: debt,
                nanosecondsUntilAllowed: debt + wanted - capacity
            )
        }
        if wanted > 0 { fullAt = start + wanted }
        return Decision(
            allowed: true,
            limit: limit,
            remaining: Int((capacity - debt - wanted) / interval),
            nanosecondsUntilFull: debt + wanted,
            nanosecondsUntilAllowed: 0
        )
    }
}
