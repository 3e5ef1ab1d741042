internal import Model

extension PageRead {
    /// Rows up to which any question about them is short.
    private static let smallTable = 20_000
    /// Rows of a page up to which reading them is short.
    private static let smallPage = 1_000

    /// Whether the page can be read in about the time that its own rows take: it may then share a pipelined connection, where a slow statement
    /// would hold up all those behind it. Judged from the schema alone, in favour of caution.
    ///
    /// True where nothing has to be computed, and the table is small or one index gives the rows in order and every condition is about its columns:
    /// fields held equal stand first in it, then the order. History is indexed by the key alone.
    ///
    /// - Parameter isCurrent: whether only current rows are looked at.
    public func isShort(isCurrent: Bool) -> Bool {
        if predicate?.isComputed == true { return false }
        if version.rowCount <= Self.smallTable { return true }
        guard limit <= Self.smallPage, let (equal, others) = predicate.map(Self.fields) ?? (equal: [], others: []) else { return false }
        let key = version.schema.primaryKey
        if key.allSatisfy(equal.contains) { return true }
        return ((isCurrent ? version.schema.indexes : []) + [key]).contains { columns in
            guard Set(equal).union(others).isSubset(of: columns) else { return false }
            let held = columns.prefix { equal.contains($0) }.count
            guard held == equal.count else { return false }
            let rest = columns[held...]
            let wanted = order.columns.filter { !equal.contains($0.name) }
            guard Set(wanted.map(\.descending)).count <= 1 else { return false }
            // What the index leaves undecided is sorted among the rows that tie in it, as far as they go.
            let names = wanted.map(\.name)
            return zip(names, rest).allSatisfy(==) && (names.count <= rest.count || !rest.isEmpty)
        }
    }

    /// The fields that a condition holds equal and those that it bounds otherwise; nil for conditions of another form.
    private static func fields(_ predicate: Predicate) -> (equal: [String], others: [String])? {
        switch predicate {
        case .and(let parts):
            var all: (equal: [String], others: [String]) = ([], [])
            for part in parts {
                guard let found = fields(part) else { return nil }
                all.equal += found.equal.filter { !all.equal.contains($0) }
                all.others += found.others
            }
            return all
        case .compare(let field, .equal, _): return ([field], [])
        case .compare(let field, let comparison, _): return comparison == .notEqual ? nil : ([], [field])
        case .or, .not, .isIn, .like, .isNull, .relation, .matches, .isMissing, .isUndecided: return nil
        }
    }
}
