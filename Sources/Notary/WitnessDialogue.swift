public import Ledger
internal import Model

/// Whom the operator set to be asked for cosignatures, and where.
public struct WitnessAddress: Sendable, Hashable {
    /// Of kind ``NoteVerifier/Kind/cosignature``.
    public let verifier: NoteVerifier
    /// Submission prefix, without a slash at its end: `add-checkpoint` is below it.
    public let url: String

    public init(verifier: NoteVerifier, url: String) {
        self.verifier = verifier
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    /// Reads `verifier-key URL`.
    ///
    /// - Returns: nil where it is not that, or the key is none of a witness.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(whereSeparator: \.isWhitespace)
        guard parts.count == 2, let verifier = NoteVerifier(parts[0]), verifier.kind == .cosignature, parts[1].hasPrefix("https://") || parts[1].hasPrefix("http://") else { return nil }
        self.init(verifier: verifier, url: String(parts[1]))
    }
}

/// What a witness answered.
public struct WitnessReply: Sendable, Hashable {
    /// Status of HTTP.
    public let status: Int
    /// Media type without parameters, in lower case.
    public let contentType: String
    public let body: String
    /// Seconds, where it named some.
    public let retryAfter: Int?

    public init(status: Int, contentType: String, body: String, retryAfter: Int? = nil) {
        self.status = status
        self.contentType = contentType
        self.body = body
        self.retryAfter = retryAfter
    }
}

/// One head, one witness: what is asked, and what its answers come to (C2SP tlog-witness). A value: the caller sends.
struct WitnessDialogue {
    enum Outcome: Hashable {
        /// The witness has signed.
        case cosigned(Cosignature)
        /// It is at another size: it is to be asked once more, from there.
        case ask(from: Int)
        /// It has not signed.
        case failed(WitnessStanding.Reason)
    }

    let witness: NoteVerifier
    /// The head that it is asked to sign.
    let note: SignedNote
    let size: Int
    /// The size of the last head that it signed, as far as is known.
    private(set) var known: Int
    private var questions = 0

    init(witness: NoteVerifier, note: SignedNote, size: Int, known: Int) {
        self.witness = witness
        self.note = note
        self.size = size
        // What is remembered of it may be wrong; a proof from more to less there is none.
        self.known = min(known, size)
    }

    mutating func take(_ reply: WitnessReply) -> Outcome {
        questions += 1
        switch reply.status {
        case 200:
            // Lines that are none, or of keys that are not known, are passed over; one under the witness's own name has to hold.
            let lines = reply.body.split(separator: "\n").prefix(100).compactMap { SignedNote.Signature(line: $0) }
            guard let cosignature = SignedNote(text: note.text, signatures: lines).cosignatures(of: [witness]).first, cosignature.time > 0 else { return .failed(.invalidAnswer) }
            return .cosigned(cosignature)
        case 409 where reply.contentType == "text/x.tlog.size":
            guard reply.body.hasSuffix("\n"), let told = Int(reply.body.dropLast()), told >= 0, String(told) == reply.body.dropLast() else { return .failed(.invalidAnswer) }
            if told > size {
                known = told
                return .failed(.largerHead)
            }
            // It said that before: it goes in circles.
            guard told != known, questions < 4 else { return .failed(.invalidAnswer) }
            known = told
            return .ask(from: told)
        case 409: return .failed(.otherHead)
        case 422: return .failed(.inconsistent)
        case 404: return .failed(.unknownLog)
        case 403: return .failed(.unknownKey)
        case 429, 500...599: return .failed(.overloaded)
        default: return .failed(.invalidAnswer)
        }
    }
}
