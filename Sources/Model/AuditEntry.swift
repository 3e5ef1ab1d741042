/// One call on the exchange, as it is remembered. Never changed, never deleted.
public struct AuditEntry: Sendable, Hashable, Codable {
    public enum Stage: String, Sendable, Codable, CaseIterable {
        /// Granted data is about to be given: written down before its first byte leaves.
        case begun
        /// The call was answered.
        case ended
    }

    /// Its place among all calls.
    public var number: Int
    public var at: Timestamp
    /// The request's identifier, as in `X-Request-Id`; both stages of a call have the same.
    public var request: String
    public var stage: Stage
    /// Method and template of the address.
    public var operation: String
    /// The address, without what follows `?`; nil for strangers.
    public var target: String?
    /// The access key's identifier; nil for strangers, who are refused.
    public var key: String?
    /// On whose behalf.
    public var department: String?
    public var grant: String?
    /// What the caller said that it is for.
    public var purpose: String?
    /// `rows`, `data` or `changes`, where granted data is given.
    public var path: String?
    public var fromVersion: Int?
    public var version: Int?
    public var delivery: String?
    /// The key of the row before a page, and of its last one.
    public var after: [String]?
    public var last: [String]?
    public var rowCount: Int?
    public var byteCount: Int?
    /// The answer's status.
    public var status: Int?
    /// The problem's code, where there was one.
    public var code: String?
    /// How many calls it stands for: those of strangers that were refused alike at about the same time are one entry.
    public var calls: Int
    /// Makes the entry's hash say nothing about the entry.
    public var nonce: String

    public init(
        number: Int = 0, at time: Timestamp = .now, request: String, stage: Stage, operation: String, target: String? = nil, key: String? = nil, department: String? = nil,
        grant: String? = nil, purpose: String? = nil, calls: Int = 1, nonce: String = ""
    ) {
        self.number = number
        at = time
        self.request = request
        self.stage = stage
        self.operation = operation
        self.target = target
        self.key = key
        self.department = department
        self.grant = grant
        self.purpose = purpose
        self.calls = calls
        self.nonce = nonce
    }
}

/// What the ledger says of the calls of some time.
public struct AuditSeal: Sendable, Hashable, Codable {
    /// Its place among all seals, from 1.
    public var number: Int
    /// The time that it covers: after the one, up to the other; each begins where the one before ended.
    public var from: Timestamp
    public var until: Timestamp
    /// The entries' numbers, nil where there are none.
    public var first: Int?
    public var last: Int?
    public var count: Int
    /// SHA-256 over the entries' hashes, one behind another; an entry's hash is SHA-256 of its JSON in the spelling of RFC 8785.
    public var digest: String

    public init(number: Int, from: Timestamp, until: Timestamp, first: Int?, last: Int?, count: Int, digest: String) {
        self.number = number
        self.from = from
        self.until = until
        self.first = first
        self.last = last
        self.count = count
        self.digest = digest
    }
}

/// Which calls a list has.
public struct AuditFilter: Sendable, Hashable {
    public var since: Timestamp?
    public var until: Timestamp?
    public var grant: String?
    /// Calls on this department's behalf.
    public var department: String?
    /// Calls that were refused, or those that were not.
    public var isRefused: Bool?
    /// Whose part is read: its own calls, and those on what it gave or got; all where it is nil.
    public var part: String?

    public init(since: Timestamp? = nil, until: Timestamp? = nil, grant: String? = nil, department: String? = nil, isRefused: Bool? = nil, part: String? = nil) {
        self.since = since
        self.until = until
        self.grant = grant
        self.department = department
        self.isRefused = isRefused
        self.part = part
    }
}

/// One time that a row was given to somebody, found from what was delivered.
public struct RecordAccess: Sendable, Hashable, Codable {
    public var at: Timestamp
    public var grant: String
    /// Who got it.
    public var department: String
    public var purpose: String
    /// `rows`, `data` or `changes`.
    public var path: String
    public var fromVersion: Int
    public var version: Int
    public var delivery: String?
    /// Fields of the row that were given; the key alone where it was told that the row is gone.
    public var fields: [String]
    /// Whether all of the delivery is known to have left.
    public var complete: Bool

    public init(
        at time: Timestamp, grant: String, department: String, purpose: String, path: String, fromVersion: Int, version: Int, delivery: String?, fields: [String], complete: Bool
    ) {
        at = time
        self.grant = grant
        self.department = department
        self.purpose = purpose
        self.path = path
        self.fromVersion = fromVersion
        self.version = version
        self.delivery = delivery
        self.fields = fields
        self.complete = complete
    }
}
