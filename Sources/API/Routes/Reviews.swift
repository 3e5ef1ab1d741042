import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

/// What a reviewer sends.
private struct ReviewRequest: Decodable {
    var decision: Review.Decision
    var legalBasis: String
    var note: String?
    var digest: String
}

extension API {
    func addReviewRoutes(_ routes: Routes, _ publishing: Publishing) {
        routes.post("/v1/pushes/{push}/reviews", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let key = try context.require(.review)
            let record = try await Self.push(context, publishing)
            let body = try await request.json(ReviewRequest.self, context)
            let review = try await publishing.review(
                record.push.id, decision: body.decision, legalBasis: body.legalBasis, note: body.note, digest: body.digest, by: key)
            var headers = Self.unshared
            headers[.location] = "/v1/pushes/\(record.push.id)/reviews"
            return try .json(review, status: .created, headers: headers)
        }

        routes.get("/v1/pushes/{push}/reviews", .read) { request, context in
            try QueryParameters(request).only()
            let record = try await Self.push(context, publishing)
            return try .page(try await publishing.reviews(of: record.push.id), meta: NoMeta(), PageLinks(request, next: nil))
        }
    }
}
