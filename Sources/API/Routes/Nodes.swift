import Catalogue
import HTTPTypes
import Hummingbird
import Model
import RateLimit

/// A node that is mirrored here, as everybody sees it.
struct NodeDTO: Encodable, Sendable {
    struct Ledger: Encodable, Sendable {
        var key: String
        /// The head that was verified last.
        var size: Int
        var head: String?
    }

    /// A dataset of it that is not taken, and why.
    struct Refused: Encodable, Sendable {
        var dataset: String
        var kind: HomeTrouble.Kind
        var version: Int?
        var reason: LocalizedText
        var since: Timestamp
        var nextTryAt: Timestamp
    }

    var url: String
    var state: HomeNode.State
    var datasets: Int
    var cursor: Int
    var ledger: Ledger?
    var addedAt: Timestamp
    var checkedAt: Timestamp?
    var reason: LocalizedText?
    var nextTryAt: Timestamp?
    var refused: [Refused]

    init(_ node: HomeNode, _ troubles: [HomeTrouble]) {
        url = node.url
        state = node.state
        datasets = node.datasets
        cursor = node.cursor
        ledger = node.ledgerKey.map { key in
            Ledger(key: key, size: node.head?.size ?? 0, head: node.head.map { node in node.hash.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() })
        }
        addedAt = node.addedAt
        checkedAt = node.checkedAt
        reason = node.error
        nextTryAt = node.error == nil ? nil : node.nextTryAt
        refused = troubles.filter { $0.node == node.id }.map {
            Refused(dataset: $0.dataset, kind: $0.kind, version: $0.version, reason: $0.message, since: $0.since, nextTryAt: $0.nextTryAt)
        }
    }
}

extension API {
    func addNodeRoute(_ routes: Routes, _ catalogue: Catalogue) {
        routes.get("/v1/nodes", .read) { request, _ in
            _ = try request.negotiate(["application/json"])
            try QueryParameters(request).only()
            let nodes = try await catalogue.nodes(), troubles = try await catalogue.troubles()
            let body = Page(data: nodes.map { NodeDTO($0, troubles) }, meta: NoMeta(), links: PageLinks(request, next: nil))
            return try .json(body, tagged: request, headers: [.cacheControl: "public, no-cache"])
        }
    }
}
