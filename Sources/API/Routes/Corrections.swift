import Catalogue
import Exchange
import HTTPTypes
import Hummingbird
import Ledger
import Model
import Notary
import RateLimit

extension API {
    /// Doubts about values, and what became of them.
    func addCorrectionRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.post("/v1/corrections", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = context.memberIfAny
            let taken = try await sharing.doubt(try await request.json(CorrectionDraft.self, context), by: member)
            var headers = Self.unshared
            headers[.location] = "/v1/corrections/\(taken.correction.id)"
            return try .json(
                try await sharing.document(ofCorrection: taken.correction.id, for: member), status: taken.isNew ? .created : .ok, headers: headers)
        }

        routes.get("/v1/corrections/{correction}", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(try await sharing.document(ofCorrection: try context.path("correction"), for: context.memberIfAny), headers: Self.unshared)
        }

        routes.post("/v1/corrections/{correction}/decisions", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member(), id = try context.path("correction")
            let (decision, claim) = try await request.claimed(CorrectionDecision.self, context, member)
            _ = try await sharing.decide(correction: id, decision, by: member, claim: claim)
            return try .json(try await sharing.document(ofCorrection: id, for: member), headers: Self.unshared)
        }

        routes.get("/v1/datasets/{id}/corrections", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("key", "state", "limit", "cursor")
            let dataset = try context.path("id"), purpose = "corrections of \(dataset)"
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: purpose) }
            let page = try await sharing.corrections(
                ofDataset: dataset, key: try query.value("key"), state: try query.word("state", as: Correction.State.self), for: context.memberIfAny,
                before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: purpose) { TimeCursor(at: $0.createdAt, id: $0.id) }
        }

        routes.get("/v1/exchange/corrections", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("state", "late", "dataset", "limit", "cursor")
            let member = try context.member()
            let filter = CorrectionFilter(
                dataset: try query.value("dataset"), state: try query.word("state", as: Correction.State.self), late: try query.boolean("late"))
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "corrections") }
            let page = try await sharing.corrections(filter, for: member, before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "corrections") { TimeCursor(at: $0.createdAt, id: $0.id) }
        }

        guard let notary = parts.notary else { return }
        routes.get("/v1/corrections/{correction}/proof", .read) { request, context in
            try QueryParameters(request).only()
            let correction = try await sharing.answered(try context.path("correction"), for: try context.member())
            return .text(try await notary.proof(ofCorrection: correction.id).description, request, caching: "private, no-cache")
        }
    }
}

extension AppContext {
    /// On whose behalf the caller takes part in the exchange; nil for all others, who read as everybody does.
    var memberIfAny: Member? { identity.key.flatMap { Member($0) } }
}
