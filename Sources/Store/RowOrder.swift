internal import Model
internal import Postgres

/// A total order of a dataset's rows, and the condition that takes up where a page ended.
///
/// Missing values come last in either direction. An index gives that order only for ascending columns, so a query over a nullable first column
/// is split into the rows that have a value and those that have none (``isSplit(after:)``).
struct RowOrder: Sendable {
    struct Column: Sendable {
        let name: String
        let type: FieldType
        let descending: Bool
        /// Key fields never hold NULL; any other may, since a schema can have become stricter after rows came.
        var isNullable: Bool
    }

    let columns: [Column]

    /// The sort that was asked for, made total by the primary key, which goes on in the direction of the last field so that one index serves both.
    init(_ sort: [RowQuery.SortField], _ fields: QueryableFields, key: [String]) {
        var columns: [Column] = []
        columns.reserveCapacity(sort.count + key.count)
        for part in sort {
            guard let field = fields[part.field] else { continue }
            columns.append(Column(name: field.name, type: field.type, descending: part.descending, isNullable: !field.isKey))
        }
        let descending = sort.last?.descending ?? false
        for name in key where !columns.contains(where: { $0.name == name }) {
            guard let field = fields[name] else { continue }
            columns.append(Column(name: name, type: field.type, descending: descending, isNullable: false))
        }
        self.columns = columns
    }

    /// The order of the primary key.
    init(key fields: QueryableFields, _ key: [String]) { self.init([], fields, key: key) }

    private init(columns: [Column]) { self.columns = columns }

    /// The columns of an `ORDER BY`.
    var sql: SQL { columns.map(Self.term).joined(separator: ", ") }

    private static func term(_ column: Column) -> SQL {
        if !column.descending { return "\(identifier: column.name)" }
        return column.isNullable ? "\(identifier: column.name) DESC NULLS LAST" : "\(identifier: column.name) DESC"
    }

    /// Whether rows with and without a value in the first column are best read one after the other.
    ///
    /// - Parameter after: the values of the row before the page, nil for the first page.
    func isSplit(after: [String?]?) -> Bool {
        guard let first = columns.first, first.isNullable else { return false }
        return first.descending || after != nil
    }

    /// The same order where the first column is known to hold a value.
    var withValue: RowOrder {
        var columns = columns
        columns[0].isNullable = false
        return RowOrder(columns: columns)
    }

    /// The order among rows whose first column holds none.
    var withoutFirst: RowOrder { RowOrder(columns: Array(columns.dropFirst())) }

    /// The condition that a row comes after the one with these values.
    ///
    /// - Parameter values: one value per column, as PostgreSQL prints it; nil for NULL.
    func after(_ values: [String?]) -> SQL {
        let condition = after(values, from: 0)
        guard let first = columns.first, !first.isNullable, let value = values[0], !isUniform(from: 0) else { return condition }
        // A bound that an index can use; the condition alone is a disjunction.
        return "\(identifier: first.name) \(raw: first.descending ? "<=" : ">=") \(value, as: first.type.postgresType) AND (\(condition))"
    }

    /// Whether the columns from here on have one direction and no NULL, so that they compare as one row.
    private func isUniform(from start: Int) -> Bool {
        columns[start...].allSatisfy { !$0.isNullable && $0.descending == columns[start].descending }
    }

    private func after(_ values: [String?], from start: Int) -> SQL {
        guard start < columns.count else { return "false" }
        let column = columns[start]
        let sign = column.descending ? "<" : ">"
        if isUniform(from: start), values[start...].allSatisfy({ $0 != nil }) {
            let names = columns[start...].map { "\(identifier: $0.name)" as SQL }.joined(separator: ", ")
            let bounds = zip(columns[start...], values[start...]).map { "\($1, as: $0.type.postgresType)" as SQL }.joined(separator: ", ")
            return columns.count - start == 1 ? "\(names) \(raw: sign) \(bounds)" : "(\(names)) \(raw: sign) (\(bounds))"
        }
        let rest = after(values, from: start + 1)
        guard let value = values[start] else { return "(\(identifier: column.name) IS NULL AND (\(rest)))" }
        let beyond: SQL = "\(identifier: column.name) \(raw: sign) \(value, as: column.type.postgresType)"
        let missing: SQL = column.isNullable ? " OR \(identifier: column.name) IS NULL" : ""
        return "(\(beyond)\(missing) OR (\(identifier: column.name) = \(value, as: column.type.postgresType) AND (\(rest))))"
    }
}

extension FieldType {
    /// The type of a row table's column, as parameters name it.
    var postgresType: PostgresType {
        switch self {
        case .text, .code, .period, .geoPoint: .text
        case .integer: .int8
        case .decimal: .numeric
        case .boolean: .bool
        case .date: .date
        case .datetime: .timestamptz
        case .json: .jsonb
        }
    }
}
