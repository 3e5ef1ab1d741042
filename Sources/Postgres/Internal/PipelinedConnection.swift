import CLibpq
import DequeModule
import NIOCore

/// One libpq connection in pipeline mode (PostgreSQL manual, 34.5), confined to the event loop that owns it.
///
/// Statements are sent without waiting for answers and closed by one sync per batch. An error makes the server skip
/// the rest of its batch; what was skipped comes back to be sent again, which is harmless because the session is read-only.
final class PipelinedConnection {
    /// What the server still has to answer, in the order of sending.
    private enum Slot {
        case read(PendingRead, statement: String)
        case prepare(StatementText, name: String)
        case deallocate(name: String)
        case sync
    }

    let connection: OpaquePointer
    let cancelHandle: OpaquePointer?
    /// Reads that were sent and not answered yet.
    private(set) var readCount = 0
    private var slots = Deque<Slot>()
    /// The result of the first slot, until libpq says that it is complete.
    private var headResult: OpaquePointer?
    private var cache: StatementCache
    /// Statements of this batch that cannot be prepared: the reads behind them fail for the same reason.
    private var unpreparable: [StatementText: PostgresError] = [:]
    /// Prepared statements that the server still has and the cache has not.
    private var orphans: [String] = []
    private var hasUnsynced = false
    /// Until when a cancelled statement may be another one than was meant.
    var strayCancelsUntil = NIODeadline.uptimeNanoseconds(0)

    init(_ connection: OpaquePointer, maxPreparedStatements: Int) throws(PostgresError) {
        self.connection = connection
        cache = StatementCache(capacity: maxPreparedStatements)
        cancelHandle = PQgetCancel(connection)
        guard PQsetnonblocking(connection, 1) == 0, PQenterPipelineMode(connection) == 1 else {
            throw PostgresError(connection: connection)
        }
    }

    deinit {
        PQclear(headResult)
        PQfreeCancel(cancelHandle)
        PQfinish(connection)
    }

    var socket: Int32 { PQsocket(connection) }
    var isIdle: Bool { slots.isEmpty }

    /// The caller of a read has given up, in any batch that was sent.
    var hasAbandonedReads: Bool {
        slots.contains { slot in if case .read(let read, _) = slot { read.isAbandoned } else { false } }
    }

    /// The caller of a read has given up in the batch that the server works on.
    ///
    /// Which statement of the batch it works on cannot be known from here: it keeps its answers until the sync.
    var hasAbandonedHead: Bool {
        for slot in slots {
            switch slot {
            case .sync: return false
            case .read(let read, _) where read.isAbandoned: return true
            case .read, .prepare, .deallocate: continue
            }
        }
        return false
    }

    /// Appends a read to the batch, and what has to go before it. On failure the connection is broken, and the read is
    /// among those that `dismantle` returns.
    func send(_ read: PendingRead) -> Bool {
        let name: String
        switch cache.use(read.text) {
        case .prepared(let known):
            name = known
        case .prepare(let new, let evicted):
            name = new
            if let evicted { orphans.append(evicted) }
            while let orphan = orphans.popLast() {
                guard PQsendQueryParams(connection, "DEALLOCATE \(orphan)", 0, nil, nil, nil, nil, 0) == 1 else { return lost(read, name) }
                slots.append(.deallocate(name: orphan))
            }
            let sent = read.text.types.withUnsafeBufferPointer { types in
                PQsendPrepare(connection, name, read.text.sql, Int32(types.count), types.isEmpty ? nil : types.baseAddress)
            }
            guard sent == 1 else { return lost(read, name) }
            slots.append(.prepare(read.text, name: name))
        }
        let sent = read.parameters.withPointers { count, values in
            PQsendQueryPrepared(connection, name, count, values, nil, nil, 0)
        }
        slots.append(.read(read, statement: name))
        readCount += 1
        hasUnsynced = true
        return sent == 1
    }

    private func lost(_ read: PendingRead, _ name: String) -> Bool {
        slots.append(.read(read, statement: name))
        readCount += 1
        return false
    }

    /// Closes the batch and sends it.
    func sync() -> Bool {
        guard hasUnsynced else { return true }
        hasUnsynced = false
        guard PQpipelineSync(connection) == 1 else { return false }
        slots.append(.sync)
        return true
    }

    /// Sends what the socket would not take before. Nil when the connection is broken, else whether something is left.
    func flush() -> Bool? {
        switch PQflush(connection) {
        case 0: false
        case 1: true
        default: nil
        }
    }

    /// Takes in what the server has sent.
    /// - Parameter again: gets the reads that have to be sent again.
    /// - Returns: false when the connection is broken.
    func receive(again: (PendingRead) -> Void) -> Bool {
        guard PQconsumeInput(connection) == 1 else { return false }
        while !slots.isEmpty, PQisBusy(connection) == 0 {
            guard let result = PQgetResult(connection) else {
                guard let complete = headResult.take() else { return false }
                finish(slots.removeFirst(), complete, again: again)
                continue
            }
            switch PQresultStatus(result) {
            case PGRES_PIPELINE_SYNC:
                PQclear(result)
                guard case .sync = slots.removeFirst() else { return false }
                unpreparable.removeAll()
            case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
                // There is no way out of COPY in pipeline mode (PostgreSQL manual, 34.5.1) but to begin anew.
                PQclear(result)
                return false
            default:
                PQclear(headResult)
                headResult = result
            }
        }
        return PQstatus(connection) == CONNECTION_OK
    }

    private func finish(_ slot: consuming Slot, _ result: OpaquePointer, again: (PendingRead) -> Void) {
        let status = PQresultStatus(result)
        switch slot {
        case .read(let read, let statement):
            readCount -= 1
            finish(read, statement, result, status, again: again)
            return
        case .prepare(let text, let name) where status != PGRES_COMMAND_OK:
            cache.forget(text, name: name)
            if status != PGRES_PIPELINE_ABORTED, !isStray(result) {
                unpreparable[text] = PostgresError(result: result, sql: text.sql)
            }
        case .deallocate(let name) where status == PGRES_PIPELINE_ABORTED:
            orphans.append(name)
        case .prepare, .deallocate, .sync:
            break
        }
        PQclear(result)
    }

    private func finish(
        _ read: PendingRead, _ statement: String, _ result: OpaquePointer, _ status: ExecStatusType, again: (PendingRead) -> Void
    ) {
        switch status {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            // The row set owns the result from here on.
            read.complete(.success(RowSet(result)))
            return
        case PGRES_PIPELINE_ABORTED:
            if let error = unpreparable[read.text] { read.complete(.failure(error)) } else if !read.isAbandoned { again(read) }
        default:
            let error = PostgresError(result: result, sql: read.text.sql)
            var repeated = read
            switch error.sqlState {
            case .unknownStatement? where !read.wasRepaired:
                // The batch in which it was to be prepared was skipped.
                cache.forget(read.text, name: statement)
                repeated.wasRepaired = true
                again(repeated)
            case .featureNotSupported? where !read.wasRepaired:
                // "cached plan must not change result type": the table has changed since it was prepared.
                if cache.forget(read.text, name: statement) { orphans.append(statement) }
                repeated.wasRepaired = true
                again(repeated)
            case .queryCanceled? where isStray(result) && !read.isAbandoned && read.strayCancels < 3:
                repeated.strayCancels += 1
                again(repeated)
            default:
                read.complete(.failure(error))
            }
        }
        PQclear(result)
    }

    /// A cancel request names no statement: it may stop the one after the one that it was meant for.
    private func isStray(_ result: OpaquePointer) -> Bool {
        guard strayCancelsUntil > .now(), let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))) else { return false }
        return String(cString: state) == SQLState.queryCanceled.rawValue
    }

    /// The reads that a broken connection leaves behind; the first one is that on which it broke.
    func dismantle() -> [PendingRead] {
        let reads = slots.compactMap { slot in if case .read(let read, _) = slot { read } else { nil } }
        slots.removeAll()
        readCount = 0
        return reads
    }
}
