/// The answer of the limiter to one request.
public struct Decision: Sendable, Hashable {
    /// Whether the request may go on.
    public let allowed: Bool
    /// The limit that it was held against.
    public let limit: Limit
    /// Whole units left.
    public let remaining: Int
    /// Nanoseconds until the quota is full again.
    public let nanosecondsUntilFull: Int64
    /// Nanoseconds until the refused request would be let through; zero when it was.
    public let nanosecondsUntilAllowed: Int64

    /// Seconds for `Retry-After`, at least 1 on a refusal.
    public var retryAfter: Int {
        allowed ? 0 : max(1, Self.secondsUp(nanosecondsUntilAllowed))
    }

    /// Seconds for the `t` parameter of the `RateLimit` field.
    ///
    /// Until the quota is full again, so that a client that spreads what is left over that time is never refused. On a
    /// refusal the same instant as `Retry-After`, which must not be earlier
    /// (draft-ietf-httpapi-ratelimit-headers-10, section 5).
    public var reset: Int {
        allowed ? Self.secondsUp(nanosecondsUntilFull) : retryAfter
    }

    private static func secondsUp(_ nanoseconds: Int64) -> Int {
        Int((nanoseconds + 999_999_999) / 1_000_000_000)
    }
}
