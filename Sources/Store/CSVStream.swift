public import NIOCore
import Synchronization

/// The bytes of a CSV, made at the pace at which they are read.
///
/// A producer runs up to four buffers ahead, so that PostgreSQL prints while the network sends. It starts with the iteration and is cancelled with it.
public struct CSVStream: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    let produce: @Sendable (Handoff) async throws -> Void

    public func makeAsyncIterator() -> Iterator { Iterator(produce) }

    /// Gives the buffers, in order, to one reader.
    public final class Iterator: AsyncIteratorProtocol {
        private let handoff = Handoff()
        private let producer: Task<Void, Never>

        init(_ produce: @escaping @Sendable (Handoff) async throws -> Void) {
            let handoff = handoff
            producer = Task {
                do {
                    try await produce(handoff)
                    handoff.end(nil)
                } catch {
                    handoff.end(error)
                }
            }
        }

        deinit {
            producer.cancel()
            handoff.abandon()
        }

        /// - Returns: nil after the last buffer.
        /// - Throws: a `Problem` when the rows can no longer be read; what was given out before is then a part only.
        public func next() async throws -> ByteBuffer? {
            let (handoff, producer) = (handoff, producer)
            return try await withTaskCancellationHandler {
                try await handoff.next()
            } onCancel: {
                producer.cancel()
                handoff.abandon()
            }
        }
    }
}

/// A bounded queue between one producer and one reader.
final class Handoff: Sendable {
    private struct State {
        var buffers: [ByteBuffer] = []
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var writer: CheckedContinuation<Void, any Error>?
        var isEnded = false
        var isAbandoned = false
        var error: (any Error)?
    }

    private static let capacity = 4
    private let state = Mutex(State())

    /// Adds a buffer; suspends while the reader is behind.
    /// - Throws: `CancellationError` when nobody reads any more.
    @inline(never)
    func send(_ buffer: ByteBuffer) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let (reader, isOpen) = state.withLock { state -> (CheckedContinuation<ByteBuffer?, any Error>?, Bool?) in
                if state.isAbandoned { return (nil, false) }
                if let reader = state.reader {
                    state.reader = nil
                    return (reader, true)
                }
                state.buffers.append(buffer)
                if state.buffers.count < Self.capacity { return (nil, true) }
                state.writer = continuation
                return (nil, nil)
            }
            reader?.resume(returning: buffer)
            switch isOpen {
            case true?: continuation.resume()
            case false?: continuation.resume(throwing: CancellationError())
            case nil: break
            }
        }
    }

    /// The next buffer, nil after the last.
    @inline(never)
    func next() async throws -> ByteBuffer? {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<ByteBuffer?, any Error>) in
            let (writer, result) = state.withLock { state -> (CheckedContinuation<Void, any Error>?, Result<ByteBuffer?, any Error>?) in
                if !state.buffers.isEmpty {
                    let buffer = state.buffers.removeFirst()
                    defer { state.writer = nil }
                    return (state.writer, .success(buffer))
                }
                if state.isAbandoned { return (nil, .failure(CancellationError())) }
                if let error = state.error { return (nil, .failure(error)) }
                if state.isEnded { return (nil, .success(nil)) }
                state.reader = continuation
                return (nil, nil)
            }
            writer?.resume()
            if let result { continuation.resume(with: result) }
        }
    }

    /// The producer is done, well or not.
    func end(_ error: (any Error)?) {
        let reader = state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            state.isEnded = true
            state.error = error
            defer { state.reader = nil }
            return state.reader
        }
        if let error { reader?.resume(throwing: error) } else { reader?.resume(returning: nil) }
    }

    /// The reader is gone.
    func abandon() {
        let (reader, writer) = state.withLock { state in
            state.isAbandoned = true
            state.buffers = []
            defer { (state.reader, state.writer) = (nil, nil) }
            return (state.reader, state.writer)
        }
        reader?.resume(throwing: CancellationError())
        writer?.resume(throwing: CancellationError())
    }
}
