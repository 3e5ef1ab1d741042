import Model
import TestSupport
import Testing

@testable import Exchange

/// The state machine of corrections against its table in `docs/exchange.md`: every state with every event.
@Suite struct CorrectionLifecycleTests {
    private struct Row: Hashable {
        var next: String
        var actions: [String]
    }

    private static func table() throws -> [String: Row] {
        let lines = try Project.text("docs/exchange.md").split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == "| a correction's state | event | next | actions |" })
        var table: [String: Row] = [:]
        for line in lines[(start + 2)...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { String($0.filter { $0 != "`" }).split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") } }
            let row = Row(next: cells[2][0], actions: cells.count > 3 ? cells[3].filter { !$0.isEmpty } : [])
            #expect(table.updateValue(row, forKey: "\(cells[0][0]) \(cells[1][0])") == nil)
        }
        return table
    }

    private static func word(_ action: CorrectionLifecycle.Action) -> String {
        switch action {
        case .start(let clock): "start \(clock.rawValue)"
        case .stopClock: "stop clock"
        case .markLate: "mark late"
        case .assign: "assign"
        case .enterAnswer: "enter answer"
        }
    }

    @Test func theTableIsTheMachine() throws {
        var table = try Self.table()
        for state in Correction.State.allCases {
            for event in CorrectionLifecycle.Event.allCases {
                let expected = table.removeValue(forKey: "\(state.rawValue) \(event.rawValue)")
                for referrals in 0...CorrectionLifecycle.longestWay {
                    var lifecycle = CorrectionLifecycle(state: state, referrals: referrals)
                    do {
                        let actions = try lifecycle.handle(event)
                        #expect(Row(next: lifecycle.state.rawValue, actions: actions.map(Self.word)) == expected, "\(state) \(event)")
                        #expect(lifecycle.referrals == referrals + (event == .refer ? 1 : 0))
                    } catch {
                        // All is as before.
                        #expect(lifecycle == CorrectionLifecycle(state: state, referrals: referrals))
                        if error == .referredTooOften {
                            #expect(event == .refer && referrals == CorrectionLifecycle.longestWay && expected != nil)
                        } else {
                            #expect(error == .wrongState(state) && expected == nil, "\(state) \(event)")
                        }
                    }
                }
            }
        }
        #expect(table.isEmpty, "the table has rows that name no state or event")
    }

    /// Whatever happens in whatever order: a clock runs in every open state until the authority's has run out, and every way ends.
    @Test func clocksHoldOverEveryWay() throws {
        struct Stand: Hashable {
            var lifecycle = CorrectionLifecycle(state: .submitted)
            var clock: ShareClock? = .correction
        }
        var seen: Set<Stand> = [], open = [Stand()]
        while let stand = open.popLast() {
            guard seen.insert(stand).inserted else { continue }
            let state = stand.lifecycle.state
            let clocks: [Correction.State: [ShareClock?]] = [.submitted: [.correction], .referred: [.referral], .escalated: [.decision, nil]]
            #expect((clocks[state] ?? [nil]).contains(stand.clock), "\(stand)")
            for event in CorrectionLifecycle.Event.allCases {
                var next = stand
                guard let actions = try? next.lifecycle.handle(event) else { continue }
                for action in actions {
                    if case .start(let clock) = action { next.clock = clock } else if action == .stopClock { next.clock = nil }
                }
                open.append(next)
            }
        }
        #expect(Set(seen.map(\.lifecycle.state)) == Set(Correction.State.allCases))
    }
}
