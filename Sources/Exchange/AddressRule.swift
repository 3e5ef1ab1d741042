public import RateLimit

/// Which addresses this program may connect to because somebody outside asks it to: those of the public Internet, and what the operator allows besides.
///
/// Held against the very address that is connected to, after its name was resolved: a name may lead anywhere, and elsewhere the next time.
public struct AddressRule: Sendable, Hashable {
    /// Ranges that are allowed although they are closed; plain HTTP is allowed to these alone.
    public let allowed: [IPNetwork]

    public init(allowing networks: [IPNetwork] = []) { allowed = networks }

    /// Whether it is in a range that the operator named.
    public func isNamed(_ address: IPAddress) -> Bool { allowed.contains { $0.contains(address) } }

    /// Whether it may be connected to.
    public func permits(_ address: IPAddress) -> Bool {
        if isNamed(address) { return true }
        switch address {
        case .v4: return !Self.closed.contains { $0.contains(address) }
        // Of IPv6 only what is globally routed: all else is loopback, link-local, unique local, multicast, a translation of IPv4 or nothing at all.
        case .v6: return Self.global.contains(address) && !Self.closed.contains { $0.contains(address) }
        }
    }

    private static let global = network("2000::/3")

    /// IANA's special-purpose registries (RFC 6890), multicast, and the host's own services of a cloud that have a public address.
    private static let closed = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
        // IETF protocols with Teredo, documentation, 6to4
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    ].map(network)

    private static func network(_ text: String) -> IPNetwork {
        guard let network = IPNetwork(text) else { preconditionFailure("\(text) is a range") }
        return network
    }
}
