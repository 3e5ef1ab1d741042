import CLibpq
import Glibc
import NIOCore

// Blocking calls; on a session's thread only.

/// The size of a chunk: large enough that a hop between threads costs nothing beside it.
let copyChunkSize = 256 * 1024

/// Runs `COPY … TO STDOUT` and puts its data into the queue, which sets the pace.
func copyOut(_ connection: OpaquePointer, _ sql: SQL, into queue: ChunkQueue) throws(PostgresError) {
    let text = try startCopy(connection, sql, expecting: PGRES_COPY_OUT)
    var isWanted = true
    // The first buffer is small, so that it is there soon.
    var size = 16 * 1024
    var chunk = ByteBuffer()
    var row: UnsafeMutablePointer<CChar>?
    while true {
        let length = PQgetCopyData(connection, &row, 0)
        guard length > 0 else { break }
        if isWanted {
            if chunk.capacity == 0 { chunk = ByteBufferAllocator().buffer(capacity: size) }
            chunk.writeBytes(UnsafeRawBufferPointer(start: row, count: Int(length)))
            // A row's length leaves room for the next one of its kind, so that the buffer does not grow.
            if chunk.readableBytes + Int(length) > size {
                isWanted = queue.put(chunk)
                size = copyChunkSize
                chunk = ByteBuffer()
            }
        }
        // When nobody wants the rest, a cancel request is on its way, and what was sent before it is read and dropped.
        PQfreemem(row)
    }
    if isWanted, chunk.readableBytes > 0 { isWanted = queue.put(chunk) }
    _ = try finishCopy(connection, sql: text)
    if !isWanted { throw PostgresError(.cancelled, "the COPY was left before its end", sql: text) }
}

/// Runs `COPY … FROM STDIN` with the data in the queue.
/// - Returns: the number of rows.
func copyIn(_ connection: OpaquePointer, _ sql: SQL, from queue: ChunkQueue) throws(PostgresError) -> Int {
    let text = try startCopy(connection, sql, expecting: PGRES_COPY_IN)
    while true {
        switch queue.take() {
        case .chunk(let chunk):
            let sent = chunk.withUnsafeReadableBytes { bytes in
                PQputCopyData(connection, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(bytes.count))
            }
            // A refused row is not told here: the server drops what follows it and answers at the end.
            if sent == 1 { continue }
            PQputCopyEnd(connection, nil)
            return try finishCopy(connection, sql: text)
        case .finished:
            PQputCopyEnd(connection, nil)
            return try finishCopy(connection, sql: text)
        case .aborted:
            PQputCopyEnd(connection, "aborted by the writer")
            return try finishCopy(connection, sql: text)
        }
    }
}

private func startCopy(_ connection: OpaquePointer, _ sql: SQL, expecting status: ExecStatusType) throws(PostgresError) -> String {
    let text = try sql.inlined { value in
        guard let literal = PQescapeLiteral(connection, value, strlen(value)) else { return nil }
        defer { PQfreemem(literal) }
        return String(cString: literal)
    }
    guard let result = PQexec(connection, text) else { throw PostgresError(connection: connection).with(sql: text) }
    defer { PQclear(result) }
    if PQresultStatus(result) == status { return text }
    if PQresultStatus(result) == PGRES_FATAL_ERROR { throw PostgresError(result: result, sql: text) }
    leaveCopy(connection)
    throw PostgresError(.misuse, "not a COPY in the expected direction", sql: text)
}

/// Reads a COPY's result, and leaves the connection ready for the next statement.
private func finishCopy(_ connection: OpaquePointer, sql: String) throws(PostgresError) -> Int {
    var failure: PostgresError?
    var rows = 0
    while let result = PQgetResult(connection) {
        defer { PQclear(result) }
        if PQresultStatus(result) == PGRES_COMMAND_OK {
            rows = Int(String(cString: PQcmdTuples(result))) ?? 0
        } else if failure == nil {
            failure = PostgresError(result: result, sql: sql)
        }
        if PQstatus(connection) != CONNECTION_OK { break }
    }
    if let failure { throw failure }
    guard PQstatus(connection) == CONNECTION_OK else { throw PostgresError(connection: connection).with(sql: sql) }
    return rows
}
