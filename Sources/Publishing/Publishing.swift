public import Logging
public import Model
public import Store

/// The way of rows from a department's push to everybody's eyes: push, check, review, release, withdraw.
public final class Publishing: Sendable {
    /// What it is set to.
    public struct Configuration: Sendable {
        /// Longest body of a push, in bytes as they come.
        public var bodyLimit = 20 << 30
        /// Findings that are kept of one push; all are counted.
        public var findingLimit = 10_000
        /// Pushes that this process reads at once; each holds a database connection.
        public var concurrentPushes = 4
        /// Pushes that may wait for their turn to be read; further ones are asked to come back.
        public var waitingPushes = 64
        /// How often a push in work gives a sign of life, and how long without one it is taken for dead.
        public var heartbeat = Duration.seconds(2)
        public var silence = Duration.seconds(15)
        /// How long the answer to a request with an Idempotency-Key is kept.
        public var answerLifetime = Duration.seconds(86_400)
        /// How often scheduled releases and dead pushes are looked for.
        public var pace = Duration.seconds(2)

        public init() {}
    }

    public let configuration: Configuration
    let store: Store
    let logger: Logger
    /// Tells this process's pushes from those of others, and from those of the process before it.
    let worker = newIdentifier()
    let slots: Slots

    public init(store: Store, configuration: Configuration = Configuration(), logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        slots = Slots(
            capacity: configuration.concurrentPushes, waiting: configuration.waitingPushes,
            refusal: Problem(.overloaded, zh: "正在处理的报送过多，请稍后重试", en: "too many pushes are waiting; try again in a while", retryAfter: 30))
    }

    /// The dataset that a push goes to.
    ///
    /// - Throws: `Problem` (`datasetNotFound`).
    public func target(_ dataset: String) async throws -> PushTarget {
        guard let target = try await store.pushTarget(dataset) else { throw Self.noDataset }
        return target
    }

    /// A push as it is now.
    ///
    /// - Throws: `Problem` (`pushNotFound`).
    public func push(_ id: String) async throws -> PushRecord {
        guard let record = try await store.push(id.lowercased()) else { throw Self.noPush(id) }
        return record
    }

    /// A dataset's pushes, newest first.
    public func pushes(of dataset: String, after last: (receivedAt: Timestamp, id: String)?, limit: Int) async throws -> [PushRecord] {
        try await store.pushes(of: dataset, after: last, limit: limit)
    }

    /// A push's findings in the order in which they were found, after the one of that number.
    public func findings(
        of push: String, after number: Int, severity: Check.Severity? = nil, code: FindingCode? = nil, limit: Int
    ) async throws -> [NumberedFinding] {
        try await store.findings(of: push, after: number, severity: severity, code: code, limit: limit)
    }

    /// How often each code was found in a push, also beyond the findings that are kept.
    public func findingCounts(of push: String) async throws -> [FindingCount] {
        try await store.findingCounts(of: push)
    }

    /// Records that a quarantine push left out, by line, the header (line 0) first.
    public func rejectedRecords(of push: String, after line: Int, limit: Int) async throws -> [RejectedRecord] {
        try await store.rejectedRecords(of: push, after: line, limit: limit)
    }

    /// A dataset as far as this reader may see it.
    ///
    /// - Throws: `Problem`: `datasetNotFound` for none, and in the same words for one that the reader may not see; `datasetWithdrawn` with the reason.
    public func visible(_ dataset: String, to reader: Reader) async throws -> PushTarget {
        let target = try await target(dataset)
        if target.isHidden, !reader.seesDraft(of: target.department, dataset: dataset) { throw Self.noDataset }
        if target.state == .withdrawn { throw try await withdrawn(target) }
        return target
    }

    /// The answer to whoever asks for a withdrawn dataset.
    func withdrawn(_ target: PushTarget) async throws -> Problem {
        try await store.tombstone(ofDataset: target.dataset, audience: target.audience)?.problem(.datasetWithdrawn, zh: "数据资源", en: "the dataset")
            ?? Problem(.datasetWithdrawn, zh: "数据资源已撤回", en: "the dataset was withdrawn")
    }

    /// A dataset's versions, newest first.
    ///
    /// - Parameter number: versions before this one; nil for the first page.
    public func versions(of target: PushTarget, before number: Int?, limit: Int) async throws -> [Version] {
        try await store.versions(of: target.dataset, audience: target.audience, before: number, limit: limit)
    }

    /// One version's document. Of a version from which rows were withdrawn it says so.
    ///
    /// - Throws: `Problem`: `versionNotFound`, `versionWithdrawn` with the reason.
    public func version(_ number: Int, of target: PushTarget) async throws -> Version {
        guard let version = try await store.version(number, of: target.dataset, audience: target.audience) else {
            throw Problem(.versionNotFound, zh: "没有第 \(number) 版", en: "there is no version \(number)")
        }
        if let id = version.withdrawal, let (subject, tombstone) = try await store.tombstone(id, audience: target.audience), subject == .version {
            throw tombstone.problem(.versionWithdrawn, zh: "第 \(number) 版", en: "version \(number)")
        }
        return version
    }

    /// The answer where there is no such push, or none that the caller may know of.
    public static func noPush(_ id: String) -> Problem {
        Problem(.pushNotFound, zh: "没有编号为 \(id.prefix(64)) 的报送", en: "there is no push \(id.prefix(64))")
    }

    /// The answer where there is no such dataset, or none that the caller may know of.
    public static let noDataset = Problem(.datasetNotFound, zh: "没有这个数据资源", en: "there is no such dataset")
}
