/// One SQL statement, or a piece of one, with its values.
///
/// Interpolation binds: `"SELECT name FROM t WHERE id = \(id)"` sends `$1` and the value apart.
/// Identifiers are quoted by `\(identifier: name)`, other pieces are spliced by `\(piece)` with their parameters
/// renumbered, and text that is not checked at all has to say so: `\(raw: text)`.
public struct SQL: Sendable {
    // One more segment than values: the text before, between and after them.
    private(set) var segments: [String] = [""]
    private(set) var types: [PostgresType] = []
    private(set) var parameters = Parameters()

    public init() {}

    /// Text that nobody has checked; never pass input from outside.
    public init(raw text: String) { segments = [text] }

    /// The number of values.
    public var parameterCount: Int { types.count }

    /// True when there is no text and no value.
    public var isEmpty: Bool { types.isEmpty && segments[0].isEmpty }

    /// The text with numbered parameters, as the server gets it.
    public var text: String {
        if types.isEmpty { return segments[0] }
        var text = segments[0]
        text.reserveCapacity(segments.reduce(0) { $0 + $1.utf8.count + 4 })
        for index in types.indices {
            text.append("$")
            text.append(String(index + 1))
            text.append(segments[index + 1])
        }
        return text
    }

    mutating func append(text: String) { segments[segments.count - 1].append(text) }

    mutating func append(value: some PostgresBindable, as type: PostgresType) {
        parameters.append(value)
        types.append(type)
        segments.append("")
    }

    mutating func append(_ other: SQL) {
        segments[segments.count - 1].append(other.segments[0])
        segments.append(contentsOf: other.segments.dropFirst())
        types.append(contentsOf: other.types)
        parameters.append(contentsOf: other.parameters)
    }

    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    public static func += (left: inout SQL, right: SQL) { left.append(right) }

    /// Checks the values and makes the key under which connections prepare the statement.
    func rendered() throws(PostgresError) -> StatementText {
        let statement = StatementText(text, types: types.map(\.oid))
        try parameters.check(against: statement.types, sql: statement.sql)
        return statement
    }

    /// The text with each value as a quoted and cast literal, for COPY, which takes no parameters.
    ///
    /// - Parameter quote: quotes text as this connection's server reads literals.
    func inlined(quote: (UnsafePointer<CChar>) -> String?) throws(PostgresError) -> String {
        let count = parameters.count
        try parameters.check(against: types.map(\.oid), sql: text)
        var failed = false
        let inlined = parameters.withPointers { _, pointers in
            var text = segments[0]
            for index in 0..<count {
                if let pointer = pointers?[index] {
                    if let literal = quote(pointer) { text.append(literal) } else { failed = true }
                } else {
                    text.append("NULL")
                }
                if types[index] != .unknown { text.append("::" + types[index].name) }
                text.append(segments[index + 1])
            }
            return text
        }
        if failed { throw PostgresError(.invalidParameter, "a value is not valid text in the connection's encoding", sql: text) }
        return inlined
    }
}

extension SQL {
    /// An identifier in double quotes (PostgreSQL manual, 4.1.1).
    ///
    /// A NUL cannot stand in an identifier; it becomes U+FFFD, so that the name cannot be cut short.
    public static func quoted(identifier: String) -> String {
        var quoted = "\""
        for scalar in identifier.unicodeScalars {
            switch scalar {
            case "\"": quoted.append("\"\"")
            case "\0": quoted.append("\u{FFFD}")
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        quoted.append("\"")
        return quoted
    }
}

extension Sequence<SQL> {
    /// All pieces in one, with the separator between them: `conditions.joined(separator: " AND ")`.
    public func joined(separator: SQL = "") -> SQL {
        var joined = SQL()
        for (index, piece) in enumerated() {
            if index > 0 { joined.append(separator) }
            joined.append(piece)
        }
        return joined
    }
}
