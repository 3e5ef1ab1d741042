import Crypto
import Foundation
import Model

/// A fresh access key: the text that its holder keeps, and the record without the secret that Daylight keeps.
struct NewKey: Sendable {
    /// `dk_<prefix>_<secret>`: shown once, never stored.
    let text: String
    let record: AccessKey

    /// - Parameters:
    ///   - department: on whose behalf the key acts; nil for a developer's.
    ///   - datasets: what it is limited to; nothing but its department where empty.
    ///   - networks: in CIDR notation; any where empty.
    init(
        label: String, department: String? = nil, scopes: [Scope], datasets: [String] = [], networks: [String] = [], tier: String, expiresAt: Timestamp? = nil
    ) {
        let prefix = Self.random(10)
        text = "dk_\(prefix)_\(Self.random(43))"
        let hash = SHA256.hash(data: Data(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        record = AccessKey(
            id: "", prefix: prefix, hash: hash, label: label, department: department, scopes: scopes, datasets: datasets, networks: networks, tier: tier,
            createdAt: .now, expiresAt: expiresAt, revokedAt: nil)
    }

    /// Characters of [a-z0-9], from the system's generator; 43 of them hold more than 220 bits.
    private static func random(_ count: Int) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        var generator = SystemRandomNumberGenerator()
        return String(decoding: (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }, as: UTF8.self)
    }
}
