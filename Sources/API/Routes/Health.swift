import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit

extension API {
    func addHealthRoutes(_ routes: Routes) {
        let dependencies = dependencies
        routes.get("/health/live", .read, cost: { _ in 0 }) { _, _ in Self.alive }
        routes.get("/health/ready", .read, cost: { _ in 0 }) { _, _ in
            if await dependencies.unreadiness() != nil {
                throw Problem(.databaseUnavailable, zh: "暂不能提供服务", en: "not ready to serve", retryAfter: 5)
            }
            return Self.status("ready")
        }
    }

    static let alive = status("live")

    static func status(_ word: String) -> Response {
        .json(text: ByteBuffer(string: "{\"status\":\"\(word)\"}"), headers: [.cacheControl: "no-store"])
    }
}
