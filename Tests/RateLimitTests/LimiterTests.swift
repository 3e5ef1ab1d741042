import Testing

@testable import RateLimit

@Suite struct LimiterTests {
    @Test func clientsAndClassesHaveQuotasOfTheirOwn() throws {
        let limiter = Limiter(policy: try .defaults.overridden(by: ["*.*=1/60"]))
        let first = ClientKey(keyID: "first"), second = ClientKey(keyID: "second")
        #expect(limiter.spend(of: first, tier: .registered, action: .read, at: 0).allowed)
        #expect(!limiter.spend(of: first, tier: .registered, action: .read, at: 0).allowed)
        #expect(limiter.spend(of: first, tier: .registered, action: .query, at: 0).allowed)
        #expect(limiter.spend(of: second, tier: .registered, action: .read, at: 0).allowed)
    }

    @Test func addressesOfOneSixtyFourShareAQuota() throws {
        let limiter = Limiter(policy: try .defaults.overridden(by: ["*.*=1/60"]))
        func allowed(_ text: String) throws -> Bool {
            let address = try #require(IPAddress(text))
            return limiter.spend(of: ClientKey(address: address), tier: .anonymous, action: .read, at: 0).allowed
        }
        #expect(try allowed("2001:db8:1:2::1"))
        #expect(try !allowed("2001:db8:1:2:ffff::9"))
        #expect(try allowed("2001:db8:1:3::1"))
        #expect(try allowed("192.0.2.1"))
        #expect(try allowed("192.0.2.2"))
        #expect(try !allowed("::ffff:192.0.2.2"))
    }

    @Test func strangersCannotMakeItGrowNorPushOutTheOneThatIsHeldBack() throws {
        let limiter = Limiter(policy: try .defaults.overridden(by: ["*.*=100/100"]), capacity: 512)
        #expect(limiter.capacity == 512)
        let held = ClientKey(keyID: "held")
        #expect(limiter.spend(100, of: held, tier: .anonymous, action: .read, at: 0).allowed)
        for number in 0..<100_000 {
            let stranger = ClientKey(address: .v4(UInt32(number)))
            #expect(limiter.spend(of: stranger, tier: .anonymous, action: .read, at: 0).allowed)
        }
        #expect(!limiter.spend(of: held, tier: .anonymous, action: .read, at: 0).allowed)
    }

    @Test func whetherARequestIsRefusedIsSaidWithoutSpending() throws {
        let limiter = Limiter(policy: try .defaults.overridden(by: ["*.*=10/10"]))
        let client = ClientKey(keyID: "asking"), second: Int64 = 1_000_000_000
        func refuses(_ cost: Int, at now: Int64) -> Decision? { limiter.refuses(cost, of: client, tier: .anonymous, action: .query, at: now) }
        func spend(_ cost: Int, at now: Int64) -> Decision { limiter.spend(cost, of: client, tier: .anonymous, action: .query, at: now) }
        for cost in [1, 10, 1000] { #expect(refuses(cost, at: 0) == nil) }
        #expect(spend(8, at: 0).remaining == 2)
        for cost in [0, 1, 2] { #expect(refuses(cost, at: 0) == nil) }
        for cost in [3, 10, 1000] {
            let refusal = try #require(refuses(cost, at: second / 2))
            #expect(refusal == spend(cost, at: second / 2) && !refusal.allowed && refusal.remaining == 2)
        }
        #expect(refuses(3, at: second) == nil)
        #expect(spend(3, at: second).remaining == 0)
    }

    @Test func concurrentSpendersGetTheQuotaAndNoMore() async throws {
        let limiter = Limiter(policy: try .defaults.overridden(by: ["*.*=1000/60"]))
        let client = ClientKey(keyID: "busy")
        let allowed = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<500).reduce(0) { sum, _ in
                        sum + (limiter.spend(of: client, tier: .anonymous, action: .read, at: 5).allowed ? 1 : 0)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(allowed == 1000)
    }
}
