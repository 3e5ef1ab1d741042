/// A built-in PostgreSQL type, by its object identifier (`pg_type.oid`).
public struct PostgresType: Hashable, Sendable {
    /// Object identifier; 0 leaves the choice to the server, as for a quoted literal.
    public let oid: UInt32
    /// The type's name in SQL; empty for `unknown`.
    public let name: String

    init(_ oid: UInt32, _ name: String) {
        self.oid = oid
        self.name = name
    }

    /// The server infers the type from the place where the value stands.
    public static let unknown = PostgresType(0, "")
    public static let bool = PostgresType(16, "boolean")
    public static let bytea = PostgresType(17, "bytea")
    public static let int8 = PostgresType(20, "bigint")
    public static let int2 = PostgresType(21, "smallint")
    public static let int4 = PostgresType(23, "integer")
    public static let text = PostgresType(25, "text")
    public static let json = PostgresType(114, "json")
    public static let date = PostgresType(1082, "date")
    public static let timestamp = PostgresType(1114, "timestamp")
    public static let timestamptz = PostgresType(1184, "timestamptz")
    public static let numeric = PostgresType(1700, "numeric")
    public static let uuid = PostgresType(2950, "uuid")
    public static let jsonb = PostgresType(3802, "jsonb")

    /// The type of an array of these; nil where this file does not know it.
    public var array: PostgresType? {
        Self.arrayOIDs[oid].map { PostgresType($0, name + "[]") }
    }

    private static let arrayOIDs: [UInt32: UInt32] = [
        16: 1000, 17: 1001, 20: 1016, 21: 1005, 23: 1007, 25: 1009, 114: 199, 1082: 1182, 1114: 1115, 1184: 1185,
        1700: 1231, 2950: 2951, 3802: 3807,
    ]
}
