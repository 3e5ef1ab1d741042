public import Model
public import NIOCore
internal import Postgres

/// Groups that are to be computed: of which version, by what question.
public struct AggregateRead: Sendable {
    let version: ReleasedVersion
    let query: AggregateQuery
    let json: RowJSON

    /// - Parameter query: a question whose names were held against the version's schema.
    public init(version: ReleasedVersion, query: AggregateQuery) {
        self.version = version
        self.query = query
        json = RowJSON(query.columns.map { Field(name: $0.name, title: LocalizedText(zh: ""), type: $0.type, visibility: .public) })
    }

    /// The statement: groups inside, what is shown of them around it.
    ///
    /// - Parameter isCurrent: reads current rows only, under a guard that gives no group once the version is no longer the current one.
    func sql(isCurrent: Bool) -> SQL {
        let source = RowSource(number: version.datasetNumber, version: version.number)
        let relation: SQL = isCurrent ? source.view : "(\(source.asOf(version.publicNames))) AS state"
        var rows: [SQL] = isCurrent ? ["_until IS NULL"] : []
        if let predicate = query.predicate { rows.append("(\(predicate.sql(version.queryable)))") }
        let inner = (query.groupBy.map(\.key) + query.select.map(\.value)).enumerated().map { "\($1) AS \(Self.column($0))" as SQL }
        let places = query.groupBy.indices.map { SQL(raw: String($0 + 1)) }
        let grouping: SQL = places.isEmpty ? "" : " GROUP BY \(places.joined(separator: ", "))"
        let groups: SQL = "SELECT \(inner.joined(separator: ", ")) FROM \(relation)\(Self.filter(rows))\(grouping)"

        var conditions: [SQL] = isCurrent ? [source.guardCondition] : []
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
    /// - Parameter isCurrent: looks at current rows only; no group may then mean that the version is no longer the current one (``isCurrent(_:)``).
    /// - Throws: a `Problem`: `queryTooExpensive` before anything ran, `statementTimeout`, or that the database cannot answer.
    public func aggregate(_ read: AggregateRead, isCurrent: Bool) async throws -> AggregateRows {
        let advice = LocalizedText(zh: "减少百分位数和 count_distinct，或下载 rows.csv 自行计算", en: "ask for fewer percentiles and count_distinct, or compute it from rows.csv")
        return AggregateRows(rows: try await readWithinCost(read.sql(isCurrent: isCurrent), of: read.version, advice: advice), read: read)
    }
}

extension AggregateQuery.Group {
    /// What rows are grouped by.
    fileprivate var key: SQL {
        let column: SQL = "\(identifier: field)"
        switch form {
        case .value: return column
        case .prefix(let count): return "left(\(column), \(raw: String(count)))"
        case .level(let level): return "rpad(left(\(column), \(raw: String(level.digits))), 6, '0')"
        case .bucket(let bucket):
            switch (fieldType, bucket) {
            case (.period, _): return "left(\(column), 4)"
            case (.date, .day): return column
            case (.date, _): return "date_trunc('\(raw: bucket.rawValue)', \(column)::timestamp)"
            // The clock at +08:00, whatever the session's is.
            case (_, .day): return "(\(column) AT TIME ZONE INTERVAL '08:00')::date"
            default: return "date_trunc('\(raw: bucket.rawValue)', \(column) AT TIME ZONE INTERVAL '08:00')"
            }
        }
    }

    /// How a key is shown.
    fileprivate func shown(_ column: SQL) -> SQL {
        guard case .bucket(let bucket) = form, fieldType != .period else { return column }
        return switch bucket {
        case .hour: "\(column) AT TIME ZONE INTERVAL '08:00'"
        case .day: column
        case .month: "to_char(\(column), 'YYYY-MM')"
        case .quarter: "to_char(\(column), 'YYYY-\"Q\"Q')"
        case .year: "to_char(\(column), 'YYYY')"
        }
    }
}

extension AggregateQuery.Measure {
    /// What is computed, in exact numbers.
    fileprivate var value: SQL {
        guard let field else { return "count(*)" }
        let column: SQL = "\(identifier: field)"
        switch function {
        case .count: return "count(\(column))"
        case .countDistinct: return "count(DISTINCT \(column))"
        case .sum: return "sum(\(column))"
        case .minimum: return "min(\(column))"
        case .maximum: return "max(\(column))"
        case .average:
            // Rounded once, half away from zero, by whole numbers: avg() rounds to as many digits as it sees fit first.
            let scale = SQL(raw: String(averageScale))
            return "div(sum(\(column)) * 2e\(scale) + sign(sum(\(column))) * count(\(column)), 2 * count(\(column))) * 1e-\(scale)"
        case .percentile(let hundredths):
            // A hair below the share: it is a binary fraction there, and its product with the count must not pass the whole number that it stands for.
            let below = hundredths - 1
            return "percentile_disc(0.\(raw: below < 10 ? "0" : "")\(raw: String(below))9999999999) WITHIN GROUP (ORDER BY \(column))"
        }
    }
}
