import CLibpq
import Logging
import NIOCore
import NIOPosix

/// A connection that listens to channels and is opened again whenever it breaks; confined to one event loop.
final class NotificationListener: @unchecked Sendable {
    private let channels: [String]
    private let shared: LoopPipeline.Shared
    private let loop: any EventLoop
    private let continuation: AsyncStream<Notification>.Continuation
    private var connection: OpaquePointer?
    private var watch: UInt64 = 0
    private var backoff = Backoff()
    private var isStopped = false
    /// Notifications that may wait for a slow reader. The last place is for the word that some were lost.
    static let capacity = 4_096

    init(_ channels: [String], shared: LoopPipeline.Shared, loop: any EventLoop, _ continuation: AsyncStream<Notification>.Continuation) {
        (self.channels, self.shared, self.loop, self.continuation) = (channels, shared, loop, continuation)
    }

    /// From any thread.
    func start() { loop.execute { self.connect() } }

    /// From any thread.
    func stop() {
        loop.execute {
            self.isStopped = true
            self.disconnect()
            self.continuation.finish()
        }
    }

    private struct Opened: @unchecked Sendable { let connection: OpaquePointer }

    private func connect() {
        guard !isStopped else { return }
        let (parameters, channels) = (shared.parameters, channels)
        let opened = shared.helpers.runIfActive(eventLoop: loop) {
            let connection = try parameters.connect()
            do {
                for channel in channels {
                    _ = try executeStatement(
                        connection, StatementText("LISTEN \(SQL.quoted(identifier: channel))", types: []), Parameters())
                }
            } catch {
                PQfinish(connection)
                throw error
            }
            PQsetnonblocking(connection, 1)
            return Opened(connection: connection)
        }
        opened.whenComplete { result in
            switch result {
            case .success(let opened): self.connected(opened.connection)
            case .failure(let error): self.failed(error)
            }
        }
    }

    private func connected(_ connection: OpaquePointer) {
        if isStopped { return PQfinish(connection) }
        self.connection = connection
        backoff.succeeded()
        watch = shared.notifier.add(PQsocket(connection), loop: loop) { self.ready() }
        offer(.reconnected)
        // What came together with the answer to LISTEN lies in libpq's buffer already, and no socket will tell of it.
        ready()
    }

    private func failed(_ error: any Error) {
        guard !isStopped else { return }
        let words = (error as? PostgresError)?.debugDescription ?? "\(error)"
        shared.logger.warning("Listening for notifications failed", metadata: ["error": "\(words)"])
        loop.scheduleTask(in: TimeAmount(backoff.failed(jitter: .random(in: 0...1)))) { self.connect() }
    }

    private func ready() {
        guard let connection else { return }
        let isWhole = PQconsumeInput(connection) == 1 && PQstatus(connection) == CONNECTION_OK
        while let notify = PQnotifies(connection) {
            offer(.message(channel: String(cString: notify.pointee.relname), payload: String(cString: notify.pointee.extra)))
            PQfreemem(notify)
        }
        guard isWhole else {
            let error = PostgresError(connection: connection)
            disconnect()
            return failed(error)
        }
        shared.notifier.arm(watch, PQsocket(connection), forWriting: false)
    }

    private func offer(_ notification: Notification) {
        // When this was the last place but one, the last one goes to the word that what follows may be lost: it is read
        // after everything that can be lost before it is read.
        if case .enqueued(let remaining) = continuation.yield(notification), remaining == 1, notification != .reconnected {
            continuation.yield(.reconnected)
        }
    }

    private func disconnect() {
        guard let connection else { return }
        shared.notifier.remove(watch, PQsocket(connection))
        PQfinish(connection)
        self.connection = nil
    }
}
