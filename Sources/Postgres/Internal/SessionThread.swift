import CLibpq
import DequeModule
import Glibc

/// A thread that runs blocking jobs one after another, in the order of their arrival.
final class SessionThread: Sendable {
    private struct Queue {
        var jobs = Deque<@Sendable () -> Void>()
        var isFinished = false
    }

    private let queue = Monitor(Queue())

    init() {
        var thread = pthread_t()
        let retained = Unmanaged.passRetained(self).toOpaque()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                // Made above, and never nil.
                Unmanaged<SessionThread>.fromOpaque(argument!).takeRetainedValue().work()
                return nil
            }, retained)
        precondition(failure == 0, "the system refuses another thread: error \(failure)")
        pthread_setname_np(thread, "pg-session")
        pthread_detach(thread)
    }

    func enqueue(_ job: @escaping @Sendable () -> Void) {
        queue.change { $0.jobs.append(job) }
    }

    /// Ends the thread after the jobs that it has already.
    func finish() {
        queue.change { $0.isFinished = true }
    }

    private func work() {
        while true {
            let job: (@Sendable () -> Void)? = queue.wait { queue in
                if let job = queue.jobs.popFirst() { return .some(job) }
                return queue.isFinished ? .some(nil) : nil
            }
            guard let job else { return }
            job()
        }
    }
}
