public import NIOCore

extension Database {
    /// Runs a short read on a pipelined connection.
    ///
    /// The connections are read-only, and reads share implicit transactions: never call this for anything slow or for
    /// anything that writes. A read that was not answered when its connection broke may be sent twice.
    /// - Parameter deadline: when the statement is stopped, if it still runs.
    /// - Throws: `PostgresError`.
    public func read(_ sql: SQL, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet {
        try await read(try sql.rendered(), sql.parameters, deadline: deadline)
    }

    /// Runs a prepared short read on a pipelined connection; see `read(_:deadline:)`.
    public func read(_ query: PreparedQuery, _ parameters: Parameters, deadline: ContinuousClock.Instant? = nil) async throws -> RowSet {
        try parameters.check(against: query.text.types, sql: query.sql)
        return try await read(query.text, parameters, deadline: deadline)
    }

    /// Runs a short read for code on an event loop: no task, and no hop when that loop belongs to this database's group.
    /// - Parameter done: called on `eventLoop`, once.
    public func read(_ sql: SQL, on eventLoop: any EventLoop, _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void) {
        do throws(PostgresError) {
            submit(PendingRead(try sql.rendered(), sql.parameters, done), from: eventLoop)
        } catch {
            refuse(error, on: eventLoop, done)
        }
    }

    /// Runs a prepared short read for code on an event loop; the hot path.
    /// - Parameter done: called on `eventLoop`, once.
    public func read(
        _ query: PreparedQuery, _ parameters: Parameters, on eventLoop: any EventLoop,
        _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void
    ) {
        do throws(PostgresError) {
            try parameters.check(against: query.text.types, sql: query.sql)
            submit(PendingRead(query.text, parameters, done), from: eventLoop)
        } catch {
            refuse(error, on: eventLoop, done)
        }
    }

    private func submit(_ read: PendingRead, from eventLoop: any EventLoop) {
        let running: Running
        do throws(PostgresError) { running = try self.running() } catch { return refuse(error, on: eventLoop, read.done) }
        if let pipeline = running.pipelines[ObjectIdentifier(eventLoop)] {
            if eventLoop.inEventLoop { pipeline.submit(read) } else { eventLoop.execute { pipeline.submit(read) } }
            return
        }
        guard let pipeline = running.pipelines[ObjectIdentifier(group.next())] else { return }
        let done = read.done
        let relayed = PendingRead(read.text, read.parameters) { result in eventLoop.execute { done(result) } }
        pipeline.loop.execute { pipeline.submit(relayed) }
    }

    private func refuse(
        _ error: PostgresError, on eventLoop: any EventLoop, _ done: @escaping @Sendable (Result<RowSet, PostgresError>) -> Void
    ) {
        if eventLoop.inEventLoop { done(.failure(error)) } else { eventLoop.execute { done(.failure(error)) } }
    }

    private func read(_ text: StatementText, _ parameters: Parameters, deadline: ContinuousClock.Instant?) async throws(PostgresError) -> RowSet {
        let running = try running()
        guard let pipeline = running.pipelines[ObjectIdentifier(group.any())] else {
            throw PostgresError(.misuse, "the event loop group has changed its loops")
        }
        let ticket = ReadTicket()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<RowSet, PostgresError>, Never>) in
                ticket.onAbandon { code in
                    continuation.resume(returning: .failure(PostgresError(code, "the caller gave up", sql: text.sql)))
                }
                let read = PendingRead(text, parameters, ticket: ticket) { continuation.resume(returning: $0) }
                pipeline.loop.execute { pipeline.submit(read, deadline: deadline) }
            }
        } onCancel: {
            if ticket.abandon(.cancelled) { pipeline.loop.execute { pipeline.abandoned(ticket) } }
        }
        return try result.get()
    }
}
