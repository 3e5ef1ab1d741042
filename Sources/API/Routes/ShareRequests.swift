import Catalogue
import Crypto
import Exchange
import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Notary
import RateLimit

/// What the exchange's routes need besides itself.
struct ExchangeParts: Sendable {
    var seal: CursorSeal
    var notary: Notary?
}

/// A request with what happened to it.
private struct ShareRequestDocument: Encodable {
    var request: ShareRequest
    var events: [ShareEvent]

    private enum CodingKeys: String, CodingKey { case events }

    func encode(to encoder: any Encoder) throws {
        try request.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(events, forKey: .events)
    }
}

/// What waits for a department: requests and corrections on which it has to act, and what it is told.
private struct Inbox: Encodable {
    var data: [ShareRequest]
    var corrections: [Correction]
    var notices: [CorrectionNotice]
    var meta: NoMeta
    var links: PageLinks
}

/// Where the next page of a list goes on.
struct TimeCursor: Codable {
    var at: Timestamp
    var id: String
}

extension API {
    func addShareRequestRoutes(_ routes: Routes, _ sharing: Sharing, _ parts: ExchangeParts) {
        routes.post("/v1/exchange/requests", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let (draft, claim) = try await request.claimed(ShareDraft.self, context, member)
            let made = try await sharing.submit(draft, by: member, claim: claim)
            var headers = Self.unshared
            headers[.location] = "/v1/exchange/requests/\(made.id)"
            return try .json(ShareRequestDocument(request: made, events: try await sharing.events(of: made)), status: .created, headers: headers)
        }

        routes.get("/v1/exchange/requests", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("state", "late", "dataset", "limit", "cursor")
            let member = try context.member()
            let filter = ShareFilter(
                states: try query.word("state", as: ShareRequest.State.self).map { [$0] } ?? [], late: try query.boolean("late"), dataset: try query.value("dataset"))
            let limit = try query.integer("limit", in: 1...100) ?? 20
            let last = try query.value("cursor").map { try parts.seal.open(TimeCursor.self, $0, for: "share requests") }
            let page = try await sharing.requests(filter, for: member, before: last.map { ($0.at, $0.id) }, limit: limit + 1)
            return try .page(page, limit: limit, request, parts.seal, for: "share requests") { TimeCursor(at: $0.createdAt, id: $0.id) }
        }

        routes.get("/v1/exchange/requests/{request}", .read) { request, context in
            try QueryParameters(request).only()
            let found = try await sharing.request(try context.path("request"), for: try context.member())
            return try .json(ShareRequestDocument(request: found, events: try await sharing.events(of: found)), headers: Self.unshared)
        }

        routes.post("/v1/exchange/requests/{request}/decisions", .apply, body: .json) { request, context in
            try QueryParameters(request).only()
            let member = try context.member()
            let (decision, claim) = try await request.claimed(ShareDecision.self, context, member)
            let decided = try await sharing.decide(try context.path("request"), decision, by: member, claim: claim)
            return try .json(ShareRequestDocument(request: decided, events: try await sharing.events(of: decided)), headers: Self.unshared)
        }

        routes.get("/v1/exchange/inbox", .read) { request, context in
            let query = try QueryParameters(request)
            try query.only("limit")
            let limit = try query.integer("limit", in: 1...100) ?? 50
            let member = try context.member()
            let inbox = Inbox(
                data: try await sharing.inbox(of: member, limit: limit), corrections: try await sharing.correctionInbox(of: member, limit: limit),
                notices: try await sharing.notices(for: member, limit: limit), meta: NoMeta(), links: PageLinks(request, next: nil))
            return try .json(inbox, headers: Self.unshared)
        }
    }
}

extension Request {
    /// Reads a JSON body, and the Idempotency-Key with what it stands for.
    func claimed<Value: Decodable>(_ type: Value.Type, _ context: AppContext, _ member: Member) async throws -> (Value, ShareClaim?) {
        try requireMediaType("application/json")
        var copy = self
        let body = try await copy.collectBody(upTo: .max)
        let value = try await copy.json(type, context)
        let claim = try headers[.idempotencyKey].map { field in
            var hash = SHA256()
            hash.update(data: Data((uri.path + "\n").utf8))
            hash.update(data: Data(body.readableBytesView))
            return ShareClaim(
                keyID: member.key.id, key: try IdempotencyKeyField.value(field), fingerprint: hash.finalize().map { String(format: "%02x", $0) }.joined())
        }
        return (value, claim)
    }
}

extension Response {
    /// A page of a list that is for the caller alone, of which one more entry than it may have was asked for.
    static func page<Item: Encodable & Sendable>(
        _ data: [Item], limit: Int, _ request: Request, _ seal: CursorSeal, for purpose: String, _ cursor: (Item) -> some Encodable
    ) throws -> Response {
        let next = data.count > limit ? try seal.seal(cursor(data[limit - 1]), for: purpose) : nil
        return try .page(Array(data.prefix(limit)), meta: NoMeta(), PageLinks(request, next: next))
    }
}
