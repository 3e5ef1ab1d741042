/// Which peers may say whom they speak for, and in which header field.
///
/// Only one field is read, the one that the proxy is known to write: the other would come from the client unchecked.
public struct TrustedHops: Sendable, Hashable {
    /// The field that the proxy writes.
    public enum Field: String, Sendable, CaseIterable {
        /// `X-Forwarded-For`.
        case xForwardedFor = "x-forwarded-for"
        /// `Forwarded` (RFC 7239).
        case forwarded = "forwarded"
    }

    /// Addresses of proxies that are believed.
    public let networks: [IPNetwork]
    /// The field that they write.
    public let field: Field

    /// - Parameters:
    ///   - networks: addresses of proxies; empty believes nobody.
    ///   - field: the field that they write.
    public init(networks: [IPNetwork] = [], field: Field = .xForwardedFor) {
        self.networks = networks
        self.field = field
    }

    /// Whether a peer may say whom it speaks for.
    public func trusts(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address) }
    }

    /// The client's address: the rightmost that is not a trusted hop.
    ///
    /// What cannot be read ends the walk: the last trusted hop then stands for the client, since anything further left
    /// was written by somebody unknown.
    /// - Parameters:
    ///   - peer: address of the connection.
    ///   - values: values of the field, in the order in which they came.
    public func client(peer: IPAddress, values: [String]) -> IPAddress {
        guard trusts(peer) else { return peer }
        var client = peer
        for value in values.reversed() {
            for element in value.split(separator: ",").reversed() {
                guard let address = address(in: element) else { return client }
                client = address
                if !trusts(address) { return client }
            }
        }
        return client
    }

    private func address(in element: Substring) -> IPAddress? {
        switch field {
        case .xForwardedFor:
            return Self.host(Self.trimmed(element))
        case .forwarded:
            for pair in element.split(separator: ";") {
                let sides = pair.split(separator: "=", maxSplits: 1)
                guard sides.count == 2, Self.trimmed(sides[0]).lowercased() == "for" else { continue }
                return Self.host(Self.trimmed(sides[1]))
            }
            return nil
        }
    }

    private static func host(_ text: Substring) -> IPAddress? {
        var text = text
        if text.hasPrefix("\""), text.hasSuffix("\""), text.utf8.count >= 2 { text = text.dropFirst().dropLast() }
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            return IPAddress(text[text.index(after: text.startIndex)..<end])
        }
        if let address = IPAddress(text) { return address }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        return IPAddress(text[..<colon])
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
