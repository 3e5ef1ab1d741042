/// A quota of units and the window in which an empty quota is full again.
public struct Limit: Sendable, Hashable {
    /// Units that may be spent at once.
    public let quota: Int
    /// Seconds from empty to full.
    public let window: Int

    /// - Parameters:
    ///   - quota: units that may be spent at once; below 1 is taken as 1.
    ///   - window: seconds from empty to full; below 1 is taken as 1.
    public init(quota: Int, window: Int) {
        self.quota = max(1, quota)
        self.window = max(1, window)
    }

    /// Reads `600/60`: 600 units in 60 seconds; nil when it says anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let quota = Int(parts[0]), let window = Int(parts[1]) else { return nil }
        guard (1...1_000_000_000).contains(quota), (1...31_622_400).contains(window) else { return nil }
        self.init(quota: quota, window: window)
    }

    /// Nanoseconds in which one unit comes back, rounded up so that the rate is never exceeded.
    public var emissionInterval: Int64 {
        let span = Int64(window) * 1_000_000_000
        return (span + Int64(quota) - 1) / Int64(quota)
    }
}
