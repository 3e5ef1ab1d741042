import Logging
public import RateLimit
import Synchronization

extension API {
    /// How this process shares its limits with others, and keeps what keys have used. Each of these asks the database.
    public struct SharedLimits: Sendable {
        /// Gives a sign of life; says how many nodes there are, this one counted.
        public var beat: @Sendable () async throws -> Int
        /// This node stops.
        public var leave: @Sendable () async throws -> Void
        /// Settles with the common account.
        public var settle: @Sendable ([Settlement]) async throws -> [Settled]
        /// Forgets what is no longer needed.
        public var sweep: @Sendable () async throws -> Void
        /// Adds to what keys used today.
        public var add: @Sendable ([Usage]) async throws -> Void
        /// What a key used today.
        public var usage: @Sendable (_ keyID: String) async throws -> [Usage]

        public init(
            beat: @escaping @Sendable () async throws -> Int, leave: @escaping @Sendable () async throws -> Void,
            settle: @escaping @Sendable ([Settlement]) async throws -> [Settled], sweep: @escaping @Sendable () async throws -> Void,
            add: @escaping @Sendable ([Usage]) async throws -> Void, usage: @escaping @Sendable (String) async throws -> [Usage]
        ) {
            (self.beat, self.leave, self.settle, self.sweep, self.add, self.usage) = (beat, leave, settle, sweep, add, usage)
        }
    }

    /// What a key used of one class of action.
    public struct Usage: Sendable, Hashable {
        public var keyID: String
        public var action: ActionClass
        public var requests: Int
        /// Units charged.
        public var units: Int
        /// Requests refused.
        public var refused: Int

        public init(keyID: String, action: ActionClass, requests: Int = 0, units: Int = 0, refused: Int = 0) {
            (self.keyID, self.action, self.requests, self.units, self.refused) = (keyID, action, requests, units, refused)
        }
    }
}

/// Settles the limiter with the common account, in the background and in batches: a request asks the database for nothing.
final class Allowances: Sendable {
    /// Most quotas settled at once.
    private static let batch = 1024
    /// Pause between two settlements, in which what has to be settled comes together.
    private static let pause = Duration.milliseconds(5)
    private static let beatInterval = Duration.seconds(1)
    /// How long a new node has no credit: by then each of the others has given two signs of life, and seen it.
    private static let joiningBeats = 3
    /// Keys whose use is counted between two writes; what comes beyond is not counted.
    private static let usageCapacity = 4096

    private struct UsageName: Hashable {
        let keyID: String
        let action: ActionClass
    }

    private let limiter: Limiter
    private let shared: API.SharedLimits?
    private let waiters = Mutex<[CheckedContinuation<Void, Never>]>([])
    private let counts = Mutex<[UsageName: API.Usage]>([:])
    private let tasks = Mutex<[Task<Void, Never>]>([])
    private let isRunning = Atomic(false)
    private let logger = Logger(label: "daylight.limits")

    init(limiter: Limiter, shared: API.SharedLimits?) {
        self.limiter = limiter
        self.shared = shared
    }

    // MARK: Running

    /// Joins the nodes that share the limits, and begins to settle.
    func start() async {
        guard let shared else { return }
        let others = try? await shared.beat()
        // Before the first word of the database, this node may be one of many.
        limiter.fleet = Fleet(nodes: others ?? 2, isJoining: others.map { $0 > 1 } ?? true, isCutOff: others == nil)
        isRunning.store(true, ordering: .relaxed)
        tasks.withLock {
            $0 = [Task { await self.beatOn(shared) }, Task { await self.settleOn(shared) }]
        }
    }

    /// Settles what is left and leaves.
    func stop() async {
        guard let shared, isRunning.exchange(false, ordering: .relaxed) else { return }
        let tasks = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        await settle(shared)
        await writeUsage(shared)
        try? await shared.leave()
    }

    private func beatOn(_ shared: API.SharedLimits) async {
        var beats = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.beatInterval)
            if Task.isCancelled { return }
            beats += 1
            let isJoining = limiter.fleet?.isJoining ?? false
            do {
                let nodes = try await shared.beat()
                limiter.fleet = Fleet(nodes: nodes, isJoining: isJoining && beats < Self.joiningBeats)
            } catch {
                cutOff(error)
            }
            if beats % 5 == 0 { await writeUsage(shared) }
            if beats % 60 == 0 { try? await shared.sweep() }
            limiter.wake()
        }
    }

    private func settleOn(_ shared: API.SharedLimits) async {
        for await _ in limiter.dues {
            while limiter.hasQuestions, !Task.isCancelled {
                await settle(shared)
                try? await Task.sleep(for: Self.pause)
            }
            release(waiters.withLock { Self.takeAll(&$0) })
        }
        release(waiters.withLock { Self.takeAll(&$0) })
    }

    private func settle(_ shared: API.SharedLimits) async {
        // Whoever waits now has put his question before.
        let waiting = waiters.withLock { Self.takeAll(&$0) }
        let questions = limiter.questions(atMost: Self.batch, at: WallClock.nanoseconds)
        if !questions.isEmpty {
            do {
                let answers = try await shared.settle(questions)
                limiter.take(answers, for: questions, at: WallClock.nanoseconds)
            } catch {
                limiter.settlingFailed(questions)
                cutOff(error)
            }
        }
        release(waiting)
    }

    private func cutOff(_ error: any Error) {
        guard var fleet = limiter.fleet, !fleet.isCutOff else { return }
        fleet.isCutOff = true
        limiter.fleet = fleet
        logger.warning("limits are not shared: each node keeps to its part", metadata: ["nodes": "\(fleet.nodes)", "error": "\(error)"])
    }

    private static func takeAll(_ waiters: inout [CheckedContinuation<Void, Never>]) -> [CheckedContinuation<Void, Never>] {
        defer { waiters = [] }
        return waiters
    }

    private func release(_ waiters: [CheckedContinuation<Void, Never>]) {
        for waiter in waiters { waiter.resume() }
    }

    // MARK: Requests

    /// Waits until what has to be settled now is settled, or cannot be.
    func settled() async {
        guard isRunning.load(ordering: .relaxed) else { return }
        await withCheckedContinuation { continuation in
            waiters.withLock { $0.append(continuation) }
            limiter.wake()
        }
    }

    // MARK: Use of keys

    /// Counts a request of a key.
    func count(_ keyID: String, _ action: ActionClass, units: Int, isRequest: Bool = true, isRefused: Bool = false) {
        let name = UsageName(keyID: keyID, action: action)
        counts.withLock { counts in
            guard counts.count < Self.usageCapacity || counts[name] != nil else { return }
            var usage = counts[name] ?? API.Usage(keyID: keyID, action: action)
            if isRequest { usage.requests += 1 }
            usage.units += units
            if isRefused { usage.refused += 1 }
            counts[name] = usage
        }
    }

    /// What a key used today, of all nodes as far as they have written it down.
    func usage(of keyID: String) async throws -> [ActionClass: API.Usage] {
        var sum: [ActionClass: API.Usage] = [:]
        for usage in try await shared?.usage(keyID) ?? [] { sum[usage.action] = usage }
        let fresh = counts.withLock { counts in counts.values.filter { $0.keyID == keyID } }
        for usage in fresh {
            var total = sum[usage.action] ?? API.Usage(keyID: keyID, action: usage.action)
            total.requests += usage.requests
            total.units += usage.units
            total.refused += usage.refused
            sum[usage.action] = total
        }
        return sum
    }

    private func writeUsage(_ shared: API.SharedLimits) async {
        let usage = counts.withLock { counts in
            defer { counts = [:] }
            return Array(counts.values)
        }
        guard !usage.isEmpty else { return }
        do {
            try await shared.add(usage)
        } catch {
            // Kept for the next time, beside what has come since.
            for item in usage {
                counts.withLock { counts in
                    let name = UsageName(keyID: item.keyID, action: item.action)
                    var sum = counts[name] ?? API.Usage(keyID: item.keyID, action: item.action)
                    sum.requests += item.requests
                    sum.units += item.units
                    sum.refused += item.refused
                    counts[name] = sum
                }
            }
        }
    }
}
