import HTTPTypes
import Hummingbird
import Model
import RateLimit

/// What a key may do, as its holder sees it.
struct KeyDTO: Encodable, Sendable {
    var prefix: String
    var label: String
    var department: String?
    var scopes: [Scope]
    var datasets: [String]
    var networks: [String]
    var tier: String
    var createdAt: Timestamp
    var expiresAt: Timestamp?

    init(_ key: AccessKey) {
        prefix = key.prefix
        label = key.label
        department = key.department
        scopes = key.scopes
        datasets = key.datasets
        networks = key.networks
        tier = key.tier
        createdAt = key.createdAt
        expiresAt = key.expiresAt
    }
}

extension API {
    func addKeysRoutes(_ routes: Routes) {
        routes.get("/v1/keys/self", .read) { request, context in
            try QueryParameters(request).only()
            guard let key = context.identity.key else {
                throw Problem(.unauthenticated, zh: "请带上要查询的密钥", en: "send the key that you ask about")
            }
            return try .json(KeyDTO(key), headers: [.cacheControl: "private, no-store"])
        }
    }
}
