import Catalogue
import HTTPTypes
import Hummingbird
import Ledger
import Model
import NIOCore
import Notary
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

    /// Leaves of the ledger by their place: the proof that one is there for everybody, what opens it for those who may know.
    func addLeafRoutes(_ routes: Routes, _ notary: Notary, _ seal: CursorSeal) {
        routes.get("/v1/ledger/leaves/{index}/proof", .read) { request, context in
            try QueryParameters(request).only()
            guard let proof = try await notary.proof(ofLeaf: try context.leafIndex()) else {
                throw Problem(.routeNotFound, zh: "存证没有这一条，或者尚未有这么多", en: "the ledger has no such leaf, or not as many yet")
            }
            return .text(proof.description, request, caching: "public, no-cache")
        }

        routes.get("/v1/ledger/leaves/{index}/opening", .read) { request, context in
            try QueryParameters(request).only()
            try Self.requireKey(context)
            guard let key = context.identity.key, let opening = try await notary.opening(of: try context.leafIndex(), for: key) else {
                throw Problem(
                    .routeNotFound, zh: "没有这一条，或者密钥无权打开，或者其盐值已删除", en: "there is no such leaf, or nothing in it that the key may open, or its salt was erased")
            }
            return try .json(opening, headers: Self.unshared)
        }

        routes.get("/v1/ledger/openings", .query) { request, context in
            let query = try QueryParameters(request)
            try query.only("from", "limit", "cursor")
            try Self.requireKey(context)
            let limit = try query.integer("limit", in: 1...1000) ?? 100, from = try query.integer("from", in: ChangesRoute.numbers) ?? 0
            let start = try query.value("cursor").map { try seal.open(Int.self, $0, for: "openings") } ?? from
            guard let key = context.identity.key else { return try .page([LeafOpening](), meta: NoMeta(), PageLinks(request, next: nil)) }
            let page = try await notary.openings(for: key, from: start, limit: limit)
            return try .page(page.openings, meta: NoMeta(), PageLinks(request, next: try page.next.map { try seal.seal($0, for: "openings") }))
        }
    }
}

extension AppContext {
    /// The leaf's place in the path; what is no whole number is the place of none.
    fileprivate func leafIndex() throws -> Int {
        guard let index = Int(try path("index")), index >= 0 else { throw Problem(.routeNotFound, zh: "条目的序号应为非负整数", en: "a leaf's place is a whole number from 0") }
        return index
    }
}
