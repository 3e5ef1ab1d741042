/// What a witness does with a request for its signature, step by step as C2SP tlog-witness says (`add-checkpoint`). A value: it signs and keeps nothing.
public struct WitnessRules: Sendable {
    /// What becomes of a request.
    public enum Verdict: Sendable, Hashable {
        /// The head goes on from what was seen before: it is to be kept, then signed.
        case cosign(Checkpoint, SignedNote)
        /// No request, or one from a larger log to a smaller one.
        case malformed(String)
        /// A log that this witness does not watch.
        case unknownLog
        /// None of the log's keys has signed, or one is wrong.
        case unsigned
        /// The request goes on from another size than the witness's.
        case otherSize(Int)
        /// The same size with another head: two signed heads contradict each other.
        case otherHead(Checkpoint)
        /// What was said to lead from the witness's head to the new one does not.
        case inconsistent(Checkpoint)
    }

    /// The keys that are trusted for each log, by its origin.
    public let logs: [String: [NoteVerifier]]

    public init(logs: [String: [NoteVerifier]]) { self.logs = logs }

    /// - Parameters:
    ///   - request: the body as it came.
    ///   - head: the last head that was signed of a log; nil where none was.
    public func judge(_ request: String, head: (_ origin: String) -> Checkpoint?) -> Verdict {
        guard let proof = ConsistencyProof(request) else { return .malformed("the body is not an old size, a consistency proof and a checkpoint") }
        // The text is looked at before it is believed, to learn whose key to believe it from.
        guard let new = Checkpoint(text: proof.checkpoint.text) else { return .malformed("the note is no checkpoint") }
        guard let keys = logs[new.origin] else { return .unknownLog }
        guard isSigned(proof.checkpoint, by: keys) else { return .unsigned }
        guard proof.oldSize <= new.size else { return .malformed("the old size is larger than the checkpoint's") }
        let old = head(new.origin) ?? Checkpoint(origin: new.origin, size: 0, head: .empty)
        guard proof.oldSize == old.size else { return .otherSize(old.size) }
        if old.size == new.size {
            guard proof.path.isEmpty else { return .inconsistent(new) }
            guard old.head == new.head else { return .otherHead(new) }
        }
        guard ProofCheck.isConsistent(from: (old.size, old.head), to: (new.size, new.head), proof: proof.path) else { return .inconsistent(new) }
        return .cosign(new, proof.checkpoint)
    }

    /// Whether one of the keys has signed and no line under the name and identifier of any is wrong.
    public func isSigned(_ note: SignedNote, by keys: [NoteVerifier]) -> Bool {
        var found = false
        for key in keys where note.signatures.contains(where: { $0.name == key.name && $0.identifier == key.identifier }) {
            guard note.isSigned(by: key) else { return false }
            found = true
        }
        return found
    }
}
