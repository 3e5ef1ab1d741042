import CLibpq
import Glibc
import NIOConcurrencyHelpers
import NIOCore

/// Tells event loops when the sockets of libpq's connections become ready.
///
/// NIO has no public way to watch a socket that it does not own. One thread waits in epoll and does nothing but hand
/// each event to its loop; an event comes once, and `arm` asks for the next one.
final class ReadinessNotifier: Sendable {
    private struct Watch {
        let loop: any EventLoop
        let onReady: @Sendable () -> Void
    }

    private struct State {
        var watches: [UInt64: Watch] = [:]
        var next: UInt64 = 1
        var isRunning = false
    }

    private let state = NIOLockedValueBox(State())
    private let poll: Int32
    private let wakeUp: Int32
    /// Marks the descriptor that only ends the thread.
    private static let stop: UInt64 = 0

    init() {
        poll = epoll_create1(daylight_epoll_cloexec)
        wakeUp = eventfd(0, daylight_efd_cloexec)
        precondition(poll >= 0 && wakeUp >= 0, "the system refuses another descriptor: error \(errno)")
    }

    deinit {
        Glibc.close(wakeUp)
        Glibc.close(poll)
    }

    func start() {
        let isFirst = state.withLockedValue { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isFirst else { return }
        control(EPOLL_CTL_ADD, wakeUp, daylight_epollin, Self.stop)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                // Made below, and never nil.
                Unmanaged<ReadinessNotifier>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(failure == 0, "the system refuses another thread: error \(failure)")
        pthread_setname_np(thread, "pg-notifier")
        pthread_detach(thread)
    }

    /// Ends the thread.
    func finish() {
        var one: UInt64 = 1
        _ = write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Watches a socket for its first event.
    /// - Parameter onReady: called on the loop for each event.
    /// - Returns: the name of the watch.
    func add(_ socket: Int32, loop: any EventLoop, onReady: @escaping @Sendable () -> Void) -> UInt64 {
        let id = state.withLockedValue { state in
            defer { state.next += 1 }
            state.watches[state.next] = Watch(loop: loop, onReady: onReady)
            return state.next
        }
        control(EPOLL_CTL_ADD, socket, daylight_epollin | daylight_epolloneshot, id)
        return id
    }

    /// Asks for the next event.
    func arm(_ id: UInt64, _ socket: Int32, forWriting: Bool) {
        control(EPOLL_CTL_MOD, socket, daylight_epollin | daylight_epolloneshot | (forWriting ? daylight_epollout : 0), id)
    }

    /// Forgets a socket, before it is closed.
    func remove(_ id: UInt64, _ socket: Int32) {
        state.withLockedValue { $0.watches[id] = nil }
        if socket >= 0 { control(EPOLL_CTL_DEL, socket, 0, id) }
    }

    private func control(_ operation: Int32, _ socket: Int32, _ events: UInt32, _ id: UInt64) {
        var event = epoll_event(events: events, data: epoll_data_t(u64: id))
        epoll_ctl(poll, operation, socket, &event)
    }

    private func work() {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            while true {
                let count = epoll_wait(poll, events.baseAddress, 64, -1)
                for index in 0..<max(0, Int(count)) {
                    let id = events[index].data.u64
                    if id == Self.stop { return }
                    // A watch that was removed meanwhile may still have an event on its way.
                    guard let watch = state.withLockedValue({ $0.watches[id] }) else { continue }
                    watch.loop.execute(watch.onReady)
                }
            }
        }
    }
}
