/// The spellings of `filter=`: the two encodings of CQL2 (OGC 21-065r2), by the names that `filter-lang` gives them.
public enum FilterLanguage: String, Sendable, CaseIterable {
    case text = "cql2-text"
    case json = "cql2-json"

    /// How a day is written, to be shown in faults.
    var day: String {
        switch self {
        case .text: "DATE('YYYY-MM-DD')"
        case .json: #"{"date":"YYYY-MM-DD"}"#
        }
    }

    /// Reads a filter and holds it against what may be asked about.
    ///
    /// - Parameters:
    ///   - filter: the text, decoded.
    ///   - fields: what may be asked about.
    /// - Throws: the first thing that is wrong, with its place.
    public func predicate(_ filter: String, fields: QueryableFields) throws(FilterFault) -> Predicate {
        let most = Predicate.Limits.filterBytes
        guard filter.utf8.count <= most else {
            throw FilterFault(1, zh: "不得超过 \(most) 字节", en: "a filter has at most \(most) bytes")
        }
        let expression: FilterExpression
        switch self {
        case .text:
            var parser = FilterTextParser(filter)
            expression = try parser.parse()
        case .json: expression = try FilterJSONReader.read(filter)
        }
        var binder = FilterBinder(fields: fields, language: self)
        return try binder.predicate(expression)
    }
}

/// What is wrong in a filter, and where.
public struct FilterFault: Error, Sendable, Hashable {
    /// The character (Unicode code point), counted from 1; one past the last where something is missing at the end.
    public let place: Int
    /// `invalidFilter`, or `unknownField`.
    public let code: ProblemCode
    /// What was expected there.
    public let message: LocalizedText

    init(_ place: Int, _ code: ProblemCode = .invalidFilter, zh: String, en: String) {
        self.place = place
        self.code = code
        message = LocalizedText(zh: zh, en: en)
    }
}
