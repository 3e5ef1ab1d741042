public import Model
public import NIOCore
internal import Postgres

/// Groups that are to be computed: of which version, by what question, from what.
public struct AggregateRead: Sendable {
    let version: ReleasedVersion
    let query: AggregateQuery
    /// How a roll-up answers it; nil for one that is computed from the rows.
    public let rollup: RollupPlan?
    let json: RowJSON

    /// - Parameters:
    ///   - query: a question whose names were held against the version's schema.
    ///   - rollup: made of one of the version's roll-ups.
    public init(version: ReleasedVersion, query: AggregateQuery, rollup: RollupPlan? = nil) {
        self.version = version
        self.query = query
        self.rollup = rollup
        json = RowJSON(query.columns.map { Field(name: $0.name, title: LocalizedText(zh: ""), type: $0.type, visibility: .public) })
    }

    /// The statement: groups inside, what is shown of them around it.
    ///
    /// - Parameter isCurrent: reads the current state only, under a guard that gives no group once the version is no longer the current one.
    func sql(isCurrent: Bool) -> SQL {
        let groups = rollup.map { fromRollup($0, isCurrent) } ?? fromRows(isCurrent)
        var conditions: [SQL] = isCurrent ? [RowSource(number: version.datasetNumber, version: version.number).guardCondition] : []
        if let rollup { conditions.append(covers(rollup)) }
        for condition in query.having {
            let measure = query.select[condition.measure]
            let column = Self.column(query.groupBy.count + condition.measure)
            conditions.append("\(column) \(raw: condition.comparison.sign) \(condition.value, as: measure.type.postgresType)")
        }
        let shown = query.groupBy.enumerated().map { $1.shown(Self.column($0)) } + query.select.indices.map { Self.column(query.groupBy.count + $0) }
        return """
            SELECT \(shown.joined(separator: ", ")) FROM (\(groups)) AS groups\(Self.filter(conditions))\(order) LIMIT \(raw: String(query.limit + 1))
            """
    }

    private func fromRows(_ isCurrent: Bool) -> SQL {
        let source = RowSource(number: version.datasetNumber, version: version.number)
        let relation: SQL = isCurrent ? source.view : "(\(source.asOf(version.publicNames))) AS state"
        var rows: [SQL] = isCurrent ? ["_until IS NULL"] : []
        if let predicate = query.predicate { rows.append("(\(predicate.sql(version.queryable)))") }
        return grouped(query.groupBy.map { $0.key(over: "\(identifier: $0.field)") } + query.select.map(\.value), relation, rows)
    }

    private func fromRollup(_ rollup: RollupPlan, _ isCurrent: Bool) -> SQL {
        let table = RollupTable(number: version.datasetNumber, shape: rollup.shape)
        // Conditions name fields; the columns that hold their values are numbered.
        let names = rollup.shape.groups.enumerated().filter(\.element.isValue).map { ", \(RollupTable.group($0)) AS \(identifier: $1.field)" as SQL }
        let relation: SQL = "(SELECT *\(names.joined(separator: "")) FROM \(table.view)) AS state"
        let number = version.number
        var states: [SQL] = isCurrent ? ["_until IS NULL"] : ["_since <= \(number, as: .int4)", "(_until IS NULL OR _until > \(number, as: .int4))"]
        if let predicate = rollup.predicate { states.append("(\(predicate.sql(version.queryable)))") }
        states += rollup.bounds.map(\.sql)
        let keys = zip(query.groupBy, rollup.groups).map { $0.key(over: RollupTable.group($1), of: rollup.shape.groups[$1]) }
        let isWhole = rollup.isWhole
        return grouped(keys + zip(query.select, rollup.measures).map { $0.value(from: $1, isWhole: isWhole) }, relation, states, isWhole: isWhole)
    }

    /// - Parameter isWhole: what is read are groups already.
    private func grouped(_ columns: [SQL], _ relation: SQL, _ conditions: [SQL], isWhole: Bool = false) -> SQL {
        let named = columns.enumerated().map { "\($1) AS \(Self.column($0))" as SQL }
        let places = query.groupBy.indices.map { SQL(raw: String($0 + 1)) }
        let grouping: SQL = places.isEmpty || isWhole ? "" : " GROUP BY \(places.joined(separator: ", "))"
        return "SELECT \(named.joined(separator: ", ")) FROM \(relation)\(Self.filter(conditions))\(grouping)"
    }

    /// True while the roll-up answers for the version, in the same snapshot that it is read in.
    fileprivate func covers(_ rollup: RollupPlan) -> SQL {
        let relation = RollupTable(number: version.datasetNumber, shape: rollup.shape).relation
        return "EXISTS (SELECT FROM published.rollup WHERE relation = \(relation, as: .text) AND since <= \(version.number, as: .int4))"
    }

    private var order: SQL {
        let rest = query.groupBy.indices.filter { column in !query.sort.contains { $0.column == column } }
        let terms = query.sort + rest.map { AggregateQuery.Sort(column: $0, descending: false) }
        if terms.isEmpty { return "" }
        return " ORDER BY \(terms.map { "\(Self.column($0.column))\(raw: $0.descending ? " DESC" : "") NULLS LAST" as SQL }.joined(separator: ", "))"
    }

    /// Columns are numbered inside: their names could be longer than PostgreSQL keeps. No field's name begins with an underscore.
    private static func column(_ place: Int) -> SQL { SQL(raw: "_\(place)") }

    private static func filter(_ conditions: [SQL]) -> SQL { conditions.isEmpty ? "" : " WHERE \(conditions.joined(separator: " AND "))" }
}

/// Groups, as they came.
public struct AggregateRows: Sendable {
    let rows: RowSet
    let read: AggregateRead

    /// Groups of the answer; the one beyond the limit, which tells that there are more, is not counted.
    public var count: Int { min(rows.count, read.query.limit) }
    public var isTruncated: Bool { rows.count > read.query.limit }

    /// Appends the groups as a JSON array.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeInteger(UInt8(ascii: "["))
        for row in 0..<count {
            if row > 0 { buffer.writeInteger(UInt8(ascii: ",")) }
            read.json.write(rows, row, into: &buffer)
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }
}

extension Store {
    /// Computes groups on a pooled connection, once the planner's estimate is within the bound.
    ///
    /// - Parameters:
    ///   - isCurrent: looks at current rows only; no group may then mean that the version is no longer the current one (``isCurrent(_:)``).
    ///   - admit: told the estimate before anything runs; what it throws is thrown.
    /// - Returns: nil where the roll-up is gone that it was to be computed from.
    /// - Throws: a `Problem`: `queryTooExpensive` before anything ran, `statementTimeout`, or that the database cannot answer.
    public func aggregate(
        _ read: AggregateRead, isCurrent: Bool, admit: (_ estimate: Double) async throws -> Void = { _ in }
    ) async throws -> AggregateRows? {
        let advice = LocalizedText(zh: "减少百分位数和 count_distinct，或下载 rows.csv 自行计算", en: "ask for fewer percentiles and count_distinct, or compute it from rows.csv")
        return try await mappingErrors {
            do {
                return AggregateRows(rows: try await runWithinCost(read.sql(isCurrent: isCurrent), of: read.version, advice: advice, admit: admit), read: read)
            } catch let error as PostgresError where read.rollup != nil && error.sqlState == .undefinedTable {
                return nil
            }
        }
    }

    /// Whether the roll-up of a question answers for its version: from one that does not, no group comes. What it says once holds for all earlier moments.
    public func isCovered(_ read: AggregateRead) async throws -> Bool {
        guard let rollup = read.rollup else { return true }
        return try await self.read("SELECT \(read.covers(rollup))").first?.read(Bool.self, 0) ?? false
    }
}
