/// A key as the caller shows it: `dk_<prefix>_<secret>`.
struct Credential: Sendable {
    /// The whole key.
    let text: String
    /// Its public part.
    let prefix: String

    /// - Parameter text: the key; nil when it is not of that form.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "dk", (1...64).contains(parts[1].utf8.count), (8...256).contains(parts[2].utf8.count) else { return nil }
        self.text = String(text)
        prefix = String(parts[1])
    }
}
