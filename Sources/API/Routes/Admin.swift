import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    /// The operator's port: metrics and health, without a request log and practically without limits.
    func makeAdminRouter() -> (Gate, Router<AppContext>) {
        var configuration = configuration
        configuration.logsRequests = false
        configuration.policy[.anonymous, .read] = .init(quota: 1_000_000, window: 1)
        let admin = Gate(configuration: configuration, dependencies: dependencies)
        let router = Router(context: AppContext.self)
        let routes = Routes(router: router, gate: admin)
        addHealthRoutes(routes, tellsWhy: true)
        let metrics = gate.metrics
        routes.get("/metrics", .read) { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
                body: .init(byteBuffer: ByteBuffer(string: metrics.exposition()))
            )
        }
        return (admin, router)
    }
}
