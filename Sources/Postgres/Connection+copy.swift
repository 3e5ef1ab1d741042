extension Connection {
    /// Runs `COPY … FROM STDIN` with what the closure writes.
    ///
    /// Values in the statement are put in as quoted literals, since COPY takes no parameters. When the closure throws,
    /// or the task is cancelled, nothing of the data is loaded.
    /// - Returns: the number of rows that were loaded.
    /// - Throws: the closure's error, or `PostgresError`.
    public func copyIn(
        _ sql: SQL, isolation: isolated (any Actor)? = #isolation, _ body: (CopyWriter) async throws -> Void
    ) async throws -> Int {
        try checkLoan()
        let queue = ChunkQueue()
        let operation = Session.Operation { queue.abort() }
        let outcome = Outcome<Int>()
        session.start(operation, deadline: deadline) { connection throws(PostgresError) in
            try Postgres.copyIn(connection, sql, from: queue)
        } _: { result in
            // A writer that still waits learns of the refusal here.
            queue.end(result.map { _ in })
            outcome.complete(result)
        }
        let session = session
        do {
            let writer = CopyWriter(queue: queue) { session.interrupt(operation, .cancelled) }
            try await body(writer)
            try await writer.flush()
            if Task.isCancelled { throw PostgresError(.cancelled, "the task was cancelled during the COPY") }
        } catch {
            session.interrupt(operation, .cancelled)
            // The writer may know only that the queue was closed; the session knows why.
            if case .failure(let cause) = await outcome.value, cause.code != .cancelled,
                (error as? PostgresError)?.code == .cancelled
            {
                throw cause
            }
            throw error
        }
        queue.end(.success(()))
        return try await withTaskCancellationHandler {
            try await outcome.value.get()
        } onCancel: {
            session.interrupt(operation, .cancelled)
        }
    }

    /// Streams `COPY … TO STDOUT` over this connection; nothing else runs on it until the iteration ends.
    public func copyOut(_ sql: SQL) -> CopyOut {
        CopyOut { [self] queue throws(PostgresError) in
            try checkLoan()
            return session.startCopyOut(sql, into: queue, deadline: deadline) {}
        }
    }
}

extension Session {
    /// Starts a COPY on the thread.
    /// - Parameter done: called when the connection is ready for the next job.
    /// - Returns: what stops it.
    func startCopyOut(
        _ sql: SQL, into queue: ChunkQueue, deadline: ContinuousClock.Instant?, _ done: @escaping @Sendable () -> Void
    ) -> CopyOut.Interrupt {
        let operation = Operation { queue.abort() }
        start(operation, deadline: deadline) { connection throws(PostgresError) in
            try copyOut(connection, sql, into: queue)
        } _: { result in
            queue.end(result)
            done()
        }
        return { self.interrupt(operation, .cancelled) }
    }
}
