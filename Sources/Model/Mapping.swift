/// How a department's own export becomes the dataset's fields: data, from a closed set of steps, applied in order.
public struct Mapping: Sendable, Hashable, Codable {
    /// The charset of the files, by IANA name; a push's own `Content-Type` charset wins. UTF-8 where neither says.
    public var charset: String?
    /// `,`, `;` or a tab; found out from the header where it is nil.
    public var delimiter: String?
    public var steps: [Step]
    /// What happens to columns that no step and no field names.
    public var unlisted: Unlisted
    /// Which fields say that two rows are the same one, and which of them stays. Exact repeats are always reported and loaded once.
    public var repeats: Repeats?

    public enum Unlisted: String, Sendable, Codable { case refuse, ignore }

    /// What is done with rows that share the key but differ.
    public struct Repeats: Sendable, Hashable, Codable {
        public enum Keep: String, Sendable, Codable {
            /// Each repeat is an error.
            case reject
            /// The first or the last in the file stays; the others are reported as warnings.
            case first, last
        }
        public var keep: Keep

        public init(keep: Keep) { self.keep = keep }
    }

    public init(charset: String? = nil, delimiter: String? = nil, steps: [Step], unlisted: Unlisted = .refuse, repeats: Repeats? = nil) {
        self.charset = charset
        self.delimiter = delimiter
        self.steps = steps
        self.unlisted = unlisted
        self.repeats = repeats
    }

    public init(from decoder: any Decoder) throws {
        let c = try decoder.container(keyedBy: CodingKeys.self)
        charset = try c.decodeIfPresent(String.self, forKey: .charset)
        delimiter = try c.decodeIfPresent(String.self, forKey: .delimiter)
        steps = try c.decodeIfPresent([Step].self, forKey: .steps) ?? []
        unlisted = try c.decodeIfPresent(Unlisted.self, forKey: .unlisted) ?? .refuse
        repeats = try c.decodeIfPresent(Repeats.self, forKey: .repeats)
    }

    /// One step. `kind` says which of the parameters count; Profiles-independent, checked when the mapping is put.
    public struct Step: Sendable, Hashable, Codable {
        public enum Kind: String, Sendable, Codable, CaseIterable {
            /// Column `from` is field `to`.
            case rename
            /// Field `to` is always `value`.
            case constant
            /// Field `to` from the columns of `parts` (year, month, day, hour, minute, second), or from column `from` by `format`; parts that no column
            /// gives come from `defaults`. `offset` is the zone of a datetime. Without a format `from` is read like any time, and `offset` is for those
            /// that carry none.
            case composeDatetime = "compose_datetime"
            /// Each of `columns` that has a value becomes a row: its name in field `nameTo`, its value in field `valueTo`. A missing value gives no row.
            case unpivot
            /// The `tokens` mean missing, in `fields` or everywhere.
            case missing
            /// White space (and `prefix`, `suffix`) is taken off, in `fields` or everywhere.
            case strip
            /// Numbers are written with `thousands` and `decimal` marks; `unit` is taken off; `power` shifts the decimal point; `round` digits stay (half-even).
            case number
            /// `130631.0` becomes `130631`; `padTo` fills with leading zeros.
            case cleanCode = "clean_code"
            /// Values are exchanged by `values`.
            case translate
            /// The columns of `fields` are left out.
            case ignore
        }

        public var kind: Kind
        public var from: String?
        public var to: String?
        public var value: String?
        public var fields: [String]?
        public var parts: [String: String]?
        public var defaults: [String: Int]?
        /// `yyyy`, `M`/`MM`, `d`/`dd`, `H`/`HH`, `m`/`mm`, `s`/`ss` and literal characters.
        public var format: String?
        public var offset: String?
        public var columns: [String]?
        public var nameTo: String?
        public var valueTo: String?
        public var tokens: [String]?
        public var prefix: String?
        public var suffix: String?
        public var thousands: String?
        public var decimal: String?
        public var unit: String?
        public var power: Int?
        public var round: Int?
        public var padTo: Int?
        public var values: [String: String]?

        public init(kind: Kind) { self.kind = kind }
    }
}
