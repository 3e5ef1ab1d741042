public import Logging
import Model
public import Store
import Synchronization

/// Reads again what is stored and holds it against the ledger: every version's rows against the digest in its leaf, the leaves against the signed heads.
///
/// It goes round and round, one version after another, no faster than it is allowed, and goes on where it was after a restart. Whether rendered files are what they should be is seen
/// whenever one is made; here it is about what PostgreSQL holds. What does not agree is a finding: it stays until the same check finds nothing any more.
public final class Integrity: Sendable {
    /// What it is set to.
    public struct Configuration: Sendable {
        /// Bytes of canonical CSV that are read in a second, at most; 0 reads nothing.
        public var rate = 4 << 20
        /// Time from the end of one round to the next.
        public var interval = Duration.seconds(3600)
        /// How often what was found is looked at again.
        public var recheck = Duration.seconds(60)

        public init() {}
    }

    public let configuration: Configuration
    let store: Store
    let logger: Logger
    /// What ``watch()`` saw last.
    private let seen = Mutex<IntegrityReport?>(nil)
    private let isBusy: @Sendable () -> Bool

    /// - Parameter isBusy: whether others need the database more just now; nil asks the store.
    public init(store: Store, configuration: Configuration = Configuration(), logger: Logger, isBusy: (@Sendable () -> Bool)? = nil) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.isBusy = isBusy ?? { store.isBusy }
    }

    /// Goes on with the round until it is done or the task is cancelled; begins a new one where it is time. One process at a time may do this.
    public func work() async throws {
        guard configuration.rate > 0 else { return }
        try await recheck()
        guard var round = try await store.integrityRound(beginAfter: configuration.interval) else { return }
        var rechecked = ContinuousClock.now
        var pace = Pace(rate: configuration.rate)
        if round.position == nil { try await checkLog(&pace) }
        while let version = try await store.inspectedVersion(after: round.position) {
            try Task.checkCancellation()
            let outcome = try await check(version, &pace)
            round.position = (version.dataset, version.number)
            round.versions += outcome == .skipped ? 0 : 1
            round.skipped += outcome == .skipped ? 1 : 0
            round.bytes += outcome == .skipped ? 0 : version.byteCount
            try await store.keep(round)
            if rechecked.duration(to: .now) > configuration.recheck {
                try await recheck()
                rechecked = .now
            }
        }
        try await store.finish(round)
    }

    /// Looks again at everything that was found and stands open.
    public func recheck() async throws {
        var pace = Pace(rate: configuration.rate)
        for finding in try await store.integrityFindings(limit: 1000) {
            guard let dataset = finding.dataset, let number = finding.version else { continue }
            if let version = try await store.inspectedVersion(number, of: dataset) {
                _ = try await check(version, &pace)
            } else {
                // The dataset is no longer public.
                try await store.close(finding.kind, dataset: dataset, version: number)
            }
        }
        if try await store.integrityFindings(limit: 1000).contains(where: { $0.kind == .ledger }) { try await checkLog(&pace) }
    }

    /// Waits for as long as reading so many bytes may take, and while others need the database.
    func wait(_ bytes: Int, _ pace: inout Pace) async throws {
        try await Task.sleep(for: pace.delay(after: bytes, at: .now))
        for _ in 0..<60 where isBusy() { try await Task.sleep(for: .seconds(1)) }
    }

    /// How fast it may go.
    struct Pace {
        let rate: Int
        private var due: ContinuousClock.Instant?

        init(rate: Int) { self.rate = rate }

        /// - Returns: how long to wait, so that no more than the rate is read in a second.
        mutating func delay(after bytes: Int, at now: ContinuousClock.Instant) -> Duration {
            let next = max(due ?? now, now) + .nanoseconds(Int64(Double(bytes) / Double(max(1, rate)) * 1e9))
            due = next
            return next > now ? now.duration(to: next) : .zero
        }
    }
}

extension Integrity {
    /// One number about the check, for the metrics page.
    public struct Measurement: Sendable {
        public let name: String
        /// What it is, in one line.
        public let help: String
        /// As it was read last.
        public let read: @Sendable () -> Double
    }

    /// What is known of the check, on every node; ``watch()`` keeps it up to date.
    public var measurements: [Measurement] {
        func measurement(_ name: String, _ help: String, _ value: @escaping @Sendable (IntegrityReport) -> Double) -> Measurement {
            Measurement(name: name, help: help) { self.seen.withLock { $0 }.map(value) ?? 0 }
        }
        return [
            measurement("open_findings", "Places where stored data is not what the ledger says") { Double($0.findingCount) },
            measurement("last_round_end_seconds", "When the last round over all versions ended, in seconds since 1970") {
                Double(($0.lastRound?.finishedAt?.microseconds ?? 0) / 1_000_000)
            },
            measurement("round_versions", "Versions read in the round under way, or in the last") { Double(($0.currentRound ?? $0.lastRound)?.versions ?? 0) },
            measurement("round_bytes", "Bytes read in the round under way, or in the last") { Double(($0.currentRound ?? $0.lastRound)?.bytes ?? 0) },
        ]
    }

    /// Reads how far the check has come, until the task is cancelled.
    public func watch() async {
        while !Task.isCancelled {
            if let report = try? await store.integrityReport(limit: 0) { seen.withLock { $0 = report } }
            try? await Task.sleep(for: .seconds(15))
        }
    }
}
