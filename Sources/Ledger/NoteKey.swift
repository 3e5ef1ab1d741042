internal import Crypto
internal import Foundation

/// Whom a note is believed from: a name and an Ed25519 key (C2SP signed-note).
public struct NoteVerifier: Sendable, Hashable, CustomStringConvertible {
    /// What the key signs, by its signature type in key identifiers (C2SP signed-note, signature types).
    public enum Kind: UInt8, Sendable, Hashable {
        /// The note's text itself.
        case note = 0x01
        /// A time and the text of a checkpoint: a witness's cosignature (C2SP tlog-cosignature).
        case cosignature = 0x04
    }

    /// Without spaces and plus signs.
    public let name: String
    /// 32 bytes (RFC 8032).
    public let publicKey: [UInt8]
    public let kind: Kind

    /// - Returns: nil where the name cannot stand in a note, or the key has not 32 bytes.
    public init?(name: String, publicKey: [UInt8], kind: Kind = .note) {
        guard Self.admits(name), publicKey.count == 32 else { return nil }
        self.name = name
        self.publicKey = publicKey
        self.kind = kind
    }

    /// Reads the form `name+hash+base64`.
    ///
    /// - Returns: nil where it is not that, the hash is not that of the key, or the key is of another kind.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let key = Base64.decode(parts[2]), let kind = key.first.flatMap(Kind.init(rawValue:)) else { return nil }
        self.init(name: String(parts[0]), publicKey: Array(key.dropFirst()), kind: kind)
        guard HexDigest.hexadecimal(identifier) == parts[1] else { return nil }
    }

    /// Four bytes that point out the key among a note's signatures: they identify, they do not prove.
    public var identifier: [UInt8] {
        Array(SHA256.hash(data: Array(name.utf8) + [0x0A, kind.rawValue] + publicKey).prefix(4))
    }

    /// The form `name+hash+base64`.
    public var description: String { "\(name)+\(HexDigest.hexadecimal(identifier))+\(Base64.encode([kind.rawValue] + publicKey))" }

    /// Whether a signature is this key's over a text.
    public func accepts(_ signature: [UInt8], over text: String) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        switch kind {
        case .note: return key.isValidSignature(signature, for: Array(text.utf8))
        case .cosignature:
            guard let stamped = TimedSignature(signature) else { return false }
            return key.isValidSignature(stamped.signature, for: TimedSignature.message(text, time: stamped.time))
        }
    }

    /// Whether a name can stand in a signature line: something, in no spaces, without a plus sign.
    public static func admits(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && !name.unicodeScalars.contains { $0 == "+" || $0.properties.isWhitespace || $0.value < 0x20 || $0.value == 0x7F }
    }
}

/// Who signs notes. Its key is a secret: the type has no description.
public struct NoteSigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    public let verifier: NoteVerifier

    /// - Parameters:
    ///   - name: as ``NoteVerifier/admits(_:)`` says.
    ///   - seed: the private key of RFC 8032 section 5.1.5, 32 bytes.
    /// - Returns: nil where the name or the seed is not that.
    public init?(name: String, seed: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed),
            let verifier = NoteVerifier(name: name, publicKey: Array(key.publicKey.rawRepresentation))
        else { return nil }
        self.key = key
        self.verifier = verifier
    }

    /// Signs a text.
    ///
    /// - Parameter text: ends with a line end.
    /// - Throws: what the cryptography library throws; it has no reason to.
    public func sign(_ text: String) throws -> SignedNote {
        let signature = try key.signature(for: Array(text.utf8))
        return SignedNote(text: text, signatures: [.init(name: verifier.name, identifier: verifier.identifier, signature: Array(signature))])
    }
}
