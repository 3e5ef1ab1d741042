/// An error that is meant for the caller: a code, what is wrong in this case, and where.
///
/// Any room below the API throws it; the API renders it as RFC 9457 `application/problem+json`. It never holds anything internal.
public struct Problem: Error, Sendable, Hashable {
    /// One wrong place in what the caller sent.
    public struct Place: Sendable, Hashable, Codable {
        /// Where: a JSON pointer (RFC 6901), a query parameter's or header's name, `line:field`, or `filter:` and the number of a character.
        public var place: String
        public var message: LocalizedText

        public init(_ place: String, zh: String, en: String) {
            self.place = place
            message = LocalizedText(zh: zh, en: en)
        }
    }

    /// What a problem document may say besides what RFC 9457 names.
    public enum Member: String, Sendable, CaseIterable {
        case missingScope = "missing_scope"
        case currentVersion = "current_version"
        case violatedPolicies = "violated-policies"
        case limit
        case estimatedCost = "estimated_cost"
        case costLimit = "cost_limit"
        case legalBasis = "legal_basis"
        case withdrawnAt = "withdrawn_at"
        case reasonCode = "reason_code"
        case reason, push, state, counts, findings, links, home
    }

    public var code: ProblemCode
    /// What is wrong here and how to mend it.
    public var detail: LocalizedText
    public var places: [Place]
    /// Further members of the problem document, as JSON text: identifiers and counts.
    public var members: [Member: String]
    /// Seconds after which a retry makes sense.
    public var retryAfter: Int?

    public init(_ code: ProblemCode, zh: String, en: String, places: [Place] = [], members: [Member: String] = [:], retryAfter: Int? = nil) {
        self.code = code
        detail = LocalizedText(zh: zh, en: en)
        self.places = places
        self.members = members
        self.retryAfter = retryAfter
    }
}
