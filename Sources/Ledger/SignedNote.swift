/// A text with signatures (C2SP signed-note).
public struct SignedNote: Sendable, Hashable, CustomStringConvertible {
    /// One line of signature.
    public struct Signature: Sendable, Hashable {
        public let name: String
        /// Four bytes, see ``NoteVerifier/identifier``.
        public let identifier: [UInt8]
        public let signature: [UInt8]

        public init(name: String, identifier: [UInt8], signature: [UInt8]) {
            self.name = name
            self.identifier = identifier
            self.signature = signature
        }
    }

    /// What is signed: lines, each with its line end.
    public let text: String
    public let signatures: [Signature]

    /// - Parameter text: ends with a line end.
    public init(text: String, signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// The longest note that is read, in bytes.
    public static let longest = 1 << 20

    /// Reads a note. Nothing is believed by that.
    ///
    /// - Returns: nil where it is none: no empty line before the signatures, a control character, a line that is no signature.
    public init?(_ note: String) {
        guard note.utf8.count <= Self.longest, note.hasSuffix("\n"), !note.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" }) else { return nil }
        // The last empty line: the text may hold others.
        let bytes = Array(note.utf8)
        guard let end = bytes.indices.dropLast().last(where: { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }) else { return nil }
        text = String(decoding: bytes[...end], as: UTF8.self)
        var signatures: [Signature] = []
        for line in String(decoding: bytes[(end + 2)...], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard let signature = Signature(line: line) else { return nil }
            signatures.append(signature)
        }
        guard !signatures.isEmpty, signatures.count <= 100 else { return nil }
        self.signatures = signatures
    }

    /// The note as it is sent and stored.
    public var description: String {
        text + "\n" + signatures.map { "\($0)\n" }.joined()
    }

    /// Whether a key has signed the text. A wrong signature under the key's name and identifier makes the whole note wrong, whatever else it has.
    public func isSigned(by verifier: NoteVerifier) -> Bool {
        let own = signatures.filter { $0.name == verifier.name && $0.identifier == verifier.identifier }
        return !own.isEmpty && own.allSatisfy { verifier.accepts($0.signature, over: text) }
    }
}
