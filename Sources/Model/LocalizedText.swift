/// A text in Chinese and, where there is one, in English.
public struct LocalizedText: Sendable, Hashable, Codable {
    public var zh: String
    public var en: String?

    /// - Parameters:
    ///   - zh: the Chinese text; the authoritative one.
    ///   - en: the English text, or nil where the publisher gave none.
    public init(zh: String, en: String? = nil) {
        self.zh = zh
        self.en = en
    }

    /// The text in the asked language, falling back to Chinese.
    public func text(in language: Language) -> String {
        language == .en ? (en ?? zh) : zh
    }
}

/// The two languages that messages exist in.
public enum Language: String, Sendable, Codable, CaseIterable {
    case zh, en
}
