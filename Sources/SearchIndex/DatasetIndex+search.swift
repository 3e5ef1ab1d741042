extension DatasetIndex {
    /// The synonyms that hold at the moment.
    public var synonyms: Synonyms { snapshot.synonyms }

    /// The departments whose names hold all words of a question.
    public func departments(_ question: Question) -> [String] {
        let names = snapshot.departments
        var found: Set<UInt32>?
        for clause in question.clauses {
            let named = Set(clause.alternatives.filter { $0.count == 1 }.flatMap { $0.flatMap(names.ordinals) })
            found = found?.intersection(named) ?? named
        }
        let values = pools[.department].values
        return (found ?? []).map { values[Int($0)] }.sorted()
    }

    /// Answers a query from one snapshot. Takes a processor for up to some tens of milliseconds: not for an event loop.
    public func search(_ query: Query) -> Answer {
        let snapshot = snapshot
        let context = QueryContext(query, snapshot, pools)
        var best = BestPlaces(limit: query.limit, after: query.after)
        var tally = query.countsFacets ? Tally(sizes: Facet.allCases.map { pools[$0].count }) : nil
        var total = 0
        for (place, view) in snapshot.views.enumerated() {
            let (hits, sets) = context.hits(view)
            let count = hits.count
            guard count > 0 else { continue }
            total += count
            best.take(hits, sets, of: view.segment, at: place, query: query)
            tally?.count(hits, hitCount: count, of: view.segment)
        }
        return Answer(
            total: total,
            hits: best.places.map { hit in
                Answer.Hit(place: hit.place, explanation: query.explains ? context.explanation(of: hit.document, in: snapshot.views[hit.view].segment) : nil)
            }, counts: tally.map(values) ?? [:], years: tally?.years ?? [])
    }

    private func values(_ tally: Tally) -> [Facet: [Answer.Count]] {
        var counts: [Facet: [Answer.Count]] = [:]
        for facet in Facet.allCases {
            let values = pools[facet].values
            counts[facet] = tally.counts[facet.rawValue].enumerated().compactMap { ordinal, count in
                ordinal > 0 && count > 0 ? Answer.Count(value: values[ordinal], count: Int(count)) : nil
            }
        }
        return counts
    }
}

extension Tally {
    /// Counts hits; where they are most of a segment, all of it without the others.
    fileprivate mutating func count(_ hits: DocumentSet, hitCount: Int, of segment: Segment) {
        if hitCount > segment.count / 2 {
            add(segment.whole)
            var others = DocumentSet(all: segment.count)
            others.subtract(hits)
            add(others, of: segment.columns, sign: -1)
        } else {
            add(hits, of: segment.columns, sign: 1)
        }
    }
}

/// A query with what it means for the whole of a snapshot.
private struct QueryContext {
    let query: Query
    /// For each condition, which ordinals it allows.
    let allowed: [(facet: Facet, ordinals: [Bool])]
    /// The one ordinal of the department whose drafts are seen.
    let draftDepartment: UInt32?
    /// For each clause and alternative and part, the departments whose names hold it.
    let departments: [[[[Bool]?]]]

    init(_ query: Query, _ snapshot: DatasetIndex.Snapshot, _ pools: Pools) {
        self.query = query
        allowed = query.conditions.map { facet, condition in
            let pool = pools[facet]
            switch condition {
            case .equals(let value):
                var ordinals = [Bool](repeating: false, count: pool.count)
                if let ordinal = pool.ordinal(of: value), Int(ordinal) < ordinals.count { ordinals[Int(ordinal)] = true }
                return (facet, ordinals)
            case .matches(let isAllowed):
                return (facet, pool.values.enumerated().map { $0 > 0 && isAllowed($1) })
            }
        }
        if case .department(let code, _) = query.drafts { draftDepartment = pools[.department].ordinal(of: code) } else { draftDepartment = nil }
        let count = pools[.department].count
        departments = (query.question?.clauses ?? []).map { clause in
            clause.alternatives.map { alternative in
                alternative.map { atom in
                    let found = snapshot.departments.ordinals(atom)
                    guard !found.isEmpty else { return nil }
                    var named = [Bool](repeating: false, count: count)
                    for ordinal in found where Int(ordinal) < count { named[Int(ordinal)] = true }
                    return named
                }
            }
        }
    }

    /// The hits of one segment, and where each word of the question stands.
    func hits(_ view: DatasetIndex.View) -> (DocumentSet, [LevelSets]) {
        let segment = view.segment
        var hits = DocumentSet(all: segment.count)
        if let dead = view.dead { hits.subtract(dead) }
        hideDrafts(segment, from: &hits)
        for (facet, ordinals) in allowed {
            hits.formIntersection(Self.documents(segment.columns.values[facet.rawValue]) { Int($0) < ordinals.count && ordinals[Int($0)] })
        }
        if let year = query.year { hits.formIntersection(Self.documents(covering: year, segment.columns)) }
        if hits.isEmpty { return (hits, []) }
        var sets: [LevelSets] = []
        for clause in (query.question?.clauses ?? []).indices {
            let found = self.sets(segment, clause: clause)
            hits.formIntersection(query.inTitlesOnly ? found.title : found.any)
            if hits.isEmpty { return (hits, []) }
            sets.append(found)
        }
        return (hits, sets)
    }

    private func hideDrafts(_ segment: Segment, from hits: inout DocumentSet) {
        guard query.drafts != .all, !segment.drafts.isEmpty else { return }
        var hidden = segment.drafts
        if case .department(_, let numbers) = query.drafts, let draftDepartment {
            let departments = segment.columns.values[Facet.department.rawValue]
            segment.drafts.forEach { document in
                guard departments[document] == draftDepartment, numbers?.contains(segment.columns.numbers[document]) ?? true else { return }
                hidden.words[document >> 6] &= ~(1 << UInt64(document & 63))
            }
        }
        hits.subtract(hidden)
    }

    private func sets(_ segment: Segment, clause: Int) -> LevelSets {
        guard let alternatives = query.question?.clauses[clause].alternatives else { return LevelSets(count: segment.count) }
        var union: LevelSets?
        for (number, alternative) in alternatives.enumerated() {
            var together: LevelSets?
            for (part, atom) in alternative.enumerated() {
                var sets = segment.sets(for: atom)
                if let named = departments[clause][number][part] {
                    sets.any.formUnion(Self.documents(segment.columns.values[Facet.department.rawValue]) { Int($0) < named.count && named[Int($0)] })
                }
                together?.formIntersection(sets)
                if together == nil { together = sets }
            }
            guard let together else { continue }
            union?.formUnion(together)
            if union == nil { union = together }
        }
        return union ?? LevelSets(count: segment.count)
    }

    @inline(__always)
    private static func documents(_ column: [UInt32], _ isIn: (UInt32) -> Bool) -> DocumentSet {
        var set = DocumentSet(count: column.count)
        column.withUnsafeBufferPointer { column in
            set.words.withUnsafeMutableBufferPointer { words in
                for document in 0..<column.count where isIn(column[document]) { words[document &>> 6] |= 1 &<< UInt64(document & 63) }
            }
        }
        return set
    }

    private static func documents(covering year: Int, _ columns: Columns) -> DocumentSet {
        var set = DocumentSet(count: columns.count)
        let wanted = UInt8(clamping: year - Columns.firstYear)
        for document in 0..<columns.count
        where columns.firstYears[document] > 0 && columns.firstYears[document] <= wanted && wanted <= columns.lastYears[document] {
            set.insert(document)
        }
        return set
    }

    func explanation(of document: Int, in segment: Segment) -> Answer.Explanation {
        let levels = (query.question?.clauses ?? []).indices.map { clause -> Level in
            let sets = sets(segment, clause: clause)
            return sets.title.contains(document) ? .title : sets.keywords.contains(document) ? .keywords : .text
        }
        return Answer.Explanation(
            levels: levels, freshness: Int(segment.freshness(document, on: query.day)), size: Int(segment.columns.sizePoints[document]),
            completeness: Int(segment.columns.completenessPoints[document]))
    }
}
