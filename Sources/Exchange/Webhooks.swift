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
        /// Endpoints that are sent to at once.
        public var width = 64
        /// Messages that may wait for one endpoint.
        public var backlog = 10_000

        public init() {}
    }

    /// Messages that are sent to one endpoint in a row, and for how long, before others have their turn.
    private static let turn = (messages: 20, time: Duration.seconds(10))

    private let store: Store
    private let configuration: Configuration
    private let client: WebhookClient
    private let logger: Logger

    public init(store: Store, configuration: Configuration = Configuration(), logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        client = WebhookClient(rule: configuration.addresses, patience: configuration.patience)
    }

    /// Sends for as long as the task is not cancelled. Each endpoint is sent to by a task of its own, so that none waits for another.
    public func work() async throws {
        let busy = Busy()
        try await withThrowingDiscardingTaskGroup { group in
            var rounds = 0
            while true {
                // Once a minute or so.
                if rounds % 60 == 0 { try await tidy(at: .now) }
                rounds += 1
                let taken = busy.list
                if taken.count < configuration.width {
                    for target in try await due(at: .now, except: taken, limit: configuration.width - taken.count) {
                        busy.add(target.id)
                        group.addTask {
                            await send(to: target, at: nil)
                            busy.remove(target.id)
                        }
                    }
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Sends once what is due, to all endpoints for which something is.
    func round(at now: Timestamp) async throws {
        try await tidy(at: now)
        let targets = try await due(at: now, except: [], limit: configuration.width)
        await withDiscardingTaskGroup { group in
            for target in targets { group.addTask { await send(to: target, at: now) } }
        }
    }

    private func due(at now: Timestamp, except busy: [String], limit: Int) async throws -> [EndpointTarget] {
        try await store.dueEndpoints(at: now, horizon: WebhookSchedule.later(now, WebhookSchedule.horizon), except: busy, limit: limit)
    }

    private func tidy(at now: Timestamp) async throws {
        try await store.expireMessages(at: now, failures: WebhookSchedule.leastFailures)
        for endpoint in try await store.overfullEndpoints(most: configuration.backlog) {
            try await store.disableEndpoint(endpoint, reason: .backlog, failure: nil, at: now)
        }
        try await store.forgetMessages()
    }

    /// Sends to one endpoint what is due for it, until something is not taken.
    private func send(to target: EndpointTarget, at fixed: Timestamp?) async {
        let end = ContinuousClock.now + Self.turn.time
        do {
            let now = fixed ?? .now
            let messages = try await store.dueMessages(
                for: target.id, at: now, horizon: WebhookSchedule.later(now, WebhookSchedule.horizon), limit: Self.turn.messages)
            var failures = target.failures
            for message in messages {
                if Task.isCancelled || ContinuousClock.now > end { return }
                guard try await send(message, to: target, failures: failures, at: fixed ?? .now) else { return }
                failures = 0
            }
        } catch is CancellationError {
        } catch {
            logger.warning("a webhook was not noted; it is sent again", metadata: ["endpoint": "\(target.id)", "error": "\(error)"])
        }
    }

    /// - Returns: whether the endpoint can take more.
    private func send(_ message: OutgoingMessage, to target: EndpointTarget, failures: Int, at now: Timestamp) async throws -> Bool {
        let reply = await client.send(Webhook(message, secrets: target.secrets, at: now), to: target.url)
        switch WebhookSchedule.outcome(of: reply, attempts: message.attempts, failures: failures, expiresAt: message.expiresAt, now: now) {
        case .delivered:
            try await store.messageDelivered(message.id, to: target.id, at: now)
            return true
        case .failed(let failure, let next, let resume):
            // A server that stops breaks what it sends off: that is nobody's failure.
            try Task.checkCancellation()
            try await store.messageFailed(message.id, to: target.id, failure: failure, next: next, resume: resume, at: now)
            return false
        case .gone:
            try await store.disableEndpoint(target.id, reason: .gone, failure: "410", at: now)
            return false
        }
    }
}

/// Endpoints that are being sent to.
private final class Busy: Sendable {
    private let endpoints = Mutex<Set<String>>([])

    var list: [String] { endpoints.withLock { Array($0) } }

    func add(_ endpoint: String) { endpoints.withLock { _ = $0.insert(endpoint) } }

    func remove(_ endpoint: String) { endpoints.withLock { _ = $0.remove(endpoint) } }
}
