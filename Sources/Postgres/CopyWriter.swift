import NIOConcurrencyHelpers
public import NIOCore

/// Takes the data of a `COPY … FROM STDIN`; valid inside the closure that got it.
public final class CopyWriter: Sendable {
    private let queue: ChunkQueue
    private let collected = NIOLockedValueBox(ByteBuffer())

    private let interrupt: @Sendable () -> Void

    init(queue: ChunkQueue, interrupt: @escaping @Sendable () -> Void) {
        self.queue = queue
        self.interrupt = interrupt
    }

    /// Sends bytes, which may end anywhere in a row; small pieces are collected. Suspends while the server is slower.
    /// - Throws: `PostgresError`: the server's refusal, or `cancelled`.
    public func write(_ buffer: ByteBuffer) async throws {
        let size = buffer.readableBytes
        let (before, now) = collected.withLockedValue { collected -> (ByteBuffer, ByteBuffer) in
            if collected.readableBytes + size < copyChunkSize {
                if collected.capacity == 0 { collected = ByteBufferAllocator().buffer(capacity: copyChunkSize) }
                collected.writeImmutableBuffer(buffer)
                return (ByteBuffer(), ByteBuffer())
            }
            let before = collected
            collected = size < copyChunkSize ? buffer : ByteBuffer()
            return (before, size < copyChunkSize ? ByteBuffer() : buffer)
        }
        try await send(before)
        try await send(now)
    }

    func flush() async throws {
        try await send(
            collected.withLockedValue { collected in
                defer { collected = ByteBuffer() }
                return collected
            })
    }

    private func send(_ chunk: ByteBuffer) async throws {
        guard chunk.readableBytes > 0 else { return }
        let (queue, interrupt) = (queue, interrupt)
        try await withTaskCancellationHandler {
            try await queue.send(chunk)
        } onCancel: {
            interrupt()
        }
    }
}
