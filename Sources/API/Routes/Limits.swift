import HTTPTypes
import Hummingbird
import RateLimit

/// The limits as they are told to the public.
struct LimitsDTO: Encodable, Sendable {
    struct Entry: Encodable, Sendable {
        var action: String
        var quota: Int
        var windowSeconds: Int
    }

    struct TierEntry: Encodable, Sendable {
        var tier: String
        var limits: [Entry]
    }

    /// What requests cost besides the one unit of most.
    struct CostEntry: Encodable, Sendable {
        var rowsPerUnit = Costs.rowsPerUnit
        var aggregate = Costs.aggregate
        var estimatePerUnit = Costs.estimatePerUnit
        var changesPerUnit = Costs.changesPerUnit
        var eventStream = Costs.eventStream
        var liveBytesPerUnit = Costs.liveBytesPerUnit
    }

    var yourTier: String
    var downloadsAtOnce: Int
    var eventStreamsAtOnce: Int
    var jsonBodyBytes: Int
    var streamBodyBytes: Int
    var costs = CostEntry()
    var tiers: [TierEntry]
}

extension API {
    func addLimitsRoutes(_ routes: Routes) {
        let configuration = configuration
        routes.get("/v1/limits", .read) { request, context in
            try QueryParameters(request).only()
            let tiers = Tier.allCases.map { tier in
                LimitsDTO.TierEntry(
                    tier: tier.rawValue,
                    limits: ActionClass.allCases.map { action in
                        let limit = configuration.policy[tier, action]
                        return LimitsDTO.Entry(action: action.rawValue, quota: limit.quota, windowSeconds: limit.window)
                    }
                )
            }
            let body = LimitsDTO(
                yourTier: context.exchange.tier.rawValue,
                downloadsAtOnce: configuration.downloadsPerClient,
                eventStreamsAtOnce: configuration.eventStreamsPerClient,
                jsonBodyBytes: configuration.jsonLimit,
                streamBodyBytes: configuration.streamLimit,
                tiers: tiers
            )
            return try .json(body, headers: [.cacheControl: "private, no-store"])
        }
    }
}
