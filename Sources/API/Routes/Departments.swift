import Catalogue
import HTTPTypes
import Hummingbird
import Model
import RateLimit

extension API {
    func addDepartmentRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/departments", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            let parameters = try QueryParameters(request)
            try parameters.only("limit", "cursor")
            let page = try await catalogue.departments(
                cursor: try parameters.value("cursor"), limit: try parameters.integer("limit", in: 1...1000) ?? 100
            )
            let body = Page(data: page.departments, meta: NoMeta(), links: PageLinks(request, next: page.next))
            var headers: HTTPFields = [.cacheControl: "public, max-age=60"]
            headers[.link] = body.links.field
            return try .json(body, tagged: request, headers: headers)
        }

        routes.get("/v1/departments/{uscc}", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            return try .json(
                try await catalogue.department(try context.path("uscc")), tagged: request, headers: [.cacheControl: "public, max-age=60"]
            )
        }
    }
}

/// `meta` of a list about which there is nothing more to say.
struct NoMeta: Encodable, Sendable {}
