import HTTPTypes
import Hummingbird
import Model
import RateLimit

/// What a key has used, as its holder sees it.
struct UsageDTO: Encodable, Sendable {
    struct Entry: Encodable, Sendable {
        var action: String
        var quota: Int
        var windowSeconds: Int
        /// Units of the quota that are spent and not yet restored.
        var used: Int
        var remaining: Int
        /// Seconds until the quota is whole again.
        var resetSeconds: Int
        var today: Today
    }

    struct Today: Encodable, Sendable {
        var requests: Int
        var units: Int
        var refused: Int
    }

    var prefix: String
    var tier: String
    var classes: [Entry]
}

extension API {
    func addUsageRoute(_ routes: Routes) {
        let gate = gate
        routes.get("/v1/usage", .read) { request, context in
            try QueryParameters(request).only()
            guard let key = context.identity.key else {
                throw Problem(.unauthenticated, zh: "请带上要查询的密钥", en: "send the key that you ask about")
            }
            let exchange = context.exchange
            // What other nodes let through is asked for; where it cannot be had, what this one knows is told.
            for action in ActionClass.allCases { gate.limiter.refresh(exchange.clientKey, tier: exchange.tier, action: action) }
            await gate.allowances.settled()
            let today = try await gate.allowances.usage(of: key.id)
            let classes = ActionClass.allCases.map { action in
                let decision = gate.limiter.spend(0, of: exchange.clientKey, tier: exchange.tier, action: action, at: WallClock.nanoseconds)
                let sum = today[action]
                return UsageDTO.Entry(
                    action: action.rawValue, quota: decision.limit.quota, windowSeconds: decision.limit.window, used: decision.limit.quota - decision.remaining,
                    remaining: decision.remaining, resetSeconds: decision.reset,
                    today: .init(requests: sum?.requests ?? 0, units: sum?.units ?? 0, refused: sum?.refused ?? 0))
            }
            return try .json(UsageDTO(prefix: key.prefix, tier: exchange.tier.rawValue, classes: classes), headers: [.cacheControl: "private, no-store"])
        }
    }
}
