import Catalogue
import Exchange
import Hummingbird
import Model
import RateLimit

private struct KeyRegistration: Decodable {
    var publicKey: String
    var label: String
    var department: String?
    var use: ReceiptKey.Use?
}

private struct Revocation: Decodable {
    var reason: String
}

extension API {
    /// All of the exchange; every route below `/v1/exchange` needs a key that takes part in it.
    func addExchangeRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        addStatementKeyRoute(routes, sharing, parts)
        var routes = routes
        routes.inspect = { request, context, route in try await sharing.inspect(request, context, route) }
        addSharingDepartmentRoutes(routes, sharing, parts)
        addShareableDatasetRoutes(routes, sharing, parts)
        addShareRequestRoutes(routes, sharing, parts)
        addShareGrantRoutes(routes, sharing, parts)
        addReceivedGrantRoutes(routes, sharing, parts)
        addReceiptRoutes(routes, sharing, parts)
        addEndpointRoutes(routes, sharing, parts)
        addCorrectionRoutes(routes, sharing, parts)
        addSigningRoutes(routes, sharing)
        addSealedFileRoute(routes, sharing)
        addAuditRoutes(routes, sharing, parts)
        addStatisticsRoutes(routes, sharing)
    }

    private func addSharingDepartmentRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.get("/v1/exchange/departments", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            _ = try context.member()
            let limit = try query.integer("limit", in: 1...200) ?? 50
            let after = try query.value("cursor").map { try parts.seal.open(String.self, $0, for: "sharing departments") }
            var page = try await sharing.departments(after: after, limit: limit + 1)
            var next: String?
            if page.count > limit {
                page.removeLast(page.count - limit)
                next = try page.last.map { try parts.seal.seal($0.department.uscc, for: "sharing departments") }
            }
            return try .page(page, meta: NoMeta(), PageLinks(request, next: next))
        }

        routes.post("/v1/exchange/keys", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let body = try await request.json(KeyRegistration.self, context)
            return try .json(
                try await sharing.register(body.publicKey, use: body.use ?? .receipt, label: body.label, department: body.department, by: member), status: .created, headers: Self.unshared)
        }

        routes.post("/v1/exchange/keys/{key}/revocation", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let body = try await request.json(Revocation.self, context)
            return try .json(try await sharing.revoke(key: try context.path("key"), reason: body.reason, by: member), headers: Self.unshared)
        }
    }
}

extension AppContext {
    /// On whose behalf the caller takes part in the exchange.
    /// - Throws: `unauthenticated`, `forbidden`.
    func member() throws -> Member {
        if let key = identity.key, var member = Member(key) {
            member.signed = exchange.signed
            return member
        }
        return try Member(try require(.exchange)) ?? { throw Problem(.forbidden, zh: "密钥不能参与共享", en: "the key takes no part in the exchange") }()
    }
}
