/// A range of addresses in CIDR notation (RFC 4632, RFC 4291).
public struct IPNetwork: Sendable, Hashable {
    /// Any address of the range.
    public let address: IPAddress
    /// Leading bits that all addresses of the range share.
    public let prefixLength: Int

    /// Reads `192.0.2.0/24`, `2001:db8::/32` or a single address; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let address = IPAddress(first) else { return nil }
        let width = if case .v4 = address { 32 } else { 128 }
        guard let length = parts.count == 2 ? Int(parts[1]) : width, (0...width).contains(length) else { return nil }
        self.address = address
        prefixLength = length
    }

    /// Whether an address lies in the range.
    public func contains(_ other: IPAddress) -> Bool {
        switch (address, other) {
        case (.v4(let mine), .v4(let theirs)):
            return prefixLength == 0 || (mine ^ theirs) >> UInt32(32 - prefixLength) == 0
        case (.v6(let high, let low), .v6(let otherHigh, let otherLow)):
            if prefixLength == 0 { return true }
            if prefixLength <= 64 { return (high ^ otherHigh) >> UInt64(64 - prefixLength) == 0 }
            return high == otherHigh && (low ^ otherLow) >> UInt64(128 - prefixLength) == 0
        default:
            return false
        }
    }
}
