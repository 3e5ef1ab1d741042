/// Which limit holds for which tier and class of action: the one table, read by the limiter and by `GET /v1/limits`.
public struct Policy: Sendable, Hashable {
    /// Why an override was refused.
    public struct OverrideError: Error, Hashable, CustomStringConvertible {
        /// The override as given, `tier.class=quota/window`.
        public let text: String
        public var description: String {
            "rate limit override \"\(text)\" is not of the form tier.class=quota/seconds, such as anonymous.read=600/60"
        }
    }

    private var limits: [Limit]

    /// The limits that hold where nothing else is configured.
    public static let defaults = Policy(table: [
        //             read       search     query      download  push      apply
        .anonymous: [(600, 60), (120, 60), (300, 60), (60, 60), (30, 60), (20, 3600)],
        .registered: [(3000, 60), (600, 60), (1500, 60), (300, 60), (60, 60), (60, 3600)],
        .department: [(6000, 60), (1200, 60), (3000, 60), (600, 60), (600, 60), (600, 3600)],
        .trusted: [(60000, 60), (12000, 60), (30000, 60), (6000, 60), (6000, 60), (6000, 3600)],
    ])

    private init(table: [Tier: [(Int, Int)]]) {
        limits = Tier.allCases.flatMap { tier in
            zip(ActionClass.allCases, table[tier] ?? []).map { Limit(quota: $1.0, window: $1.1) }
        }
        precondition(limits.count == Tier.allCases.count * ActionClass.allCases.count, "a tier lacks a class of action")
    }

    /// The limit of a tier for a class of action.
    public subscript(tier: Tier, action: ActionClass) -> Limit {
        get { limits[tier.index * ActionClass.allCases.count + action.index] }
        set { limits[tier.index * ActionClass.allCases.count + action.index] = newValue }
    }

    /// The same table with some limits replaced.
    /// - Parameter overrides: `tier.class=quota/seconds`, such as `anonymous.read=1200/60`; `*` stands for every tier or class.
    /// - Throws: ``OverrideError`` for the first override that cannot be read.
    public func overridden(by overrides: [String]) throws -> Policy {
        var result = self
        for text in overrides {
            let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
            let names = (sides.first ?? "").split(separator: ".").map(String.init)
            guard sides.count == 2, names.count == 2, let limit = Limit(sides[1]) else { throw OverrideError(text: text) }
            let tiers = names[0] == "*" ? Tier.allCases : Tier(rawValue: names[0]).map { [$0] } ?? []
            let actions = names[1] == "*" ? ActionClass.allCases : ActionClass(rawValue: names[1]).map { [$0] } ?? []
            guard !tiers.isEmpty, !actions.isEmpty else { throw OverrideError(text: text) }
            for tier in tiers {
                for action in actions { result[tier, action] = limit }
            }
        }
        return result
    }
}
