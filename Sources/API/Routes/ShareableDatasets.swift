import Catalogue
import Exchange
import Hummingbird
import Model
import RateLimit

extension API {
    func addShareableDatasetRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.get("/v1/exchange/datasets", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("q", "department", "share_type", "audience", "limit", "cursor")
            let member = try context.member()
            let filter = ShareableFilter(
                department: try query.value("department"), shareType: try query.word("share_type", as: ShareType.self), audience: try query.word("audience", as: Audience.self),
                words: try Self.words(query))
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let after = try query.value("cursor").map { try parts.seal.open(String.self, $0, for: "shareable datasets") }
            let page = try await sharing.datasets(filter, for: member, after: after, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "shareable datasets") { $0.id }
        }

        routes.get("/v1/exchange/datasets/{id}", .read) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            return try .json(try await sharing.dataset(try context.path("id"), for: member), headers: Self.unshared)
        }
    }
    /// The words of `q`; each is looked for in the text of every dataset.
    private static func words(_ query: QueryParameters) throws -> [String] {
        guard let text = try query.value("q") else { return [] }
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        guard text.count <= 200, words.count <= 8 else { throw QueryParameters.invalid("q", zh: "最多 200 个字符、8 个词", en: "may have at most 200 characters and 8 words") }
        return words
    }
}
