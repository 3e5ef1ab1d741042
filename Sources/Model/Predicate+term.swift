extension Predicate {
    /// A value that a condition computes from a row.
    public indirect enum Term: Sendable, Hashable {
        /// What values can be compared with one another.
        public enum Kind: String, Sendable, Hashable {
            case text, number, boolean, date, datetime
        }

        /// What is done with two numbers, exactly.
        public enum Operation: String, Sendable, Hashable, CaseIterable {
            case add = "+"
            case subtract = "-"
            case multiply = "*"
            /// Missing where the divisor is 0, as the next two are.
            case divide = "/"
            case remainder = "%"
            /// The whole part of a division, towards zero.
            case quotient = "div"
            /// Missing where there is no such number, or where it has more than about 100 digits.
            case power = "^"
        }

        case field(String, Kind)
        /// In the canonical spelling of its kind; `infinity` and `-infinity` are dates and datetimes.
        case literal(String, Kind)
        /// Upper and lower case made one, by full case folding (Unicode 14, section 5.18).
        case folded(Term)
        case arithmetic(Operation, Term, Term)

        public var kind: Kind {
            switch self {
            case .field(_, let kind), .literal(_, let kind): kind
            case .folded: .text
            case .arithmetic: .number
            }
        }

        /// The fields that it is computed from.
        public var fields: [String] {
            switch self {
            case .field(let name, _): [name]
            case .literal: []
            case .folded(let part): part.fields
            case .arithmetic(_, let left, let right): left.fields + right.fields
            }
        }
    }
}

extension Predicate.Comparison {
    /// How the right side stands to the left one.
    public var mirrored: Predicate.Comparison {
        switch self {
        case .equal, .notEqual: self
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        }
    }
}

extension FieldType {
    /// What values of the type can be compared with; nil for json.
    public var termKind: Predicate.Term.Kind? {
        switch self {
        case .text, .code, .period, .geoPoint: .text
        case .integer, .decimal: .number
        case .boolean: .boolean
        case .date: .date
        case .datetime: .datetime
        case .json: nil
        }
    }
}
