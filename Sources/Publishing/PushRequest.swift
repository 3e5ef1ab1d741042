public import Model
import Store

/// What a department asks for when it pushes, besides the rows.
public struct PushRequest: Sendable {
    public var dataset: String
    public var mode: PushMode
    /// Whether everything is checked and nothing kept.
    public var dryRun: Bool
    /// The key that pushes.
    public var key: AccessKey
    /// The charset of the body by its IANA name; nil leaves it to the mapping.
    public var charset: String?
    /// Whether the body is gzip.
    public var isCompressed: Bool
    /// SHA-256 of the body as it comes, where the request says it (RFC 9530): 32 bytes.
    public var contentDigest: [UInt8]?
    /// The Idempotency-Key, where the request has one.
    public var idempotencyKey: String?
    /// Method, path and query, which a retry has to repeat.
    public var line: String

    public init(dataset: String, mode: PushMode, dryRun: Bool = false, key: AccessKey, line: String) {
        self.dataset = dataset
        self.mode = mode
        self.dryRun = dryRun
        self.key = key
        self.line = line
        isCompressed = false
    }
}

/// What a push came to.
public struct PushReport: Sendable {
    public var record: PushRecord
    /// How often each code was found.
    public var counts: [FindingCount]
    /// The first findings, 20 at most.
    public var findings: [Finding]

    /// Whether errors keep it from being released.
    public var isRejected: Bool { record.push.state == .rejected }
}

/// What is answered to a push.
public enum PushOutcome: Sendable {
    /// It was taken in, now.
    case new(PushReport, StoredAnswer)
    /// A request with the same Idempotency-Key was answered so before.
    case replayed(push: String, StoredAnswer)

    public var push: String {
        switch self {
        case .new(let report, _): report.record.push.id
        case .replayed(let push, _): push
        }
    }

    public var answer: StoredAnswer {
        switch self {
        case .new(_, let answer), .replayed(_, let answer): answer
        }
    }
}
