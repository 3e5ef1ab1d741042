import Synchronization

/// The quotas of all clients of this process, in a fixed amount of memory.
///
/// A set-associative table: a client and class of action may live in one of ``ways`` slots. A new client takes an empty
/// slot, else one whose quota is full again (which is the same as empty), else the one nearest to full. So strangers
/// cannot make it grow, and what they push out first are those whom forgetting forgives least.
public final class Limiter: Sendable {
    static let ways = 8
    private static let shardCount = 64

    struct Slot {
        /// Kind of client and class of action; zero is an empty slot.
        var tag: UInt16 = 0
        var value: UInt64 = 0
        var state = GCRA()
    }

    private final class Shard: Sendable {
        let slots: Mutex<[Slot]>
        init(count: Int) { slots = Mutex([Slot](repeating: Slot(), count: count)) }
    }

    /// The limits that hold.
    public let policy: Policy
    /// The greatest number of quotas kept.
    public let capacity: Int

    private let shards: [Shard]
    private let setsPerShard: Int

    /// - Parameters:
    ///   - policy: the limits that hold.
    ///   - capacity: quotas kept at most (one client uses one for each class of action it takes); rounded up to a
    ///     multiple of 512; 24 bytes each.
    public init(policy: Policy = .defaults, capacity: Int = 65_536) {
        self.policy = policy
        let perShard = max(1, (capacity + Self.shardCount * Self.ways - 1) / (Self.shardCount * Self.ways))
        setsPerShard = perShard
        self.capacity = perShard * Self.shardCount * Self.ways
        shards = (0..<Self.shardCount).map { _ in Shard(count: perShard * Self.ways) }
    }

    /// Spends units of a client's quota for a class of action, if they are there.
    /// - Parameters:
    ///   - cost: units.
    ///   - client: whose quota.
    ///   - tier: which column of the policy.
    ///   - action: which class.
    ///   - now: nanoseconds on a clock that does not go back.
    public func spend(_ cost: Int = 1, of client: ClientKey, tier: Tier, action: ActionClass, at now: Int64) -> Decision {
        let limit = policy[tier, action]
        let tag = UInt16(client.kind.rawValue) << 8 | UInt16(action.index + 1)
        var hasher = Hasher()
        hasher.combine(tag)
        hasher.combine(client.value)
        let hash = UInt(bitPattern: hasher.finalize())
        let shard = shards[Int(hash % UInt(Self.shardCount))]
        let first = Int((hash / UInt(Self.shardCount)) % UInt(setsPerShard)) * Self.ways
        return shard.slots.withLock { slots in
            var victim = first
            for index in first..<(first + Self.ways) {
                if slots[index].tag == tag, slots[index].value == client.value {
                    return slots[index].state.spend(cost, of: limit, at: now)
                }
                if slots[index].state.fullAt < slots[victim].state.fullAt { victim = index }
            }
            slots[victim] = Slot(tag: tag, value: client.value)
            return slots[victim].state.spend(cost, of: limit, at: now)
        }
    }
}
