import CLibpq

// Blocking calls; on a session's thread only.

/// Runs one statement with its parameters.
///
/// Nothing is prepared here: the server plans with the values at hand, which suits slow reads, and a write's plan is cheap.
func executeStatement(_ connection: OpaquePointer, _ text: StatementText, _ parameters: Parameters) throws(PostgresError) -> RowSet {
    let result = parameters.withPointers { count, values in
        text.types.withUnsafeBufferPointer { types in
            PQexecParams(connection, text.sql, count, types.isEmpty ? nil : types.baseAddress, values, nil, nil, 0)
        }
    }
    return try completed(result, connection, sql: text.sql)
}

/// Runs several statements by the simple protocol.
func executeScript(_ connection: OpaquePointer, _ script: String) throws(PostgresError) {
    guard !script.utf8.contains(0) else { throw PostgresError(.invalidParameter, "the script contains a NUL") }
    _ = try completed(PQexec(connection, script), connection, sql: script)
}

private func completed(_ result: OpaquePointer?, _ connection: OpaquePointer, sql: String) throws(PostgresError) -> RowSet {
    guard let result else { throw PostgresError(connection: connection).with(sql: sql) }
    switch PQresultStatus(result) {
    case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
        return RowSet(result)
    case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
        PQclear(result)
        leaveCopy(connection)
        throw PostgresError(.misuse, "COPY has to go through copyIn or copyOut", sql: sql)
    default:
        defer { PQclear(result) }
        throw PostgresError(result: result, sql: sql)
    }
}

/// Gets a connection out of a COPY that nobody wanted.
func leaveCopy(_ connection: OpaquePointer) {
    PQputCopyEnd(connection, "COPY was not expected here")
    var row: UnsafeMutablePointer<CChar>?
    while PQgetCopyData(connection, &row, 0) > 0 { PQfreemem(row) }
    while let rest = PQgetResult(connection) {
        let status = PQresultStatus(rest)
        PQclear(rest)
        if status == PGRES_COPY_IN || PQstatus(connection) != CONNECTION_OK { return }
    }
}
