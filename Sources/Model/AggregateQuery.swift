/// A question about groups of a dataset's rows: how they are grouped, what is computed of each group, which groups, in what order.
///
/// Names were held against a schema where it was made; every column of the answer has a name and a type.
public struct AggregateQuery: Sendable, Hashable {
    /// A span of time, always of the clock at +08:00.
    public enum Bucket: String, Sendable, Hashable, CaseIterable {
        case hour, day, month, quarter, year
    }

    /// A level of administrative divisions (GB/T 2260): so many digits of the code say which division of it a place lies in.
    public enum Level: String, Sendable, Hashable, CaseIterable {
        case province, prefecture, county

        /// Digits of a division's code that count on this level.
        public var digits: Int {
            switch self {
            case .province: 2
            case .prefecture: 4
            case .county: 6
            }
        }
    }

    /// One thing that rows are grouped by.
    public struct Group: Sendable, Hashable {
        public enum Form: Sendable, Hashable {
            /// The value as it is.
            case value
            /// The span of time that it falls into.
            case bucket(Bucket)
            /// Its first characters: the upper levels of a code.
            case prefix(Int)
            /// The division of this level, by its own code of six digits.
            case level(Level)
        }

        public let form: Form
        public let field: String
        public let fieldType: FieldType

        /// The column's name: `region`, `month_observed_at`, `prefix_function_3`, `county_region`.
        public var name: String {
            switch form {
            case .value: field
            case .bucket(let bucket): "\(bucket.rawValue)_\(field)"
            case .prefix(let count): "prefix_\(field)_\(count)"
            case .level(let level): "\(level.rawValue)_\(field)"
            }
        }

        /// The type of the column.
        public var type: FieldType {
            switch form {
            case .value: fieldType
            case .bucket(.hour): .datetime
            case .bucket(.day): .date
            case .bucket: .period
            case .prefix: .text
            case .level: .code
            }
        }
    }

    /// One thing that is computed of each group.
    public struct Measure: Sendable, Hashable {
        public enum Function: Sendable, Hashable {
            case count, countDistinct, sum, average, minimum, maximum
            /// The smallest value that at least this many hundredths of the values do not exceed (nearest rank): always one that occurs.
            case percentile(Int)
        }

        public let function: Function
        /// Nil for `count(*)` alone.
        public let field: String?
        public let fieldType: FieldType

        /// The column's name: `count`, `sum_amount`, `p95_value`.
        public var name: String {
            let word =
                switch function {
                case .count: "count"
                case .countDistinct: "count_distinct"
                case .sum: "sum"
                case .average: "avg"
                case .minimum: "min"
                case .maximum: "max"
                case .percentile(let hundredths): "p\(hundredths)"
                }
            return field.map { "\(word)_\($0)" } ?? word
        }

        /// The type of the column.
        public var type: FieldType {
            switch function {
            case .count, .countDistinct: .integer
            case .sum: .decimal(precision: 38, scale: scale)
            case .average: .decimal(precision: 38, scale: averageScale)
            case .minimum, .maximum, .percentile: fieldType
            }
        }

        private var scale: Int { if case .decimal(_, let scale) = fieldType { scale } else { 0 } }

        /// Digits after the point of an average: four more than the field has.
        public var averageScale: Int { scale + 4 }
    }

    /// What a column of the answer has to be for its group to be in it; a missing value meets none.
    public struct Condition: Sendable, Hashable {
        /// The place in ``select``.
        public let measure: Int
        public let comparison: Predicate.Comparison
        /// In the column's canonical spelling.
        public let value: String
    }

    /// One column of an order.
    public struct Sort: Sendable, Hashable {
        /// The place among the columns: ``groupBy``, then ``select``.
        public let column: Int
        public let descending: Bool

        public init(column: Int, descending: Bool) {
            self.column = column
            self.descending = descending
        }
    }

    /// Groups in one answer.
    public static let limits = 1...10_000
    public static let defaultLimit = 100
    /// Things to group by, things to compute, and conditions on them.
    public static let groupLimit = 8
    public static let selectLimit = 16
    public static let havingLimit = 16
    /// Characters of a code that may be grouped by.
    public static let prefixLengths = 1...64

    /// Nothing to group by makes one group of all rows.
    public internal(set) var groupBy: [Group] = []
    public internal(set) var select: [Measure] = []
    /// Which rows are looked at.
    public internal(set) var predicate: Predicate?
    /// All must hold.
    public internal(set) var having: [Condition] = []
    /// Missing values come last, whatever the direction. What it leaves undecided, the groups decide, in their order.
    public internal(set) var sort: [Sort] = []
    public internal(set) var limit = AggregateQuery.defaultLimit
    /// The version to read; nil for the current one.
    public internal(set) var version: Int?

    /// Names and types of the answer's columns.
    public var columns: [(name: String, type: FieldType)] { groupBy.map { ($0.name, $0.type) } + select.map { ($0.name, $0.type) } }
}
