/// A word of a closed list, in a document that somebody sends: who names another is told the list.
public protocol ListedWord: RawRepresentable<String>, CaseIterable, Codable {}

/// That a word is not in its list; the reason behind a `DecodingError`.
public struct UnlistedWord: Error, Sendable, Hashable {
    /// The words of the list, in its order.
    public let known: [String]
}

extension ListedWord {
    /// - Throws: `DecodingError.dataCorrupted` because of an ``UnlistedWord``.
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let word = Self(rawValue: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "no word of the list", underlyingError: UnlistedWord(known: Self.allCases.map(\.rawValue))))
        }
        self = word
    }
}
