import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Profiles
import RateLimit

/// A profile as it stands in lists.
struct ProfileSummaryDTO: Encodable, Sendable {
    var id: String
    var version: Int
    var title: LocalizedText
    var description: LocalizedText
    var domain: String
}

extension API {
    func addProfileRoutes(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/profiles", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let profiles = try await catalogue.profiles().map {
                ProfileSummaryDTO(id: $0.id, version: $0.version, title: $0.title, description: $0.description, domain: $0.domain)
            }
            let body = Page(data: profiles, meta: NoMeta(), links: PageLinks(request, next: nil))
            return try .json(body, tagged: request, headers: [.cacheControl: "public, max-age=60"])
        }

        routes.get("/v1/profiles/{id}", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let profile = try await catalogue.profileDocument(try context.path("id"))
            return Self.profile(profile.document, EntityTag("p\(profile.version)"), request, "public, max-age=60")
        }

        routes.get("/v1/profiles/{id}/versions/{n}", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            guard let number = Int(try context.path("n")), number > 0 else {
                throw Problem(
                    .invalidParameter, zh: "版本号应为正整数", en: "a version is a positive whole number",
                    places: [Problem.Place("n", zh: "应为正整数", en: "must be a positive whole number")]
                )
            }
            let profile = try await catalogue.profileDocument(try context.path("id"), version: number)
            return Self.profile(profile.document, EntityTag("p\(profile.version)"), request, "public, max-age=31536000, immutable")
        }
    }

    private static func profile(_ document: String, _ tag: EntityTag, _ request: Request, _ caching: String) -> Response {
        let headers: HTTPFields = [.eTag: tag.field, .cacheControl: caching]
        if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
        return .json(text: ByteBuffer(string: document), headers: headers)
    }
}
