import RateLimit
import Synchronization

/// Everything that this process counts about itself.
final class Metrics: Sendable {
    private let routes = Mutex<[RouteMetrics]>([])
    /// Requests refused by the limiter, by class of action.
    let refused = Tally(count: ActionClass.allCases.count)
    /// Connections: open now, accepted ever, turned away ever.
    let connections = Tally(count: 3)
    /// Connections closed by us: slow head, slow body, slow reader, idle.
    let timeouts = Tally(count: 4)
    /// Answers given on the event loop.
    let hot = Tally(count: 1)
    /// Answers given from memory as they were kept.
    let kept = Tally(count: 1)
    /// Log lines dropped because nobody took them.
    let droppedLines = Tally(count: 1)
    private let gauges: [API.Gauge]
    private let families: [API.MetricFamily]

    init(gauges: [API.Gauge], families: [API.MetricFamily] = []) {
        self.gauges = gauges
        self.families = families
    }

    func addRoute(method: String, template: String) -> RouteMetrics {
        let metrics = RouteMetrics(method: method, template: template)
        routes.withLock { $0.append(metrics) }
        return metrics
    }

    /// The text exposition format 0.0.4 of Prometheus.
    func exposition() -> String {
        var text = ""
        func family(_ name: String, _ type: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
        }
        let routes = routes.withLock { $0 }.filter { route in (0..<5).contains { route.requests[$0] > 0 } }

        family("daylight_http_requests_total", "counter", "Requests by route and status class.")
        for route in routes {
            for index in 0..<5 where route.requests[index] > 0 {
                text += "daylight_http_requests_total{\(Self.labels(route)),status=\"\(index + 1)xx\"} \(route.requests[index])\n"
            }
        }
        family("daylight_http_request_duration_seconds", "histogram", "From the complete head to the last byte handed to the socket.")
        for route in routes {
            var cumulative = 0
            for (index, bound) in RouteMetrics.bounds.enumerated() {
                cumulative += route.buckets[index]
                text += "daylight_http_request_duration_seconds_bucket{\(Self.labels(route)),le=\"\(Double(bound) / 1_000_000)\"} \(cumulative)\n"
            }
            cumulative += route.buckets[RouteMetrics.bounds.count]
            text += "daylight_http_request_duration_seconds_bucket{\(Self.labels(route)),le=\"+Inf\"} \(cumulative)\n"
            text += "daylight_http_request_duration_seconds_sum{\(Self.labels(route))} \(Double(route.sums[0]) / 1_000_000)\n"
            text += "daylight_http_request_duration_seconds_count{\(Self.labels(route))} \(cumulative)\n"
        }
        family("daylight_http_response_bytes_total", "counter", "Bytes of response bodies by route.")
        for route in routes { text += "daylight_http_response_bytes_total{\(Self.labels(route))} \(route.sums[1])\n" }

        family("daylight_http_rate_limited_total", "counter", "Requests refused by the limiter, by class of action.")
        for action in ActionClass.allCases { text += "daylight_http_rate_limited_total{class=\"\(action.rawValue)\"} \(refused[action.index])\n" }
        family("daylight_http_connections", "gauge", "Open connections.")
        text += "daylight_http_connections \(connections[0])\n"
        family("daylight_http_connections_total", "counter", "Connections accepted.")
        text += "daylight_http_connections_total \(connections[1])\n"
        family("daylight_http_connections_refused_total", "counter", "Connections turned away because too many were open.")
        text += "daylight_http_connections_refused_total \(connections[2])\n"
        family("daylight_http_timeouts_total", "counter", "Connections closed because the client was too slow.")
        for (index, reason) in ["head", "body", "write", "idle"].enumerated() {
            text += "daylight_http_timeouts_total{reason=\"\(reason)\"} \(timeouts[index])\n"
        }
        family("daylight_http_hot_answers_total", "counter", "Answers given on the event loop.")
        text += "daylight_http_hot_answers_total \(hot[0])\n"
        family("daylight_http_kept_answers_total", "counter", "Answers given from memory as they were kept.")
        text += "daylight_http_kept_answers_total \(kept[0])\n"
        family("daylight_log_dropped_lines_total", "counter", "Request log lines dropped because the log was not read.")
        text += "daylight_log_dropped_lines_total \(droppedLines[0])\n"
        for gauge in gauges {
            family(gauge.name, "gauge", gauge.help)
            text += "\(gauge.name) \(gauge.read())\n"
        }
        for family in families { text += family.exposition }
        return text
    }

    private static func labels(_ route: RouteMetrics) -> String {
        "method=\"\(route.method)\",route=\"\(route.template)\""
    }
}
