public import NIOCore

/// The data of a `COPY … TO STDOUT`, in buffers of about 256 KB.
///
/// A thread reads ahead by a few buffers and then waits for the reader, so that memory stays constant. Rows are never
/// cut in two. Leaving the iteration early stops the statement.
public struct CopyOut: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer

    /// Takes the connection and starts the statement.
    typealias Start = @Sendable (ChunkQueue) async throws(PostgresError) -> Interrupt
    typealias Interrupt = @Sendable () -> Void

    let start: Start

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(start: start) }

    public final class AsyncIterator: AsyncIteratorProtocol {
        private let queue = ChunkQueue()
        private var start: Start?
        private var interrupt: Interrupt?

        fileprivate init(start: @escaping Start) { self.start = start }

        deinit {
            queue.abort()
            interrupt?()
        }

        /// The next buffer; nil at the end.
        /// - Throws: `PostgresError`; its code is `cancelled` when the task was cancelled.
        public func next() async throws -> ByteBuffer? {
            if let start {
                self.start = nil
                interrupt = try await start(queue)
            }
            let (queue, interrupt) = (queue, interrupt)
            return try await withTaskCancellationHandler {
                try await queue.next()
            } onCancel: {
                queue.abort()
                interrupt?()
            }
        }
    }
}
