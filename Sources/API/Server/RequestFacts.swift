import NIOHTTP1

/// What the server itself needs of a request's header fields, gathered in one pass.
struct RequestFacts: Equatable {
    private(set) var hosts = 0
    private(set) var requestID: String?
    private(set) var authorization: String?
    private(set) var apiKey: String?
    private(set) var acceptLanguage: String?
    private(set) var contentLength: Int?
    private(set) var hasBody = false
    private(set) var expectsContinue = false
    /// Whether it would go on in another protocol.
    private(set) var asksForUpgrade = false
    private(set) var forwarded: [String] = []

    /// - Parameters:
    ///   - headers: the fields.
    ///   - forwardedField: lower-case name of the field in which trusted hops name the client; nil when there are none.
    init(_ headers: HTTPHeaders, forwardedField: String?) {
        for (name, value) in headers {
            switch name.utf8.count {
            case 4 where Self.equal(name, "host"):
                hosts += 1
            case 6 where Self.equal(name, "expect"):
                expectsContinue = Self.equal(value, "100-continue")
            case 7 where Self.equal(name, "upgrade"):
                asksForUpgrade = true
            case 9 where Self.equal(name, "x-api-key"):
                apiKey = value
            case 12 where Self.equal(name, "x-request-id"):
                requestID = Self.isSane(value) ? value : nil
            case 13 where Self.equal(name, "authorization"):
                authorization = value
            case 14 where Self.equal(name, "content-length"):
                contentLength = Int(value)
                hasBody = contentLength != 0
            case 15 where Self.equal(name, "accept-language"):
                acceptLanguage = value
            case 17 where Self.equal(name, "transfer-encoding"):
                hasBody = true
            default:
                break
            }
            if let forwardedField, name.utf8.count == forwardedField.utf8.count, Self.equal(name, forwardedField) { forwarded.append(value) }
        }
    }

    /// Of a request without a body, to one host.
    init(requestID: String?, acceptLanguage: String?, authorization: String?, apiKey: String?, forwarded: [String]) {
        hosts = 1
        self.requestID = requestID.flatMap { Self.isSane($0) ? $0 : nil }
        self.acceptLanguage = acceptLanguage
        self.authorization = authorization
        self.apiKey = apiKey
        self.forwarded = forwarded
    }

    /// Text of the key that was sent; an empty one when there is an `Authorization` that is no bearer token.
    var credentialText: Substring? {
        if let apiKey { return Substring(apiKey) }
        guard let authorization else { return nil }
        guard authorization.utf8.count > 7, Self.equal(String(authorization.prefix(7)), "bearer ") else { return "" }
        return authorization.dropFirst(7).drop { $0 == " " }
    }

    /// Whether two ASCII texts are the same but for case; the second in lower case.
    static func equal(_ text: String, _ lower: String) -> Bool {
        guard text.utf8.count == lower.utf8.count else { return false }
        return zip(text.utf8, lower.utf8).allSatisfy { a, b in (a >= 0x41 && a <= 0x5A ? a | 0x20 : a) == b }
    }

    /// Whether a caller's request id can stand in a log line and a header as it is.
    private static func isSane(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"): true
                default: false
                }
            }
    }
}
