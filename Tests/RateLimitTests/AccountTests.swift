import Testing

@testable import RateLimit

/// What a node may let through before and after it has settled.
@Suite struct AccountTests {
    private static let limit = Limit(quota: 100, window: 100)
    private static let second: Int64 = 1_000_000_000

    /// Spends single units until something else than a yes comes.
    private func spendAll(_ account: inout Account, in fleet: Fleet?, hasWaited: Bool = false, at now: Int64) -> (count: Int, settles: Bool) {
        for count in 0..<1000 {
            switch account.spend(1, of: Self.limit, in: fleet, hasWaited: hasWaited, at: now) {
            case .mustSettle: return (count, true)
            case .decided(let decision) where !decision.allowed: return (count, false)
            case .cutOff: return (count, false)
            case .decided: continue
            }
        }
        return (1000, false)
    }

    @Test func aloneItGivesOutTheWholeQuotaWithoutAsking() {
        var unshared = Account(), alone = Account()
        #expect(spendAll(&unshared, in: nil, at: 0) == (100, false))
        #expect(spendAll(&alone, in: Fleet(nodes: 1), at: 0) == (100, false))
        #expect(alone.isDue(Self.limit, Fleet(nodes: 1)))
    }

    @Test func amongOthersItGoesATenthAheadOfTheAccountAtMost() {
        for (fleet, credit) in [(Fleet(nodes: 2), 5), (Fleet(nodes: 5), 2), (Fleet(nodes: 2, isJoining: true), 0)] {
            var account = Account()
            #expect(spendAll(&account, in: fleet, at: 0) == (credit, true))
        }
    }

    @Test func whatOthersLetThroughIsFeltOnceItIsSettled() {
        let fleet = Fleet(nodes: 2)
        var account = Account()
        _ = spendAll(&account, in: fleet, at: 0)
        let (charge, want) = account.beginSettling(Self.limit, fleet, at: 0)
        #expect(charge == 5 && want == 0)
        account.settle(Settled(granted: 0, debt: 100), of: Self.limit, at: 0)
        #expect(spendAll(&account, in: fleet, at: 0) == (0, false))
        // One unit comes back each second.
        #expect(spendAll(&account, in: fleet, at: 3 * Self.second) == (3, false))
    }

    @Test func unitsThatWereSetAsideAreSpentOnceAndNotSavedUp() {
        let fleet = Fleet(nodes: 2, isJoining: true)
        var account = Account()
        guard case .mustSettle = account.spend(40, of: Self.limit, in: fleet, at: 0) else { return #expect(Bool(false)) }
        for _ in 0..<40 { account.want(1, of: Self.limit) }
        #expect(account.isDue(Self.limit, fleet))
        #expect(account.beginSettling(Self.limit, fleet, at: 0) == (0, 40))
        account.settle(Settled(granted: 40, debt: 40), of: Self.limit, at: 0)
        // They are spent although the quota that is left would not do.
        #expect(account.refuses(40, of: Self.limit, in: fleet, at: 0) == nil)
        // They are for those who wait.
        #expect(spendAll(&account, in: fleet, at: 0) == (0, true))
        #expect(spendAll(&account, in: fleet, hasWaited: true, at: 0) == (40, true))
        for _ in 0..<40 { account.want(1, of: Self.limit) }
        _ = account.beginSettling(Self.limit, fleet, at: 0)
        account.settle(Settled(granted: 40, debt: 80), of: Self.limit, at: 0)
        #expect(spendAll(&account, in: fleet, at: 2 * Self.second) == (0, true))
        // They go back.
        #expect(account.isDue(Self.limit, fleet))
        #expect(account.beginSettling(Self.limit, fleet, at: 2 * Self.second) == (-40, 0))
        #expect(!account.isDue(Self.limit, fleet))
    }

    /// Whoever goes while he waits keeps others from giving back for a moment, not for ever.
    @Test func whoHasGoneIsNoLongerWaitedFor() {
        let fleet = Fleet(nodes: 2, isJoining: true)
        var account = Account()
        for _ in 0..<2 { account.want(10, of: Self.limit) }
        _ = account.beginSettling(Self.limit, fleet, at: 0)
        account.settle(Settled(granted: 20, debt: 20), of: Self.limit, at: 0)
        _ = account.spend(10, of: Self.limit, in: fleet, hasWaited: true, at: 0)
        #expect(account.granted == 10 && account.unused == 0)
        _ = account.spend(10, of: Self.limit, in: fleet, at: 2 * Self.second)
        #expect(account.granted == 0 && account.unused == 10)
        account.want(30, of: Self.limit)
        _ = account.beginSettling(Self.limit, fleet, at: 2 * Self.second)
        account.settle(Settled(granted: 30, debt: 40), of: Self.limit, at: 2 * Self.second)
        _ = account.spend(20, of: Self.limit, in: fleet, hasWaited: true, at: 2 * Self.second)
        #expect(account.granted == 0 && account.unused == 10, "nobody else waits: what is left goes back at once")
    }

    /// What was set aside and does not do is given back: a refusal spends nothing.
    @Test func aRefusalSpendsNothing() {
        let fleet = Fleet(nodes: 2, isJoining: true)
        var account = Account()
        account.want(50, of: Self.limit)
        _ = account.beginSettling(Self.limit, fleet, at: 0)
        // Others had spent 80.
        account.settle(Settled(granted: 20, debt: 100), of: Self.limit, at: 0)
        #expect(account.refuses(50, of: Self.limit, in: fleet, at: 0) == nil, "they have to be asked for, to go back")
        guard case .decided(let refused) = account.spend(50, of: Self.limit, in: fleet, hasWaited: true, at: 0) else { return #expect(Bool(false)) }
        #expect(!refused.allowed && refused.remaining == 20 && refused.retryAfter == 30)
        #expect(account.refuses(50, of: Self.limit, in: fleet, at: 0)?.retryAfter == 30)
        #expect(account.beginSettling(Self.limit, fleet, at: 0) == (-20, 0))
        account.settle(Settled(granted: 0, debt: 80), of: Self.limit, at: 0)
        guard case .mustSettle = account.spend(20, of: Self.limit, in: fleet, at: 0) else { return #expect(Bool(false)) }
    }

    @Test func whatIsLetThroughWhileTheAnswerIsOnItsWayIsNotForgotten() {
        let fleet = Fleet(nodes: 2)
        var account = Account()
        for _ in 0..<3 { _ = account.spend(1, of: Self.limit, in: fleet, at: 0) }
        #expect(account.beginSettling(Self.limit, fleet, at: 0).charge == 3)
        for _ in 0..<2 { _ = account.spend(1, of: Self.limit, in: fleet, at: 0) }
        #expect(spendAll(&account, in: fleet, at: 0) == (0, true))
        account.settle(Settled(granted: 0, debt: 3), of: Self.limit, at: 0)
        #expect(account.unsettled == 2)
        #expect(spendAll(&account, in: fleet, at: 0) == (3, true))
        account.settlingFailed()
        #expect(account.unsettled == 5)
    }

    @Test func cutOffItGoesOnWithItsCredit() {
        let fleet = Fleet(nodes: 2, isCutOff: true)
        var account = Account()
        #expect(spendAll(&account, in: fleet, at: 0) == (5, false))
        var count = 0
        for step in 1...1000 { count += spendAll(&account, in: fleet, at: Int64(step) * Self.second).count }
        // The other one may let through all of the limit, and its own credit: with that they stay within 110 %.
        #expect((49...50).contains(count))
        // Also what costs more than the credit goes through, one at a time.
        var other = Account()
        guard case .decided(let dear) = other.spend(50, of: Self.limit, in: fleet, at: 0), case .cutOff(let next) = other.spend(50, of: Self.limit, in: fleet, at: 0) else {
            return #expect(Bool(false))
        }
        #expect(dear.allowed && !next.allowed && next.retryAfter > 0)
        // Who has used up his quota is told so, whatever the node could ask.
        var third = Account()
        third.charge(100, of: Self.limit, in: fleet, at: 0)
        guard case .decided(let over) = third.spend(1, of: Self.limit, in: fleet, at: 0) else { return #expect(Bool(false)) }
        #expect(!over.allowed)
    }

    @Test func aloneAndCutOffItGoesOnAtTheRateWithoutTheBurst() {
        let fleet = Fleet(nodes: 1, isCutOff: true)
        var account = Account()
        #expect(spendAll(&account, in: fleet, at: 0) == (10, false))
        var count = 0
        for step in 1...100 { count += spendAll(&account, in: fleet, at: Int64(step) * Self.second).count }
        #expect((99...100).contains(count))
    }

    @Test func whoSpendsLittleIsNeverSettled() {
        let fleet = Fleet(nodes: 2)
        var account = Account()
        for step in 0..<1000 {
            guard case .decided(let decision) = account.spend(1, of: Self.limit, in: fleet, at: Int64(step) * 30 * Self.second) else { return #expect(Bool(false)) }
            #expect(decision.allowed && !account.isDue(Self.limit, fleet))
        }
    }

    /// Alone, a node charges the account only with what has not come back meanwhile.
    @Test func aloneWhatCameBackIsNotTakenAgain() {
        let fleet = Fleet()
        var account = Account()
        for step in 0..<100 {
            guard case .decided(let decision) = account.spend(1, of: Self.limit, in: fleet, at: Int64(step) * Self.second) else { return #expect(Bool(false)) }
            #expect(decision.remaining == 99 && !account.isDue(Self.limit, fleet))
        }
        #expect(account.beginSettling(Self.limit, fleet, at: 100 * Self.second).charge == 0)
    }

    @Test func workThatIsMeasuredAfterwardsIsChargedInFull() {
        let fleet = Fleet(nodes: 2)
        var account = Account()
        account.charge(70, of: Self.limit, in: fleet, at: 0)
        #expect(account.isDue(Self.limit, fleet))
        #expect(spendAll(&account, in: fleet, at: 0).count == 0)
        var own = Account()
        own.charge(70, of: Self.limit, in: nil, at: 0)
        #expect(spendAll(&own, in: nil, at: 0) == (30, false))
    }

    @Test func theFleetFitsIntoAWord() {
        for fleet in [Fleet(), Fleet(nodes: 7), Fleet(nodes: 2, isJoining: true), Fleet(nodes: 3, isCutOff: true)] { #expect(Fleet(word: fleet.word) == fleet) }
        #expect(Fleet(word: 0) == nil)
    }
}
