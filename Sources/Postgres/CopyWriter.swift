public import NIOCore

/// Takes the data of a `COPY … FROM STDIN`; valid inside the closure that got it.
public final class CopyWriter {
    private let queue: ChunkQueue
    private var collected = ByteBuffer()

    private let interrupt: @Sendable () -> Void

    init(queue: ChunkQueue, interrupt: @escaping @Sendable () -> Void) {
        self.queue = queue
        self.interrupt = interrupt
    }

    /// Sends bytes, which may end anywhere in a row; small pieces are collected. Suspends while the server is slower.
    /// - Throws: `PostgresError`: the server's refusal, or `cancelled`.
    public func write(_ buffer: ByteBuffer) async throws {
        var buffer = buffer
        if collected.readableBytes + buffer.readableBytes < copyChunkSize {
            if collected.capacity == 0 { collected = ByteBufferAllocator().buffer(capacity: copyChunkSize) }
            collected.writeBuffer(&buffer)
            return
        }
        try await flush()
        if buffer.readableBytes >= copyChunkSize { try await send(buffer) } else { collected = buffer }
    }

    func flush() async throws {
        guard collected.readableBytes > 0 else { return }
        let chunk = collected
        collected = ByteBuffer()
        try await send(chunk)
    }

    private func send(_ chunk: ByteBuffer) async throws {
        let (queue, interrupt) = (queue, interrupt)
        try await withTaskCancellationHandler {
            try await queue.send(chunk)
        } onCancel: {
            interrupt()
        }
    }
}
