import Catalogue
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addChangeRoutes(_ routes: Routes, _ feed: ChangeFeed, _ catalogue: Catalogue) {
        routes.get("/v1/changes", .read, cost: { _, query in ChangesRoute.cost(query: query) }) { request, context in
            _ = try request.negotiate(["application/json"])
            let query = try QueryParameters(request)
            try query.only("since", "limit", "dataset")
            let since = try query.integer("since", in: ChangesRoute.numbers) ?? 0
            let limit = try query.integer("limit", in: 1...1000) ?? 100
            let dataset = try query.value("dataset")
            var changes = try await feed.changes(after: since, of: dataset, limit: limit + 1)
            var links = PageLinks(path: request.uri.path, query: request.uri.query, next: nil)
            if changes.count > limit {
                changes.removeLast()
                links.next = ChangesRoute.next(request, since: changes.last?.number ?? since)
            }
            var headers: HTTPFields = [.cacheControl: "public, no-cache"]
            headers[.link] = links.field
            return try .json(
                ChangeListDTO(data: changes.map(ChangeDTO.init), meta: .init(last: changes.last?.number ?? since), links: links), tagged: request, headers: headers)
        }

        routes.get("/v1/changes.atom", .read) { request, context in
            try await Self.atom(request, context, feed, dataset: nil, title: context.language == .zh ? "开放数据的变化" : "Changes of open data", subject: "/v1/datasets", since: nil)
        }

        routes.get("/v1/datasets/{id}/changes.atom", .read) { request, context in
            try QueryParameters(request).only("before", "limit")
            let id = try context.path("id")
            var title = id, since: Timestamp?
            do {
                let record = try await catalogue.dataset(id, as: context.reader)
                title = record.dataset.description.title.text(in: context.language)
                since = record.dataset.createdAt
            } catch let problem as Problem where problem.code == .datasetWithdrawn {
                // That it was withdrawn is what its feed tells.
            }
            title += context.language == .zh ? "：变化" : ": changes"
            return try await Self.atom(request, context, feed, dataset: id, title: title, subject: "/v1/datasets/\(id)", since: since)
        }

        addEventRoute(routes, feed)
    }

    private static func atom(
        _ request: Request, _ context: AppContext, _ feed: ChangeFeed, dataset: String?, title: String, subject: String, since: Timestamp?
    ) async throws -> Response {
        let type = try request.negotiate(["application/atom+xml"])
        let query = try QueryParameters(request)
        try query.only("before", "limit")
        let before = try query.integer("before", in: ChangesRoute.numbers)
        let limit = try query.integer("limit", in: 1...100) ?? 20
        var changes = try await feed.newest(before: before, of: dataset, limit: limit + 1)
        let path = request.uri.path
        let own = query.all.isEmpty ? path : path + "?" + query.all.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        var next: String?
        if changes.count > limit {
            changes.removeLast()
            next = changes.last.map { "\(path)?limit=\(limit)&before=\($0.number)" }
        }
        let document = AtomFeed(
            identifier: try await feed.identifier(of: dataset), title: title, selfPath: own, firstPath: path, nextPath: next, subjectPath: subject,
            emptyUpdate: since ?? Timestamp(microseconds: 0), changes: changes, language: context.language
        ).document()
        var headers: HTTPFields = [.contentType: "\(type); charset=utf-8", .cacheControl: "public, no-cache", .vary: "Accept-Language"]
        let tag = EntityTag(hashing: document.readableBytesView)
        headers[.eTag] = tag.field
        if request.isNotModified(tag) { return .notModified(tag, headers: headers) }
        return Response(status: .ok, headers: headers, body: .init(byteBuffer: document))
    }
}

enum ChangesRoute {
    /// Numbers that JSON carries exactly everywhere (RFC 8259 section 6).
    static let numbers = 0...9_007_199_254_740_991

    /// Units of the limit: one for each started hundred of changes that are asked for.
    static func cost(query: Substring?) -> Int {
        let limit = (try? QueryParameters(query: query).integer("limit", in: 1...1000)) ?? nil
        return Costs.units((limit ?? 100), per: Costs.changesPerUnit)
    }

    /// The same address with another `since`.
    static func next(_ request: Request, since: Int) -> String {
        let pairs = (request.uri.query ?? "").split(separator: "&").filter { $0 != "since" && !$0.hasPrefix("since=") }.map(String.init)
        return "\(request.uri.path)?\((pairs + ["since=\(since)"]).joined(separator: "&"))"
    }
}
