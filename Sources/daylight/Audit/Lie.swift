import Model

/// Something that a server says or does and that its own signed log contradicts.
struct Lie: Error, Encodable {
    enum Kind: String, Encodable {
        /// The key is another one than the last time.
        case key
        /// A head that is not signed, or is smaller than one seen before.
        case head
        /// Two signed heads of one size that differ, or leaves read before that are others now.
        case rewritten
        /// A file of the log does not hash to what stands above it.
        case tile
        /// An entry that is no leaf.
        case leaf
        /// Two leaves for one thing.
        case twice
        /// A leaf that cannot follow on those before it.
        case sequence
        /// What the server says that a leaf stands for is not what the leaf has the digest of.
        case opening
        /// The leaf of a version does not name the digest of the one before.
        case chain
        /// A version that is public and has no leaf.
        case unrecorded
        /// A leaf whose version is gone, without a withdrawal.
        case vanished
        /// Something is withdrawn, and no leaf says so; or a leaf says so, and it is not.
        case withdrawal
        /// A version is shown otherwise than its leaf says.
        case version
        /// A description is another than its leaf says, or was changed and no leaf says so.
        case description
        /// A profile is another than its leaf says, or gone.
        case profile
        /// The bytes of a version are not those that were promised.
        case content
    }

    let kind: Kind
    let dataset: String?
    let version: Int?
    /// The place in the log of the leaf that is wrong, or that is contradicted.
    let leaf: Int?
    /// What the log says, and what was there instead.
    let promised: String
    let served: String
    let message: LocalizedText

    init(_ kind: Kind, dataset: String? = nil, version: Int? = nil, leaf: Int? = nil, promised: String, served: String, zh: String, en: String) {
        (self.kind, self.dataset, self.version, self.leaf, self.promised, self.served) = (kind, dataset, version, leaf, promised, served)
        message = LocalizedText(zh: zh, en: en)
    }

    func text(in language: Language) -> String {
        let place = [dataset, version.map(String.init)].compactMap { $0 }, entry = leaf.map(String.init)
        switch language {
        case .zh:
            let at = place.isEmpty ? "" : "（\(place.joined(separator: " 第 "))\(version == nil ? "" : " 版")）"
            return "不实\(at)：\(message.zh)\(entry.map { "\n  条目  \($0)" } ?? "")\n  承诺  \(promised)\n  实际  \(served)"
        case .en:
            let at = place.isEmpty ? "" : " (\(place.joined(separator: ", version ")))"
            return "A LIE\(at): \(message.text(in: .en))\(entry.map { "\n  leaf      \($0)" } ?? "")\n  promised  \(promised)\n  served    \(served)"
        }
    }
}
