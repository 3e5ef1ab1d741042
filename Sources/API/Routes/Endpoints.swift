import Catalogue
import Exchange
import HTTPTypes
import Hummingbird
import Model
import RateLimit

/// Which messages are sent once more; all that were given up where they are not named.
private struct ReplayOrder: Decodable {
    var messages: [String]?
}

/// For how many hours the secret before signs too.
private struct RotationOrder: Decodable {
    var overlapHours: Int?
}

private struct ReplayResult: Encodable {
    var waiting: Int
}

extension API {
    func addEndpointRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.post("/v1/exchange/endpoints", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let made = try await sharing.addEndpoint(try await request.json(EndpointDraft.self, context), by: member)
            return try .endpoint(made, made.endpoint, status: .created)
        }

        routes.get("/v1/exchange/endpoints", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "endpoints") }
            let page = try await sharing.endpoints(for: try context.member(), after: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "endpoints") { TimeCursor(at: $0.createdAt, id: $0.id) }
        }

        routes.get("/v1/exchange/endpoints/{endpoint}", .read) { request, context in
            try QueryParameters(request).only()
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: try context.member())
            return try .endpoint(endpoint, endpoint)
        }

        routes.on(.patch, "/v1/exchange/endpoints/{endpoint}", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: member)
            try request.checkWrite(current: endpoint.tag)
            guard let changed = try await sharing.change(endpoint, by: try await request.json(EndpointChange.self, context), member: member) else { throw Self.changedMeanwhile }
            return try .endpoint(changed, changed)
        }

        routes.delete("/v1/exchange/endpoints/{endpoint}", .apply) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: member)
            try request.checkWrite(current: endpoint.tag)
            guard try await sharing.remove(endpoint, by: member) else { throw Self.changedMeanwhile }
            return Response(status: .noContent, headers: Self.unshared)
        }

        routes.post("/v1/exchange/endpoints/{endpoint}/secret", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: member)
            let order = try await request.json(RotationOrder.self, context)
            let made = try await sharing.rotateSecret(of: endpoint, overlap: order.overlapHours, by: member)
            return try .endpoint(made, made.endpoint)
        }

        routes.get("/v1/exchange/endpoints/{endpoint}/messages", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("state", "limit", "cursor")
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: try context.member())
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "messages of \(endpoint.id)") }
            let page = try await sharing.messages(
                of: endpoint, try query.word("state", as: WebhookMessage.State.self), before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "messages of \(endpoint.id)") { TimeCursor(at: $0.createdAt, id: $0.id) }
        }

        routes.post("/v1/exchange/endpoints/{endpoint}/replay", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let endpoint = try await sharing.endpoint(try context.path("endpoint"), for: member)
            let order = try await request.json(ReplayOrder.self, context)
            return try .json(ReplayResult(waiting: try await sharing.replay(order.messages, of: endpoint, by: member)), headers: Self.unshared)
        }
    }

    private static let changedMeanwhile = Problem(.preconditionFailed, zh: "已被修改，请重新读取后再提交", en: "it has changed since; read it again and retry")
}

extension Endpoint {
    fileprivate var tag: EntityTag { EntityTag(String(revision)) }
}

extension Response {
    fileprivate static func endpoint(_ value: some Encodable, _ endpoint: Endpoint, status: HTTPResponse.Status = .ok) throws -> Response {
        var headers = API.unshared
        headers[.eTag] = endpoint.tag.field
        if status == .created { headers[.location] = "/v1/exchange/endpoints/\(endpoint.id)" }
        return try .json(value, status: status, headers: headers)
    }
}
