/// A Swift value that can be bound to a parameter.
///
/// Values travel in PostgreSQL's text format. `postgresType` goes with them, so that `column = $1` is resolved as it
/// would be for a typed expression and picks the column's index.
public protocol PostgresBindable: Sendable {
    static var postgresType: PostgresType { get }
    /// True for SQL NULL, for which `writePostgresText` is not called.
    var isPostgresNull: Bool { get }
    /// Appends the value's text spelling, without quotes and without a terminator.
    func writePostgresText(into bytes: inout [UInt8])
}

extension PostgresBindable {
    public var isPostgresNull: Bool { false }
}

/// A Swift type that can be read from a column.
public protocol PostgresReadable {
    /// Reads PostgreSQL's text spelling.
    /// - Parameter text: the bytes of the value; nil for NULL.
    /// - Returns: nil when the bytes do not spell a value of this type, or are NULL and the type cannot hold that.
    static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Self?
}

/// A type that may stand in a one-dimensional PostgreSQL array.
public protocol PostgresElement: PostgresBindable, PostgresReadable {
    static var postgresArrayType: PostgresType { get }
}

extension PostgresElement {
    // Every built-in type below has an array type; `unknown` stands in only for a type that has none.
    public static var postgresArrayType: PostgresType { postgresType.array ?? .unknown }
}

extension Optional: PostgresBindable where Wrapped: PostgresBindable {
    public static var postgresType: PostgresType { Wrapped.postgresType }
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }
    public func writePostgresText(into bytes: inout [UInt8]) { self?.writePostgresText(into: &bytes) }
}

extension Optional: PostgresReadable where Wrapped: PostgresReadable {
    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Wrapped?? {
        guard let text else { return .some(nil) }
        guard let value = Wrapped.readPostgresText(text) else { return nil }
        return .some(value)
    }
}

extension Optional: PostgresElement where Wrapped: PostgresElement {
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }
}
