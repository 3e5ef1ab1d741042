/// An IPv4 or IPv6 address as bits. IPv4 written inside IPv6 (`::ffff:192.0.2.1`) is IPv4.
public enum IPAddress: Sendable, Hashable {
    /// 32 bits in network order.
    case v4(UInt32)
    /// Network half and interface half.
    case v6(high: UInt64, low: UInt64)

    /// Reads the textual forms of RFC 4291 section 2.2 and dotted IPv4; nil for anything else, also for zones and ports.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let (high, low) = Self.groups(text) else { return nil }
            self.init(high: high, low: low)
        } else {
            guard let bits = Self.dotted(text) else { return nil }
            self = .v4(bits)
        }
    }

    /// From the 128 bits of an IPv6 address.
    public init(high: UInt64, low: UInt64) {
        self = high == 0 && low >> 32 == 0xffff ? .v4(UInt32(truncatingIfNeeded: low)) : .v6(high: high, low: low)
    }

    private static func dotted(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
            guard let byte = UInt8(part), part.utf8.count == 1 || part.utf8.first != 48 else { return nil }
            bits = bits << 8 | UInt32(byte)
        }
        return bits
    }

    private static func groups(_ text: some StringProtocol) -> (UInt64, UInt64)? {
        var head: [UInt16] = []
        var tail: [UInt16] = []
        var elided = false
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts.count <= 9 else { return nil }
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // A leading or trailing "::" makes two empty parts; any other empty part is the elision itself.
                let leading = index == 0 && parts[1].isEmpty
                let trailing = index == parts.count - 1 && parts[index - 1].isEmpty
                if leading || trailing { continue }
                guard !elided else { return nil }
                elided = true
                continue
            }
            var values: [UInt16] = []
            if index == parts.count - 1, part.utf8.contains(UInt8(ascii: ".")) {
                guard let bits = dotted(part) else { return nil }
                values = [UInt16(bits >> 16), UInt16(truncatingIfNeeded: bits)]
            } else {
                guard part.utf8.count <= 4, part.utf8.first != UInt8(ascii: "+"), let value = UInt16(part, radix: 16) else { return nil }
                values = [value]
            }
            if elided { tail += values } else { head += values }
        }
        let count = head.count + tail.count
        guard elided ? count <= 7 : count == 8 else { return nil }
        let all = head + [UInt16](repeating: 0, count: 8 - count) + tail
        let halves = [all[0..<4], all[4..<8]].map { $0.reduce(UInt64(0)) { $0 << 16 | UInt64($1) } }
        return (halves[0], halves[1])
    }
}

extension IPAddress: CustomStringConvertible {
    /// The address in text; IPv6 with all its groups, without elision.
    public var description: String {
        switch self {
        case .v4(let bits):
            return [24, 16, 8, 0].map { String(bits >> UInt32($0) & 255) }.joined(separator: ".")
        case .v6(let high, let low):
            return [high, low].flatMap { half in
                [48, 32, 16, 0].map { String(half >> UInt64($0) & 0xffff, radix: 16) }
            }.joined(separator: ":")
        }
    }
}
