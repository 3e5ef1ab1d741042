import CLibpq
import Glibc
import NIOCore
import NIOPosix

/// One libpq connection with a thread of its own, on which all its blocking calls run, one operation after another.
///
/// Only the cancel handle and the socket's number are used from other threads, under the monitor.
final class Session: @unchecked Sendable {
    /// A job on a session that can be interrupted; its fields belong to the session's monitor.
    final class Operation: @unchecked Sendable {
        fileprivate var reason: PostgresError.Code?
        fileprivate var onInterrupt: (@Sendable () -> Void)?
        fileprivate var isFinished = false

        /// - Parameter onInterrupt: called at most once, from any thread, to wake a job that waits for its caller.
        init(onInterrupt: (@Sendable () -> Void)? = nil) { self.onInterrupt = onInterrupt }
    }

    private struct Control {
        var running: Operation?
        var cancelsInFlight = 0
        var cancelHandle: OpaquePointer?
        var socket: Int32 = -1
        var isBroken = false
        var transaction = PQTRANS_IDLE
    }

    let id: Int
    private let thread = SessionThread()
    private let control = Monitor(Control())
    private let helpers: NIOThreadPool
    private let timers: any EventLoop
    // Used on the thread only.
    private var connection: OpaquePointer?

    /// How long a cancelled statement may take to end before its connection is cut.
    private static let cancelGrace = TimeAmount.seconds(5)

    /// - Parameters:
    ///   - helpers: threads that send cancel requests.
    ///   - timers: the loop that watches deadlines.
    init(id: Int, helpers: NIOThreadPool, timers: any EventLoop) {
        self.id = id
        self.helpers = helpers
        self.timers = timers
    }

    /// Connects on the session's thread.
    func open(_ parameters: ConnectionParameters, _ done: @escaping @Sendable (PostgresError?) -> Void) {
        thread.enqueue { [self] in
            do throws(PostgresError) {
                let connection = try parameters.connect()
                self.connection = connection
                control.withLock {
                    $0.cancelHandle = PQgetCancel(connection)
                    $0.socket = PQsocket(connection)
                }
                done(nil)
            } catch {
                done(error)
            }
        }
    }

    /// Closes the connection after the jobs before, and ends the thread.
    func close() {
        thread.enqueue { [self] in
            // A cancel request that is under way still uses the handle.
            let handle = control.wait { control -> OpaquePointer?? in
                guard control.cancelsInFlight == 0 else { return nil }
                control.socket = -1
                control.isBroken = true
                return .some(control.cancelHandle.take())
            }
            PQfreeCancel(handle)
            if let connection { PQfinish(connection) }
            connection = nil
        }
        thread.finish()
    }

    var isBroken: Bool { control.withLock { $0.isBroken } }

    /// Not inside a transaction, as far as the last operation's end tells.
    var isOutsideTransaction: Bool { control.withLock { $0.transaction == PQTRANS_IDLE } }

    /// Asks the kernel whether the peer has hung up on an idle connection; never blocks.
    var looksAlive: Bool {
        control.withLock { control in
            guard !control.isBroken, control.socket >= 0 else { return false }
            var descriptor = pollfd(fd: control.socket, events: Int16(POLLIN) | daylight_pollrdhup, revents: 0)
            guard poll(&descriptor, 1, 0) > 0 else { return true }
            return descriptor.revents & (daylight_pollrdhup | Int16(POLLHUP) | Int16(POLLERR) | Int16(POLLNVAL)) == 0
        }
    }

    /// Runs a job on the thread.
    /// - Parameter done: called on the thread, once the connection is ready for the next job.
    func start<R: Sendable>(
        _ operation: Operation, deadline: ContinuousClock.Instant? = nil,
        _ job: @escaping @Sendable (OpaquePointer) throws(PostgresError) -> R,
        _ done: @escaping @Sendable (Result<R, PostgresError>) -> Void
    ) {
        let timer = deadline.map { deadline in
            timers.scheduleTask(in: .until(deadline)) { self.interrupt(operation, .deadlineExceeded) }
        }
        thread.enqueue { [self] in
            let result = perform(operation, job)
            timer?.cancel()
            done(result)
        }
    }

    /// Runs a job on the thread and waits for it; interrupts it when the task is cancelled or the deadline passes.
    /// - Parameter isShielded: true for what has to be done even in a cancelled task, such as a rollback.
    func run<R: Sendable>(
        deadline: ContinuousClock.Instant? = nil, isShielded: Bool = false,
        _ job: @escaping @Sendable (OpaquePointer) throws(PostgresError) -> R
    ) async throws(PostgresError) -> R {
        let operation = Operation()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start(operation, deadline: deadline, job) { continuation.resume(returning: $0) }
            }
        } onCancel: {
            if !isShielded { interrupt(operation, .cancelled) }
        }
        return try result.get()
    }

    private func perform<R>(_ operation: Operation, _ job: (OpaquePointer) throws(PostgresError) -> R) -> Result<R, PostgresError> {
        let refusal: PostgresError? = control.withLock { control in
            if let reason = operation.reason {
                operation.isFinished = true
                return PostgresError(reason, "stopped before it began")
            }
            if control.isBroken {
                operation.isFinished = true
                return PostgresError(.connectionFailure, "the connection is broken")
            }
            control.running = operation
            return nil
        }
        if let refusal { return .failure(refusal) }
        guard let connection else { return .failure(PostgresError(.closed, "the connection is closed")) }
        let result: Result<R, PostgresError>
        do throws(PostgresError) { result = .success(try job(connection)) } catch { result = .failure(error) }
        let (isBroken, transaction) = (PQstatus(connection) != CONNECTION_OK, PQtransactionStatus(connection))
        // A cancel request that is still under way would stop the next operation instead of this one.
        let reason = control.wait { control -> PostgresError.Code?? in
            operation.isFinished = true
            guard control.cancelsInFlight == 0 else { return nil }
            control.running = nil
            control.isBroken = control.isBroken || isBroken
            control.transaction = transaction
            return .some(operation.reason)
        }
        guard case .failure(let error) = result, let reason else { return result }
        return .failure(error.isQueryCanceled || error.isConnectionFailure ? error.with(code: reason) : error)
    }

    /// Stops an operation: at once if it waits for its turn, by a cancel request if it runs, and by cutting the
    /// connection if the server does not answer that.
    func interrupt(_ operation: Operation, _ reason: PostgresError.Code) {
        let (wake, handle): ((@Sendable () -> Void)?, OpaquePointer?) = control.withLock { control in
            guard !operation.isFinished, operation.reason == nil else { return (nil, nil) }
            operation.reason = reason
            let isRunning = control.running === operation && control.cancelHandle != nil
            if isRunning { control.cancelsInFlight += 1 }
            return (operation.onInterrupt.take(), isRunning ? control.cancelHandle : nil)
        }
        wake?()
        guard let handle else { return }
        nonisolated(unsafe) let cancelHandle = handle
        helpers.submit { [self] _ in
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
                _ = PQcancel(cancelHandle, message.baseAddress, 256)
            }
            control.change { $0.cancelsInFlight -= 1 }
        }
        timers.scheduleTask(in: Self.cancelGrace) { [self] in
            control.withLock { control in
                guard control.running === operation, !operation.isFinished, control.socket >= 0 else { return }
                control.isBroken = true
                shutdown(control.socket, Int32(SHUT_RDWR))
            }
        }
    }
}

extension TimeAmount {
    /// The time from now to the moment; not negative.
    static func until(_ moment: ContinuousClock.Instant) -> TimeAmount {
        let left = moment - .now
        return left <= .zero ? .zero : .init(left)
    }
}
