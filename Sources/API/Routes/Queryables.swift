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
            let shape = try await reader.shape(of: dataset)
            let body = QueryablesDTO(
                shape.schema, title: shape.title.text(in: context.language), path: "/v1/datasets/\(dataset)/queryables", language: context.language)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var response = try Response.json(body, tagged: request, headers: QueryablesRoute.headers, encoder: encoder)
            if response.status == .ok { response.headers[.contentType] = QueryablesRoute.mediaType }
            return response
        }

        routes.get("/v1/datasets/{id}/openapi.json", .read) { request, context in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let dataset = try context.path("id")
            let contract = DatasetContract(try await reader.shape(of: dataset), context.language)
            var text = JSONText(capacity: 32 * 1024)
            contract.document.write(into: &text)
            return .json(text: text.buffer, tagged: request, headers: QueryablesRoute.headers)
        }
    }
}

private enum QueryablesRoute {
    static let mediaType = "application/schema+json"
    static let headers: HTTPFields = [.cacheControl: "public, no-cache", .vary: "Accept-Language"]
}
