/// How long rows of a domain may stay public, as a profile says it.
///
/// A `date` counts as the whole day in +08:00: rows are public from the beginning of ``from`` to the end of ``until``. A `datetime` counts as the instant.
public struct PublicityWindow: Sendable, Hashable, Codable {
    /// Values of a field that end a row's publicity at once, whatever its dates say.
    public struct Ending: Sendable, Hashable, Codable {
        public var field: String
        /// In canonical spelling.
        public var `in`: [String]
        /// What the tombstone says.
        public var reason: Withdrawal.ReasonCode

        public init(field: String, in values: [String], reason: Withdrawal.ReasonCode) {
            self.field = field
            self.in = values
            self.reason = reason
        }
    }

    /// The field from which rows may be public; nil where they may at once.
    public var from: String?
    /// The field after which rows must go; a row without a value may stay.
    public var until: String
    /// The rule, for example `信用修复管理办法`.
    public var source: String
    public var endsWhen: [Ending]?

    public init(from: String? = nil, until: String, source: String, endsWhen: [Ending]? = nil) {
        self.from = from
        self.until = until
        self.source = source
        self.endsWhen = endsWhen
    }
}
