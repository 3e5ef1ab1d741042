/// An Idempotency-Key and what it was sent with.
public struct ShareClaim: Sendable, Hashable {
    /// The access key's identifier: each has Idempotency-Keys of its own.
    public var keyID: String
    public var key: String
    /// SHA-256 of path and body.
    public var fingerprint: String

    public init(keyID: String, key: String, fingerprint: String) {
        self.keyID = keyID
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// Which requests a list has.
public struct ShareFilter: Sendable, Hashable {
    /// Requests in which the department has a part; all where it is nil.
    public var department: String?
    public var states: [ShareRequest.State]
    /// Whether a clock ran out.
    public var late: Bool?
    public var dataset: String?
    /// Datasets that the caller's key is limited to; no limit where empty.
    public var datasets: [String] = []

    public init(department: String? = nil, states: [ShareRequest.State] = [], late: Bool? = nil, dataset: String? = nil) {
        self.department = department
        self.states = states
        self.late = late
        self.dataset = dataset
    }
}
