internal import Model
public import NIOCore
internal import Postgres

/// What became of one row, version by version, the newest first.
public struct RowHistory: Sendable {
    /// Why something of the row can no longer be seen.
    struct Gap: Sendable {
        let withdrawal: String
        let subject: Withdrawal.Subject
        /// The versions that are concerned: from the first one up to the one before `until`; nil for up to the newest.
        let since: Int
        let until: Int?
        let tombstone: Tombstone
    }

    /// What is known of a version.
    struct Release: Sendable {
        let releasedAt: Timestamp
        let department: String
        let isWhole: Bool
        /// Fields that everybody saw in it.
        let fields: Set<String>
    }

    let version: ReleasedVersion
    let rows: RowSet
    let events: [RowEvent]
    let releases: [Int: Release]
    /// Versions that cannot be seen.
    let withdrawn: Set<Int>
    let gaps: [Gap]
    /// Where older events go on: those of versions before this one; nil where there are none.
    public let before: Int?

    /// Whether there is anything to tell.
    public var isEmpty: Bool { events.isEmpty && gaps.isEmpty && before == nil }
}

extension RowHistory {
    /// Appends `[{"change":…,"version":…,"released_at":…,"department":…,"old":{…},"new":{…},"links":{…}},…]`.
    ///
    /// - Parameter key: the row's key as addresses spell it.
    public func writeEvents(key: String, into buffer: inout ByteBuffer) {
        let fields = version.schema.publicFields.filter { !version.schema.primaryKey.contains($0.name) }
        let json = RowJSON(fields)
        buffer.writeStaticString("[")
        var isFirst = true
        for event in events {
            guard let release = releases[event.version] else { continue }
            let past = releases[Self.former(event.version, without: withdrawn)]?.fields ?? []
            func isSame(_ place: Int) -> Bool {
                guard let old = event.old, let new = event.new else { return false }
                // What was hidden counts as missing, as in differences: that it changed would tell something of what it was.
                return past.contains(fields[place].name) ? rows.isEqual(old, new, 2 + place) : rows.bytes(new, 2 + place) == nil
            }
            if event.isChange, fields.indices.allSatisfy({ !release.fields.contains(fields[$0].name) || isSame($0) }) { continue }
            buffer.writeString("\(isFirst ? "" : ","){\"change\":\"\(event.isChange ? "changed" : event.old == nil ? "added" : "removed")\",\"version\":\(event.version)")
            isFirst = false
            buffer.writeString(",\"released_at\":\"\(release.releasedAt)\",\"department\":\"\(release.department)\"")
            if let old = event.old {
                buffer.writeStaticString(",\"old\":")
                json.write(rows, old, column: { 2 + $0 }, where: { past.contains(fields[$0].name) && !isSame($0) }, into: &buffer)
            }
            if let new = event.new {
                buffer.writeStaticString(",\"new\":")
                json.write(rows, new, column: { 2 + $0 }, where: { release.fields.contains(fields[$0].name) && !isSame($0) }, into: &buffer)
            }
            let base = "/v1/datasets/\(version.dataset)"
            buffer.writeString(",\"links\":{\"version\":\"\(base)/versions/\(event.version)\",\"proof\":\"\(base)/versions/\(event.version)/proof\"")
            if event.new != nil, release.isWhole { buffer.writeString(",\"row_proof\":\"\(base)/rows/\(key)/proof?version=\(event.version)\"") }
            buffer.writeStaticString("}}")
        }
        buffer.writeStaticString("]")
    }

    /// The version before one that readers saw last.
    static func former(_ version: Int, without withdrawn: Set<Int>) -> Int {
        var former = version - 1
        while withdrawn.contains(former) { former -= 1 }
        return former
    }

    /// Appends `[{"withdrawal":…,"subject":…,"since":…,"until":…,"reason":{…},"legal_basis":…,"withdrawn_at":…},…]`.
    public func writeWithdrawals(into buffer: inout ByteBuffer) throws {
        buffer.writeStaticString("[")
        for (place, gap) in gaps.enumerated() {
            buffer.writeString("\(place > 0 ? "," : ""){\"withdrawal\":\"\(gap.withdrawal)\",\"subject\":\"\(gap.subject.rawValue)\",\"since\":\(gap.since)")
            if let until = gap.until { buffer.writeString(",\"until\":\(until)") }
            buffer.writeString(",\"reason\":\(try JSON.encode(gap.tombstone.reason))")
            if let basis = gap.tombstone.legalBasis { buffer.writeString(",\"legal_basis\":\(try JSON.encode(basis))") }
            buffer.writeString(",\"withdrawn_at\":\"\(gap.tombstone.withdrawnAt)\"}")
        }
        buffer.writeStaticString("]")
    }
}

extension RowSet {
    fileprivate func isEqual(_ a: Int, _ b: Int, _ column: Int) -> Bool {
        switch (bytes(a, column), bytes(b, column)) {
        case (nil, nil): true
        case (let a?, let b?): a.elementsEqual(b)
        default: false
        }
    }
}

extension Store {
    /// Tombstones of one row that are told at most.
    private static let tombstones = 100

    /// Reads what became of one row.
    ///
    /// - Parameters:
    ///   - version: the current one; its public fields are told.
    ///   - key: canonical values of the key's fields, in key order.
    ///   - before: only what happened in versions before this one; nil for all.
    ///   - limit: states that are looked at.
    public func history(_ version: ReleasedVersion, key: [String], before: Int?, limit: Int) async throws -> RowHistory {
        try await mappingErrors {
            try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                let withdrawn = try await Self.withdrawnVersions(version, connection)
                let states = try await Self.states(version, key, before: before, limit: limit + 1 + withdrawn.count, connection)
                let hasMore = states.count == limit + 1 + withdrawn.count
                let intervals = try (0..<states.count).reversed().map { row in
                    RowEvent.State(row: row, since: try states[row].read(Int.self, 0), until: try states[row].read(Int?.self, 1))
                }
                let unseen = Set(withdrawn.map(\.since))
                // Where a field becomes public, a row changes for its readers while it stands as it was.
                let widenings = try await Self.widenings(version, from: intervals.first?.since ?? version.number, connection)
                let all = RowEvent.events(of: intervals.flatMap { $0.split(at: widenings) }, current: version.number, without: unseen, hasOlder: hasMore)
                let events = all.filter { $0.version < before ?? .max }.reversed() as [RowEvent]
                let numbers = Set(events.flatMap { [$0.version, RowHistory.former($0.version, without: unseen)] })
                var gaps = try await Self.tombstones(version, RowKey.text(key), connection)
                let bounds = Set(intervals.flatMap { [$0.since, $0.until ?? 0] })
                gaps += withdrawn.filter { bounds.contains($0.since) }
                return RowHistory(
                    version: version, rows: states, events: events, releases: try await Self.releases(version, numbers, connection),
                    withdrawn: unseen, gaps: gaps,
                    before: hasMore ? events.last?.version ?? intervals.dropFirst().first?.since : nil)
            }
        }
    }

    private static func states(_ version: ReleasedVersion, _ key: [String], before: Int?, limit: Int, _ connection: Connection) async throws -> RowSet {
        let source = RowSource(number: version.datasetNumber, version: version.number)
        let names = version.schema.publicFields.map(\.name).filter { !version.schema.primaryKey.contains($0) }
        var conditions = zip(version.keyFields, key).map { "\(identifier: $0.name) = \($1, as: $0.type.postgresType)" as SQL }
        conditions.append("_since <= \(version.number, as: .int4)")
        if let before { conditions.append("_since < \(before, as: .int4)") }
        let columns = (["_since", "_until"] + names.map { "\(identifier: $0)" as SQL }).joined(separator: ", ")
        let condition = conditions.joined(separator: " AND ")
        // Each part has an index of its own.
        return try await connection.execute(
            """
            SELECT \(columns) FROM \(source.view) WHERE _until IS NULL AND \(condition) \
            UNION ALL SELECT \(columns) FROM \(source.view) WHERE _until IS NOT NULL AND \(condition) ORDER BY 1 DESC LIMIT \(raw: String(limit))
            """)
    }

    /// Versions behind `first` in which more fields are public than in the one before, in their order.
    ///
    /// Public fields stay public, so a span whose ends show the same shows the same throughout: a few schemas are read, however many versions there are.
    private static func widenings(_ version: ReleasedVersion, from first: Int, _ connection: Connection) async throws -> [Int] {
        func shown(in number: Int) async throws -> Int {
            try await connection.execute(
                "SELECT \(publicFields) AS fields FROM published.version v WHERE v.dataset = \(version.dataset, as: .text) AND v.number >= \(number, as: .int4) ORDER BY v.number LIMIT 1"
            ).first.map { try $0.read([String].self, "fields").count } ?? 0
        }
        var found: [Int] = []
        var spans = [(first: first, last: version.number, before: try await shown(in: first), after: version.schema.publicFields.count)]
        while let span = spans.popLast() {
            if span.before == span.after || span.first >= span.last { continue }
            if span.first + 1 == span.last {
                found.append(span.last)
                continue
            }
            let middle = (span.first + span.last) / 2, between = try await shown(in: middle)
            spans.append((middle, span.last, between, span.after))
            spans.append((span.first, middle, span.before, between))
        }
        return found
    }

    private static let publicFields: SQL = "ARRAY(SELECT f ->> 'name' FROM jsonb_array_elements(v.schema -> 'fields') AS f WHERE f ->> 'visibility' = 'public')"

    private static func releases(_ version: ReleasedVersion, _ numbers: Set<Int>, _ connection: Connection) async throws -> [Int: RowHistory.Release] {
        let rows = try await connection.execute(
            """
            SELECT v.number, v.released_at, v.department, v.withdrawal IS NULL AS whole, \(publicFields) AS fields \
            FROM published.version v WHERE v.dataset = \(version.dataset, as: .text) AND v.number = ANY(\(numbers.sorted()))
            """)
        return try rows.reduce(into: [:]) { releases, row in
            releases[try row.integer("number")] = RowHistory.Release(
                releasedAt: try row.timestamp("released_at"), department: try row.string("department"), isWhole: try row.read(Bool.self, "whole"),
                fields: Set(try row.read([String].self, "fields")))
        }
    }

    private static func withdrawnVersions(_ version: ReleasedVersion, _ connection: Connection) async throws -> [RowHistory.Gap] {
        try await connection.execute(
            """
            SELECT v.number AS since, v.number + 1 AS until, w.id, w.subject, w.reason_zh, w.reason_en, w.reason_code, w.legal_basis, w.withdrawn_at \
            FROM published.withdrawal w JOIN published.version v ON v.dataset = w.dataset AND v.number = w.version \
            WHERE w.dataset = \(version.dataset, as: .text) AND w.subject = 'version' ORDER BY v.number DESC
            """
        ).compactMap(gap)
    }

    private static func tombstones(_ version: ReleasedVersion, _ key: String, _ connection: Connection) async throws -> [RowHistory.Gap] {
        try await connection.execute(
            """
            SELECT r.since, r.until, w.id, w.subject, w.reason_zh, w.reason_en, w.reason_code, w.legal_basis, w.withdrawn_at \
            FROM published.withdrawn_row r JOIN published.withdrawal w ON w.id = r.withdrawal \
            WHERE r.dataset = \(version.dataset, as: .text) AND r.key = \(key, as: .text) ORDER BY r.since DESC LIMIT \(raw: String(tombstones))
            """
        ).compactMap(gap)
    }

    private static func gap(_ row: Row) throws -> RowHistory.Gap? {
        guard let tombstone = try tombstone(row, "") else { return nil }
        return RowHistory.Gap(
            withdrawal: try row.string("id"), subject: try row.word(Withdrawal.Subject.self, "subject"), since: try row.integer("since"),
            until: try row.integerIfPresent("until"), tombstone: tombstone)
    }
}
