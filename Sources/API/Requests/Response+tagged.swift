import Crypto
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore

extension Response {
    /// A JSON answer whose validator is made from its bytes; 304 where the client has them.
    ///
    /// - Parameter encoder: the house's, but for documents whose spelling somebody else has laid down.
    static func json(_ value: some Encodable, tagged request: Request, headers: HTTPFields = [:], encoder: JSONEncoder = JSON.encoder()) throws -> Response {
        .json(text: ByteBuffer(bytes: try encoder.encode(value)), tagged: request, headers: headers)
    }

    /// A JSON answer whose text is there already, with a validator made from its bytes.
    static func json(text: ByteBuffer, tagged request: Request, headers: HTTPFields = [:]) -> Response {
        let tag = EntityTag(hashing: text.readableBytesView)
        var headers = headers
        headers[.eTag] = tag.field
        if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
        return .json(text: text, headers: headers)
    }
}

extension EntityTag {
    /// A tag made from a representation's bytes.
    init(hashing bytes: some DataProtocol) {
        self.init(SHA256.hash(data: bytes).prefix(16).map { String(format: "%02x", $0) }.joined())
    }
}

extension Request {
    /// The whole body; its size is limited by the route.
    func bytes() async throws -> [UInt8] {
        Array(try await body.collect(upTo: .max).readableBytesView)
    }
}

extension AppContext {
    /// Who reads, as far as it matters for what is seen.
    var reader: Reader { Reader(key: identity.key) }

    /// What an answer that depends on the reader says about caching.
    var readHeaders: HTTPFields {
        [.cacheControl: identity.key == nil ? "public, no-cache" : "private, no-cache", .vary: "Authorization, X-API-Key"]
    }
}

extension HTTPField.Name {
    /// Where other pages are (RFC 8288).
    static let link = HTTPField.Name("Link")!
}
