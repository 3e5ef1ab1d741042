public import Model
public import NIOCore
public import Store

/// Groups of rows that are about to be computed.
public struct AggregatePlan: Sendable {
    public let version: ReleasedVersion
    public let query: AggregateQuery
    /// Whether the caller said which version to read; else a newer one may answer.
    public let isPinned: Bool
    /// The validator of the answer, without quotes: it depends on the version and the question alone.
    public let entityTag: String
    /// From a roll-up, where one gives the same answer.
    let read: AggregateRead

    /// The number of the version that is read.
    public var versionNumber: Int { version.number }

    /// Whether the answer stays as it is, but for withdrawals: the version was named, and its rows are not public for a time only.
    public var isLasting: Bool { isPinned && !version.hasWindow }
}

extension AggregatePlan {
    init(_ version: ReleasedVersion, _ query: AggregateQuery, _ rollup: RollupPlan?) {
        self.version = version
        self.query = query
        isPinned = query.version != nil
        read = AggregateRead(version: version, query: query, rollup: rollup)
        var tag = Hash64()
        tag.add("aggregate")
        tag.add(RowFingerprint.of(dataset: version.dataset, predicate: query.predicate, order: []))
        tag.add(UInt64(query.limit))
        tag.add(UInt64(query.groupBy.count))
        for column in query.columns { tag.add(column.name) }
        for condition in query.having {
            tag.add("having")
            tag.add(UInt64(condition.measure))
            tag.add(condition.comparison.rawValue)
            tag.add(condition.value)
        }
        for column in query.sort { tag.add("\(column.descending ? "-" : "")\(column.column)") }
        // The answer names it.
        if let rollup { tag.add(rollup.shape.name) }
        entityTag = version.entityTag(tag.value)
    }
}

/// Groups of rows, ready to be written.
public struct AggregateAnswer: Sendable {
    /// What was computed in the end: from the rows, where the roll-up was gone.
    public let plan: AggregatePlan
    let groups: AggregateRows

    /// Appends `[{…},…]`.
    public func writeGroups(into buffer: inout ByteBuffer) { groups.writeJSON(into: &buffer) }

    /// Appends `{"limit":…,"rollup":…,"truncated":…,"version":…}`.
    public func writeMeta(into buffer: inout ByteBuffer) {
        let rollup = plan.read.rollup.map { "\"\($0.shape.name)\"" } ?? "null"
        buffer.writeString("{\"limit\":\(plan.query.limit),\"rollup\":\(rollup),\"truncated\":\(groups.isTruncated),\"version\":\(plan.version.number)}")
    }
}

extension RowReader {
    /// Holds a question about groups against the version that it is about.
    ///
    /// - Parameters:
    ///   - version: the version that it names, or the current one.
    ///   - parameters: names and values, decoded.
    /// - Throws: a `Problem` that names every wrong place.
    public func aggregatePlan(_ version: ReleasedVersion, _ parameters: [(name: String, value: String)]) throws -> AggregatePlan {
        let query = try AggregateQuery(parameters: parameters, filterable: version.queryable, aggregable: QueryableFields(unmasked: version.schema))
        let rollup = version.rollups.lazy.compactMap { RollupPlan(query, over: $0) }.first
        return AggregatePlan(version, query, rollup)
    }

    /// Computes groups.
    ///
    /// - Parameter admit: told the planner's estimate, and whether a roll-up answers, before anything runs, once or more often; what it throws is thrown.
    /// - Returns: nil when a newer version was released meanwhile and the question is not pinned: ask again with that one.
    /// - Throws: a `Problem`: `queryTooExpensive`, `statementTimeout`, or that the database cannot answer.
    public func answer(_ plan: AggregatePlan, admit: (_ estimate: Double, _ isFromRollup: Bool) async throws -> Void) async throws -> AggregateAnswer? {
        if let answer = try await attempt(plan, admit) { return answer.groups.map { AggregateAnswer(plan: plan, groups: $0) } }
        let plan = AggregatePlan(plan.version, plan.query, nil)
        return try await attempt(plan, admit).flatMap { $0.groups.map { AggregateAnswer(plan: plan, groups: $0) } }
    }

    /// What a plan came to.
    private struct Attempt {
        /// Nil when a newer version was released meanwhile.
        let groups: AggregateRows?
    }

    /// - Returns: nil when the roll-up does not answer for the version any more.
    private func attempt(_ plan: AggregatePlan, _ admit: (Double, Bool) async throws -> Void) async throws -> Attempt? {
        let admit = { (estimate: Double) in try await admit(estimate, plan.read.rollup != nil) }
        if plan.version.number == released.known(plan.version.dataset)?.current?.number ?? plan.version.number {
            guard let groups = try await store.aggregate(plan.read, isCurrent: true, admit: admit) else { return nil }
            if groups.count > 0 { return Attempt(groups: groups) }
            // No group: either there is none, or the version is not the current one any more, or the roll-up has begun anew.
            guard try await store.isCovered(plan.read) else { return nil }
            if try await store.isCurrent(plan.version) { return Attempt(groups: groups) }
            if !plan.isPinned { return Attempt(groups: nil) }
        }
        guard let groups = try await store.aggregate(plan.read, isCurrent: false, admit: admit) else { return nil }
        if groups.count == 0, try await !store.isCovered(plan.read) { return nil }
        return Attempt(groups: groups)
    }
}
