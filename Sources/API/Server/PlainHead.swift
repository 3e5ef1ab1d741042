import NIOCore
import NIOHTTP1

/// The head of a GET of the plainest kind, read in one pass over the bytes that came: nearly all that are sent look like this.
///
/// What is taken here means to every other reader of HTTP/1.1 the same: one request without a body, whole (RFC 9112 sections 2.2, 3 and 5); what follows begins another.
/// Whatever is not as plain as that (a space too many, a byte that is no visible ASCII, a field that changes how the connection goes on, a field twice) is left to the
/// decoder, which says what it is.
struct PlainHead {
    let uri: String
    let accept: String?
    /// Value of `If-None-Match`.
    let tags: String?
    let facts: RequestFacts
    /// The head as it came: in the place that the next read writes to.
    private(set) var bytes = ByteBuffer()
    private let length: Int

    /// Longest head that is read here, and most fields.
    private static let longest = 4096
    private static let mostFields = 64

    /// A field that has a meaning here.
    private enum Meaning {
        case nothing, host, accept, tags, language, requestID, authorization, apiKey, forwarded
        /// Left to the decoder.
        case another
    }

    /// - Parameters:
    ///   - bytes: what came, at the beginning of a request.
    ///   - limit: bytes that a head may have.
    ///   - forwardedField: lower-case name of the field in which trusted hops name the client; nil where there are none.
    init?(_ bytes: ByteBuffer, limit: Int, forwardedField: String?) {
        let longest = min(limit, Self.longest)
        guard let head = bytes.withUnsafeReadableBytes({ Self(UnsafeRawBufferPointer(rebasing: $0.prefix(longest)), forwardedField) }) else { return nil }
        self = head
        self.bytes = bytes.getSlice(at: bytes.readerIndex, length: length) ?? bytes
    }

    private init?(_ bytes: UnsafeRawBufferPointer, _ forwardedField: String?) {
        // GET /… HTTP/1.1
        guard bytes.count > 18, bytes.starts(with: "GET /".utf8) else { return nil }
        var place = 5
        while place < bytes.count, Self.isVisible(bytes[place]), bytes[place] != UInt8(ascii: "#") { place += 1 }
        let version = place
        guard bytes.count - version > 11, bytes[version..<version + 11].elementsEqual(" HTTP/1.1\r\n".utf8) else { return nil }
        place = version + 11
        var values: (accept: Range<Int>?, tags: Range<Int>?, language: Range<Int>?, requestID: Range<Int>?, authorization: Range<Int>?, apiKey: Range<Int>?, forwarded: Range<Int>?)
        var hosts = 0, fields = 0
        while true {
            guard place + 2 <= bytes.count else { return nil }
            if bytes[place] == 0x0D {
                guard bytes[place + 1] == 0x0A, hosts == 1 else { return nil }
                break
            }
            guard fields < Self.mostFields, let (name, value, next) = Self.field(bytes, at: place) else { return nil }
            fields += 1
            place = next
            switch Self.meaning(UnsafeRawBufferPointer(rebasing: bytes[name]), UnsafeRawBufferPointer(rebasing: bytes[value]), forwardedField) {
            case .nothing: break
            case .host: hosts += 1
            case .accept where values.accept == nil: values.accept = value
            case .tags where values.tags == nil: values.tags = value
            case .language where values.language == nil: values.language = value
            case .requestID where values.requestID == nil: values.requestID = value
            case .authorization where values.authorization == nil: values.authorization = value
            case .apiKey where values.apiKey == nil: values.apiKey = value
            case .forwarded where values.forwarded == nil: values.forwarded = value
            case .accept, .tags, .language, .requestID, .authorization, .apiKey, .forwarded, .another: return nil
            }
        }
        func text(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }
        length = place + 2
        uri = String(decoding: bytes[4..<version], as: UTF8.self)
        accept = text(values.accept)
        tags = text(values.tags)
        facts = RequestFacts(
            requestID: text(values.requestID), acceptLanguage: text(values.language), authorization: text(values.authorization), apiKey: text(values.apiKey),
            forwarded: text(values.forwarded).map { [$0] } ?? [])
    }

    /// The whole head, as the decoder gives it.
    ///
    /// - Parameter bytes: those that such a head was read from.
    static func decoded(_ bytes: ByteBuffer) -> HTTPRequestHead {
        bytes.withUnsafeReadableBytes { bytes in
            func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
            let target = 4..<(bytes[4...].firstIndex(of: 0x20) ?? bytes.count)
            var headers = HTTPHeaders()
            var place = target.upperBound + 11
            while let (name, value, next) = field(bytes, at: place) {
                headers.add(name: text(name), value: text(value))
                place = next
            }
            return HTTPRequestHead(version: .http1_1, method: .GET, uri: text(target), headers: headers)
        }
    }

    /// A field line: a name, a colon, at most one space, a value that neither begins nor ends with a blank.
    /// - Returns: where name and value stand, and where the next line begins.
    private static func field(_ bytes: UnsafeRawBufferPointer, at start: Int) -> (name: Range<Int>, value: Range<Int>, next: Int)? {
        var place = start
        while place < bytes.count, isNameByte(bytes[place]) { place += 1 }
        guard place > start, place + 1 < bytes.count, bytes[place] == UInt8(ascii: ":") else { return nil }
        let name = start..<place
        place += 1
        if bytes[place] == 0x20 { place += 1 }
        let first = place
        while place < bytes.count, isVisible(bytes[place]) || bytes[place] == 0x20 { place += 1 }
        guard place > first, bytes[first] != 0x20, bytes[place - 1] != 0x20, place + 1 < bytes.count, bytes[place] == 0x0D, bytes[place + 1] == 0x0A else { return nil }
        return (name, first..<place, place + 2)
    }

    private static func meaning(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, _ forwardedField: String?) -> Meaning {
        if let forwardedField, equal(name, forwardedField) { return .forwarded }
        return switch name.count {
        case 4 where equal(name, "host"): .host
        case 6 where equal(name, "accept"): .accept
        case 13 where equal(name, "if-none-match"): .tags
        case 15 where equal(name, "accept-language"): .language
        case 12 where equal(name, "x-request-id"): .requestID
        case 13 where equal(name, "authorization"): .authorization
        case 9 where equal(name, "x-api-key"): .apiKey
        case 10 where equal(name, "connection"): equal(value, "keep-alive") ? .nothing : .another
        // Bodies, and what changes how the connection goes on.
        case 6 where equal(name, "expect"), 7 where equal(name, "upgrade"), 7 where equal(name, "trailer"), 14 where equal(name, "content-length"),
            14 where equal(name, "http2-settings"), 16 where equal(name, "proxy-connection"), 17 where equal(name, "transfer-encoding"):
            .another
        default: .nothing
        }
    }

    private static func equal(_ bytes: UnsafeRawBufferPointer, _ lower: String) -> Bool {
        bytes.count == lower.utf8.count && zip(bytes, lower.utf8).allSatisfy { ($0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0) == $1 }
    }

    private static func isVisible(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    /// Letters, digits and hyphens: names with other characters are allowed, and are left to the decoder.
    private static func isNameByte(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return lower >= 0x61 && lower <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == UInt8(ascii: "-")
    }
}
