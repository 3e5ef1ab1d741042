import Model
@testable import Publishing
import Testing

@Suite struct LifecycleTests {
    typealias Event = PushLifecycle.Event

    /// Every pair of state and event that leads somewhere: next state and actions. All others are refused.
    static let table: [Push.State: [Event: (Push.State, [PushLifecycle.Action])]] = [
        .receiving: [.received: (.checking, [.check]), .checkedWithErrors: (.rejected, [.dropRows]), .broken: (.failed, [.dropRows, .freeIdempotencyKey])],
        .checking: [
            .checkedWithErrors: (.rejected, [.dropRows]), .checkedUnchanged: (.unchanged, [.dropRows]), .checkedForReview: (.ready, []),
            .checkedWithoutReview: (.approved, []), .broken: (.failed, [.dropRows, .freeIdempotencyKey]),
        ],
        .ready: [.reviewPassed: (.approved, []), .reviewReferred: (.ready, []), .reviewRefused: (.refused, [.dropRows])],
        .approved: [
            .reviewPassed: (.approved, []), .reviewReferred: (.ready, []), .reviewRefused: (.refused, [.dropRows]), .releaseAsked: (.approved, [.release]),
            .releaseAskedLater: (.scheduled, [.schedule]), .released: (.released, [.dropRows]), .foundUnchanged: (.unchanged, [.dropRows]),
            .outdated: (.approved, []), .broken: (.failed, [.dropRows]),
        ],
        .scheduled: [
            .reviewPassed: (.scheduled, []), .reviewReferred: (.ready, []), .reviewRefused: (.refused, [.dropRows]), .releaseAsked: (.scheduled, [.release]),
            .releaseAskedLater: (.scheduled, [.schedule]), .due: (.scheduled, [.release]), .released: (.released, [.dropRows]),
            .foundUnchanged: (.unchanged, [.dropRows]), .outdated: (.failed, [.dropRows]), .broken: (.failed, [.dropRows]),
        ],
    ]

    @Test(arguments: Push.State.allCases) func everyEventInEveryStateLeadsWhereTheTableSays(state: Push.State) throws {
        for event in Event.allCases {
            var lifecycle = PushLifecycle(state: state)
            if let (next, actions) = Self.table[state]?[event] {
                #expect(try lifecycle.handle(event) == actions, "\(state) \(event)")
                #expect(lifecycle.state == next, "\(state) \(event)")
            } else {
                let refusal: PushLifecycle.Refusal =
                    state == .ready && (event == .releaseAsked || event == .releaseAskedLater) ? .notReviewed : .wrongState(state)
                #expect(throws: refusal, "\(state) \(event)") { try lifecycle.handle(event) }
                #expect(lifecycle.state == state)
            }
        }
    }

    @Test(arguments: [Event.checkedUnchanged, .checkedForReview, .checkedWithoutReview])
    func aDryRunEndsCheckedAndKeepsNoRows(event: Event) throws {
        var lifecycle = PushLifecycle(state: .checking, dryRun: true)
        #expect(try lifecycle.handle(event) == [.dropRows])
        #expect(lifecycle.state == .checked)
    }

    @Test func aDryRunWithErrorsIsRejected() throws {
        var lifecycle = PushLifecycle(state: .checking, dryRun: true)
        #expect(try lifecycle.handle(.checkedWithErrors) == [.dropRows])
        #expect(lifecycle.state == .rejected)
    }
}
