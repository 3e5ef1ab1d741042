import Model

/// The choice between the two languages of messages (RFC 9110 section 12.5.4).
enum LanguagePreference {
    /// - Parameter field: value of `Accept-Language`.
    static func language(_ field: String?) -> Language {
        guard let field else { return .zh }
        var best: (language: Language, weight: Double)?
        for element in field.split(separator: ",") {
            let parts = element.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let range = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            let language: Language? =
                switch range.prefix(while: { $0 != "-" }) {
                case "zh": .zh
                case "en": .en
                default: nil
                }
            if let language, weight > 0, weight > best?.weight ?? 0 { best = (language, weight) }
        }
        return best?.language ?? .zh
    }
}
