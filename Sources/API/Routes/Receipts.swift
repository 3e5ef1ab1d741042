import Exchange
import HTTPTypes
import Hummingbird
import Ledger
import Model
import Notary
import RateLimit

/// A receiver's signature, as it is sent.
private struct SignedStatement: Decodable {
    var statement: CanonicalJSON
    var key: String
    var signature: String
}

extension API {
    func addReceiptRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.post("/v1/exchange/receipts", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let body = try await request.json(SignedStatement.self, context)
            let signed = try await sharing.sign(body.statement, key: body.key, signature: body.signature, by: member)
            var headers = Self.unshared
            headers[.location] = "/v1/exchange/receipts/\(signed.receipt.statement.delivery)"
            return try .json(signed.receipt, status: signed.isNew ? .created : .ok, headers: headers)
        }

        routes.get("/v1/exchange/receipts/{delivery}", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(try await sharing.receipt(of: try context.path("delivery"), for: try context.member()), headers: Self.unshared)
        }

        guard let notary = parts.notary else { return }
        routes.get("/v1/exchange/receipts/{delivery}/proof", .read) { request, context in
            try QueryParameters(request).only()
            let receipt = try await sharing.receipt(of: try context.path("delivery"), for: try context.member())
            return .text(try await notary.proof(ofReceipt: receipt.statement.delivery).description, request, caching: "private, no-cache")
        }

        routes.get("/v1/exchange/grants/{grant}/proof", .read) { request, context in
            try QueryParameters(request).only()
            let grant = try await sharing.grant(try context.path("grant"), for: try context.member())
            return .text(try await notary.proof(ofGrant: grant.id).description, request, caching: "private, no-cache")
        }
    }
}
