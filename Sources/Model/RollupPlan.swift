/// How a question is answered from a roll-up, where the answer is the same as from the rows to the last digit.
public struct RollupPlan: Sendable, Hashable {
    /// What a column of the answer is made of.
    public enum Source: Sendable, Hashable {
        /// The numbers of rows.
        case rows
        /// What the roll-up keeps in this place of ``RollupShape/parts``.
        case part(Int)
        /// Two of them.
        case average(sum: Int, count: Int)
        /// The value that it is grouped by, in this place of ``RollupShape/groups``.
        case group(Int)
    }

    /// A condition on rows that holds for all rows of a group or for none, and that the group's own value decides.
    public enum Bound: Sendable, Hashable {
        /// A span of time against the beginning of one, `2026-03-01 00:00:00` on the clock at +08:00.
        case time(group: Int, Predicate.Comparison, beginning: String)
        /// The first characters of a code against a pattern that asks for no more of them.
        case beginning(group: Int, pattern: String)
        /// No value.
        case missing(group: Int)
    }

    public let shape: RollupShape
    /// For each group of the question, the one of the roll-up that it is made of.
    public let groups: [Int]
    /// For each thing that is computed.
    public let measures: [Source]
    /// Conditions about values that the roll-up is grouped by as they are.
    public let predicate: Predicate?
    /// All must hold too.
    public let bounds: [Bound]
    /// Whether the question's groups are the roll-up's own: there is nothing to add up.
    public let isWhole: Bool

    /// - Returns: nil where the roll-up does not give the same answer.
    public init?(_ query: AggregateQuery, over shape: RollupShape) {
        self.shape = shape
        var groups: [Int] = []
        for group in query.groupBy {
            guard let place = shape.groups.firstIndex(where: { group.isMade(of: $0) }) else { return nil }
            groups.append(place)
        }
        self.groups = groups
        let areKept = zip(query.groupBy, groups).allSatisfy { $0.form == shape.groups[$1].form || $0.isValue && shape.groups[$1].isValue }
        isWhole = areKept && Set(groups).count == shape.groups.count
        var measures: [Source] = []
        for measure in query.select {
            guard let source = shape.source(of: measure) else { return nil }
            measures.append(source)
        }
        self.measures = measures
        var kept: [Predicate] = []
        var bounds: [Bound] = []
        for condition in query.predicate?.conjuncts ?? [] {
            if condition.fieldNames.allSatisfy({ shape.place(ofValue: $0) != nil }) {
                kept.append(condition)
            } else if let bound = shape.bound(condition) {
                bounds.append(bound)
            } else {
                return nil
            }
        }
        predicate = kept.count > 1 ? .and(kept) : kept.first
        self.bounds = bounds
    }
}

extension AggregateQuery.Group {
    /// Whether the groups are the values themselves.
    public var isValue: Bool {
        switch form {
        case .value: true
        case .bucket(.day): fieldType == .date
        case .bucket, .prefix, .level: false
        }
    }

    /// Whether each group of the other kind lies within one group of this kind, which it tells.
    func isMade(of other: Self) -> Bool {
        guard field == other.field else { return false }
        if form == other.form || other.isValue { return true }
        return switch (form, other.form) {
        case (.bucket(let wanted), .bucket(let kept)): kept < wanted
        case (.prefix(let wanted), .prefix(let kept)): wanted <= kept
        // Not the other way round: a level fills short codes with zeros.
        case (.level(let wanted), .prefix(let kept)): wanted.digits <= kept
        case (.level(let wanted), .level(let kept)): wanted.digits <= kept.digits
        default: false
        }
    }
}

extension AggregateQuery.Bucket: Comparable {
    /// Shorter before longer: each lies within one of the next.
    public static func < (a: Self, b: Self) -> Bool { a.order < b.order }

    private var order: Int {
        switch self {
        case .hour: 0
        case .day: 1
        case .month: 2
        case .quarter: 3
        case .year: 4
        }
    }

    /// Whether this moment of the clock begins such a span.
    ///
    /// - Parameter microseconds: since midnight.
    fileprivate func begins(_ date: CalendarDate, _ microseconds: Int64) -> Bool {
        switch self {
        case .hour: microseconds % 3_600_000_000 == 0
        case .day: microseconds == 0
        case .month: microseconds == 0 && date.day == 1
        case .quarter: microseconds == 0 && date.day == 1 && date.month % 3 == 1
        case .year: microseconds == 0 && date.day == 1 && date.month == 1
        }
    }
}

extension RollupShape {
    fileprivate func place(ofValue field: String) -> Int? { groups.firstIndex { $0.field == field && $0.isValue } }

    fileprivate func source(of measure: AggregateQuery.Measure) -> RollupPlan.Source? {
        guard let field = measure.field else { return .rows }
        func part(_ function: AggregateQuery.Measure.Function) -> Int? { parts.firstIndex { $0.field == field && $0.function == function } }
        switch measure.function {
        case .count, .minimum, .maximum: return part(measure.function).map { .part($0) } ?? place(ofValue: field).map { .group($0) }
        case .countDistinct: return place(ofValue: field).map { .group($0) }
        case .sum: return part(.sum).map { .part($0) }
        case .average:
            guard let sum = part(.sum), let count = part(.count) else { return nil }
            return .average(sum: sum, count: count)
        case .percentile: return nil
        }
    }

    fileprivate func bound(_ condition: Predicate) -> RollupPlan.Bound? {
        switch condition {
        case .isNull(let field): return groups.firstIndex { $0.field == field }.map { .missing(group: $0) }
        case .like(let field, let pattern):
            guard pattern.last == "%", !pattern.dropLast().contains(where: { "%_\\".contains($0) }) else { return nil }
            let length = pattern.unicodeScalars.count - 1
            let place = groups.firstIndex { group in
                if case .prefix(let count) = group.form, group.field == field { length <= count } else { false }
            }
            return place.map { .beginning(group: $0, pattern: pattern) }
        case .compare(let field, let comparison, let value):
            for (place, group) in groups.enumerated() where group.field == field {
                guard case .bucket(let bucket) = group.form, let (comparison, date, microseconds) = Self.moment(comparison, value, group.fieldType),
                    bucket.begins(date, microseconds)
                else { continue }
                let second = Int(microseconds / 1_000_000)
                let clock = [second / 3600, second / 60 % 60, second % 60].map { ($0 < 10 ? "0" : "") + String($0) }.joined(separator: ":")
                return .time(group: place, comparison, beginning: "\(date) \(clock)")
            }
            return nil
        default: return nil
        }
    }

    /// The condition as "from this moment on" or "before this moment", which spans of time can decide.
    private static func moment(
        _ comparison: Predicate.Comparison, _ value: String, _ type: FieldType
    ) -> (comparison: Predicate.Comparison, date: CalendarDate, microseconds: Int64)? {
        switch type {
        case .datetime:
            guard comparison == .greaterOrEqual || comparison == .less, let instant = Timestamp(value) else { return nil }
            let (day, local) = (Int64(86_400_000_000), instant.microseconds + 8 * 3_600_000_000)
            let days = local >= 0 ? local / day : (local - day + 1) / day
            return (comparison, CalendarDate(daysSince1970: Int(days)), local - days * day)
        case .date:
            guard let date = CalendarDate(value) else { return nil }
            let next = CalendarDate(daysSince1970: date.daysSince1970 + 1)
            return switch comparison {
            case .greaterOrEqual, .less: (comparison, date, 0)
            case .greater: (.greaterOrEqual, next, 0)
            case .lessOrEqual: (.less, next, 0)
            case .equal, .notEqual: nil
            }
        default: return nil
        }
    }
}

extension Predicate {
    /// Conditions that must all hold.
    var conjuncts: [Predicate] {
        if case .and(let parts) = self { parts.flatMap(\.conjuncts) } else { [self] }
    }

    /// The fields that it asks about.
    var fieldNames: Set<String> {
        switch self {
        case .and(let parts), .or(let parts): parts.reduce(into: []) { $0.formUnion($1.fieldNames) }
        case .not(let part), .isUndecided(let part): part.fieldNames
        case .compare(let field, _, _), .isIn(let field, _), .like(let field, _), .isNull(let field): [field]
        case .relation(let left, _, let right): Set(left.fields + right.fields)
        case .matches(let value, let pattern): Set(value.fields + pattern.fields)
        case .isMissing(let term): Set(term.fields)
        }
    }
}
