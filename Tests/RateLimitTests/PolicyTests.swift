import Testing

@testable import RateLimit

@Suite struct PolicyTests {
    @Test func everyTierGetsAtLeastWhatTheOneBelowGets() {
        for action in ActionClass.allCases {
            for (lower, higher) in zip(Tier.allCases, Tier.allCases.dropFirst()) {
                #expect(Policy.defaults[lower, action].emissionInterval >= Policy.defaults[higher, action].emissionInterval)
            }
        }
    }

    @Test func overridesReplaceWhatTheyNameAndNothingElse() throws {
        let policy = try Policy.defaults.overridden(by: ["anonymous.read=5/1", "*.apply=9/9"])
        #expect(policy[.anonymous, .read] == Limit(quota: 5, window: 1))
        #expect(policy[.trusted, .apply] == Limit(quota: 9, window: 9))
        #expect(policy[.anonymous, .search] == Policy.defaults[.anonymous, .search])
    }

    @Test(arguments: ["", "anonymous.read", "anonymous=5/1", "stranger.read=5/1", "anonymous.sing=5/1", "anonymous.read=0/1", "anonymous.read=5/0", "anonymous.read=5", "anonymous.read=-5/1", "anonymous.read=5/1/1"])
    func overrideThatCannotBeReadIsRefused(_ text: String) {
        #expect(throws: Policy.OverrideError(text: text)) { try Policy.defaults.overridden(by: [text]) }
    }

    @Test func fieldsAreStructuredLists() {
        #expect(Policy.defaults.field(.anonymous, .read) == "\"read\";q=600;w=60")
        var state = GCRA()
        #expect(state.spend(1, of: Limit(quota: 10, window: 10), at: 0).field(.query) == "\"query\";r=9;t=1")
    }
}
