import HTTPTypes
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
    let metrics: RouteMetrics
    /// Whether it streams rows that are read while they are sent: then bytes cost too.
    let isLive: Bool

    init(method: String, template: String, action: ActionClass, body: BodyRule, metrics: RouteMetrics) {
        self.method = method
        self.template = template
        self.action = action
        self.body = body
        self.metrics = metrics
        isLive = action == .download && (template.contains("/rows.") || template.contains("/catalogue."))
    }
}
