public import Crypto
public import Foundation

/// What of a request can be signed (RFC 9421 section 2).
public struct SignableRequest: Sendable {
    public var method: String
    /// Host and port as they were sent.
    public var authority: String
    /// Percent-encoded, as it was sent.
    public var path: String
    /// Without its question mark; nil where there is none.
    public var query: String?
    /// The scheme that its sender used; nil where that is not known, behind a proxy.
    public var scheme: String?
    /// Field values by lower-case name; several lines of one name joined by a comma and a space.
    public var fields: [String: String]

    public init(method: String, authority: String, path: String, query: String?, scheme: String? = nil, fields: [String: String]) {
        self.method = method
        self.authority = authority
        self.path = path
        self.query = query
        self.scheme = scheme
        self.fields = fields
    }

    /// The value of a covered component; nil where the message has none, or nobody here knows it.
    func value(of component: String) -> String? {
        switch component {
        case "@method": method
        case "@authority": normalAuthority
        case "@scheme": scheme
        case "@path": path.isEmpty ? "/" : path
        case "@query": "?" + (query ?? "")
        case "@request-target": (path.isEmpty ? "/" : path) + (query.map { "?" + $0 } ?? "")
        case "@target-uri": scheme.map { "\($0)://\(authority.lowercased())\(path.isEmpty ? "/" : path)\(query.map { "?" + $0 } ?? "")" }
        default: component.hasPrefix("@") ? nil : fields[component]?.trimmingCharacters(in: [" ", "\t"])
        }
    }

    /// Lower case, without the port that goes without saying (RFC 9421 section 2.2.3).
    private var normalAuthority: String {
        let lower = authority.lowercased()
        for (scheme, port) in [("http", ":80"), ("https", ":443")] where lower.hasSuffix(port) && (self.scheme == nil || self.scheme == scheme) {
            return String(lower.dropLast(port.count))
        }
        return lower
    }
}

/// A signature over parts of a request (RFC 9421): which parts, and when, by whom, with which nonce.
public struct MessageSignature: Sendable, Hashable {
    /// Names of the covered components, in their order.
    public let components: [String]
    /// `@signature-params` in its one spelling.
    public let input: String
    /// 64 bytes; empty before it is made.
    public internal(set) var signature: [UInt8]
    private let parameters: [StructuredMember.Parameter]

    /// Seconds since 1970.
    public var created: Int? { if case .integer(let value)? = self["created"] { value } else { nil } }
    public var expires: Int? { if case .integer(let value)? = self["expires"] { value } else { nil } }
    public var keyID: String? { text("keyid") }
    public var nonce: String? { text("nonce") }
    public var algorithm: String? { text("alg") }

    private subscript(name: String) -> StructuredItem? { parameters.last { $0.name == name }?.value }

    private func text(_ name: String) -> String? { if case .string(let value)? = self[name] { value } else { nil } }

    /// The label under which signatures of this program stand; another one's is taken where there is none of it.
    public static let label = "daylight"

    /// Begins a signature.
    ///
    /// - Parameters:
    ///   - created: seconds since 1970.
    ///   - nonce: says that no other request is meant: 16 to 64 characters.
    public init(covering components: [String], created: Int, keyID: String, nonce: String? = nil, algorithm: String? = nil) {
        var parameters: [StructuredMember.Parameter] = [.init(name: "created", value: .integer(created)), .init(name: "keyid", value: .string(keyID))]
        if let nonce { parameters.append(.init(name: "nonce", value: .string(nonce))) }
        if let algorithm { parameters.append(.init(name: "alg", value: .string(algorithm))) }
        self.init(components, parameters, signature: [])
    }

    private init(_ components: [String], _ parameters: [StructuredMember.Parameter], signature: [UInt8]) {
        self.components = components
        self.parameters = parameters
        self.signature = signature
        input = StructuredMember(value: .list(components.map { (.string($0), []) }), parameters: parameters).text
    }

    /// Why a signature could not be read: the field, and what is wrong with it.
    public enum Malformed: Error, Sendable, Hashable {
        case input
        case signature
        /// A component with parameters, or one twice.
        case component(String)
    }

    /// Reads the fields `Signature-Input` and `Signature`.
    ///
    /// - Throws: ``Malformed``.
    public init(input: String, signature: String) throws(Malformed) {
        guard let inputs = StructuredDictionary(input), let label = (inputs.members.first { $0.name == Self.label } ?? inputs.members.first)?.name,
            let member = inputs[label], case .list(let items) = member.value
        else { throw .input }
        var components: [String] = []
        for (item, parameters) in items {
            guard case .string(let name) = item else { throw .input }
            guard parameters.isEmpty, !components.contains(name), name == name.lowercased() else { throw .component(name) }
            components.append(name)
        }
        guard let signatures = StructuredDictionary(signature), case .item(.bytes(let bytes))? = signatures[label]?.value, bytes.count == 64 else { throw .signature }
        self.init(components, member.parameters, signature: bytes)
    }

    /// What is signed (RFC 9421 section 2.5).
    ///
    /// - Throws: ``Malformed`` naming a component that the request has not.
    public func base(of request: SignableRequest) throws(Malformed) -> String {
        var lines: [String] = []
        for name in components {
            guard let value = request.value(of: name), !value.contains(where: \.isNewline) else { throw .component(name) }
            lines.append("\"\(name)\": \(value)")
        }
        return (lines + ["\"@signature-params\": \(input)"]).joined(separator: "\n")
    }

    /// Signs a request.
    ///
    /// - Returns: the fields `Signature-Input` and `Signature`.
    /// - Throws: ``Malformed``, or what the cryptography library throws.
    public func signed(_ request: SignableRequest, with key: Curve25519.Signing.PrivateKey) throws -> (input: String, signature: String) {
        let signature = try key.signature(for: Data(try base(of: request).utf8))
        return ("\(Self.label)=\(input)", "\(Self.label)=\(StructuredItem.bytes(Array(signature)).text)")
    }

    /// Whether the signature is this key's over the request.
    public func isValid(for request: SignableRequest, by key: Curve25519.Signing.PublicKey) -> Bool {
        guard let base = try? base(of: request) else { return false }
        return key.isValidSignature(signature, for: Data(base.utf8))
    }
}

/// The field `Content-Digest` (RFC 9530 section 2).
public enum ContentDigest {
    /// The field for a body, with SHA-256.
    public static func field(of body: some DataProtocol) -> String { "sha-256=\(StructuredItem.bytes(Array(SHA256.hash(data: body))).text)" }

    /// Whether a field names at least one digest that is known here, and each that is known is the body's. Nil where the field cannot be read or has none of them.
    public static func matches(_ field: String, _ body: some DataProtocol) -> Bool? {
        guard let digests = StructuredDictionary(field) else { return nil }
        var known: [Bool] = []
        for (name, member) in digests.members {
            guard case .item(.bytes(let bytes)) = member.value else { return nil }
            switch name {
            case "sha-256": known.append(bytes == Array(SHA256.hash(data: body)))
            case "sha-512": known.append(bytes == Array(SHA512.hash(data: body)))
            default: break
            }
        }
        return known.isEmpty ? nil : known.allSatisfy(\.self)
    }
}
