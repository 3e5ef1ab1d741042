import Testing

@testable import RateLimit

private let second: Int64 = 1_000_000_000

@Suite struct GCRATests {
    @Test func burstIsLetThroughAtOnceAndTheNextWaitsForOneUnit() {
        let limit = Limit(quota: 3, window: 6)
        var state = GCRA()
        #expect((0..<3).map { _ in state.spend(1, of: limit, at: 100 * second).remaining } == [2, 1, 0])
        let refused = state.spend(1, of: limit, at: 100 * second)
        #expect(!refused.allowed)
        #expect(refused.nanosecondsUntilAllowed == 2 * second)
        #expect(refused.retryAfter == 2)
        #expect(refused.reset == 2)
        #expect(!state.spend(1, of: limit, at: 102 * second - 1).allowed)
        #expect(state.spend(1, of: limit, at: 102 * second).allowed)
    }

    @Test func refusalCostsNothing() {
        let limit = Limit(quota: 1, window: 10)
        var state = GCRA()
        _ = state.spend(1, of: limit, at: 0)
        for moment in 1..<10 { #expect(!state.spend(1, of: limit, at: Int64(moment) * second).allowed) }
        #expect(state.spend(1, of: limit, at: 10 * second).allowed)
    }

    @Test func costIsTakenWholeOrNotAtAll() {
        let limit = Limit(quota: 10, window: 10)
        var state = GCRA()
        #expect(state.spend(7, of: limit, at: 0).remaining == 3)
        let refused = state.spend(5, of: limit, at: 0)
        #expect(!refused.allowed)
        #expect(refused.remaining == 3)
        #expect(refused.retryAfter == 2)
        #expect(state.spend(3, of: limit, at: 0).remaining == 0)
    }

    @Test func costAboveTheQuotaIsTheQuota() {
        var state = GCRA()
        let limit = Limit(quota: 5, window: 5)
        #expect(state.spend(500, of: limit, at: 0).allowed)
        #expect(state.spend(500, of: limit, at: 4 * second).retryAfter == 1)
        #expect(state.spend(500, of: limit, at: 5 * second).allowed)
    }

    @Test func askingIsFree() {
        var state = GCRA()
        let limit = Limit(quota: 5, window: 5)
        _ = state.spend(2, of: limit, at: 0)
        #expect(state.spend(0, of: limit, at: 0).remaining == 3)
        #expect(state.spend(0, of: limit, at: 0).remaining == 3)
        #expect(state.spend(0, of: limit, at: 0).reset == 2)
    }

    @Test func neverMoreThanBurstPlusRateTimesTime() {
        var random = SplitMix(state: 42)
        for _ in 0..<300 {
            let limit = Limit(quota: Int.random(in: 1...50, using: &random), window: Int.random(in: 1...90, using: &random))
            var state = GCRA()
            var now: Int64 = .random(in: 0...(1 << 50), using: &random)
            // Any stretch of the history keeps the bound, not only the stretch from the start.
            var admitted: [(at: Int64, cost: Int)] = []
            for _ in 0..<200 {
                now += .random(in: 0...(limit.emissionInterval * 2), using: &random)
                let cost = Int.random(in: 1...min(4, limit.quota), using: &random)
                if state.spend(cost, of: limit, at: now).allowed { admitted.append((now, cost)) }
            }
            #expect(!admitted.isEmpty)
            for first in stride(from: 0, to: admitted.count, by: 7) {
                var spent = 0
                for entry in admitted[first...] {
                    spent += entry.cost
                    let elapsed = Double(entry.at - admitted[first].at) / 1e9
                    let bound = Double(limit.quota) + elapsed * Double(limit.quota) / Double(limit.window)
                    #expect(Double(spent) <= bound + 1e-6)
                }
            }
        }
    }

    @Test func waitingAsLongAsToldIsAlwaysEnough() {
        var random = SplitMix(state: 7)
        for _ in 0..<500 {
            let limit = Limit(quota: Int.random(in: 1...20, using: &random), window: Int.random(in: 1...60, using: &random))
            var state = GCRA()
            var now: Int64 = 0
            for _ in 0..<50 {
                let cost = Int.random(in: 1...limit.quota, using: &random)
                let decision = state.spend(cost, of: limit, at: now)
                if decision.allowed { continue }
                now += Int64(decision.retryAfter) * second
                #expect(state.spend(cost, of: limit, at: now).allowed)
            }
        }
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
