import Testing

@testable import Store

/// What happened to a row, from the versions in which its states stand.
@Suite struct RowEventTests {
    private static func events(_ states: [(Int, Int?)], current: Int = 9, without: Set<Int> = [], hasOlder: Bool = false) -> [String] {
        let states = states.enumerated().map { RowEvent.State(row: $0, since: $1.0, until: $1.1) }
        return RowEvent.events(of: states, current: current, without: without, hasOlder: hasOlder)
            .map { "\($0.version):\($0.old.map(String.init) ?? "-")\($0.new.map(String.init) ?? "-")" }
    }

    @Test func statesThatFollowOneAnotherAreChangesAndGapsAreNot() {
        #expect(Self.events([]) == [])
        #expect(Self.events([(1, nil)]) == ["1:-0"])
        #expect(Self.events([(1, 3), (3, 5), (7, nil)]) == ["1:-0", "3:01", "5:1-", "7:-2"])
        #expect(Self.events([(2, 4)]) == ["2:-0", "4:0-"])
    }

    @Test func whatIsBeforeThePageIsNotGuessed() {
        #expect(Self.events([(3, 5), (5, nil)], hasOlder: true) == ["5:01"])
        #expect(Self.events([(3, 5), (7, nil)], hasOlder: true) == ["5:0-", "7:-1"])
    }

    @Test func aStateIsSplitWhereMoreBecomesPublic() {
        func pieces(_ since: Int, _ until: Int?, at versions: [Int]) -> [String] {
            RowEvent.State(row: 0, since: since, until: until).split(at: versions).map { "\($0.since)-\($0.until.map(String.init) ?? "")" }
        }
        #expect(pieces(2, 6, at: []) == ["2-6"])
        #expect(pieces(2, 6, at: [1, 2, 3, 5, 6, 7]) == ["2-3", "3-5", "5-6"])
        #expect(pieces(2, nil, at: [4]) == ["2-4", "4-"])
    }

    @Test func aWithdrawnVersionIsPassedOver() {
        // What began in it shows in the next one.
        #expect(Self.events([(1, 3), (3, nil)], without: [3]) == ["1:-0", "4:01"])
        // What stood in it alone is not told.
        #expect(Self.events([(1, 3), (3, 4), (4, nil)], without: [3]) == ["1:-0", "4:02"])
        #expect(Self.events([(3, 4)], without: [3]) == [])
        #expect(Self.events([(1, 3), (4, nil)], without: [3]) == ["1:-0", "4:01"])
        // Nothing came after it yet.
        #expect(Self.events([(1, 3), (3, nil)], current: 3, without: [3]) == ["1:-0"])
    }
}
