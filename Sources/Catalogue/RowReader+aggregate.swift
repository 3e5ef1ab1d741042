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
    let read: AggregateRead

    /// The number of the version that is read.
    public var versionNumber: Int { version.number }
}

/// Groups of rows, ready to be written.
public struct AggregateAnswer: Sendable {
    let plan: AggregatePlan
    let groups: AggregateRows

    /// Appends `[{…},…]`.
    public func writeGroups(into buffer: inout ByteBuffer) { groups.writeJSON(into: &buffer) }

    /// Appends `{"limit":…,"truncated":…,"version":…}`.
    public func writeMeta(into buffer: inout ByteBuffer) {
        buffer.writeString("{\"limit\":\(plan.query.limit),\"truncated\":\(groups.isTruncated),\"version\":\(plan.version.number)}")
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
        return AggregatePlan(
            version: version, query: query, isPinned: query.version != nil, entityTag: version.entityTag(tag.value),
            read: AggregateRead(version: version, query: query))
    }

    /// Computes groups.
    ///
    /// - Returns: nil when a newer version was released meanwhile and the question is not pinned: ask again with that one.
    /// - Throws: a `Problem`: `queryTooExpensive`, `statementTimeout`, or that the database cannot answer.
    public func answer(_ plan: AggregatePlan) async throws -> AggregateAnswer? {
        if plan.version.number == released.known(plan.version.dataset)?.current?.number ?? plan.version.number {
            let groups = try await store.aggregate(plan.read, isCurrent: true)
            if groups.count > 0 { return AggregateAnswer(plan: plan, groups: groups) }
            // No group: either there is none, or the version is not the current one any more.
            if try await store.isCurrent(plan.version) { return AggregateAnswer(plan: plan, groups: groups) }
            if !plan.isPinned { return nil }
        }
        return AggregateAnswer(plan: plan, groups: try await store.aggregate(plan.read, isCurrent: false))
    }
}
