internal import Model
internal import Postgres

extension Predicate {
    /// The condition over the columns of a row view; every value is bound.
    ///
    /// - Parameter fields: what the tree was held against.
    func sql(_ fields: QueryableFields) -> SQL {
        switch self {
        case .and(let parts): Self.join(parts, " AND ", empty: "true", fields)
        case .or(let parts): Self.join(parts, " OR ", empty: "false", fields)
        case .not(let part): "NOT (\(part.sql(fields)))"
        case .compare(let field, let comparison, let value):
            "\(identifier: field) \(raw: comparison.sign) \(value, as: fields.postgresType(of: field))"
        case .isIn(let field, let values):
            "\(identifier: field) = ANY(\(values, as: fields.postgresType(of: field).array ?? .unknown))"
        case .like(let field, let pattern): "\(identifier: field) LIKE \(pattern, as: .text)"
        case .isNull(let field): "\(identifier: field) IS NULL"
        case .relation(let left, let comparison, let right): "\(left.sql) \(raw: comparison.sign) \(right.sql)"
        case .matches(let value, let pattern): "\(value.sql) LIKE \(pattern.sql)"
        case .isMissing(let term): "\(term.sql) IS NULL"
        case .isUndecided(let part): "(\(part.sql(fields))) IS NULL"
        }
    }

    private static func join(_ parts: [Predicate], _ separator: SQL, empty: SQL, _ fields: QueryableFields) -> SQL {
        parts.isEmpty ? empty : parts.map { "(\($0.sql(fields)))" as SQL }.joined(separator: separator)
    }
}

extension Predicate.Comparison {
    /// The operator.
    var sign: String {
        switch self {
        case .equal: "="
        case .notEqual: "<>"
        case .greater: ">"
        case .greaterOrEqual: ">="
        case .less: "<"
        case .lessOrEqual: "<="
        }
    }
}

extension QueryableFields {
    fileprivate func postgresType(of name: String) -> PostgresType { self[name]?.type.postgresType ?? .unknown }
}
