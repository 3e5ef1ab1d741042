import Model
import Postgres

extension AggregateQuery.Group {
    /// What rows are grouped by.
    ///
    /// - Parameter column: the field.
    func key(over column: SQL) -> SQL {
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

    /// The same, made of finer groups.
    ///
    /// - Parameters:
    ///   - column: the finer groups' key.
    ///   - kept: what that is (``RollupPlan/groups``).
    func key(over column: SQL, of kept: Self) -> SQL {
        if kept.isValue { return key(over: column) }
        if form == kept.form { return column }
        return switch form {
        case .bucket(.day): "\(column)::date"
        case .bucket(let bucket): "date_trunc('\(raw: bucket.rawValue)', \(column)::timestamp)"
        case .value, .prefix, .level: key(over: column)
        }
    }

    /// How a key is shown.
    func shown(_ column: SQL) -> SQL {
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
    var value: SQL {
        guard let field else { return "count(*)" }
        let column: SQL = "\(identifier: field)"
        switch function {
        case .count: return "count(\(column))"
        case .countDistinct: return "count(DISTINCT \(column))"
        case .sum: return "sum(\(column))"
        case .minimum: return "min(\(column))"
        case .maximum: return "max(\(column))"
        case .average: return average(sum: "sum(\(column))", count: "count(\(column))")
        case .percentile(let hundredths):
            // A hair below the share: it is a binary fraction there, and its product with the count must not pass the whole number that it stands for.
            let below = hundredths - 1
            return "percentile_disc(0.\(raw: below < 10 ? "0" : "")\(raw: String(below))9999999999) WITHIN GROUP (ORDER BY \(column))"
        }
    }

    /// The same, made of what a roll-up keeps.
    ///
    /// - Parameter isWhole: each group is one of the roll-up's, so that nothing has to be added up.
    func value(from source: RollupPlan.Source, isWhole: Bool) -> SQL {
        func total(_ place: Int) -> SQL { isWhole ? RollupTable.part(place) : "sum(\(RollupTable.part(place)))" }
        func count(_ place: Int) -> SQL { isWhole ? RollupTable.part(place) : "coalesce(sum(\(RollupTable.part(place))), 0)::bigint" }
        func extreme(_ column: SQL) -> SQL { isWhole ? column : function == .minimum ? "min(\(column))" : "max(\(column))" }
        switch source {
        case .rows: return count(0)
        case .average(let sum, let number): return average(sum: total(sum), count: total(number))
        case .part(let place):
            return switch function {
            case .minimum, .maximum: extreme(RollupTable.part(place))
            case .sum: total(place)
            case .count, .countDistinct, .average, .percentile: count(place)
            }
        case .group(let place):
            let group = RollupTable.group(place)
            return switch function {
            case .minimum, .maximum: extreme(group)
            case .countDistinct: isWhole ? "(\(group) IS NOT NULL)::integer::bigint" : "count(DISTINCT \(group))"
            case .count, .sum, .average, .percentile:
                isWhole
                    ? "CASE WHEN \(group) IS NULL THEN 0 ELSE \(RollupTable.part(0)) END"
                    : "coalesce(sum(\(RollupTable.part(0))) FILTER (WHERE \(group) IS NOT NULL), 0)::bigint"
            }
        }
    }

    /// Rounded once, half away from zero, by whole numbers: avg() rounds to as many digits as it sees fit first.
    private func average(sum: SQL, count: SQL) -> SQL {
        let scale = SQL(raw: String(averageScale))
        return "div(\(sum) * 2e\(scale) + sign(\(sum)) * \(count), 2 * \(count)) * 1e-\(scale)"
    }
}

extension RollupPlan.Bound {
    /// The condition over a roll-up's columns.
    var sql: SQL {
        switch self {
        case .time(let group, let comparison, let beginning): "\(RollupTable.group(group)) \(raw: comparison.sign) \(beginning, as: .timestamp)"
        case .beginning(let group, let pattern): "\(RollupTable.group(group)) LIKE \(pattern, as: .text)"
        case .missing(let group): "\(RollupTable.group(group)) IS NULL"
        }
    }
}
