import Model
import TestSupport
import Testing

@testable import Exchange

/// The state machine against the table in `docs/exchange.md`: every state with every event.
@Suite struct ShareLifecycleTests {
    private struct Row: Hashable {
        var next: String
        var actions: Set<String>
    }

    /// The table, by state and event.
    private static func table() throws -> [String: Row] {
        let lines = try Project.text("docs/exchange.md").split(separator: "\n", omittingEmptySubsequences: false)
        let start = try #require(lines.firstIndex { $0 == "| state | event | next | actions |" })
        var table: [String: Row] = [:]
        for line in lines[(start + 2)...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.split(separator: "|").map { $0.filter { $0 != "`" }.trimmingPrefix(" ") }.map { $0.hasSuffix(" ") ? $0.dropLast() : $0 }.map(String.init)
            let actions = cells.count > 3 ? cells[3].split(separator: ",").map { String($0.trimmingPrefix(" ")) }.filter { !$0.isEmpty } : []
            #expect(table.updateValue(Row(next: cells[2], actions: Set(actions)), forKey: "\(cells[0]) \(cells[1])") == nil)
        }
        return table
    }

    private static func word(_ action: ShareLifecycle.Action) -> String {
        switch action {
        case .start(let clock): "start \(clock.rawValue)"
        case .stopClock: "stop clock"
        case .markLate: "mark late"
        case .grant: "grant"
        case .extendGrant: "extend grant"
        case .endGrant: "end grant"
        case .noteSupplement: "note supplement"
        }
    }

    @Test func theTableIsTheMachine() throws {
        var table = try Self.table()
        for state in ShareRequest.State.allCases {
            for event in ShareLifecycle.Event.allCases {
                var lifecycle = ShareLifecycle(state: state)
                let expected = table.removeValue(forKey: "\(state.rawValue) \(event.rawValue)")
                do {
                    let actions = try lifecycle.handle(event)
                    #expect(Row(next: lifecycle.state.rawValue, actions: Set(actions.map(Self.word))) == expected, "\(state) \(event)")
                } catch {
                    #expect(expected == nil, "\(state) \(event)")
                    #expect(error == .wrongState(state))
                    #expect(lifecycle == ShareLifecycle(state: state))
                }
            }
        }
        #expect(table.isEmpty, "the table has rows that name no state or event")
    }

    @Test func thereIsOneSupplementNoticeEver() throws {
        for state in ShareRequest.State.allCases {
            var lifecycle = ShareLifecycle(state: state, supplementAsked: true)
            #expect(throws: state == .submitted ? ShareLifecycle.Refusal.alreadyAsked : .wrongState(state)) { try lifecycle.handle(.askSupplement) }
        }
        var lifecycle = ShareLifecycle(state: .submitted)
        _ = try lifecycle.handle(.askSupplement)
        #expect(lifecycle.supplementAsked)
        _ = try lifecycle.handle(.supplement)
        #expect(throws: ShareLifecycle.Refusal.alreadyAsked) { try lifecycle.handle(.askSupplement) }
        _ = try lifecycle.handle(.refuse)
        _ = try lifecycle.handle(.dispute)
        #expect(lifecycle.supplementAsked)
    }

    @Test func aRequestBeginsAsTheDatasetIsShared() {
        #expect(ShareLifecycle.begin(.unconditional)?.state == .granted)
        #expect(ShareLifecycle.begin(.unconditional)?.actions == [.grant, .start(.delivery)])
        #expect(ShareLifecycle.begin(.conditional)?.state == .submitted)
        #expect(ShareLifecycle.begin(.conditional)?.actions == [.start(.answer)])
        #expect(ShareLifecycle.begin(.notShared) == nil)
    }

    /// Whatever happens in whatever order: a clock runs exactly where somebody has to act in time, and what is granted is granted once and ended once.
    @Test func clocksAndGrantsHoldOverEveryWay() throws {
        struct Stand: Hashable {
            var lifecycle: ShareLifecycle
            var clock: ShareClock?
            var grants = 0
            var ends = 0
        }
        var seen: Set<Stand> = []
        var open = [Stand(lifecycle: ShareLifecycle(state: .submitted), clock: .answer), Stand(lifecycle: ShareLifecycle(state: .granted), clock: .delivery, grants: 1)]
        while let stand = open.popLast() {
            guard seen.insert(stand).inserted else { continue }
            let state = stand.lifecycle.state
            #expect(stand.grants <= 1 && stand.ends <= stand.grants)
            #expect((stand.grants == 1 && stand.ends == 0) == [.granted, .delivering].contains(state), "\(stand)")
            if let clock = stand.clock { #expect(Self.clocks[state]?.contains(clock) == true, "\(stand)") }
            for event in ShareLifecycle.Event.allCases {
                var next = stand
                guard let actions = try? next.lifecycle.handle(event) else { continue }
                for action in actions {
                    switch action {
                    case .start(let clock): next.clock = clock
                    case .stopClock: next.clock = nil
                    case .grant: next.grants += 1
                    case .endGrant: next.ends += 1
                    case .markLate, .extendGrant, .noteSupplement: break
                    }
                }
                open.append(next)
            }
        }
        #expect(Set(seen.map(\.lifecycle.state)) == Set(ShareRequest.State.allCases))
    }

    private static let clocks: [ShareRequest.State: Set<ShareClock>] = [
        .submitted: [.answer], .supplementing: [.supplement], .escalated: [.decision], .negotiating: [.negotiation], .referred: [.decision], .granted: [.delivery],
        .disposing: [.disposal],
    ]

    @Test func clockSettingsAreReadOrRefused() throws {
        let clocks = try ShareClocks("answer=8, disposal=5")
        #expect(clocks.rules[.answer]?.workingDays == 8 && clocks.rules[.disposal]?.workingDays == 5 && clocks.rules[.delivery]?.workingDays == 20)
        for wrong in ["answer", "answer=0", "answer=251", "reply=3", "answer=ten"] { #expect(throws: ShareClocks.Malformed.self) { try ShareClocks(wrong) } }
    }
}
