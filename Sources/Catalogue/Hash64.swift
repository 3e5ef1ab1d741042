internal import Model
internal import Store

/// FNV-1a, 64 bits: the same on every node and in every run, unlike Swift's own hashes. For validators, not for secrets.
struct Hash64 {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ text: String) {
        for byte in text.utf8 { add(byte) }
        add(0xFF as UInt8)
    }

    mutating func add(_ number: UInt64) {
        for place in 0..<8 { add(UInt8(truncatingIfNeeded: number >> UInt64(place * 8))) }
    }

    private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
}

extension ReleasedVersion {
    /// A strong validator for one question about this version. A withdrawal of rows changes what a version gives, and so its validators.
    func entityTag(_ question: UInt64) -> String {
        let withdrawn = withdrawal.map { "w\($0.withdrawnAt.microseconds)" } ?? ""
        return "v\(number)-\(digest.prefix(12))\(withdrawn)-\(String(question, radix: 36))"
    }
}
