internal import Crypto
internal import Foundation
public import Model

/// What a witness says of a head: at this time it was the largest of the log that the witness had seen, and it went on from all that it had seen before
/// (C2SP tlog-cosignature, version 1 with Ed25519).
public struct Cosignature: Sendable, Hashable {
    /// Of kind ``NoteVerifier/Kind/cosignature``.
    public let witness: NoteVerifier
    /// Whole seconds since 1970, by the witness's clock.
    public let time: Int64
    /// The line as it stands in the note.
    public let line: SignedNote.Signature

    /// ``time`` as the times of leaves are written; what lies behind the year 9999 is its end.
    public var instant: Timestamp { Timestamp(microseconds: min(time, 253_402_300_799) * 1_000_000) }
}

/// The structure `timestamped_signature`: eight bytes of time, the highest first, and 64 of signature.
struct TimedSignature {
    let time: Int64
    let signature: [UInt8]

    /// - Returns: nil where the bytes are not that many, or the time is above 2^63 - 1.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == 72, let time = Int64(exactly: bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) else { return nil }
        self.time = time
        signature = Array(bytes.dropFirst(8))
    }

    /// What is signed: two lines in front of the text of the checkpoint.
    static func message(_ text: String, time: Int64) -> [UInt8] { Array("cosignature/v1\ntime \(time)\n\(text)".utf8) }

    static func bytes(time: Int64, signature: some Sequence<UInt8>) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> $0) } + signature
    }
}

/// Who cosigns heads. Its key is a secret: the type has no description.
public struct Cosigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    public let verifier: NoteVerifier

    /// - Parameters:
    ///   - name: as ``NoteVerifier/admits(_:)`` says.
    ///   - seed: the private key of RFC 8032 section 5.1.5, 32 bytes. No log's, and no other witness's: what is signed names neither.
    /// - Returns: nil where the name or the seed is not that.
    public init?(name: String, seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let verifier = NoteVerifier(name: name, publicKey: Array(key.publicKey.rawRepresentation), kind: .cosignature)
        else { return nil }
        self.key = key
        self.verifier = verifier
    }

    /// Signs the text of a checkpoint.
    ///
    /// - Parameters:
    ///   - text: of the whole note body, extension lines too; ends with a line end.
    ///   - time: whole seconds since 1970, above 0.
    /// - Throws: what the cryptography library throws; it has no reason to.
    public func cosign(_ text: String, at time: Int64) throws -> SignedNote.Signature {
        let signature = try key.signature(for: TimedSignature.message(text, time: time))
        return .init(name: verifier.name, identifier: verifier.identifier, signature: TimedSignature.bytes(time: time, signature: signature))
    }
}

extension SignedNote {
    /// What witnesses say of the note, each once: its newest valid line. A wrong line under a witness's name and identifier makes all of that witness's void.
    public func cosignatures(of witnesses: some Sequence<NoteVerifier>) -> [Cosignature] {
        witnesses.compactMap { witness in
            guard witness.kind == .cosignature, isSigned(by: witness) else { return nil }
            return signatures.filter { $0.name == witness.name && $0.identifier == witness.identifier }
                .compactMap { line in TimedSignature(line.signature).map { Cosignature(witness: witness, time: $0.time, line: line) } }
                .max { $0.time < $1.time }
        }
    }

    /// The same text with further signatures.
    public func adding(_ more: [Signature]) -> SignedNote { SignedNote(text: text, signatures: signatures + more.filter { !signatures.contains($0) }) }
}

extension SignedNote.Signature: CustomStringConvertible {
    /// The line as it stands in a note, without its line end.
    public var description: String { "\u{2014} \(name) \(Base64.encode(identifier + signature))" }

    /// Reads a line, without its line end.
    public init?(line: some StringProtocol) {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\u{2014}", NoteVerifier.admits(String(parts[1])), let value = Base64.decode(parts[2]), value.count > 4 else { return nil }
        self.init(name: String(parts[1]), identifier: Array(value.prefix(4)), signature: Array(value.dropFirst(4)))
    }
}

extension Cosigner {
    /// The line in which programs of this kind keep a private key: `PRIVATE+KEY+name+hash+base64`, with the identifier and type of a plain note key.
    ///
    /// - Returns: nil where name or seed are none.
    public static func keyText(name: String, seed: [UInt8]) -> String? {
        NoteSigner(name: name, seed: seed).map {
            "PRIVATE+KEY+\(name)+\(HexDigest.hexadecimal($0.verifier.identifier))+\(Base64.encode([NoteVerifier.Kind.note.rawValue] + seed))"
        }
    }

    /// Reads such a line.
    ///
    /// - Returns: nil where it is none, or its hash is another key's.
    public init?(keyText: String) {
        let parts = keyText.split(separator: "+", maxSplits: 4, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let bytes = Base64.decode(parts[4]), bytes.first == NoteVerifier.Kind.note.rawValue else { return nil }
        self.init(name: parts[2], seed: Array(bytes.dropFirst()))
        guard Self.keyText(name: parts[2], seed: Array(bytes.dropFirst())) == keyText else { return nil }
    }
}
