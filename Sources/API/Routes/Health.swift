import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit
import Synchronization

extension API {
    /// - Parameter tellsWhy: whether a server that is not ready says why, which is for the operator only.
    func addHealthRoutes(_ routes: Routes, tellsWhy: Bool = false) {
        let readiness = Readiness(dependencies.unreadiness), gate = gate
        routes.get("/health/live", .read, cost: { _, _ in 0 }) { _, _ in Self.alive }
        routes.get("/health/ready", .read, cost: { _, _ in 0 }) { _, context in
            if gate.isStopping.load(ordering: .relaxed) {
                throw Problem(.shuttingDown, zh: "服务器正在停止", en: "the server is stopping", retryAfter: 5)
            }
            if let reason = await readiness.reason(at: context.exchange.startedAt) {
                throw Problem(.databaseUnavailable, zh: tellsWhy ? reason : "暂不能提供服务", en: tellsWhy ? reason : "not ready to serve", retryAfter: 5)
            }
            return Self.status("ready")
        }
    }

    static let alive = status("live")

    static func status(_ word: String) -> Response {
        .json(text: ByteBuffer(string: "{\"status\":\"\(word)\"}"), headers: [.cacheControl: "no-store"])
    }
}
