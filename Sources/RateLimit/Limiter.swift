import Synchronization

/// The quotas of all clients of this process, in a fixed amount of memory.
///
/// A set-associative table: a client and class of action may live in one of ``ways`` slots. A new client takes an empty
/// slot, else one whose quota is full again (which is the same as empty), else the one nearest to full. So strangers
/// cannot make it grow, and what they push out first are those whom forgetting forgives least.
///
/// Where several processes share the limits (``fleet``), each settles what it let through with a common account: ``questions(atMost:at:)`` says what to ask, and
/// ``take(_:for:at:)`` takes the answers. Nothing here waits.
public final class Limiter: Sendable {
    static let ways = 8
    private static let shardCount = 64

    struct Slot {
        /// Kind of client and class of action; zero is an empty slot.
        var tag: UInt16 = 0
        var value: UInt64 = 0
        var account = Account()
    }

    private final class Shard: Sendable {
        let slots: Mutex<[Slot]>
        init(count: Int) { slots = Mutex([Slot](repeating: Slot(), count: count)) }
    }

    /// What a request meets.
    public enum Outcome: Sendable {
        case decided(Decision)
        /// This node has gone as far ahead of the common account as it may: ask it, then ask here again.
        case mustSettle
        /// The same while that account cannot be reached: refused for that reason, whatever the client has left.
        case cutOff(Decision)
    }

    /// The limits that hold.
    public let policy: Policy
    /// The greatest number of quotas kept.
    public let capacity: Int

    private let shards: [Shard]
    private let setsPerShard: Int
    /// ``fleet`` in one word, since every request reads it.
    private let shared: Atomic<UInt64>
    /// Quotas that the common account has to hear of.
    private let queue = Mutex<[Name]>([])
    /// Has an element when there may be something to settle.
    public let dues: AsyncStream<Void>
    private let due: AsyncStream<Void>.Continuation

    /// One quota, by whose it is.
    private struct Name: Sendable {
        let client: ClientKey
        let tier: Tier
        let action: ActionClass
    }

    /// - Parameters:
    ///   - policy: the limits that hold.
    ///   - capacity: quotas kept at most (one client uses one for each class of action it takes); rounded up to a
    ///     multiple of 512; 96 bytes each.
    ///   - fleet: how the limits are shared; nil where they are this process's alone.
    public init(policy: Policy = .defaults, capacity: Int = 65_536, fleet: Fleet? = nil) {
        self.policy = policy
        let perShard = max(1, (capacity + Self.shardCount * Self.ways - 1) / (Self.shardCount * Self.ways))
        setsPerShard = perShard
        self.capacity = perShard * Self.shardCount * Self.ways
        shards = (0..<Self.shardCount).map { _ in Shard(count: perShard * Self.ways) }
        shared = Atomic(fleet.map(\.word) ?? 0)
        (dues, due) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How the limits are shared; nil where they are this process's alone.
    public var fleet: Fleet? {
        get { Fleet(word: shared.load(ordering: .relaxed)) }
        set { shared.store(newValue.map(\.word) ?? 0, ordering: .relaxed) }
    }

    /// Spends units of a client's quota for a class of action, if they are there.
    /// - Parameters:
    ///   - cost: units.
    ///   - client: whose quota.
    ///   - tier: which column of the policy.
    ///   - action: which class.
    ///   - hasWaited: whether ``want(_:of:tier:action:)`` was called for this request since it last asked.
    ///   - now: nanoseconds on a clock that does not go back.
    public func ask(_ cost: Int = 1, of client: ClientKey, tier: Tier, action: ActionClass, hasWaited: Bool = false, at now: Int64) -> Outcome {
        let limit = policy[tier, action], fleet = fleet
        return with(Name(client: client, tier: tier, action: action)) { account in
            (account.spend(cost, of: limit, in: fleet, hasWaited: hasWaited, at: now), fleet.map { account.isDue(limit, $0) } ?? false)
        }
    }

    /// Has the common account set units aside for a request that waits: once for each time that it goes to wait.
    public func want(_ cost: Int, of client: ClientKey, tier: Tier, action: ActionClass) {
        let limit = policy[tier, action]
        with(Name(client: client, tier: tier, action: action)) { account in
            account.want(cost, of: limit)
            return ((), true)
        }
    }

    /// The same as ``ask(_:of:tier:action:at:)`` for whoever cannot wait: where the common account would have to be asked first, the request is refused.
    public func spend(_ cost: Int = 1, of client: ClientKey, tier: Tier, action: ActionClass, at now: Int64) -> Decision {
        switch ask(cost, of: client, tier: tier, action: action, at: now) {
        case .decided(let decision), .cutOff(let decision): decision
        case .mustSettle: refusal(cost, of: client, tier: tier, action: action, at: now)
        }
    }

    /// Whether a request is refused, without spending anything or asking anybody.
    /// - Returns: what it is refused with, the same that ``ask(_:of:tier:action:at:)`` decides; nil where that one has to be asked.
    public func refuses(_ cost: Int = 1, of client: ClientKey, tier: Tier, action: ActionClass, at now: Int64) -> Decision? {
        let limit = policy[tier, action], fleet = fleet
        return with(Name(client: client, tier: tier, action: action)) { account in
            let refusal = account.refuses(cost, of: limit, in: fleet, at: now)
            return (refusal, refusal != nil && (fleet.map { account.isDue(limit, $0) } ?? false))
        }
    }

    /// A refusal until the units are there, for one unit's time at least.
    public func refusal(_ cost: Int = 1, of client: ClientKey, tier: Tier, action: ActionClass, at now: Int64) -> Decision {
        let limit = policy[tier, action]
        return with(Name(client: client, tier: tier, action: action)) { account in
            var state = account.state
            let (seen, asked) = (state.spend(0, of: limit, at: now), state.spend(cost, of: limit, at: now))
            let refusal = Decision(
                allowed: false, limit: limit, remaining: seen.remaining, nanosecondsUntilFull: seen.nanosecondsUntilFull,
                nanosecondsUntilAllowed: max(limit.emissionInterval, asked.nanosecondsUntilAllowed))
            return (refusal, false)
        }
    }

    /// Spends units whether or not they are there: for work whose size is known only when it is done.
    public func charge(_ cost: Int, to client: ClientKey, tier: Tier, action: ActionClass, at now: Int64) {
        let limit = policy[tier, action], fleet = fleet
        with(Name(client: client, tier: tier, action: action)) { account in
            account.charge(cost, of: limit, in: fleet, at: now)
            return ((), fleet.map { account.isDue(limit, $0) } ?? false)
        }
    }

    // MARK: Settling

    /// Whether the common account has to hear of anything.
    public var hasQuestions: Bool { queue.withLock { !$0.isEmpty } }

    /// Adds an element to ``dues``.
    public func wake() { due.yield() }

    /// Has a quota asked about although nothing was spent, so that what other nodes let through is known here.
    public func refresh(_ client: ClientKey, tier: Tier, action: ActionClass) {
        with(Name(client: client, tier: tier, action: action)) { _ in ((), true) }
    }

    /// Takes what there is to ask the common account. Each question is to be answered by ``take(_:for:at:)`` or ``settlingFailed(_:)``.
    public func questions(atMost count: Int, at now: Int64) -> [Settlement] {
        guard let fleet else { return [] }
        let names = queue.withLock { queue in
            defer { queue.removeFirst(min(count, queue.count)) }
            return Array(queue.prefix(count))
        }
        return names.map { name in
            let limit = policy[name.tier, name.action]
            return with(name) { account in
                account.isQueued = false
                let (charge, want) = account.beginSettling(limit, fleet, at: now)
                return (Settlement(client: name.client, tier: name.tier, action: name.action, limit: limit, charge: charge, want: want), false)
            }
        }
    }

    /// Takes the common account's answers.
    public func take(_ answers: [Settled], for questions: [Settlement], at now: Int64) {
        for (answer, question) in zip(answers, questions) {
            with(Name(client: question.client, tier: question.tier, action: question.action)) { account in
                account.settle(answer, of: question.limit, at: now)
                return ((), false)
            }
        }
    }

    /// The common account did not answer.
    public func settlingFailed(_ questions: [Settlement]) {
        for question in questions {
            with(Name(client: question.client, tier: question.tier, action: question.action)) { account in
                account.settlingFailed()
                return ((), false)
            }
        }
    }

    /// Works on one account.
    ///
    /// - Parameter body: says besides its result whether the account has to be settled.
    @discardableResult
    private func with<Result: Sendable>(_ name: Name, _ body: (inout Account) -> (Result, isDue: Bool)) -> Result {
        let tag = UInt16(name.client.kind.rawValue) << 8 | UInt16(name.action.index + 1)
        var hasher = Hasher()
        hasher.combine(tag)
        hasher.combine(name.client.value)
        let hash = UInt(bitPattern: hasher.finalize())
        let shard = shards[Int(hash % UInt(Self.shardCount))]
        let first = Int((hash / UInt(Self.shardCount)) % UInt(setsPerShard)) * Self.ways
        let (result, queues) = shard.slots.withLock { slots -> (Result, Bool) in
            var place = first
            for index in first..<(first + Self.ways) {
                if slots[index].tag == tag, slots[index].value == name.client.value { return Self.run(body, &slots[index].account) }
                if slots[index].account.state.fullAt < slots[place].account.state.fullAt { place = index }
            }
            slots[place] = Slot(tag: tag, value: name.client.value)
            return Self.run(body, &slots[place].account)
        }
        if queues {
            queue.withLock { if $0.count < capacity { $0.append(name) } }
            wake()
        }
        return result
    }

    private static func run<Result: Sendable>(_ body: (inout Account) -> (Result, isDue: Bool), _ account: inout Account) -> (Result, Bool) {
        let (result, isDue) = body(&account)
        guard isDue, !account.isQueued else { return (result, false) }
        account.isQueued = true
        return (result, true)
    }
}
