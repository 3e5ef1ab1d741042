import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

extension API {
    /// What opens the salted digests of the ledger, for the department and those whose task it is.
    func addOpeningRoutes(_ routes: Routes, _ publishing: Publishing) {
        routes.get("/v1/datasets/{id}/withdrawals/{withdrawal}/opening", .read) { request, context in
            try QueryParameters(request).only()
            try Self.requireKey(context)
            let target = try await publishing.target(try context.path("id"))
            guard context.reader.seesDraft(of: target.department, dataset: target.dataset) else { throw Self.notYours(context) }
            let opening = try await publishing.opening(ofWithdrawal: try context.path("withdrawal"), of: target.dataset)
            return try .json(opening, headers: Self.unshared)
        }

        routes.get("/v1/pushes/{push}/reviews/{review}/opening", .read) { request, context in
            try QueryParameters(request).only()
            let record = try await Self.push(context, publishing)
            let opening = try await publishing.opening(ofReview: try context.path("review"), of: record.push.id)
            return try .json(opening, headers: Self.unshared)
        }
    }
}
