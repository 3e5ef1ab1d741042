import HTTPTypes
import NIOCore
import RateLimit

/// What body a route takes.
public enum BodyRule: Sendable, Hashable {
    /// None that matters: up to 64 KiB is read and forgotten.
    case none
    /// A JSON document, as large as ``API/Configuration/jsonLimit`` allows.
    case json
    /// A stream that the handler reads as it comes, as large as ``API/Configuration/streamLimit`` allows.
    case stream
}

/// One route as limits, logs and metrics see it.
final class Route: Sendable {
    let method: String
    /// Such as `/v1/datasets/{id}`: what logs and metrics name, never the address itself.
    let template: String
    let action: ActionClass
    let body: BodyRule
    /// Units that a request for an address costs.
    let cost: Routes.Cost
    let pattern: PathPattern
    let metrics: RouteMetrics
    /// Whether it streams rows that are read while they are sent: then bytes cost too.
    let isLive: Bool
    /// Whether its answers to strangers may be kept: they depend on nothing but the address, the language and what is released.
    let isKept: Bool
    /// Whether those are its answers to holders of keys too.
    let isKeptForKeys: Bool
    /// Its part of a line of the log.
    let logText: ByteBuffer
    /// Whether each call of it is remembered in the audit of the exchange.
    let isAudited: Bool

    private static let kept: Set<String> = [
        "/v1/datasets", "/v1/datasets/{id}", "/v1/datasets/{id}/schema", "/v1/datasets/{id}/versions", "/v1/datasets/{id}/versions/{n}", "/v1/datasets/{id}/changes.atom",
    ]
    /// Who asks is nothing to their handlers.
    private static let keptForKeys: Set<String> = [
        "/v1/datasets/{id}/queryables", "/v1/datasets/{id}/rows", "/v1/datasets/{id}/rows/{key}", "/v1/datasets/{id}/aggregate", "/v1/changes", "/v1/changes.atom",
    ]

    init(method: String, template: String, action: ActionClass, body: BodyRule, cost: @escaping Routes.Cost = { _, _ in 1 }, metrics: RouteMetrics) {
        self.method = method
        self.template = template
        self.action = action
        self.body = body
        self.cost = cost
        pattern = PathPattern(template)
        self.metrics = metrics
        isAudited = template.hasPrefix("/v1/exchange/") || template.hasPrefix("/v1/corrections")
        isKeptForKeys = method == "GET" && Self.keptForKeys.contains(template)
        isKept = isKeptForKeys || method == "GET" && Self.kept.contains(template)
        logText = Self.logText(method: method, template: template)
        isLive = action == .download && (template.contains("/rows.") || template.contains("/catalogue.") || template.hasPrefix("/v1/exchange/"))
    }

    static func logText(method: String, template: String) -> ByteBuffer {
        ByteBuffer(string: "\",\"method\":\"\(method)\",\"route\":\"\(template)\",\"status\":")
    }
}
