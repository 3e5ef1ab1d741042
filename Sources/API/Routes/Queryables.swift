import Catalogue
import Foundation
import HTTPTypes
import Hummingbird
import Model
import RateLimit

extension API {
    func addQueryablesRoutes(_ routes: Routes, _ reader: RowReader) {
        routes.get("/v1/datasets/{id}/queryables", .read) { request, context in
            _ = try request.negotiate([QueryablesRoute.mediaType, "application/json"])
            try QueryParameters(request).only()
            let dataset = try context.path("id")
            let (title, schema) = try await reader.shape(of: dataset)
            let body = QueryablesDTO(
                schema, title: title.text(in: context.language), path: "/v1/datasets/\(dataset)/queryables", language: context.language)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var response = try Response.json(body, tagged: request, headers: [.cacheControl: "public, no-cache", .vary: "Accept-Language"], encoder: encoder)
            if response.status == .ok { response.headers[.contentType] = QueryablesRoute.mediaType }
            return response
        }
    }
}

private enum QueryablesRoute {
    static let mediaType = "application/schema+json"
}
