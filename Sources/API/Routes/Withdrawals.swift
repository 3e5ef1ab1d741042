import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

/// What to withdraw, and why.
private struct WithdrawalRequest: Decodable {
    var subject: Withdrawal.Subject
    var version: Int?
    var keys: [String]?
    var reason: LocalizedText
    var reasonCode: Withdrawal.ReasonCode?
    var legalBasis: String?
}

/// Where the next page of a list of withdrawals goes on.
private struct WithdrawalCursor: Codable {
    var withdrawnAt: Timestamp
    var id: String
}

extension API {
    func addWithdrawalRoutes(_ routes: Routes, _ publishing: Publishing, _ seal: CursorSeal) {
        routes.post("/v1/datasets/{id}/withdrawals", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let dataset = try context.path("id")
            let key = try context.require(.release, dataset: dataset)
            let target = try await publishing.target(dataset)
            try context.require(.release, dataset: dataset, department: target.department)
            let body = try await request.json(WithdrawalRequest.self, context)
            let withdrawal = try await publishing.withdraw(
                body.subject, of: dataset, version: body.version, keys: body.keys ?? [], reason: body.reason, code: body.reasonCode ?? .other,
                legalBasis: body.legalBasis, by: key)
            var headers = Self.unshared
            headers[.location] = "/v1/datasets/\(dataset)/withdrawals"
            return try .json(withdrawal, status: .created, headers: headers)
        }

        routes.get("/v1/datasets/{id}/withdrawals", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let dataset = try context.path("id")
            let target = try await publishing.target(dataset)
            // The tombstones of a withdrawn dataset are what is left to see of it.
            if target.isHidden { _ = try await publishing.visible(dataset, to: context.reader) }
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try seal.open(WithdrawalCursor.self, $0, for: "withdrawals of \(dataset)") }
            var page = try await publishing.withdrawals(of: target, before: last.map { ($0.withdrawnAt, $0.id) }, limit: limit + 1)
            var next: String?
            if page.count > limit {
                page.removeLast(page.count - limit)
                next = try page.last.map { try seal.seal(WithdrawalCursor(withdrawnAt: $0.withdrawnAt, id: $0.id), for: "withdrawals of \(dataset)") }
            }
            return try .page(page, request, context, next: next)
        }
    }
}
