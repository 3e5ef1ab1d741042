internal import Crypto
internal import Foundation

/// Seals bytes to one recipient in the format of age v1 (https://c2sp.org/age), so that its receiver can open them with any program that knows it.
///
/// The same seed, recipient and bytes give the same file: a file that one server made can be made again by another one, and a download goes on there. A seed must
/// therefore never be used for other bytes that anybody gets to see.
struct AgeSealer {
    static let chunk = 64 * 1024

    private let key: SymmetricKey
    private var counter: UInt64 = 0
    private var pending: [UInt8] = []
    /// What the file begins with.
    let header: [UInt8]

    /// - Parameters:
    ///   - recipient: an X25519 public key.
    ///   - seed: 32 random bytes.
    /// - Throws: where the recipient is no key that anybody can have.
    init(to recipient: AgeKey, seed: [UInt8]) throws {
        let fileKey = Age.derive(seed, info: "file key", count: 16), nonce = Age.derive(seed, info: "nonce", count: 16)
        let ephemeral = try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: Age.derive(seed, info: "ephemeral", count: 32))
        let share = Array(ephemeral.publicKey.rawRepresentation)
        let secret = try ephemeral.sharedSecretFromKeyAgreement(with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: recipient.bytes))
        let wrapped = try ChaChaPoly.seal(fileKey, using: try Age.wrapKey(secret, share: share, recipient: recipient.bytes), nonce: ChaChaPoly.Nonce(data: [UInt8](repeating: 0, count: 12)))
        let head = Array("\(Age.intro)\n-> X25519 \(Age.base64(share))\n\(Age.base64(Array(wrapped.ciphertext + wrapped.tag)))\n---".utf8)
        header = head + Array(" \(Age.base64(Age.mac(head, fileKey)))\n".utf8) + nonce
        key = Age.payloadKey(fileKey, nonce)
    }

    /// Takes bytes in; gives what they become as far as that is known.
    mutating func add(_ bytes: some Collection<UInt8>) throws -> [UInt8] {
        pending.append(contentsOf: bytes)
        var sealed: [UInt8] = []
        // The last chunk is marked, so one is held back until more comes.
        while pending.count > Self.chunk {
            sealed += try seal(pending.prefix(Self.chunk), isLast: false)
            pending.removeFirst(Self.chunk)
        }
        return sealed
    }

    /// The end of the file.
    mutating func finish() throws -> [UInt8] {
        defer { pending = [] }
        return try seal(pending[...], isLast: true)
    }

    private mutating func seal(_ bytes: ArraySlice<UInt8>, isLast: Bool) throws -> [UInt8] {
        let box = try ChaChaPoly.seal(bytes, using: key, nonce: Age.nonce(counter, isLast: isLast))
        counter += 1
        return Array(box.ciphertext + box.tag)
    }
}

/// What sealing and opening have in common.
enum Age {
    static let intro = "age-encryption.org/v1"

    static func derive(_ seed: [UInt8], info: String, count: Int) -> [UInt8] {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: seed), info: Array("daylight sealed file, \(info)".utf8), outputByteCount: count).withUnsafeBytes { Array($0) }
    }

    /// - Throws: where the secret is zero, as it is for keys of low order: everybody knows it then (RFC 7748 section 6.1).
    static func wrapKey(_ secret: SharedSecret, share: [UInt8], recipient: [UInt8]) throws -> SymmetricKey {
        guard secret.withUnsafeBytes({ $0.contains { $0 != 0 } }) else { throw CryptoKitError.incorrectParameterSize }
        return secret.hkdfDerivedSymmetricKey(using: SHA256.self, salt: share + recipient, sharedInfo: Array("age-encryption.org/v1/X25519".utf8), outputByteCount: 32)
    }

    static func payloadKey(_ fileKey: [UInt8], _ nonce: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: fileKey), salt: nonce, info: Array("payload".utf8), outputByteCount: 32)
    }

    static func mac(_ head: [UInt8], _ fileKey: [UInt8]) -> [UInt8] {
        let key = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: fileKey), info: Array("header".utf8), outputByteCount: 32)
        return Array(HMAC<SHA256>.authenticationCode(for: head, using: key))
    }

    /// Eleven bytes of the counter, then whether it is the last one (STREAM).
    static func nonce(_ counter: UInt64, isLast: Bool) throws -> ChaChaPoly.Nonce {
        let places = (0..<8).map { UInt8(truncatingIfNeeded: counter >> UInt64(8 * (7 - $0))) }
        return try ChaChaPoly.Nonce(data: [0, 0, 0] + places + [isLast ? 1 : 0])
    }

    /// Without padding.
    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString().filter { $0 != "=" } }

    static func bytes(_ base64: some StringProtocol) -> [UInt8]? {
        guard !base64.contains("=") else { return nil }
        return Data(base64Encoded: base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)).map { Array($0) }
    }
}
