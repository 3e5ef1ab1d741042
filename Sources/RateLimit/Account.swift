/// One client's quota for one class of action as one node sees it. A value; the caller passes the time.
struct Account: Sendable, Hashable {
    /// The quota by all that this node knows: what it let through itself, and what the common account said.
    var state = GCRA()
    /// Units let through that the common account has not heard of, as of ``unsettledAt``.
    private(set) var unsettled = 0.0
    private var unsettledAt: Int64 = 0
    /// Units that the common account has set aside, and that are in ``state`` already.
    private(set) var granted = 0
    private var grantedAt: Int64 = 0
    /// Requests that wait for units to be set aside.
    private var waiting = 0
    /// Units that they want.
    private(set) var wanted = 0
    /// Units that were set aside and not used, to be given back.
    private(set) var unused = 0
    /// What is being settled at this moment.
    private var underway: Double?
    /// Whether it stands in the queue for the next settlement.
    var isQueued = false

    private static let grantLifetime: Int64 = 1_000_000_000
    /// Part of a quota that is remembered as spent at most: the common account does no other.
    private static let mostDebt = 1.2

    /// Spends units.
    ///
    /// - Parameters:
    ///   - fleet: nil where limits are this process's alone.
    ///   - hasWaited: whether units were wanted for this request: then it may take those that were set aside.
    mutating func spend(_ cost: Int, of limit: Limit, in fleet: Fleet?, hasWaited: Bool = false, at now: Int64) -> Limiter.Outcome {
        let cost = min(max(0, cost), limit.quota)
        guard let fleet, cost > 0 else { return .decided(state.spend(cost, of: limit, at: now)) }
        if hasWaited { waiting = max(0, waiting - 1) }
        if granted > 0, now - grantedAt > Self.grantLifetime {
            // Whoever it was for has gone.
            waiting = 0
            giveBack(limit)
        }
        if hasWaited, granted >= cost {
            granted -= cost
            if waiting == 0 { giveBack(limit) }
            return .decided(state.spend(0, of: limit, at: now))
        }
        // Nobody else waits for what is left: kept, a refusal would have spent it, or it could be saved up and spent on top of a full quota.
        if waiting == 0 { giveBack(limit) }
        var next = state
        let decision = next.spend(cost, of: limit, at: now)
        guard decision.allowed else { return .decided(decision) }
        forget(limit, fleet, now)
        // Cut off, nobody could be asked: then at least one unit, and no cost that could never be met.
        let credit = fleet.isCutOff ? max(1, fleet.credit * Double(limit.quota)) : fleet.credit * Double(limit.quota)
        let due = fleet.isCutOff ? min(Double(cost), credit) : Double(cost)
        guard unsettled + due <= credit else {
            guard fleet.isCutOff else { return .mustSettle }
            let wait = (unsettled + due - credit) * Double(limit.emissionInterval) / fleet.unsettledRate
            return .cutOff(
                Decision(
                    allowed: false, limit: limit, remaining: decision.remaining, nanosecondsUntilFull: decision.nanosecondsUntilFull, nanosecondsUntilAllowed: Int64(wait)))
        }
        unsettled += due
        state = next
        return .decided(decision)
    }

    /// What units are refused with; nil where they may be there.
    func refuses(_ cost: Int, of limit: Limit, in fleet: Fleet?, at now: Int64) -> Decision? {
        let cost = min(max(0, cost), limit.quota)
        guard fleet == nil || granted == 0 else { return nil }
        var next = state
        let decision = next.spend(cost, of: limit, at: now)
        return decision.allowed ? nil : decision
    }

    /// Spends units whether or not they are there: for work whose size is known only when it is done.
    mutating func charge(_ cost: Int, of limit: Limit, in fleet: Fleet?, at now: Int64) {
        let span = limit.emissionInterval * Int64(min(max(0, cost), limit.quota))
        let most = fleet == nil ? 1 : Self.mostDebt
        state.fullAt = min(max(state.fullAt, now) + span, now + Int64(Double(limit.emissionInterval) * most * Double(limit.quota)))
        guard let fleet else { return }
        forget(limit, fleet, now)
        unsettled = min(unsettled + Double(cost), Double(limit.quota))
    }

    /// Notes that a request waits for units.
    mutating func want(_ cost: Int, of limit: Limit) {
        waiting += 1
        wanted = min(wanted + cost, limit.quota)
    }

    /// Whether the common account should hear of this before long.
    func isDue(_ limit: Limit, _ fleet: Fleet) -> Bool {
        wanted > 0 || unused > 0 || unsettled > Fleet.commonCredit / 2 / Double(fleet.nodes) * Double(limit.quota)
    }

    /// What to ask of the common account. What it has not heard of stays unsettled until it has.
    mutating func beginSettling(_ limit: Limit, _ fleet: Fleet, at now: Int64) -> (charge: Double, want: Int) {
        forget(limit, fleet, now)
        underway = unsettled
        // Where no answer comes, what was not used is lost.
        defer { (wanted, unused) = (0, 0) }
        return (unsettled - Double(unused), wanted)
    }

    /// Takes the common account's answer.
    mutating func settle(_ answer: Settled, of limit: Limit, at now: Int64) {
        unsettled = max(0, unsettled - (underway ?? 0))
        underway = nil
        if answer.granted > 0 {
            granted += answer.granted
            grantedAt = now
        }
        // What was let through while the answer was on its way comes on top.
        let debt = min(answer.debt + unsettled, Double(limit.quota) * Self.mostDebt)
        state.fullAt = now + Int64(debt * Double(limit.emissionInterval))
    }

    /// The common account did not answer.
    mutating func settlingFailed() { underway = nil }

    private mutating func giveBack(_ limit: Limit) {
        guard granted > 0 else { return }
        state.fullAt -= limit.emissionInterval * Int64(granted)
        unused += granted
        granted = 0
    }

    /// Lets what is unsettled fade at the rate that nobody needs to hear of.
    private mutating func forget(_ limit: Limit, _ fleet: Fleet, _ now: Int64) {
        let elapsed = Double(max(0, now - unsettledAt)) / Double(limit.emissionInterval) * fleet.unsettledRate
        // What is being settled has to stay until the answer is there.
        unsettled = max(underway ?? 0, unsettled - elapsed)
        unsettledAt = now
    }
}
