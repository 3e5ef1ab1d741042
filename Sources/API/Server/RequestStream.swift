import NIOCore

/// A request's body on its way from the connection to the handler; confined to the connection's event loop.
///
/// At most ``highWater`` bytes wait here; beyond that the connection stops reading its socket.
final class RequestStream: @unchecked Sendable {
    static let highWater = 256 * 1024

    private let eventLoop: any EventLoop
    private let exchange: Exchange
    private var parts: [ByteBuffer] = []
    private var first = 0
    private(set) var bufferedBytes = 0
    private(set) var receivedBytes = 0
    private var outcome: Result<Void, any Error>?
    private var waiter: CheckedContinuation<ByteBuffer?, any Error>?
    /// Called on the loop when the handler waits for more.
    var onDemand: (() -> Void)?

    init(_ eventLoop: any EventLoop, _ exchange: Exchange) {
        self.eventLoop = eventLoop
        self.exchange = exchange
    }

    var isFull: Bool { bufferedBytes >= Self.highWater }
    var isWaiting: Bool { waiter != nil }
    var isEnded: Bool { outcome != nil }

    /// Bytes from the socket.
    func receive(_ part: ByteBuffer) {
        guard outcome == nil else { return }
        receivedBytes += part.readableBytes
        guard receivedBytes <= exchange.bodyLimit else {
            end(.failure(Gate.tooLarge(exchange.bodyLimit)))
            return
        }
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: part)
        } else {
            parts.append(part)
            bufferedBytes += part.readableBytes
        }
    }

    /// The end of the body, or why it does not come. The first end counts.
    func end(_ outcome: Result<Void, any Error>) {
        guard self.outcome == nil else { return }
        self.outcome = outcome
        if case .failure = outcome {
            parts = []
            first = 0
            bufferedBytes = 0
        }
        guard let waiter else { return }
        self.waiter = nil
        waiter.resume(with: outcome.map { nil })
    }

    private func take() -> Result<ByteBuffer?, any Error>? {
        // The limit is the route's, which may not have been known when the bytes came.
        if outcome == nil, receivedBytes > exchange.bodyLimit { end(.failure(Gate.tooLarge(exchange.bodyLimit))) }
        if first < parts.count {
            let part = parts[first]
            parts[first] = ByteBuffer()
            first += 1
            if first == parts.count {
                parts.removeAll(keepingCapacity: true)
                first = 0
            }
            bufferedBytes -= part.readableBytes
            return .success(part)
        }
        return outcome.map { $0.map { nil } }
    }

    /// The next bytes; nil at the end. From any thread, one call at a time.
    func next() async throws -> ByteBuffer? {
        if eventLoop.inEventLoop, let part = take() {
            onDemand?()
            return try part.get()
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if eventLoop.inEventLoop {
                    wait(continuation)
                } else {
                    eventLoop.execute { self.wait(continuation) }
                }
            }
        } onCancel: {
            eventLoop.execute { self.end(.failure(CancellationError())) }
        }
    }

    private func wait(_ continuation: CheckedContinuation<ByteBuffer?, any Error>) {
        if let part = take() {
            continuation.resume(with: part)
        } else {
            waiter = continuation
        }
        onDemand?()
    }
}

/// The body as the router's `Request` takes it.
struct RequestBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let stream: RequestStream

    struct AsyncIterator: AsyncIteratorProtocol {
        let stream: RequestStream
        mutating func next() async throws -> ByteBuffer? { try await stream.next() }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: stream) }
}
