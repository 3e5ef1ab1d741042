/// A statement for the hot path, built once: its text with `$1`, `$2`… and the types of its parameters.
///
/// Each connection prepares it the first time it is used there.
///
/// ```swift
/// let row = PreparedQuery("SELECT name FROM station WHERE id = $1", .int8)
/// ```
public struct PreparedQuery: Sendable {
    let text: StatementText

    /// - Parameters:
    ///   - sql: one statement; never built from input.
    ///   - types: the types of all parameters; empty leaves all of them to the server.
    public init(_ sql: String, _ types: PostgresType...) {
        text = StatementText(sql, types: types.map(\.oid))
    }

    public var sql: String { text.sql }
}

/// A statement's text and parameter types: the key of the caches of prepared statements.
///
/// A class with a hash made once, so that looking up a `PreparedQuery` compares two pointers.
final class StatementText: Sendable, Hashable {
    let sql: String
    let types: [UInt32]
    private let hash: Int

    init(_ sql: String, types: [UInt32]) {
        self.sql = sql
        self.types = types
        var hasher = Hasher()
        hasher.combine(sql)
        hasher.combine(types)
        hash = hasher.finalize()
    }

    static func == (left: StatementText, right: StatementText) -> Bool {
        left === right || (left.hash == right.hash && left.sql == right.sql && left.types == right.types)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
}
