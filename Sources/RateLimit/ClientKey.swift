/// Whom a quota belongs to: a key, else an address.
public struct ClientKey: Sendable, Hashable {
    enum Kind: UInt8 { case key = 1, ipv4, ipv6 }

    let kind: Kind
    let value: UInt64

    /// What tells keys, IPv4 addresses and IPv6 networks apart, the same in every process.
    public var kindNumber: UInt8 { kind.rawValue }
    /// The client among those of its kind, the same in every process.
    public var number: UInt64 { value }

    /// A client known by its API key.
    /// - Parameter keyID: the public part of the key.
    public init(keyID: String) {
        kind = .key
        // FNV-1a (RFC 9923), the same in every process. Ids are drawn by the server: nobody can choose two that share a quota.
        value = keyID.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
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
