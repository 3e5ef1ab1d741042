import Catalogue
import Exchange
import HTTPTypes
import Hummingbird
import Model
import RateLimit

extension API {
    /// What other nodes gave to departments of this one.
    func addReceivedGrantRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.get("/v1/exchange/received", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "received grants") }
            let page = try await sharing.received(for: try context.member(), before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "received grants") { TimeCursor(at: $0.addedAt, id: $0.id) }
        }

        routes.get("/v1/exchange/received/{grant}/data.csv", .download) { request, context in
            _ = try request.negotiate(["text/csv"])
            try QueryParameters(request).only()
            let open = try await sharing.receivedRows(
                by: try context.path("grant"), for: try context.member(), purpose: try request.purpose(), isProbe: context.exchange.method == "HEAD", call: context.requestID)
            var headers: HTTPFields = [.contentType: "text/csv; charset=utf-8; header=present", .cacheControl: "private, no-store"]
            headers[.daylightVersion] = String(open.version)
            headers[.contentDisposition] = Attachment.field(name: open.grant.title?.zh ?? open.grant.id, fallback: open.grant.dataset ?? open.grant.id, suffix: ".csv")
            guard let bytes = open.bytes else { return Response(status: .ok, headers: headers) }
            return Response(
                status: .ok, headers: headers,
                body: ResponseBody { writer in
                    for try await buffer in bytes { try await writer.write(buffer) }
                    try await writer.finish(nil)
                })
        }
    }
}
