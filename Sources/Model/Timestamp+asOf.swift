extension Timestamp {
    /// The parameter that names a version by an instant at which it was the current one.
    public static let asOfName = "as_of"

    /// The instant that a question is about, where it names one.
    ///
    /// - Parameter parameters: names and values, decoded.
    /// - Returns: nil where there is no `as_of`.
    /// - Throws: a `Problem` (`invalidParameter`) where it is no RFC 3339 time with offset, stands there twice, or beside `version`.
    public static func asOf(in parameters: [(name: String, value: String)]) throws -> Timestamp? {
        let values = parameters.filter { $0.name == asOfName }.map(\.value)
        guard let text = values.first else { return nil }
        guard values.count == 1 else { throw invalidAsOf(zh: "只能给出一次", en: "may be given once only") }
        guard !parameters.contains(where: { $0.name == "version" }) else {
            throw invalidAsOf(zh: "不能与 version 同时使用", en: "cannot stand beside version; each names a version")
        }
        // A '+' that was not percent-encoded arrives as a space.
        let offset = text.utf8.count > 19 ? text.lastIndex(of: " ").map { text[..<$0] + "+" + text[text.index(after: $0)...] } : nil
        guard let instant = Timestamp(text) ?? offset.flatMap({ Timestamp(String($0)) }) else {
            throw invalidAsOf(
                zh: "应为带时差的 RFC 3339 时间，如 2026-03-01T00:00:00%2B08:00", en: "expected an RFC 3339 time with offset such as 2026-03-01T00:00:00%2B08:00")
        }
        return instant
    }

    private static func invalidAsOf(zh: String, en: String) -> Problem {
        Problem(.invalidParameter, zh: "参数 \(asOfName)：\(zh)", en: "parameter \(asOfName): \(en)", places: [.init(asOfName, zh: zh, en: en)])
    }
}
