/// A key as the caller shows it: `dk_<prefix>_<secret>`.
struct Credential: Sendable {
    /// The whole key.
    let text: String
    /// Its public part.
    let prefix: String

    /// - Parameter text: the key; nil when it is not of that form.
    init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "_"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].elementsEqual("dk".utf8), (1...64).contains(parts[1].count), (8...256).contains(parts[2].count) else { return nil }
        self.text = String(text)
        prefix = String(decoding: parts[1], as: UTF8.self)
    }
}
