internal import Model
internal import Postgres

extension Predicate.Term {
    /// The value over the columns of a row view; every literal is bound. Nothing of it fails for any row: what has no value is NULL.
    var sql: SQL {
        switch self {
        case .field(let name, _): "\(identifier: name)"
        case .literal(let value, .text): "(\(value, as: .text) COLLATE \"C\")"
        case .literal(let value, let kind): "\(value, as: kind.postgresType)"
        // Upper case of lower case joins what full case folding joins (ß, ss and ẞ), and the dotless ı besides, which is kept apart as a noncharacter.
        case .folded(let part): "(upper(lower(translate(\(part.sql), 'ı', U&'\\FDD0') COLLATE \"und-x-icu\")) COLLATE \"C\")"
        case .arithmetic(let operation, let left, let right): Self.arithmetic(operation, left.numeric, right.numeric)
        }
    }

    /// Numbers without bounds, so that nothing overflows.
    private var numeric: SQL {
        if case .field(let name, _) = self { "\(identifier: name)::numeric" } else { sql }
    }

    private static func arithmetic(_ operation: Operation, _ left: SQL, _ right: SQL) -> SQL {
        switch operation {
        case .add, .subtract, .multiply: "(\(left) \(raw: operation.rawValue) \(right))"
        case .divide, .remainder: "(\(left) \(raw: operation.rawValue) NULLIF(\(right), 0))"
        case .quotient: "div(\(left), NULLIF(\(right), 0))"
        case .power:
            // 230 is the natural logarithm of 10 to the power of 100. The inner query computes each side once.
            """
            (SELECT CASE WHEN p.a IS NULL OR p.b IS NULL THEN NULL WHEN p.b = 0 THEN 1 WHEN p.a = 0 THEN CASE WHEN p.b > 0 THEN 0 END WHEN p.a < 0 AND p.b <> trunc(p.b) THEN NULL
                WHEN abs(p.b) * abs(ln(abs(p.a))) > 230 THEN NULL ELSE power(p.a, p.b) END
                FROM (SELECT \(left) AS a, \(right) AS b OFFSET 0) AS p)
            """
        }
    }
}

extension Predicate.Term.Kind {
    fileprivate var postgresType: PostgresType {
        switch self {
        case .text: .text
        case .number: .numeric
        case .boolean: .bool
        case .date: .date
        case .datetime: .timestamptz
        }
    }
}
