/// One row of a `RowSet`.
///
/// ```swift
/// let id: Int = try row.read("id")
/// let name = try row.read(String?.self, "name")
/// let first = try row[0, as: UUID.self]
/// ```
public struct Row: Sendable {
    public let rows: RowSet
    /// The row's place in its set, from 0.
    public let index: Int

    /// Reads a column by name.
    /// - Throws: `PostgresError` with code `missingColumn` or `unreadableValue`; its message names the column.
    public func read<Value: PostgresReadable>(_ type: Value.Type, _ name: String) throws(PostgresError) -> Value {
        guard let column = rows.column(name) else {
            throw PostgresError(.missingColumn, "no column \(name) among \(rows.columns.joined(separator: ", "))")
        }
        return try read(type, column)
    }

    /// Reads a column by its place, from 0.
    /// - Throws: `PostgresError` with code `missingColumn` or `unreadableValue`; its message names the column.
    public func read<Value: PostgresReadable>(_ type: Value.Type, _ column: Int) throws(PostgresError) -> Value {
        guard column >= 0, column < rows.columnCount else {
            throw PostgresError(.missingColumn, "no column \(column) among \(rows.columnCount)")
        }
        let text = rows.bytes(index, column)
        if let value = Value.readPostgresText(text) { return value }
        let name = rows.columns[column]
        // The value itself stays out of the message: it may be nobody's business.
        let found = text == nil ? "is NULL" : "of type \(rows.columnTypes[column]) has a value"
        throw PostgresError(.unreadableValue, "column \(name) \(found) that \(Value.self) cannot hold")
    }

    /// Reads a column by name, as the type that is wanted: `let id: Int = try row.read("id")`.
    public func read<Value: PostgresReadable>(_ name: String) throws(PostgresError) -> Value { try read(Value.self, name) }

    /// Reads a column by its place, from 0, as the type that is wanted.
    public func read<Value: PostgresReadable>(_ column: Int) throws(PostgresError) -> Value { try read(Value.self, column) }

    public subscript<Value: PostgresReadable>(_ name: String, as type: Value.Type) -> Value {
        get throws(PostgresError) { try read(type, name) }
    }

    public subscript<Value: PostgresReadable>(_ column: Int, as type: Value.Type) -> Value {
        get throws(PostgresError) { try read(type, column) }
    }

    /// The text of a column; nil for NULL. The column must exist.
    public func bytes(_ column: Int) -> UnsafeRawBufferPointer? { rows.bytes(index, column) }
}
