import Catalogue
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Publishing
import RateLimit

extension API {
    func addPushRoutes(_ routes: Routes, _ publishing: Publishing, _ seal: CursorSeal) {
        routes.post("/v1/datasets/{id}/pushes", .push, body: .stream) { request, context in
            try await createPush(request, context, publishing)
        }

        routes.get("/v1/datasets/{id}/pushes", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit", "cursor")
            let dataset = try context.path("id")
            try Self.requireKey(context)
            let target = try await publishing.target(dataset)
            guard context.reader.seesDraft(of: target.department, dataset: dataset) else {
                if target.isHidden { throw Publishing.noDataset }
                throw Self.notYours(context)
            }
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try seal.open(PushCursor.self, $0, for: "pushes of \(dataset)") }
            var page = try await publishing.pushes(of: dataset, after: last.map { ($0.receivedAt, $0.id) }, limit: limit + 1)
            var next: String?
            if page.count > limit {
                page.removeLast(page.count - limit)
                next = try page.last.map { try seal.seal(PushCursor(receivedAt: $0.push.receivedAt, id: $0.push.id), for: "pushes of \(dataset)") }
            }
            return try .page(page.map { PushDocument($0) }, meta: NoMeta(), PageLinks(request, next: next))
        }

        routes.get("/v1/pushes/{push}", .read) { request, context in
            try QueryParameters(request).only()
            return try .json(PushDocument(try await Self.push(context, publishing)), headers: Self.unshared)
        }

        addFindingRoutes(routes, publishing, seal)
    }

    /// The push in the path, for its department's keys and for those whose task it is.
    ///
    /// - Throws: `Problem`: `pushNotFound` also where the caller may not know of it.
    static func push(_ context: AppContext, _ publishing: Publishing) async throws -> PushRecord {
        try requireKey(context)
        let record = try await publishing.push(try context.path("push"))
        guard context.reader.seesDraft(of: record.push.department, dataset: record.push.dataset) else {
            throw Publishing.noPush(record.push.id)
        }
        return record
    }

    /// Any key will do for now: what it may see is decided by what is asked for.
    static func requireKey(_ context: AppContext) throws {
        guard context.identity.key == nil else { return }
        throw Problem(.unauthenticated, zh: "此处需要密钥：Authorization: Bearer dk_…", en: "this needs a key: Authorization: Bearer dk_…")
    }

    static func notYours(_ context: AppContext) -> Problem {
        Problem(
            .datasetOfAnotherDepartment, zh: "数据资源属于其他部门，密钥 \(context.identity.key?.prefix ?? "") 不能访问其报送",
            en: "the dataset belongs to another department; the key \(context.identity.key?.prefix ?? "") cannot see its pushes")
    }

    /// What is for the caller alone.
    static let unshared: HTTPFields = [.cacheControl: "private, no-store"]
}

/// Where the next page of a list of pushes goes on.
private struct PushCursor: Codable {
    var receivedAt: Timestamp
    var id: String
}

extension Response {
    /// A page of a list that is for the caller alone.
    static func page<Item: Encodable & Sendable, Meta: Encodable & Sendable>(_ data: [Item], meta: Meta, _ links: PageLinks) throws -> Response {
        var headers = API.unshared
        if let link = links.field { headers[.link] = link }
        return try .json(Page(data: data, meta: meta, links: links), headers: headers)
    }

    /// A page of a list that everybody may see, with a validator.
    static func page<Item: Encodable & Sendable>(_ data: [Item], _ request: Request, _ context: AppContext, next cursor: String?) throws -> Response {
        let links = PageLinks(request, next: cursor)
        var headers = context.readHeaders
        if let link = links.field { headers[.link] = link }
        return try .json(Page(data: data, meta: NoMeta(), links: links), tagged: request, headers: headers)
    }
}

/// A push as its department and its reviewers see it.
struct PushDocument: Encodable, Sendable {
    let record: PushRecord

    init(_ record: PushRecord) {
        self.record = record
    }

    private enum CodingKeys: String, CodingKey { case changes, links }

    private struct Links: Encodable {
        let own: String
        let findings: String
        let rejected: String?
        let reviews: String
        let version: String?

        enum CodingKeys: String, CodingKey {
            case own = "self"
            case findings, rejected, reviews, version
        }
    }

    func encode(to encoder: any Encoder) throws {
        let push = record.push
        try push.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(record.preview, forKey: .changes)
        let path = "/v1/pushes/\(push.id)"
        try container.encode(
            Links(
                own: path, findings: path + "/findings", rejected: push.policy == .quarantine ? path + "/rejected.csv" : nil, reviews: path + "/reviews",
                version: push.version.map { "/v1/datasets/\(push.dataset)/versions/\($0)" }),
            forKey: .links)
    }
}
