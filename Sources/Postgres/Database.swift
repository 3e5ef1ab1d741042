public import Logging
import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix

/// A PostgreSQL database, seen by one role through one connection string.
///
/// Short reads share a few pipelined connections, which belong to the event loops; everything else (writes,
/// transactions, slow reads, COPY) leases a connection from a bounded pool.
public final class Database: Sendable {
    /// What there is between `start` and `close`.
    final class Running: Sendable {
        let pool: Pool
        let pipelines: [ObjectIdentifier: LoopPipeline]
        let shared: LoopPipeline.Shared

        init(pool: Pool, pipelines: [ObjectIdentifier: LoopPipeline], shared: LoopPipeline.Shared) {
            (self.pool, self.pipelines, self.shared) = (pool, pipelines, shared)
        }
    }

    private enum State {
        case idle
        case running(Running)
        case closed
    }

    public let configuration: Configuration
    let group: any EventLoopGroup
    private let logger: Logger
    private let state = NIOLockedValueBox(State.idle)
    private let listeners = NIOLockedValueBox<[ObjectIdentifier: NotificationListener]>([:])

    /// Nothing is connected until `start()`.
    /// - Parameters:
    ///   - eventLoopGroup: the loops that own the pipelined connections; the caller shuts it down, after `close()`.
    ///   - logger: gets connection failures and recoveries, never a statement's values.
    public init(_ configuration: Configuration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.group = eventLoopGroup
        self.logger = logger
    }

    /// Opens the pipelined connections and one pooled connection.
    /// - Throws: `PostgresError` when the server cannot be reached or refuses the role; the database is closed then.
    public func start() async throws {
        let parameters = try ConnectionParameters(configuration)
        // A read may be sent twice, so its connection must not write.
        let readOnly = try ConnectionParameters(configuration, settings: [("default_transaction_read_only", "on")])
        let helpers = NIOThreadPool(numberOfThreads: 4)
        let shared = LoopPipeline.Shared(
            configuration: configuration, parameters: readOnly, notifier: ReadinessNotifier(), helpers: helpers, logger: logger)
        let pool = Pool(configuration, parameters: parameters, group: group, helpers: helpers, logger: logger)
        let pipelines = group.makeIterator().map { LoopPipeline(loop: $0, shared: shared) }
        let running = Running(
            pool: pool, pipelines: Dictionary(uniqueKeysWithValues: pipelines.map { (ObjectIdentifier($0.loop), $0) }), shared: shared)
        let isFirst = state.withLockedValue { state in
            guard case .idle = state else { return false }
            state = .running(running)
            return true
        }
        guard isFirst else { throw PostgresError(.misuse, "a database is started once") }
        helpers.start()
        shared.notifier.start()
        do {
            for future in pipelines.map({ $0.start() }) { try await future.get() }
            try await execute("SELECT 1")
        } catch {
            await close()
            throw error
        }
    }

    /// Refuses new work, waits up to ten seconds for reads that are under way and without limit for connections on
    /// loan, and closes everything.
    public func close() async {
        let running = state.withLockedValue { state -> Running? in
            defer { state = .closed }
            if case .running(let running) = state { return running } else { return nil }
        }
        guard let running else { return }
        for listener in listeners.withLockedValue({ $0.values.map { $0 } }) { listener.stop() }
        for future in running.pipelines.values.map({ $0.close(within: .seconds(10)) }) { try? await future.get() }
        await running.pool.close()
        running.shared.notifier.finish()
        // Fails only when it was shut down before.
        try? await running.shared.helpers.shutdownGracefully()
    }

    public var statistics: Statistics {
        var statistics = Statistics()
        guard let running = try? running() else { return statistics }
        let pool = running.pool.statistics
        (statistics.poolInUse, statistics.poolIdle, statistics.poolWaiting) = (pool.inUse, pool.idle, pool.waiting)
        statistics.reconnects = pool.reconnects
        for pipeline in running.pipelines.values {
            let counts = pipeline.counts
            statistics.pipelinedPending += counts.pending
            statistics.pipelinedInFlight += counts.inFlight
            statistics.reconnects += counts.reconnects
        }
        return statistics
    }

    func running() throws(PostgresError) -> Running {
        switch state.withLockedValue({ $0 }) {
        case .running(let running): return running
        case .idle: throw PostgresError(.closed, "the database is not started")
        case .closed: throw PostgresError(.closed, "the database is closed")
        }
    }

    /// Follows the channels on a connection of its own, opened again whenever it breaks, until the sequence is dropped.
    ///
    /// The first element is `.reconnected`, once listening has begun; what it means to miss notifications is said there.
    ///
    /// - Parameter proof: how often the server is asked whether anything is still on its way; nil for never. A server that does not answer within
    ///   five seconds is given up, and connected to anew.
    public func notifications(_ channels: [String], proof: Duration? = nil) -> AsyncStream<Notification> {
        AsyncStream(bufferingPolicy: .bufferingOldest(NotificationListener.capacity)) { continuation in
            guard let running = try? running() else { return continuation.finish() }
            let listener = NotificationListener(channels, proof: proof, shared: running.shared, loop: group.any(), continuation)
            listeners.withLockedValue { $0[ObjectIdentifier(listener)] = listener }
            continuation.onTermination = { _ in
                listener.stop()
                self.listeners.withLockedValue { $0[ObjectIdentifier(listener)] = nil }
            }
            listener.start()
        }
    }
}
