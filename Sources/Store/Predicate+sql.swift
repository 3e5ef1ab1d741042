internal import Model
internal import Postgres

extension Predicate {
    /// The condition over the columns of a row view; every value is bound.
    ///
    /// - Parameter schema: the schema that the tree was read against.
    func sql(_ schema: TableSchema) -> SQL {
        switch self {
        case .and(let parts): Self.join(parts, " AND ", empty: "true", schema)
        case .or(let parts): Self.join(parts, " OR ", empty: "false", schema)
        case .not(let part): "NOT (\(part.sql(schema)))"
        case .compare(let field, let comparison, let value):
            "\(identifier: field) \(raw: comparison.sign) \(value, as: schema.postgresType(of: field))"
        case .isIn(let field, let values):
            "\(identifier: field) = ANY(\(values, as: schema.postgresType(of: field).array ?? .unknown))"
        case .like(let field, let pattern): "\(identifier: field) LIKE \(pattern, as: .text)"
        case .isNull(let field): "\(identifier: field) IS NULL"
        }
    }

    private static func join(_ parts: [Predicate], _ separator: SQL, empty: SQL, _ schema: TableSchema) -> SQL {
        parts.isEmpty ? empty : parts.map { "(\($0.sql(schema)))" as SQL }.joined(separator: separator)
    }
}

extension Predicate.Comparison {
    fileprivate var sign: String {
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

extension TableSchema {
    fileprivate func postgresType(of name: String) -> PostgresType { field(name)?.type.postgresType ?? .unknown }
}
