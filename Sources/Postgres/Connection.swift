public import NIOCore

/// A connection on loan from the pool, valid inside the closure that got it.
///
/// Its statements run one after another on a thread that belongs to the connection, so none of its calls blocks an
/// event loop or the thread of the caller.
public final class Connection: Sendable {
    /// Runs one statement.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func execute(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet { throw notYet }

    /// Runs several statements separated by semicolons, as one implicit transaction unless they say otherwise.
    public func executeScript(_ script: String) async throws { throw notYet }

    /// Runs `COPY … FROM STDIN` with what the closure writes.
    /// - Returns: the number of rows that were loaded.
    public func copyIn(
        _ sql: SQL, isolation: isolated (any Actor)? = #isolation, _ body: (CopyWriter) async throws -> Void
    ) async throws -> Int { throw notYet }

    /// Streams `COPY … TO STDOUT` over this connection; nothing else runs on it until the iteration ends.
    public func copyOut(_ sql: SQL) -> CopyOut { CopyOut() }

    /// Sends a notification, delivered when the transaction commits.
    public func notify(_ channel: String, _ payload: String = "") async throws { throw notYet }

    /// Runs the closure in a transaction on this connection; inside one already, in a savepoint.
    public func transaction<T>(
        _ options: TransactionOptions = .init(), isolation: isolated (any Actor)? = #isolation,
        _ body: (Connection) async throws -> T
    ) async throws -> T { throw notYet }

    /// Runs the closure under a savepoint, and rolls back to it when the closure throws.
    public func savepoint<T>(
        isolation: isolated (any Actor)? = #isolation, _ body: (Connection) async throws -> T
    ) async throws -> T { throw notYet }
}

/// Takes the data of a `COPY … FROM STDIN`.
public final class CopyWriter {
    /// Sends bytes; suspends while the server is slower than the writer.
    public func write(_ buffer: ByteBuffer) async throws { throw notYet }
}

/// The data of a `COPY … TO STDOUT`, in buffers of about 256 KB.
public struct CopyOut: AsyncSequence, Sendable {
    public typealias Element = ByteBuffer
    public final class AsyncIterator: AsyncIteratorProtocol {
        public func next() async throws -> ByteBuffer? { throw notYet }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}
