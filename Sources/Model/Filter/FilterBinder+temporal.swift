extension FilterBinder {
    /// A temporal function as comparisons of starts and ends; an instant starts and ends at itself.
    func temporal(
        _ relation: TemporalRelation, _ left: FilterExpression, _ right: FilterExpression, at place: Int
    ) throws(FilterFault) -> Predicate {
        let kind = try kind(of: [left, right])
        let (a, b) = (try span(left, kind), try span(right, kind))
        if relation.needsIntervals, !(a.isInterval && b.isInterval) {
            let (name, interval) = language == .text ? (relation.name.uppercased(), "INTERVAL(…)") : (relation.name, #"{"interval":[…]}"#)
            throw FilterFault(a.isInterval ? right.place : left.place, zh: "\(name) 的两边应为 \(interval)", en: "expected \(interval) on both sides of \(name)")
        }
        let parts: [(Predicate.Term, Predicate.Comparison, Predicate.Term)]
        switch relation {
        case .after: parts = [(a.start, .greater, b.end)]
        case .before: parts = [(a.end, .less, b.start)]
        case .contains: parts = [(a.start, .less, b.start), (a.end, .greater, b.end)]
        case .during: parts = [(a.start, .greater, b.start), (a.end, .less, b.end)]
        case .equals: parts = [(a.start, .equal, b.start), (a.end, .equal, b.end)]
        case .finishedBy: parts = [(a.start, .less, b.start), (a.end, .equal, b.end)]
        case .finishes: parts = [(a.start, .greater, b.start), (a.end, .equal, b.end)]
        case .intersects: parts = [(a.start, .lessOrEqual, b.end), (a.end, .greaterOrEqual, b.start)]
        case .meets: parts = [(a.end, .equal, b.start)]
        case .metBy: parts = [(a.start, .equal, b.end)]
        case .overlappedBy: parts = [(a.start, .greater, b.start), (a.start, .less, b.end), (a.end, .greater, b.end)]
        case .overlaps: parts = [(a.start, .less, b.start), (a.end, .greater, b.start), (a.end, .less, b.end)]
        case .startedBy: parts = [(a.start, .equal, b.start), (a.end, .greater, b.end)]
        case .starts: parts = [(a.start, .equal, b.start), (a.end, .less, b.end)]
        case .disjoint: return .or([Self.relate(a.end, .less, b.start), Self.relate(a.start, .greater, b.end)])
        }
        let conditions = parts.map { Self.relate($0.0, $0.1, $0.2) }
        return conditions.count == 1 ? conditions[0] : .and(conditions)
    }

    private struct Span {
        var start: Predicate.Term
        var end: Predicate.Term
        var isInterval: Bool
    }

    /// The plainest form of a comparison, which indexes serve.
    private static func relate(_ left: Predicate.Term, _ comparison: Predicate.Comparison, _ right: Predicate.Term) -> Predicate {
        switch (left, right) {
        case (.field(let name, _), .literal(let value, _)): .compare(field: name, comparison, value: value)
        case (.literal(let value, _), .field(let name, _)): .compare(field: name, comparison.mirrored, value: value)
        default: .relation(left, comparison, right)
        }
    }

    /// Instants where anything is one; days where all are.
    private func kind(of operands: [FilterExpression]) throws(FilterFault) -> Predicate.Term.Kind {
        var kind = Predicate.Term.Kind.date
        for operand in operands {
            switch operand.node {
            case .timestamp: kind = .datetime
            case .field(let name): if try field(name, at: operand.place).type == .datetime { kind = .datetime }
            case .interval(let start, let end): if try self.kind(of: [start, end]) == .datetime { kind = .datetime }
            default: break
            }
        }
        return kind
    }

    private func span(_ expression: FilterExpression, _ kind: Predicate.Term.Kind) throws(FilterFault) -> Span {
        if case .interval(let start, let end) = expression.node {
            return Span(start: try bound(start, kind, open: "-infinity"), end: try bound(end, kind, open: "infinity"), isInterval: true)
        }
        let instant = try bound(expression, kind, open: "")
        return Span(start: instant, end: instant, isInterval: false)
    }

    private func bound(_ expression: FilterExpression, _ kind: Predicate.Term.Kind, open: String) throws(FilterFault) -> Predicate.Term {
        switch expression.node {
        case .open: return .literal(open, kind)
        case .field(let name):
            let field = try field(name, at: expression.place)
            guard field.type.termKind == .date || field.type.termKind == .datetime else {
                throw FilterFault(
                    expression.place, zh: "\(name) 是 \(field.type) 类型，应为 date 或 datetime", en: "\(name) is of type \(field.type); expected date or datetime")
            }
            guard field.type.termKind == kind else {
                throw FilterFault(
                    expression.place, zh: "\(name) 是日期，不能与时刻比较；请用 \(language.day)", en: "\(name) is a date and cannot be compared with an instant; use \(language.day)")
            }
            return .field(name, kind)
        case .date(let text), .timestamp(let text):
            // A day stands for the midnight that begins it, as everywhere in questions.
            return .literal(kind == .datetime ? FieldType.datetime.literal(text) ?? text : text, kind)
        default: throw FilterExpression.wrongBound(expression.place)
        }
    }
}
