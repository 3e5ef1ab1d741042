public import Hummingbird
import Model

extension Request {
    /// Picks a media type by `Accept` (RFC 9110 section 12.5.1).
    /// - Parameter offered: what there is, best first; the first is the answer when the client does not care.
    /// - Throws: `notAcceptable` naming what there is.
    public func negotiate(_ offered: [String]) throws -> String {
        let fields = headers[values: .accept]
        guard let chosen = Negotiation.choose(offered, accept: fields) else {
            let names = offered.joined(separator: ", ")
            throw Problem(.notAcceptable, zh: "可提供的格式：\(names)", en: "available are: \(names)")
        }
        return chosen
    }
}

/// Proactive negotiation of media types.
enum Negotiation {
    /// The best liked of the offered types; earlier ones win among equals. Nil when none is acceptable.
    static func choose(_ offered: [String], accept fields: [String]) -> String? {
        guard !fields.isEmpty else { return offered.first }
        let ranges = fields.flatMap { $0.split(separator: ",") }.compactMap(range)
        var best: (type: String, weight: Double)?
        for type in offered {
            // The most specific range that matches decides, whatever its weight.
            let weight = ranges.filter { matches($0.type, type) }.max { $0.specificity < $1.specificity }?.weight ?? 0
            if weight > best?.weight ?? 0 { best = (type, weight) }
        }
        return best?.type
    }

    private static func range(_ text: Substring) -> (type: String, weight: Double, specificity: Int)? {
        let parts = text.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        guard let type = parts.first, !type.isEmpty else { return nil }
        let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
        return (type, weight, type == "*/*" ? 0 : type.hasSuffix("/*") ? 1 : 2)
    }

    private static func matches(_ range: String, _ type: String) -> Bool {
        if range == "*/*" || range == type { return true }
        return range.hasSuffix("/*") && type.hasPrefix(range.dropLast(1))
    }
}
