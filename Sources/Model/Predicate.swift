/// A condition on rows, as a tree over field names and literals.
///
/// Every front end (simple parameters, CQL2) comes down to this one form; where it is made, names and literals are held against a ``TableSchema``,
/// so whoever reads the tree may rely on both. Conditions on missing values are neither true nor false, as in SQL and CQL2: only ``isNull(field:)`` finds them.
public indirect enum Predicate: Sendable, Hashable {
    /// How a field stands to a literal.
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "eq"
        case notEqual = "ne"
        case greater = "gt"
        case greaterOrEqual = "gte"
        case less = "lt"
        case lessOrEqual = "lte"
    }

    case and([Predicate])
    case or([Predicate])
    case not(Predicate)
    /// `value` is in the field's canonical spelling (``FieldType/literal(_:)``).
    case compare(field: String, Comparison, value: String)
    case isIn(field: String, values: [String])
    /// `%` stands for any characters, `_` for one, `\` takes the meaning from the next one.
    case like(field: String, pattern: String)
    case isNull(field: String)
    /// What ``compare(field:_:value:)`` cannot say: two fields, or values that are computed. Both sides are of one kind.
    case relation(Term, Comparison, Term)
    /// What ``like(field:pattern:)`` cannot say: the pattern is a literal, folded or not.
    case matches(Term, pattern: Term)
    /// Whether a computed value is missing.
    case isMissing(Term)
    /// Whether missing values leave it open if a condition holds.
    case isUndecided(Predicate)

    /// Bounds that keep one question small.
    public enum Limits {
        /// Comparisons, lists, patterns and null tests in one tree.
        public static let conditions = 50
        /// Values in one list.
        public static let listValues = 1000
        /// Bytes of one literal or pattern.
        public static let valueBytes = 1024
        /// Runs of `%` in one pattern: each multiplies the work of matching.
        public static let patternWildcards = 8
        /// Levels of nesting in a filter.
        public static let depth = 32
        /// Arithmetic operations in one filter.
        public static let operations = 100
        /// Bytes of one filter.
        public static let filterBytes = 8192
    }

    /// The number of leaves.
    public var conditionCount: Int {
        switch self {
        case .and(let parts), .or(let parts): parts.reduce(0) { $0 + $1.conditionCount }
        case .not(let part), .isUndecided(let part): part.conditionCount
        case .compare, .isIn, .like, .isNull, .relation, .matches, .isMissing: 1
        }
    }

    /// Whether it asks for computed values, which no index holds.
    public var isComputed: Bool {
        switch self {
        case .and(let parts), .or(let parts): parts.contains(where: \.isComputed)
        case .not(let part): part.isComputed
        case .compare, .isIn, .like, .isNull: false
        case .relation, .matches, .isMissing, .isUndecided: true
        }
    }
}
