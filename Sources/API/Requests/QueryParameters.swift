public import Hummingbird
public import Model

/// The query string's parameters, decoded, in the order in which they came.
public struct QueryParameters: Sendable {
    /// Names and values.
    public let all: [(name: String, value: String)]

    /// - Parameter query: the query string without its question mark, nil or empty for none. `+` is a space.
    /// - Throws: `malformedRequest` where it is not percent-encoded UTF-8.
    public init(query: (some StringProtocol)?) throws {
        var all: [(name: String, value: String)] = []
        if let query {
            for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
                let end = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
                let value = end == pair.endIndex ? pair[end...] : pair[pair.index(after: end)...]
                guard let name = PercentCoding.decode(pair[..<end], plusIsSpace: true), let value = PercentCoding.decode(value, plusIsSpace: true) else {
                    throw Problem(.malformedRequest, zh: "查询字符串不是有效的百分号编码 UTF-8", en: "the query string is not percent-encoded UTF-8")
                }
                all.append((name, value))
            }
        }
        self.all = all
    }

    /// The parameters of a request.
    public init(_ request: Request) throws {
        try self.init(query: request.uri.query)
    }

    /// Refuses every parameter but the named ones.
    /// - Throws: `unknownParameter` with a place for each that is not known, and the names that are.
    public func only(_ known: String...) throws {
        try only(where: { known.contains($0) }, known: { known })
    }

    /// Refuses parameters by a rule, for routes whose parameters depend on a dataset's fields.
    /// - Parameters:
    ///   - isKnown: whether a name is known.
    ///   - known: the names to suggest.
    public func only(where isKnown: (String) -> Bool, known: () -> [String]) throws {
        let unknown = all.filter { !isKnown($0.name) }
        guard !unknown.isEmpty else { return }
        let names = known().joined(separator: ", ")
        throw Problem(
            .unknownParameter,
            zh: "未知参数；可用参数：\(names.isEmpty ? "无" : names)",
            en: "unknown parameter; known are: \(names.isEmpty ? "none" : names)",
            places: unknown.prefix(20).map { Problem.Place($0.name, zh: "没有这个参数", en: "no such parameter") }
        )
    }

    /// A parameter's value, nil when it is not given.
    /// - Throws: `invalidParameter` when it is given twice.
    public func value(_ name: String) throws -> String? {
        let values = self.values(name)
        guard values.count <= 1 else { throw Self.invalid(name, zh: "只能给出一次", en: "may be given once only") }
        return values.first
    }

    /// All values of a parameter.
    public func values(_ name: String) -> [String] {
        all.filter { $0.name == name }.map(\.value)
    }

    /// A whole number in a range, nil when it is not given.
    public func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = try value(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Self.invalid(
                name,
                zh: "应为 \(range.lowerBound) 到 \(range.upperBound) 的整数",
                en: "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    /// `true` or `false`, nil when it is not given.
    public func boolean(_ name: String) throws -> Bool? {
        switch try value(name) {
        case nil: nil
        case "true": true
        case "false": false
        default: throw Self.invalid(name, zh: "应为 true 或 false", en: "must be true or false")
        }
    }

    /// One of a closed set of words, nil when it is not given.
    public func word<Word: RawRepresentable & CaseIterable>(_ name: String, as type: Word.Type) throws -> Word? where Word.RawValue == String {
        guard let text = try value(name) else { return nil }
        guard let word = Word(rawValue: text) else {
            let words = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.invalid(name, zh: "应为以下之一：\(words)", en: "must be one of: \(words)")
        }
        return word
    }

    /// The problem of one parameter.
    public static func invalid(_ name: String, zh: String, en: String) -> Problem {
        Problem(.invalidParameter, zh: "参数 \(name) \(zh)", en: "the parameter \(name) \(en)", places: [.init(name, zh: zh, en: en)])
    }
}
