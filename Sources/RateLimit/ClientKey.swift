/// Whom a quota belongs to: a key, else an address.
public struct ClientKey: Sendable, Hashable {
    enum Kind: UInt8 { case key = 1, ipv4, ipv6 }

    let kind: Kind
    let value: UInt64

    /// A client known by its API key.
    /// - Parameter keyID: the public part of the key.
    public init(keyID: String) {
        kind = .key
        // Seeded per process: nobody can choose two ids that share a quota.
        var hasher = Hasher()
        hasher.combine(keyID)
        value = UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// A client known by its address only: IPv4 whole, IPv6 by its /64, which is what one subscriber is given (RFC 6177).
    public init(address: IPAddress) {
        switch address {
        case .v4(let bits):
            kind = .ipv4
            value = UInt64(bits)
        case .v6(let high, _):
            kind = .ipv6
            value = high
        }
    }
}
