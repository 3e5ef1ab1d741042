import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Synchronization

/// The pooled connections: performs what `PoolStateMachine` decides.
final class Pool: Sendable {
    private struct State {
        var machine: PoolStateMachine
        var sessions: [Int: Session] = [:]
        var waiters: [Int: CheckedContinuation<Result<Session, PostgresError>, Never>] = [:]
        var nextWaiter = 0
        var lastFailure: PostgresError?
        var everConnected = false
        var reconnects = 0
        var closers: [CheckedContinuation<Void, Never>] = []
        var isClosed = false
        var ticks: RepeatedTask?
    }

    private let state: NIOLockedValueBox<State>
    private let parameters: ConnectionParameters
    private let acquireTimeout: Duration
    private let group: any EventLoopGroup
    private let helpers: NIOThreadPool
    private let logger: Logger

    init(
        _ configuration: Database.Configuration, parameters: ConnectionParameters, group: any EventLoopGroup, helpers: NIOThreadPool,
        logger: Logger
    ) {
        let machine = PoolStateMachine(
            size: configuration.poolSize, maxWaiters: configuration.maxWaiters, checkInterval: configuration.healthCheckInterval)
        state = NIOLockedValueBox(State(machine: machine))
        (self.parameters, self.group, self.helpers, self.logger) = (parameters, group, helpers, logger)
        acquireTimeout = configuration.acquireTimeout
        let interval = TimeAmount(min(configuration.healthCheckInterval, .seconds(5)))
        let ticks = group.any().scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.happened { $0.machine.tick(at: .now) }
        }
        state.withLockedValue { $0.ticks = ticks }
    }

    /// Takes a connection, and waits for one if it has to.
    func acquire(deadline: ContinuousClock.Instant?) async throws(PostgresError) -> Session {
        while true {
            let session = try await acquireUnchecked(deadline: deadline)
            if session.looksAlive { return session }
            // It broke while it was idle. Each round takes one such connection away, so that the loop ends.
            release(session, usable: false)
        }
    }

    private func acquireUnchecked(deadline: ContinuousClock.Instant?) async throws(PostgresError) -> Session {
        let waiter = state.withLockedValue { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let isCancelled = Atomic(false)
        let limit = ContinuousClock.now + acquireTimeout
        let refusal: PoolStateMachine.Refusal = if let deadline, deadline < limit { .deadline } else { .timeout }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Session, PostgresError>, Never>) in
                happened { state in
                    state.waiters[waiter] = continuation
                    let actions = state.machine.acquire(waiter)
                    // The handler below may have run before there was a waiter.
                    guard isCancelled.load(ordering: .sequentiallyConsistent) else { return actions }
                    return actions + state.machine.giveUp(waiter, .cancelled)
                }
                let isWaiting = state.withLockedValue { $0.waiters[waiter] != nil }
                if isWaiting {
                    group.any().scheduleTask(in: .until(earlier(deadline, limit) ?? limit)) {
                        self.happened { $0.machine.giveUp(waiter, refusal) }
                    }
                }
            }
        } onCancel: {
            isCancelled.store(true, ordering: .sequentiallyConsistent)
            happened { $0.machine.giveUp(waiter, .cancelled) }
        }
        return try result.get()
    }

    /// Gives a connection back.
    func release(_ session: Session, usable: Bool) {
        let usable = usable && !session.isBroken
        happened { $0.machine.release(session.id, usable: usable, at: .now) }
    }

    /// Refuses new callers and returns when all connections are closed.
    func close() async {
        await withCheckedContinuation { continuation in
            happened { state in
                state.ticks?.cancel()
                state.ticks = nil
                if state.isClosed { continuation.resume() } else { state.closers.append(continuation) }
                return state.machine.close()
            }
        }
    }

    var statistics: (inUse: Int, idle: Int, waiting: Int, reconnects: Int) {
        state.withLockedValue { ($0.machine.lentCount, $0.machine.idleCount, $0.machine.waitingCount, $0.reconnects) }
    }

    /// Tells the machine, then performs its actions outside the lock.
    private func happened(_ event: (inout State) -> [PoolStateMachine.Action]) {
        let effects = state.withLockedValue { state in event(&state).compactMap { effect(of: $0, &state) } }
        for effect in effects { effect() }
    }

    private func effect(of action: PoolStateMachine.Action, _ state: inout State) -> (() -> Void)? {
        switch action {
        case .lend(let id, let waiter):
            guard let continuation = state.waiters.removeValue(forKey: waiter), let session = state.sessions[id] else { return nil }
            return { continuation.resume(returning: .success(session)) }
        case .refuse(let waiter, let refusal):
            guard let continuation = state.waiters.removeValue(forKey: waiter) else { return nil }
            let error = Self.error(refusal, lastFailure: state.lastFailure)
            return { continuation.resume(returning: .failure(error)) }
        case .connect(let id, let pause):
            let session = Session(id: id, helpers: helpers, timers: group.next())
            state.sessions[id] = session
            return { [self] in
                if pause == .zero { return connect(session) }
                group.any().scheduleTask(in: TimeAmount(pause)) { self.connect(session) }
            }
        case .check(let id):
            guard let session = state.sessions[id] else { return nil }
            return { self.check(session) }
        case .close(let id):
            let session = state.sessions.removeValue(forKey: id)
            return { session?.close() }
        case .finished:
            state.isClosed = true
            let closers = state.closers
            state.closers = []
            return { for closer in closers { closer.resume() } }
        }
    }

    private static func error(_ refusal: PoolStateMachine.Refusal, lastFailure: PostgresError?) -> PostgresError {
        switch refusal {
        case .timeout, .deadline:
            // Who waits because the server is away is told so.
            if let lastFailure { return lastFailure }
            return refusal == .timeout
                ? PostgresError(.poolTimeout, "no pooled connection became free within the time limit")
                : PostgresError(.deadlineExceeded, "the deadline passed while waiting for a pooled connection")
        case .cancelled: return PostgresError(.cancelled, "cancelled while waiting for a pooled connection")
        case .overloaded: return PostgresError(.overloaded, "too many callers wait for a pooled connection")
        case .closed: return PostgresError(.closed, "the database is closed")
        }
    }

    private func connect(_ session: Session) {
        session.open(parameters) { [self] error in
            if let error { logger.warning("A database connection failed", metadata: ["error": "\(error.debugDescription)"]) }
            happened { state in
                if let error {
                    state.lastFailure = error
                    return state.machine.connectFailed(session.id, jitter: .random(in: 0...1))
                }
                if state.lastFailure != nil, state.everConnected { state.reconnects += 1 }
                state.lastFailure = nil
                state.everConnected = true
                return state.machine.connected(session.id, at: .now)
            }
        }
    }

    private func check(_ session: Session) {
        let done: @Sendable (Result<Void, PostgresError>) -> Void = { [self] result in
            let isAlive = if case .success = result { !session.isBroken } else { false }
            happened { $0.machine.checked(session.id, alive: isAlive, at: .now) }
        }
        session.start(.init(), deadline: .now + .seconds(5), { connection throws(PostgresError) in try executeScript(connection, "") }, done)
    }
}
