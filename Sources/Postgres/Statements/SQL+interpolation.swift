extension SQL: ExpressibleByStringInterpolation {
    public init(stringLiteral value: String) { self.init(raw: value) }
    public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }

    /// What `"… \(value) …"` does when an `SQL` is expected.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate(set) var sql = SQL()

        public init(literalCapacity: Int, interpolationCount: Int) {}

        public mutating func appendLiteral(_ literal: String) { sql.append(text: literal) }

        /// Binds a value, with the parameter type that belongs to its Swift type.
        public mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value) {
            sql.append(value: value, as: Value.postgresType)
        }

        /// Binds a value or NULL. Without this overload the compiler warns of a debug description that nobody makes.
        public mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value?) {
            sql.append(value: value, as: Value.postgresType)
        }

        /// Binds a value or NULL as a parameter of the given type.
        public mutating func appendInterpolation<Value: PostgresBindable>(_ value: Value?, as type: PostgresType) {
            sql.append(value: value, as: type)
        }

        /// Binds a value as a parameter of the given type.
        public mutating func appendInterpolation(_ value: some PostgresBindable, as type: PostgresType) {
            sql.append(value: value, as: type)
        }

        /// Splices another piece and renumbers its parameters.
        public mutating func appendInterpolation(_ piece: SQL) { sql.append(piece) }

        /// An identifier, quoted.
        public mutating func appendInterpolation(identifier: String) { sql.append(text: SQL.quoted(identifier: identifier)) }

        /// Identifiers, each quoted, separated by commas.
        public mutating func appendInterpolation(identifiers: some Sequence<String>) {
            sql.append(text: identifiers.map { SQL.quoted(identifier: $0) }.joined(separator: ", "))
        }

        /// Text as it is; never pass input from outside.
        public mutating func appendInterpolation(raw text: String) { sql.append(text: text) }
    }
}
