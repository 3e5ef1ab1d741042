public import NIOCore
import Synchronization

/// The bytes of rows, made at the pace at which they are read.
///
/// A producer runs up to four buffers ahead, so that PostgreSQL prints while the network sends. It starts with the iteration and is cancelled with it.
public struct RowStream: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// What stands before the first row.
    let opening: ByteBuffer
    /// Gives what ``Iterator/rest`` is.
    let produce: @Sendable (Handoff) async throws -> [String?]?

    init(opening: ByteBuffer = ByteBuffer(), _ produce: @escaping @Sendable (Handoff) async throws -> [String?]?) {
        (self.opening, self.produce) = (opening, produce)
    }

    /// The same stream, which lets go of an object as soon as the database is no longer needed for it; its reader may still have buffers to take then.
    public func holding(_ object: any AnyObject & Sendable) -> RowStream {
        RowStream(opening: opening) { [produce] handoff in
            defer { withExtendedLifetime(object) {} }
            return try await produce(handoff)
        }
    }

    public func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// Gives the buffers, in order, to one reader.
    public final class Iterator: AsyncIteratorProtocol {
        private let handoff: Handoff
        private let producer: Task<Void, Never>

        init(_ stream: RowStream) {
            let handoff = Handoff(opening: stream.opening), produce = stream.produce
            self.handoff = handoff
            producer = Task {
                do {
                    handoff.end(.success(try await produce(handoff)))
                } catch {
                    handoff.end(.failure(error))
                }
            }
        }

        deinit {
            producer.cancel()
            handoff.abandon()
        }

        /// The order's values of the last row, where time was up before the last one; nil where all rows came. Known after the last buffer.
        public var rest: [String?]? { handoff.rest }

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
///
/// What stands before the first buffer comes with it, so that a failure before it is told by itself; or when it is opened, where nobody is to wait that long.
final class Handoff: Sendable {
    private struct State {
        /// Nil once it was given.
        var opening: ByteBuffer?
        var isOpen = false
        var buffers: [ByteBuffer] = []
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var writer: CheckedContinuation<Void, any Error>?
        var end: Result<[String?]?, any Error>?
        var isAbandoned = false
        /// Time is up: no more than what was sent already, and the buffer that comes next.
        var hasExpired = false

        /// What has to be given before a buffer or the end.
        mutating func takeOpening() -> ByteBuffer? {
            defer { opening = nil }
            return opening.flatMap { $0.readableBytes > 0 ? $0 : nil }
        }
    }

    private static let capacity = 4
    private let state: Mutex<State>

    init(opening: ByteBuffer = ByteBuffer()) {
        state = Mutex(State(opening: opening))
    }

    /// The reader waits no longer for the first buffer: it gets what stands before it, which may be nothing.
    func open() {
        let (reader, opening) = state.withLock { state -> (CheckedContinuation<ByteBuffer?, any Error>?, ByteBuffer?) in
            guard state.opening != nil, let reader = state.reader else {
                state.isOpen = true
                return (nil, nil)
            }
            defer { (state.reader, state.opening) = (nil, nil) }
            return (reader, state.opening)
        }
        reader?.resume(returning: opening)
    }

    /// Adds a buffer; suspends while the reader is behind.
    /// - Throws: `CancellationError` when nobody reads any more; `StreamExpired` when time is up, and the buffer was taken all the same.
    @inline(never)
    func send(_ buffer: ByteBuffer) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let (reader, given, outcome) = state.withLock { state -> (CheckedContinuation<ByteBuffer?, any Error>?, ByteBuffer, Result<Void, any Error>?) in
                if state.isAbandoned { return (nil, buffer, .failure(CancellationError())) }
                let outcome: Result<Void, any Error> = state.hasExpired ? .failure(StreamExpired()) : .success(())
                if let reader = state.reader {
                    state.reader = nil
                    guard let opening = state.takeOpening() else { return (reader, buffer, outcome) }
                    state.buffers.append(buffer)
                    return (reader, opening, outcome)
                }
                state.buffers.append(buffer)
                if state.hasExpired || state.buffers.count < Self.capacity { return (nil, buffer, outcome) }
                state.writer = continuation
                return (nil, buffer, nil)
            }
            reader?.resume(returning: given)
            if let outcome { continuation.resume(with: outcome) }
        }
    }

    /// Time is up: whoever sends is sent away, so that what it holds is free.
    func expire() {
        let writer = state.withLock { state in
            state.hasExpired = true
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume(throwing: StreamExpired())
    }

    var hasExpired: Bool { state.withLock { $0.hasExpired } }

    /// What the producer said at its end.
    var rest: [String?]? { state.withLock { try? $0.end?.get() } }

    /// The next buffer, nil after the last.
    @inline(never)
    func next() async throws -> ByteBuffer? {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<ByteBuffer?, any Error>) in
            let (writer, result) = state.withLock { state -> (CheckedContinuation<Void, any Error>?, Result<ByteBuffer?, any Error>?) in
                if state.isAbandoned { return (nil, .failure(CancellationError())) }
                if state.isOpen, let opening = state.opening {
                    state.opening = nil
                    return (nil, .success(opening))
                }
                if !state.buffers.isEmpty {
                    if let opening = state.takeOpening() { return (nil, .success(opening)) }
                    let buffer = state.buffers.removeFirst()
                    defer { state.writer = nil }
                    return (state.writer, .success(buffer))
                }
                if let end = state.end { return (nil, end.map { _ in state.takeOpening() }) }
                state.reader = continuation
                return (nil, nil)
            }
            writer?.resume()
            if let result { continuation.resume(with: result) }
        }
    }

    /// The producer is done, well or not.
    func end(_ end: Result<[String?]?, any Error>) {
        let (reader, opening) = state.withLock { state -> (CheckedContinuation<ByteBuffer?, any Error>?, ByteBuffer?) in
            state.end = end
            guard let reader = state.reader else { return (nil, nil) }
            state.reader = nil
            return (reader, state.takeOpening())
        }
        reader?.resume(with: end.map { _ in opening })
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

/// The time that a stream may hold its connection is up.
struct StreamExpired: Error {}
