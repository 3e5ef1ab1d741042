import Foundation
import Model
import Postgres
import TestSupport

@testable import Store

/// What a question about groups comes to, row by row and in whole numbers: the other opinion that the database's is held against.
struct PlainAggregate {
    typealias Values = [String: String?]

    private let query: AggregateQuery

    init(_ query: AggregateQuery) { self.query = query }

    /// All groups in order, without a limit; each value as PostgreSQL prints it.
    func groups(of all: [Values]) -> [[String?]] {
        var groups: [[String?]: [Values]] = query.groupBy.isEmpty ? [[]: []] : [:]
        for row in all where RowQueryTests.holds(query.predicate, row) == true { groups[query.groupBy.map { key($0, row) }, default: []].append(row) }
        let rows = groups.map { key, rows in key + query.select.map { measure($0, rows) } }
        return rows.filter { row in
            query.having.allSatisfy { condition in
                let measure = query.select[condition.measure]
                guard let value = row[query.groupBy.count + condition.measure] else { return false }
                let order = Self.order(value, condition.value, measure.type)
                return RowQueryTests.holds(condition.comparison, order)
            }
        }.sorted(by: precedes)
    }

    private func precedes(_ a: [String?], _ b: [String?]) -> Bool {
        let types = query.columns.map(\.type)
        for (column, descending) in query.sort.map({ ($0.column, $0.descending) }) + query.groupBy.indices.map({ ($0, false) }) {
            switch (a[column], b[column]) {
            case (nil, nil): continue
            case (nil, _): return false
            case (_, nil): return true
            case (let x?, let y?):
                let order = Self.order(x, y, types[column])
                if order != 0 { return descending ? order > 0 : order < 0 }
            }
        }
        return false
    }

    private func key(_ group: AggregateQuery.Group, _ row: Values) -> String? {
        guard let value = row[group.field] ?? nil else { return nil }
        switch group.form {
        case .value: return value
        case .prefix(let count): return String(String.UnicodeScalarView(value.unicodeScalars.prefix(count)))
        case .level(let level):
            let digits = String(String.UnicodeScalarView(value.unicodeScalars.prefix(level.digits)))
            return digits + String(repeating: "0", count: 6 - digits.unicodeScalars.count)
        case .bucket(.hour): return value.prefix(13) + ":00:00+08"
        case .bucket(.day): return String(value.prefix(10))
        case .bucket(.month): return String(value.prefix(7))
        case .bucket(.quarter): return value.prefix(4) + "-Q\(((Int(value.dropFirst(5).prefix(2)) ?? 0) + 2) / 3)"
        case .bucket(.year): return String(value.prefix(4))
        }
    }

    private func measure(_ measure: AggregateQuery.Measure, _ rows: [Values]) -> String? {
        guard let field = measure.field else { return String(rows.count) }
        let values = rows.compactMap { $0[field] ?? nil }
        let sorted = values.sorted { Self.order($0, $1, measure.fieldType) < 0 }
        switch measure.function {
        case .count: return String(values.count)
        case .countDistinct: return String(Set(values).count)
        case .minimum: return sorted.first
        case .maximum: return sorted.last
        case .percentile(let hundredths): return sorted.isEmpty ? nil : sorted[(hundredths * sorted.count + 99) / 100 - 1]
        case .sum: return values.isEmpty ? nil : Self.spell(sum(values), scale: measure.averageScale - 4)
        case .average:
            if values.isEmpty { return nil }
            let sum = sum(values) * 10_000, count = values.count
            let rounded = (abs(sum) * 2 + count) / (2 * count)
            return Self.spell(sum < 0 ? -rounded : rounded, scale: measure.averageScale)
        }
    }

    /// In units of the last digit.
    private func sum(_ values: [String]) -> Int { values.reduce(0) { $0 + (Int($1.replacing(".", with: "")) ?? 0) } }

    private static func spell(_ units: Int, scale: Int) -> String {
        if scale == 0 { return String(units) }
        let digits = String(abs(units))
        let padded = String(repeating: "0", count: max(0, scale + 1 - digits.count)) + digits
        return (units < 0 ? "-" : "") + padded.dropLast(scale) + "." + padded.suffix(scale)
    }

    private static func order(_ a: String, _ b: String, _ type: FieldType) -> Int {
        switch type {
        case .integer, .decimal: RowQueryTests.order(a, b, "height")
        case .datetime: RowQueryTests.order(a, b, "inspected_at")
        default: RowQueryTests.order(a, b, "name")
        }
    }
}

extension AggregateTests {
    static func texts(_ found: AggregateRows?) -> [[String?]] {
        guard let found else { return [] }
        return (0..<found.count).map { row in (0..<found.rows.columnCount).map { RowQueryTests.text(found.rows, row, $0) } }
    }

    static func query(_ parameters: [(String, String)], _ version: ReleasedVersion) throws -> AggregateQuery {
        try AggregateQuery(
            parameters: parameters.map { (name: $0.0, value: $0.1) }, filterable: version.queryable, aggregable: QueryableFields(unmasked: version.schema))
    }

    /// Rows whose times lie on both sides of midnight, and which leave much out.
    static let rows: [[String?]] = Lighthouse.rows(300).enumerated().map { index, row in
        var row = row
        if index % 7 == 0, row[6] != nil { row[6] = ["2013-03-31 15:59:59.999999+00", "2013-03-31 16:00:00+00", "2012-12-31 16:00:00+00"][index % 3] }
        return row
    }

    /// A question that may be asked, and its parameters.
    static func question(_ random: inout Generator, _ all: [Values], _ version: ReleasedVersion) throws -> ([(String, String)], AggregateQuery) {
        var groups = [
            "name", "automated", "season", "year(season)", "lit_on", "day(lit_on)", "month(lit_on)", "quarter(lit_on)", "year(lit_on)", "hour(inspected_at)", "day(inspected_at)",
            "month(inspected_at)", "quarter(inspected_at)", "year(inspected_at)", "prefix(code,5)", "prefecture(code)", "county(code)", "prefix(name,1)", "position", "steps", "height",
        ]
        var measures = [
            "count(*)", "count(height)", "count(automated)", "count_distinct(name)", "count_distinct(steps)", "sum(height)", "sum(steps)", "avg(height)", "avg(steps)",
            "min(height)", "max(steps)", "min(name)", "max(code)", "min(inspected_at)", "max(lit_on)", "min(season)", "p50(height)", "p95(steps)", "p1(inspected_at)", "p99(lit_on)",
        ]
        let select = (0..<random.below(5) + 1).map { _ in measures.remove(at: random.below(measures.count)) }
        var parameters = [("select", select.joined(separator: ",")), ("limit", ["1", "5", "100", "10000"][random.below(4)])]
        let groupBy = (0..<random.below(3)).map { _ in groups.remove(at: random.below(groups.count)) }
        if !groupBy.isEmpty { parameters.append(("group_by", groupBy.joined(separator: ","))) }
        if random.below(2) == 0 { parameters.append([("height__gte", "20"), ("steps__lt", "0"), ("automated", "true"), ("code", "none"), ("lit_on__null", "true")][random.below(5)]) }
        let columns = try query(parameters, version).columns.map(\.name)
        if random.below(2) == 0 {
            parameters.append(("sort", Set((0..<2).map { _ in columns[random.below(columns.count)] }).sorted().map { (random.below(2) == 0 ? "-" : "") + $0 }.joined(separator: ",")))
        }
        // Conditions on numbers, near what occurs.
        let numeric = try query(parameters, version).select.filter { $0.name.hasPrefix("count") || $0.name.hasPrefix("sum") }.map(\.name)
        if random.below(3) == 0, let name = numeric.first {
            parameters.append(("having", "\(name)__\(["gt", "lte", "ne", "eq"][random.below(4)])=\(random.below(8))"))
        }
        return (parameters, try query(parameters, version))
    }
}
