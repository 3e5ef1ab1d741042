import Foundation
public import HTTPTypes
public import Hummingbird
import Model
import NIOCore

extension Response {
    /// A JSON answer by Model's encoder.
    public static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws -> Response {
        let data = try JSON.encoder().encode(value)
        return .json(text: ByteBuffer(bytes: data), status: status, headers: headers)
    }

    /// A JSON answer whose text is there already.
    public static func json(text: ByteBuffer, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(status: status, headers: headers, body: .init(byteBuffer: text))
    }

    /// 304 with the validator and what else the full answer would say about caching (RFC 9110 section 15.4.5).
    public static func notModified(_ tag: EntityTag, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.eTag] = tag.field
        headers[.contentType] = nil
        return Response(status: .notModified, headers: headers)
    }
}

/// A list as every list leaves Daylight: `data`, `meta`, `links`.
public struct Page<Item: Encodable & Sendable, Meta: Encodable & Sendable>: Encodable, Sendable {
    public var data: [Item]
    public var meta: Meta
    public var links: PageLinks

    public init(data: [Item], meta: Meta, links: PageLinks) {
        self.data = data
        self.meta = meta
        self.links = links
    }
}

/// Where a page is and where the next one is, as references relative to the server.
public struct PageLinks: Encodable, Sendable, Hashable {
    /// This page.
    public var own: String
    /// The next page, absent on the last one.
    public var next: String?

    enum CodingKeys: String, CodingKey {
        case own = "self"
        case next
    }

    /// - Parameters:
    ///   - request: the request of this page.
    ///   - cursor: cursor of the next page, nil on the last one. It replaces a `cursor` in the query; all else is kept.
    public init(_ request: Request, next cursor: String?) {
        self.init(path: request.uri.path, query: request.uri.query, next: cursor)
    }

    init(path: String, query: String?, next cursor: String?) {
        own = query.map { $0.isEmpty ? path : "\(path)?\($0)" } ?? path
        guard let cursor else { return }
        var pairs = (query ?? "").split(separator: "&").filter { $0 != "cursor" && !$0.hasPrefix("cursor=") }.map(String.init)
        pairs.append("cursor=\(PercentCoding.encode(cursor))")
        next = "\(path)?\(pairs.joined(separator: "&"))"
    }

    /// Value of `Link` (RFC 8288), nil on the last page.
    public var field: String? {
        next.map { "<\($0)>; rel=\"next\"" }
    }
}
