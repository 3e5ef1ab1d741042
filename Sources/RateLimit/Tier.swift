/// How much a client is trusted with; a key carries its tier, everybody else is anonymous.
public enum Tier: String, CaseIterable, Sendable, Hashable {
    /// No key.
    case anonymous
    /// A person's or a program's key.
    case registered
    /// A department's key.
    case department
    /// Another node, a mirror, a monitor.
    case trusted

    /// Position in ``allCases``, for tables indexed by tier.
    public var index: Int {
        switch self {
        case .anonymous: 0
        case .registered: 1
        case .department: 2
        case .trusted: 3
        }
    }
}
