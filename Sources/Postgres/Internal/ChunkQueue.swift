import DequeModule
import NIOCore

/// A few buffers between a thread, which may block, and a task, which may not.
///
/// Either side may be the producer. Bounded, so that the faster side waits for the slower one in constant memory.
final class ChunkQueue: Sendable {
    private struct State {
        var chunks = Deque<ByteBuffer>()
        /// The end of the chunks; nothing is added after it.
        var end: Result<Void, PostgresError>?
        /// The reader or the writer has left: chunks have no value any more.
        var isAborted = false
        /// The task that waits for a chunk, or for room.
        var waiter: CheckedContinuation<Void, Never>?
    }

    /// What the thread gets when it asks for a chunk.
    enum Taken {
        case chunk(ByteBuffer)
        case finished
        case aborted
    }

    private static let limit = 4
    private let state = Monitor(State())

    /// Leaves the queue from either side, and wakes the other.
    func abort() {
        state.change { state in
            state.isAborted = true
            state.chunks.removeAll()
            return state.waiter.take()
        }?.resume()
    }

    var isAborted: Bool { state.withLock { $0.isAborted } }

    // The thread's side.

    /// Adds a chunk from the thread; blocks while the queue is full.
    /// - Returns: false when the reader has left.
    func put(_ chunk: ByteBuffer) -> Bool {
        let (isOpen, waiter) = state.wait { state -> (Bool, CheckedContinuation<Void, Never>?)? in
            if state.isAborted { return (false, nil) }
            guard state.chunks.count < Self.limit else { return nil }
            state.chunks.append(chunk)
            return (true, state.waiter.take())
        }
        waiter?.resume()
        return isOpen
    }

    /// Takes a chunk on the thread; blocks while there is none.
    func take() -> Taken {
        let (taken, waiter) = state.wait { state -> (Taken, CheckedContinuation<Void, Never>?)? in
            if state.isAborted { return (.aborted, nil) }
            if let chunk = state.chunks.popFirst() { return (.chunk(chunk), state.waiter.take()) }
            return state.end == nil ? nil : (.finished, nil)
        }
        waiter?.resume()
        return taken
    }

    /// Says that no more chunks follow, and why. From either side; the first call counts.
    func end(_ result: Result<Void, PostgresError>) {
        state.change { state in
            if state.end == nil { state.end = result }
            return state.waiter.take()
        }?.resume()
    }

    // The task's side.

    /// The next chunk; nil at the end. After an abort, waits until the thread has ended and says why.
    func next() async throws(PostgresError) -> ByteBuffer? {
        while true {
            let (chunk, end, isAborted) = state.change { ($0.chunks.popFirst(), $0.end, $0.isAborted) }
            if let chunk { return chunk }
            if let end {
                try end.get()
                if isAborted { throw PostgresError(.cancelled, "the COPY was left before its end") }
                return nil
            }
            await pause { $0.chunks.isEmpty && $0.end == nil }
        }
    }

    /// Adds a chunk from the task; suspends while the queue is full.
    func send(_ chunk: ByteBuffer) async throws(PostgresError) {
        while true {
            // The thread ends the queue only when the server has refused the data.
            let (sent, end, isAborted) = state.change { state in
                let hasRoom = state.end == nil && !state.isAborted && state.chunks.count < Self.limit
                if hasRoom { state.chunks.append(chunk) }
                return (hasRoom, state.end, state.isAborted)
            }
            if sent { return }
            // Why it ended, the session knows better; it tells the caller of the COPY.
            if let end { try end.get() }
            if isAborted || end != nil { throw PostgresError(.cancelled, "the COPY ended before its data") }
            await pause { $0.chunks.count >= Self.limit && $0.end == nil && !$0.isAborted }
        }
    }

    private func pause(while condition: @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let proceeds = state.withLock { state in
                guard condition(state) else { return true }
                state.waiter = continuation
                return false
            }
            if proceeds { continuation.resume() }
        }
    }
}
