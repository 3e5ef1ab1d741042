/// What a node asks of the common account about one client and class of action.
public struct Settlement: Sendable, Hashable {
    /// Whose quota.
    public let client: ClientKey
    /// Which column of the policy.
    public let tier: Tier
    /// Which class of action.
    public let action: ActionClass
    /// The limit that applies.
    public let limit: Limit
    /// Units that this node has let through and that the account has not heard of, less those that it was granted and did not use.
    public let charge: Double
    /// Units to be set aside for requests that wait, as far as the quota has them.
    public let want: Int

    public init(client: ClientKey, tier: Tier, action: ActionClass, limit: Limit, charge: Double, want: Int) {
        (self.client, self.tier, self.action, self.limit, self.charge, self.want) = (client, tier, action, limit, charge, want)
    }
}

/// What the common account answers to a ``Settlement``.
public struct Settled: Sendable, Hashable {
    /// Units set aside, at most what was wanted.
    public let granted: Int
    /// Units spent and not yet restored, by all nodes, with what was charged and granted just now.
    public let debt: Double

    public init(granted: Int, debt: Double) {
        (self.granted, self.debt) = (granted, debt)
    }
}

/// How many nodes share the limits, and how far this one may go before it has settled.
///
/// A node lets through what its own view of the quota allows, and of that at most its ``credit`` ahead of the common account: a tenth of the limit for all nodes together.
/// So together they never let through more than 110 % of a limit: the account holds whoever is at his limit back, and what it has not heard of is at most the credit of all.
/// That holds of a node that cannot reach the account too, since it does not know whether the others can.
public struct Fleet: Sendable, Hashable {
    /// Nodes that share the limits, this one counted.
    public var nodes: Int
    /// Whether the others may not know of this one yet: then it has no credit.
    public var isJoining: Bool
    /// Whether the account cannot be reached: then this node goes on with its credit, and where it is the only one, with the limit's rate without the burst.
    public var isCutOff: Bool

    public init(nodes: Int = 1, isJoining: Bool = false, isCutOff: Bool = false) {
        (self.nodes, self.isJoining, self.isCutOff) = (max(1, nodes), isJoining, isCutOff)
    }

    /// Part of a limit that all nodes together may be ahead of the account.
    public static let commonCredit = 0.1

    /// Part of a limit that this node may be ahead of the account. Alone it need not wait for anybody.
    var credit: Double {
        if isCutOff { return Self.commonCredit / Double(nodes) }
        if isJoining { return 0 }
        return nodes == 1 ? 1 : Self.commonCredit / Double(nodes)
    }

    /// Part of a limit's rate at which what was never settled is forgotten: too little to be worth a settlement. Alone, what this node let through comes back at the whole rate.
    var unsettledRate: Double { nodes == 1 ? 1 : Self.commonCredit / Double(nodes) }
}

extension Fleet {
    /// All of it in one word: the number of nodes, then two bits. Zero stands for none.
    var word: UInt64 { UInt64(nodes) << 2 | (isJoining ? 2 : 0) | (isCutOff ? 1 : 0) }

    init?(word: UInt64) {
        guard word != 0 else { return nil }
        self.init(nodes: Int(word >> 2), isJoining: word & 2 != 0, isCutOff: word & 1 != 0)
    }
}
