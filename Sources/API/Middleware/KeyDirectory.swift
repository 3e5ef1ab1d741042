import Crypto
import Model
import RateLimit
import Synchronization

/// Says whose key a credential is, and remembers for a few seconds what the database said.
///
/// Known and unknown prefixes are remembered apart, so that guessing cannot push out the keys that are in use.
final class KeyDirectory: Sendable {
    private static let lifetime: Int64 = 5_000_000_000
    private static let capacity = 4096

    private struct Entry {
        let key: AccessKey?
        let freshUntil: Int64
    }

    private let lookup: API.KeyLookup
    private let known = Mutex<[String: Entry]>([:])
    private let unknown = Mutex<[String: Entry]>([:])

    init(lookup: @escaping API.KeyLookup) {
        self.lookup = lookup
    }

    /// The record for a prefix, when it is remembered: nil means ask, `.some(nil)` means that there is none.
    func remembered(_ prefix: String, at now: Int64) -> AccessKey?? {
        if let entry = known.withLock({ $0[prefix] }), entry.freshUntil > now { return .some(entry.key) }
        if let entry = unknown.withLock({ $0[prefix] }), entry.freshUntil > now { return .some(nil) }
        return nil
    }

    /// Until when it counts that somebody is who he was found to be.
    ///
    /// - Returns: monotonic nanoseconds, `.max` for a stranger; nil where another thing is known of his key by now.
    func end(of identity: Identity) -> Int64? {
        guard case .key(let key) = identity else { return .max }
        guard let entry = known.withLock({ $0[key.prefix] }), entry.key == key else { return nil }
        let end = [key.expiresAt, key.revokedAt].compactMap { $0 }.min()
        return min(entry.freshUntil, end.map { WallClock.nanoseconds + max(0, $0.microseconds - Timestamp.now.microseconds) * 1000 } ?? .max)
    }

    /// Asks and remembers.
    func find(_ prefix: String, at now: Int64) async throws -> AccessKey? {
        let key = try await lookup(prefix)
        let entry = Entry(key: key, freshUntil: now + Self.lifetime)
        if key == nil {
            unknown.withLock { Self.store(entry, prefix, in: &$0, at: now) }
        } else {
            known.withLock { Self.store(entry, prefix, in: &$0, at: now) }
            unknown.withLock { _ = $0.removeValue(forKey: prefix) }
        }
        return key
    }

    private static func store(_ entry: Entry, _ prefix: String, in entries: inout [String: Entry], at now: Int64) {
        if entries.count >= capacity, entries[prefix] == nil {
            entries = entries.filter { $0.value.freshUntil > now }
            if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
        }
        entries[prefix] = entry
    }

    /// Holds a credential against its record.
    /// - Throws: `unauthenticated` for a wrong secret, a revoked or expired key; `forbidden` from a network that it is not for.
    static func check(_ credential: Credential, against key: AccessKey?, client: IPAddress, now: Timestamp) throws -> Identity {
        // The digest is made and compared in the same time whether or not there is such a key.
        guard isDigest(key?.hash ?? noHash, of: credential.text), let key else {
            throw Problem(.unauthenticated, zh: "密钥无效", en: "the key is not valid")
        }
        if key.revokedAt.map({ $0 <= now }) ?? false {
            throw Problem(.unauthenticated, zh: "密钥 \(key.prefix) 已吊销", en: "the key \(key.prefix) has been revoked")
        }
        if let end = key.expiresAt, end <= now {
            throw Problem(.unauthenticated, zh: "密钥 \(key.prefix) 已于 \(end) 过期", en: "the key \(key.prefix) expired at \(end)")
        }
        guard key.networks.isEmpty || key.networks.contains(where: { IPNetwork($0)?.contains(client) ?? false }) else {
            throw Problem(.forbidden, zh: "密钥 \(key.prefix) 不得从该网络地址使用", en: "the key \(key.prefix) may not be used from this network address")
        }
        return .key(key)
    }

    private static let noHash = String(repeating: "-", count: 64)

    /// Whether 64 hexadecimal digits are the SHA-256 of a text; takes as long for a wrong text as for the right one.
    private static func isDigest(_ digits: String, of text: String) -> Bool {
        var digits = digits
        return digits.withUTF8 { digits in
            guard digits.count == 64 else { return false }
            var difference: UInt8 = 0, place = 0
            for byte in SHA256.hash(data: Array(text.utf8)) {
                // Letters in either case: the bit that tells them apart is set in every figure.
                difference |= (digits[place] | 0x20) ^ figure(byte >> 4)
                difference |= (digits[place + 1] | 0x20) ^ figure(byte & 15)
                place += 2
            }
            return difference == 0
        }
    }

    private static func figure(_ value: UInt8) -> UInt8 { value < 10 ? value + 48 : value + 87 }
}
