import Catalogue
import Exchange
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

/// Where the next page of granted rows goes on: in which version, behind which key.
private struct GrantedCursor: Codable {
    var version: Int
    var after: [String]
}

extension API {
    func addShareGrantRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.get("/v1/exchange/grants", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "grants") }
            let page = try await sharing.grants(for: try context.member(), before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "grants") { TimeCursor(at: $0.grantedAt, id: $0.id) }
        }

        routes.get("/v1/exchange/grants/{grant}", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(try await sharing.grant(try context.path("grant"), for: try context.member()), headers: Self.unshared)
        }

        routes.get("/v1/exchange/grants/{grant}/rows", .query, cost: { _, query in
            (((try? QueryParameters(query: query).integer("limit", in: 1...10_000)) ?? 100) + 99) / 100
        }) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor", "version")
            let member = try context.member(), id = try context.path("grant")
            let limit = try query.integer("limit", in: 1...10_000) ?? 100
            let purpose = "rows of grant \(id)"
            let cursor = try query.value("cursor").map { try parts.seal.open(GrantedCursor.self, $0, for: purpose) }
            let version = try query.integer("version", in: 1...Int(Int32.max))
            if let cursor, let version, version != cursor.version {
                throw QueryParameters.invalid("version", zh: "与游标不符", en: "is not the cursor's")
            }
            let read = try await sharing.rows(
                by: id, for: member, purpose: try request.purpose(), version: version ?? cursor?.version, after: cursor?.after, limit: limit,
                call: context.requestID)
            context.exchange.audited?.rowCount = read.count
            let next = try read.next.map { try parts.seal.seal(GrantedCursor(version: read.version, after: $0), for: purpose) }
            var text = JSONText(capacity: 4096)
            text.raw("{\"data\":")
            read.writeJSON(into: &text.buffer)
            text.raw(",\"meta\":{\"limit\":\(limit),\"version\":\(read.version)},\"links\":")
            let links = PageLinks(request, next: next)
            text.raw(try JSON.encode(links))
            text.raw("}")
            var headers = Self.unshared
            headers[.link] = links.field
            headers.add(read.allowances)
            return .json(text: text.buffer, headers: headers)
        }

        routes.get("/v1/exchange/grants/{grant}/data.csv", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            let query = try QueryParameters(request)
            try query.only("version")
            let open = try await sharing.state(
                by: try context.path("grant"), for: try context.member(), purpose: try request.purpose(),
                version: try query.integer("version", in: 1...Int(Int32.max)), isProbe: context.exchange.method == "HEAD", call: context.requestID)
            context.exchange.audited?.delivery = open.delivery?.id
            return open.response()
        }

        routes.get("/v1/exchange/grants/{grant}/changes", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            let query = try QueryParameters(request)
            try query.only("since")
            let open = try await sharing.changes(
                by: try context.path("grant"), for: try context.member(), purpose: try request.purpose(),
                since: try query.integer("since", in: 0...Int(Int32.max)), isProbe: context.exchange.method == "HEAD", call: context.requestID)
            context.exchange.audited?.delivery = open.delivery?.id
            return open.response()
        }

        routes.get("/v1/exchange/grants/{grant}/deliveries", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("unreceipted", "limit", "cursor")
            let member = try context.member(), grant = try context.path("grant")
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "deliveries of \(grant)") }
            let page = try await sharing.deliveries(
                of: grant, for: member, unreceipted: try query.boolean("unreceipted") ?? false, before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "deliveries of \(grant)") { TimeCursor(at: $0.startedAt, id: $0.id) }
        }
    }
}

extension Request {
    /// What the caller says that it needs the data for; nil where it does not say.
    /// - Throws: `malformedRequest` where it is not percent-encoded UTF-8.
    func purpose() throws -> String? {
        guard let field = headers[.daylightPurpose] else { return nil }
        guard let text = PercentCoding.decode(field.utf8, plusIsSpace: false) else {
            throw Problem(
                .malformedRequest, zh: "Daylight-Purpose 不是有效的百分号编码 UTF-8", en: "Daylight-Purpose is not percent-encoded UTF-8",
                places: [.init("Daylight-Purpose", zh: "应为百分号编码的 UTF-8", en: "must be percent-encoded UTF-8")])
        }
        return text
    }
}

extension OpenDelivery {
    fileprivate func response() -> Response {
        var headers: HTTPFields = [.contentType: "text/csv; charset=utf-8; header=present", .cacheControl: "private, no-store"]
        headers[.daylightVersion] = String(toVersion)
        headers[.daylightSince] = String(fromVersion)
        headers[.daylightDelivery] = delivery?.id
        headers.add(allowances)
        headers[.contentDisposition] = Attachment.field(name: title.zh, fallback: dataset, suffix: ".csv")
        guard let bytes else { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers,
            body: ResponseBody { writer in
                for try await buffer in bytes { try await writer.write(buffer) }
                try await writer.finish(nil)
            })
    }
}

extension HTTPFields {
    /// Tells of a grant's own rate, beside the server's (draft-ietf-httpapi-ratelimit-headers-10).
    mutating func add(_ allowances: [ShareAllowance]) {
        for allowance in allowances {
            append(HTTPField(name: .rateLimitPolicy, value: "\"grant-\(allowance.unit.rawValue)\";q=\(allowance.quota);w=\(allowance.seconds)"))
            append(HTTPField(name: .rateLimit, value: "\"grant-\(allowance.unit.rawValue)\";r=\(allowance.remaining);t=\(allowance.reset)"))
        }
    }
}

extension HTTPField.Name {
    fileprivate static let rateLimitPolicy = Self("RateLimit-Policy")!
    fileprivate static let rateLimit = Self("RateLimit")!
    /// What granted data is read for.
    static let daylightPurpose = Self("Daylight-Purpose")!
    /// The delivery that an answer is: what a receipt names.
    static let daylightDelivery = Self("Daylight-Delivery")!
    /// The version since which changes are told; 0 for a whole state.
    static let daylightSince = Self("Daylight-Since")!
}
