import CLibpq
import DequeModule
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// The short reads of one event loop, and the pipelined connections that it owns.
///
/// Everything runs on the loop, so nothing here is locked. Reads are collected and sent once per loop tick.
final class LoopPipeline: @unchecked Sendable {
    /// What all loops of a database share.
    struct Shared: Sendable {
        let configuration: Database.Configuration
        let parameters: ConnectionParameters
        let notifier: ReadinessNotifier
        let helpers: NIOThreadPool
        let logger: Logger
    }

    /// A place for a connection, which it fills again whenever it breaks.
    private final class Lane {
        var connection: PipelinedConnection?
        var watch: UInt64 = 0
        var backoff = Backoff()
        var isDirty = false
        var isCancelling = false
        var wasConnected = false
    }

    let loop: any EventLoop
    private let shared: Shared
    private var lanes: [Lane] = []
    private var pending = Deque<PendingRead>()
    private var isScheduled = false
    private var isClosed = false
    /// Why no lane is connected, once an attempt has failed.
    private var outage: PostgresError?
    private var closed: EventLoopPromise<Void>?
    /// Some read in flight was given up, as far as is known without looking.
    private var mayHaveAbandoned = false

    /// Reads in flight on one connection at most; the others wait here, where they can still be taken back.
    private static let depth = 256

    /// Copies for other threads.
    private let pendingCount = Atomic(0)
    private let inFlightCount = Atomic(0)
    private let reconnectCount = Atomic(0)

    init(loop: any EventLoop, shared: Shared) {
        self.loop = loop
        self.shared = shared
    }

    var counts: (pending: Int, inFlight: Int, reconnects: Int) {
        (pendingCount.load(ordering: .relaxed), inFlightCount.load(ordering: .relaxed), reconnectCount.load(ordering: .relaxed))
    }

    // MARK: Reads

    /// Takes a read that is stopped when the deadline passes; on the loop.
    func submit(_ read: PendingRead, deadline: ContinuousClock.Instant?) {
        if let deadline, let ticket = read.ticket {
            ticket.keep(
                loop.scheduleTask(in: .until(deadline)) {
                    if ticket.abandon(.deadlineExceeded) { self.abandoned(ticket) }
                })
        }
        submit(read)
    }

    /// Takes a read; on the loop.
    func submit(_ read: PendingRead) {
        if isClosed { return read.complete(.failure(PostgresError(.closed, "the database is closed"))) }
        if let outage { return read.complete(.failure(outage)) }
        if pending.count >= shared.configuration.maxPendingReads {
            return read.complete(.failure(PostgresError(.overloaded, "\(pending.count) reads are waiting on this event loop")))
        }
        pending.append(read)
        guard !isScheduled else { return }
        isScheduled = true
        loop.execute {
            self.isScheduled = false
            self.pump()
        }
    }

    /// The caller of a read has given up; on the loop.
    func abandoned(_ ticket: ReadTicket) {
        pending.removeAll { $0.ticket === ticket }
        mayHaveAbandoned = true
        for lane in lanes { cancelHead(of: lane) }
        publishCounts()
    }

    private func pump() {
        while !pending.isEmpty {
            // The least busy one; a slow read then holds up the fewest others.
            var best: Lane?
            for lane in lanes {
                guard let count = lane.connection?.readCount, count < Self.depth else { continue }
                if count < best?.connection?.readCount ?? .max { best = lane }
            }
            guard let lane = best, let connection = lane.connection else { break }
            var isWhole = true
            while isWhole, connection.readCount < Self.depth, let read = pending.popFirst() {
                lane.isDirty = true
                if read.isAbandoned { continue }
                isWhole = connection.send(read)
            }
            if !isWhole { disconnected(lane) }
        }
        for lane in lanes where lane.isDirty {
            lane.isDirty = false
            guard let connection = lane.connection else { continue }
            guard connection.sync(), let isLeft = connection.flush() else {
                disconnected(lane)
                continue
            }
            if isLeft { shared.notifier.arm(lane.watch, connection.socket, forWriting: true) }
        }
        publishCounts()
    }

    private func ready(_ lane: Lane) {
        guard let connection = lane.connection else { return }
        let isWhole = connection.receive { pending.append($0) }
        guard isWhole, let isLeft = connection.flush() else {
            disconnected(lane)
            return pump()
        }
        shared.notifier.arm(lane.watch, connection.socket, forWriting: isLeft)
        if mayHaveAbandoned { cancelHead(of: lane) }
        if isClosed, connection.isIdle, pending.isEmpty { return finish(lane) }
        if pending.isEmpty { publishCounts() } else { pump() }
    }

    private func publishCounts() {
        pendingCount.store(pending.count, ordering: .relaxed)
        inFlightCount.store(lanes.reduce(0) { $0 + ($1.connection?.readCount ?? 0) }, ordering: .relaxed)
    }

    /// Stops what the server works on, if the caller of a read in that batch has given up. What else is hit is sent again.
    private func cancelHead(of lane: Lane) {
        mayHaveAbandoned = lanes.contains { $0.connection?.hasAbandonedReads ?? false }
        guard !lane.isCancelling, let connection = lane.connection, connection.hasAbandonedHead, let handle = connection.cancelHandle
        else { return }
        lane.isCancelling = true
        connection.strayCancelsUntil = .now() + .seconds(30)
        // Both are used on the helper thread only as pointers; the connection is kept for the sake of its cancel handle.
        nonisolated(unsafe) let (lane, kept, cancelHandle) = (lane, connection, handle)
        shared.helpers.submit { _ in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                _ = PQcancel(cancelHandle, message.baseAddress, 256)
            }
            self.loop.execute {
                kept.strayCancelsUntil = .now() + .seconds(1)
                lane.isCancelling = false
                self.cancelHead(of: lane)
            }
        }
    }

    // MARK: Connections

    /// Opens all connections; from any thread.
    /// - Returns: fails with the first error.
    func start() -> EventLoopFuture<Void> {
        loop.flatSubmit {
            self.lanes = (0..<max(1, self.shared.configuration.pipelinedConnectionsPerLoop)).map { _ in Lane() }
            return EventLoopFuture.andAllSucceed(self.lanes.map { self.connect($0) }, on: self.loop)
        }
    }

    /// Ends when the reads in flight are answered, or after the limit; from any thread.
    func close(within limit: TimeAmount) -> EventLoopFuture<Void> {
        loop.flatSubmit {
            if let closed = self.closed { return closed.futureResult }
            let promise = self.loop.makePromise(of: Void.self)
            self.closed = promise
            self.pump()
            self.isClosed = true
            self.failPending(PostgresError(.closed, "the database is closed"))
            for lane in self.lanes where lane.connection?.isIdle ?? true { self.finish(lane) }
            let timer = self.loop.scheduleTask(in: limit) {
                for lane in self.lanes { self.finish(lane) }
            }
            promise.futureResult.whenComplete { _ in timer.cancel() }
            if self.lanes.isEmpty { promise.succeed() }
            return promise.futureResult
        }
    }

    private func finish(_ lane: Lane) {
        if let connection = lane.connection { leave(connection, lane, error: PostgresError(.closed, "the database is closed")) }
        guard lanes.allSatisfy({ $0.connection == nil }) else { return }
        failPending(PostgresError(.closed, "the database is closed"))
        closed?.succeed()
    }

    private func connect(_ lane: Lane) -> EventLoopFuture<Void> {
        let parameters = shared.parameters
        let opened = shared.helpers.runIfActive(eventLoop: loop) { Opened(connection: try parameters.connect()) }
        nonisolated(unsafe) let lane = lane
        return opened.flatMapThrowing { opened in
            if self.isClosed {
                PQfinish(opened.connection)
                throw PostgresError(.closed, "the database is closed")
            }
            let connection = try PipelinedConnection(
                opened.connection, maxPreparedStatements: self.shared.configuration.maxPreparedStatements)
            lane.connection = connection
            lane.backoff.succeeded()
            self.outage = nil
            if lane.wasConnected { self.reconnectCount.add(1, ordering: .relaxed) }
            lane.wasConnected = true
            lane.watch = self.shared.notifier.add(connection.socket, loop: self.loop) { self.ready(lane) }
            self.pump()
        }
    }

    /// A connection's pointer on its way from the thread that opened it to the loop that will own it.
    private struct Opened: @unchecked Sendable { let connection: OpaquePointer }

    /// The connection is broken: its reads fail or wait for the next one, which is opened at once.
    private func disconnected(_ lane: Lane) {
        guard let connection = lane.connection else { return }
        let error = PostgresError(connection: connection.connection).with(code: .connectionFailure)
        shared.logger.warning("A pipelined database connection broke", metadata: ["error": "\(error.debugDescription)"])
        leave(connection, lane, error: error)
        if isClosed { return finish(lane) }
        reconnect(lane)
    }

    private func leave(_ connection: PipelinedConnection, _ lane: Lane, error: PostgresError) {
        shared.notifier.remove(lane.watch, connection.socket)
        lane.connection = nil
        lane.isDirty = false
        let reads = connection.dismantle()
        // The first one may be what broke it; the others were only waiting, and one repetition does them no harm.
        for (index, read) in reads.enumerated().reversed() {
            if index == 0 || read.wasResent || isClosed {
                read.complete(.failure(error))
            } else {
                var repeated = read
                repeated.wasResent = true
                pending.prepend(repeated)
            }
        }
    }

    private func reconnect(_ lane: Lane) {
        nonisolated(unsafe) let lane = lane
        connect(lane).whenFailure { error in
            guard !self.isClosed else { return }
            let failure = (error as? PostgresError) ?? PostgresError(.connectionFailure, "no thread to connect with")
            let pause = lane.backoff.failed(jitter: .random(in: 0...1))
            if self.lanes.allSatisfy({ $0.connection == nil }) {
                self.shared.logger.warning("The database cannot be reached", metadata: ["error": "\(failure.debugDescription)"])
                self.outage = failure
                self.failPending(failure)
            }
            self.loop.scheduleTask(in: TimeAmount(pause)) { if !self.isClosed { self.reconnect(lane) } }
        }
    }

    private func failPending(_ error: PostgresError) {
        let reads = pending
        pending.removeAll()
        for read in reads { read.complete(.failure(error)) }
        publishCounts()
    }
}
