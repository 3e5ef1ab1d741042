public import Logging
internal import Model
public import Store
internal import Synchronization

/// Sends what departments are told to where they want to be told.
///
/// What there is to send stands in the database, written in the transaction of what it tells. One process at a time sends for all (``Jobs``' lease): when it dies, the next one
/// goes on, and may send once more what was just taken; the receiver knows it by its `webhook-id`.
public struct Webhooks: Sendable {
    public struct Configuration: Sendable {
        public var addresses = AddressRule()
        /// How long an endpoint may take to answer.
        public var patience = Duration.seconds(10)
        /// Endpoints that are sent to at once. Of those that failed the last time no more than half as many: however many hang, they do not hold the others up.
        public var width = 64
        /// Messages that may wait for one endpoint.
        public var backlog = 10_000
        var lines = WebhookLines.Limits()

        public init() {}
    }

    /// Messages that are sent to one endpoint, and for how long, before others have their turn.
    private static let turn = (messages: 200, time: Duration.seconds(10))
    /// Time between two looks where nobody rings.
    private static let look = Duration.milliseconds(250)

    private let store: Store
    private let configuration: Configuration
    private let client: WebhookClient
    private let logger: Logger
    private let bell = Bell()

    public init(store: Store, configuration: Configuration = Configuration(), logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        client = WebhookClient(rule: configuration.addresses, patience: configuration.patience, limits: configuration.lines)
    }

    /// Has what there is to send looked up at once: something may have been told of.
    public func ring() { bell.ring() }

    /// Sends for as long as the task is not cancelled. Each endpoint is sent to by a task of its own, so that none waits for another.
    public func work() async throws {
        let busy = Busy(), rings = bell.rings()
        defer { client.lines.close() }
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                while true {
                    try await Task.sleep(for: Self.look)
                    bell.ring()
                }
            }
            var swept: ContinuousClock.Instant?, tidied: ContinuousClock.Instant?
            for await _ in rings {
                if Self.isDue(&tidied, every: .seconds(60)) { try await tidy(at: .now) }
                if Self.isDue(&swept, every: .seconds(1)) { try await sweep() }
                let taken = busy.list
                guard taken.count < configuration.width else { continue }
                for target in try await due(at: .now, except: taken, failing: busy.failing) {
                    busy.add(target)
                    group.addTask {
                        // What could not be noted is not tried at once again.
                        if await !send(to: target, at: nil) { try? await Task.sleep(for: .seconds(1)) }
                        busy.remove(target)
                        bell.ring()
                    }
                }
            }
            try Task.checkCancellation()
        }
    }

    private static func isDue(_ last: inout ContinuousClock.Instant?, every pause: Duration) -> Bool {
        if let last, last.duration(to: .now) < pause { return false }
        last = .now
        return true
    }

    /// Sends once what is due, to all endpoints for which something is.
    func round(at now: Timestamp) async throws {
        defer { client.lines.close() }
        try await tidy(at: now)
        let targets = try await due(at: now, except: [], failing: 0)
        await withDiscardingTaskGroup { group in
            for target in targets { group.addTask { _ = await send(to: target, at: now) } }
        }
    }

    /// - Parameter failing: how many that failed the last time are being sent to.
    private func due(at now: Timestamp, except busy: [String], failing: Int) async throws -> [EndpointTarget] {
        try await store.dueEndpoints(
            at: now, horizon: WebhookSchedule.later(now, WebhookSchedule.horizon), except: busy, limit: configuration.width - busy.count,
            failing: max(0, configuration.width / 2 - failing))
    }

    private func tidy(at now: Timestamp) async throws {
        try await store.expireMessages(at: now, failures: WebhookSchedule.leastFailures)
        for endpoint in try await store.overfullEndpoints(most: configuration.backlog) {
            try await store.disableEndpoint(endpoint, reason: .backlog, failure: nil, at: now)
        }
        try await store.forgetMessages()
    }

    /// Closes connections that nobody needs: idle and old ones, and those to endpoints that were changed, disabled or removed.
    private func sweep() async throws {
        let urls = client.lines.urls
        if !urls.isEmpty { client.lines.keep(only: try await store.standingEndpoints(at: urls)) }
    }

    private enum Step: Sendable {
        case sent(OutgoingMessage, WebhookReply)
        /// - Parameter stands: whether the endpoint is still what it was.
        case noted(stands: Bool)
    }

    /// Sends to one endpoint what is due for it, until something is not taken.
    ///
    /// - Returns: whether what came of it is noted.
    private func send(to target: EndpointTarget, at fixed: Timestamp?) async -> Bool {
        let end = ContinuousClock.now + Self.turn.time
        do {
            let now = fixed ?? .now
            let messages = try await store.dueMessages(
                for: target.id, at: now, horizon: WebhookSchedule.later(now, WebhookSchedule.horizon), limit: Self.turn.messages)
            var turn = WebhookTurn(messages, failures: target.failures, width: client.width)
            try await withThrowingTaskGroup(of: Step.self) { group in
                while true {
                    if Task.isCancelled || ContinuousClock.now > end { turn.end() }
                    for action in turn.actions() {
                        switch action {
                        case .send(let message):
                            group.addTask { .sent(message, await client.send(Webhook(message, secrets: target.secrets, at: fixed ?? .now), to: target.url)) }
                        case .note(let messages):
                            group.addTask { .noted(stands: try await note(messages, to: target, at: fixed ?? .now)) }
                        }
                    }
                    switch try await group.next() {
                    case .sent(let message, let reply): turn.heard(reply, to: message, at: fixed ?? .now)
                    case .noted(let stands): turn.noted(stands: stands)
                    case nil: return
                    }
                }
            }
            if turn.isGone {
                try await store.disableEndpoint(target.id, reason: .gone, failure: "410", at: fixed ?? .now)
            } else if !turn.failed.isEmpty {
                // A server that stops breaks what it sends off: that is nobody's failure.
                try Task.checkCancellation()
                try await store.messagesFailed(turn.failed, to: target.id, at: fixed ?? .now)
            }
            return true
        } catch is CancellationError {
            return true
        } catch {
            logger.warning("a webhook was not noted; it is sent again", metadata: ["endpoint": "\(target.id)", "error": "\(error)"])
            return false
        }
    }

    /// Notes what was taken, also where the server stops meanwhile.
    private func note(_ messages: [String], to target: EndpointTarget, at now: Timestamp) async throws -> Bool {
        try await Task { [store] in try await store.messagesDelivered(messages, to: target.id, revision: target.revision, at: now) }.value
    }
}

/// Endpoints that are being sent to.
private final class Busy: Sendable {
    /// Whether each failed the last time.
    private let endpoints = Mutex<[String: Bool]>([:])

    var list: [String] { endpoints.withLock { Array($0.keys) } }

    var failing: Int { endpoints.withLock { endpoints in endpoints.values.count { $0 } } }

    func add(_ target: EndpointTarget) { endpoints.withLock { $0[target.id] = target.failures > 0 } }

    func remove(_ target: EndpointTarget) { endpoints.withLock { $0[target.id] = nil } }
}

/// Tells whoever sends that there may be something to send. What rings before it is heard counts once.
private final class Bell: Sendable {
    private let ringing = Mutex<AsyncStream<Void>.Continuation?>(nil)

    /// Hears it from now on; whoever heard it before does not any more.
    func rings() -> AsyncStream<Void> {
        let (rings, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        ringing.withLock { $0 = continuation }
        continuation.yield()
        return rings
    }

    func ring() { _ = ringing.withLock { $0?.yield() } }
}
