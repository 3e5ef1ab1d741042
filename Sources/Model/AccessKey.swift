/// What a key may do. One scope, one kind of act.
public enum Scope: String, Sendable, Codable, CaseIterable {
    /// Read public data with the key's own allowance.
    case read
    /// Describe datasets and push rows.
    case push
    /// Decide what may be public.
    case review
    /// Release reviewed pushes, withdraw.
    case release
    case exchange
    case oversight
    /// Read one's department's part of the exchange's audit: for its head.
    case audit
    /// Keys, profiles, reference data, departments.
    case admin
}

/// An access key as it is kept: the secret itself only as a hash.
public struct AccessKey: Sendable, Hashable, Codable {
    public var id: String
    /// The public part, which stands in the key itself and in logs.
    public var prefix: String
    /// SHA-256 of the whole key, 64 hexadecimal digits.
    public var hash: String
    public var label: String
    /// The department on whose behalf the key acts; nil for a developer's key.
    public var department: String?
    public var scopes: [Scope]
    /// Datasets that the key is limited to; all of its department's where empty.
    public var datasets: [String]
    /// Networks that it may be used from, in CIDR notation; any where empty.
    public var networks: [String]
    /// Name of the rate tier.
    public var tier: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp?
    public var revokedAt: Timestamp?

    public init(
        id: String, prefix: String, hash: String, label: String, department: String?, scopes: [Scope], datasets: [String], networks: [String], tier: String,
        createdAt: Timestamp, expiresAt: Timestamp?, revokedAt: Timestamp?
    ) {
        self.id = id
        self.prefix = prefix
        self.hash = hash
        self.label = label
        self.department = department
        self.scopes = scopes
        self.datasets = datasets
        self.networks = networks
        self.tier = tier
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
    }
}
