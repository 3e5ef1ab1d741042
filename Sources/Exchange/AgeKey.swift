internal import Crypto

/// Half of a pair of keys of [age](https://age-encryption.org/v1): X25519, 32 bytes, in text as Bech32 (BIP 173).
public struct AgeKey: Sendable, Hashable {
    public enum Kind: String, Sendable {
        /// What files are sealed to.
        case recipient = "age"
        /// What opens them: secret.
        case identity = "age-secret-key-"
    }

    public let kind: Kind
    public let bytes: [UInt8]

    /// - Parameter bytes: 32 of them.
    public init?(_ kind: Kind, _ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.kind = kind
        self.bytes = bytes
    }

    /// A new identity.
    public static func generate() -> AgeKey { AgeKey(kind: .identity, bytes: Array(Curve25519.KeyAgreement.PrivateKey().rawRepresentation)) }

    private init(kind: Kind, bytes: [UInt8]) {
        self.kind = kind
        self.bytes = bytes
    }

    /// The recipient that an identity opens for; nil for what is no identity.
    public var recipient: AgeKey? {
        guard kind == .identity, let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes) else { return nil }
        return AgeKey(.recipient, Array(key.publicKey.rawRepresentation))
    }

    /// Reads `age1…` or `AGE-SECRET-KEY-1…`; nil for anything else.
    public init?(_ text: String) {
        // In one case only (BIP 173).
        let lower = text.lowercased()
        guard text == lower || text == text.uppercased(), text.utf8.count < 100, let separator = lower.lastIndex(of: "1"), let kind = Kind(rawValue: String(lower[..<separator]))
        else { return nil }
        let values = lower[lower.index(after: separator)...].utf8.map { Self.alphabet.firstIndex(of: $0).map { UInt8($0) } ?? 255 }
        guard values.count > 6, !values.contains(255), Self.checksum(Self.expanded(kind.rawValue) + values) == 1, let bytes = Self.joined(values.dropLast(6)) else { return nil }
        self.init(kind, bytes)
    }

    /// The key in text, as age's own programs write it.
    public var text: String {
        let values = Self.split(bytes)
        let rest = Self.checksum(Self.expanded(kind.rawValue) + values + [0, 0, 0, 0, 0, 0]) ^ 1
        let sum = (0..<6).map { UInt8(rest >> UInt32(5 * (5 - $0)) & 31) }
        let text = kind.rawValue + "1" + String(decoding: (values + sum).map { Self.alphabet[Int($0)] }, as: UTF8.self)
        return kind == .identity ? text.uppercased() : text
    }

    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    private static func expanded(_ prefix: String) -> [UInt8] { prefix.utf8.map { $0 >> 5 } + [0] + prefix.utf8.map { $0 & 31 } }

    private static func checksum(_ values: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
        return values.reduce(1) { sum, value in
            let top = sum >> 25
            return generator.indices.reduce((sum & 0x1ff_ffff) << 5 ^ UInt32(value)) { $0 ^ (top >> UInt32($1) & 1 == 1 ? generator[$1] : 0) }
        }
    }

    /// Eight bits a piece to five.
    private static func split(_ bytes: [UInt8]) -> [UInt8] {
        var (values, pending, bits): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for byte in bytes {
            pending = pending << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                values.append(UInt8(pending >> bits & 31))
            }
        }
        if bits > 0 { values.append(UInt8(pending << (5 - bits) & 31)) }
        return values
    }

    /// Five bits a piece to eight; nil where what is left over is not padding.
    private static func joined(_ values: some Sequence<UInt8>) -> [UInt8]? {
        var (bytes, pending, bits): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for value in values {
            pending = (pending << 5 | UInt32(value)) & 0xfff
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(pending >> bits & 255))
            }
        }
        return bits < 5 && pending & ((1 << bits) - 1) == 0 ? bytes : nil
    }
}
