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
    /// A strong validator for one question about this version.
    func entityTag(_ question: UInt64) -> String { validator + String(question, radix: 36) }
}
