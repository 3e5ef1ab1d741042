/// The head of a log at one size: what the log's key signs (C2SP tlog-checkpoint).
public struct Checkpoint: Sendable, Hashable {
    /// Names the log.
    public let origin: String
    /// The number of leaves.
    public let size: Int
    public let head: TreeHash

    public init(origin: String, size: Int, head: TreeHash) {
        self.origin = origin
        self.size = size
        self.head = head
    }

    /// Reads the text of a note. Lines behind the third are extensions and pass.
    public init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard text.hasSuffix("\n"), lines.count >= 3, !lines.contains(""), let size = Int(lines[1]), size >= 0, String(size) == lines[1], let head = TreeHash(base64: lines[2])
        else { return nil }
        self.init(origin: String(lines[0]), size: size, head: head)
    }

    /// Reads a signed checkpoint and believes it where the key signed it and the log is the key's.
    ///
    /// - Returns: nil where it is none, or not signed by this key, or of another log.
    public init?(_ note: SignedNote, signedBy verifier: NoteVerifier) {
        guard note.isSigned(by: verifier) else { return nil }
        self.init(text: note.text)
        guard origin == verifier.name else { return nil }
    }

    /// What is signed.
    public var text: String { "\(origin)\n\(size)\n\(head.base64)\n" }
}
