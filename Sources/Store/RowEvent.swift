/// What happened to a row in one version.
struct RowEvent: Equatable, Sendable {
    /// A state of the row, and the versions in which it stands: from `since` up to the one before `until`; nil for up to the newest.
    struct State: Equatable, Sendable {
        let row: Int
        let since: Int
        let until: Int?

        /// The same row, in pieces that begin at these versions as well.
        ///
        /// - Parameter versions: in their order.
        func split(at versions: [Int]) -> [State] {
            let bounds = [since] + versions.filter { $0 > since && $0 < until ?? .max }
            return bounds.enumerated().map { place, bound in State(row: row, since: bound, until: place + 1 < bounds.count ? bounds[place + 1] : until) }
        }
    }

    let version: Int
    /// The state before, by its row; nil where there was none.
    let old: Int?
    /// The state from this version on; nil where there is none.
    let new: Int?

    /// Whether the row stood before and stands now.
    var isChange: Bool { old != nil && new != nil }

    /// What happened, in the order of versions.
    ///
    /// - Parameters:
    ///   - states: in the order of versions; at most one stands in any version.
    ///   - current: the newest version.
    ///   - withdrawn: versions that cannot be seen: what happened in them shows in the next one, if it still stands there.
    ///   - hasOlder: whether there are states before the first of these. How that one came about is not known then.
    static func events(of states: [State], current: Int, without withdrawn: Set<Int>, hasOlder: Bool) -> [RowEvent] {
        /// The first version from this one on that can be seen; nil where there is none yet.
        func seen(from version: Int) -> Int? { version > current ? nil : (version...current).first { !withdrawn.contains($0) } }

        var events: [RowEvent] = []
        var last: (row: Int, until: Int?)?
        var isKnown = !hasOlder
        for state in states {
            let until = state.until.flatMap(seen)
            guard let since = seen(from: state.since), since < until ?? .max, since < state.until ?? .max else { continue }
            if let last, last.until == since {
                events.append(RowEvent(version: since, old: last.row, new: state.row))
            } else {
                if let last, let end = last.until { events.append(RowEvent(version: end, old: last.row, new: nil)) }
                if isKnown { events.append(RowEvent(version: since, old: nil, new: state.row)) }
            }
            isKnown = true
            last = (state.row, until)
        }
        if let last, let end = last.until { events.append(RowEvent(version: end, old: last.row, new: nil)) }
        return events
    }
}
