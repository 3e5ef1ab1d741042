public import Model
internal import NIOCore
internal import Postgres
import Synchronization

extension Store {
    /// The rows that a question is about as CSV, however many they are.
    ///
    /// - Parameter read: its limit does not count; where it goes on behind a row, there is no header.
    public func csv(_ read: PageRead, dialect: CSVDialect) -> RowStream {
        let form = CSVForm(read, dialect: dialect)
        return stream(read, columns: form.columns) { connection, sql, handoff, mark in
            try await form.send(connection.copyOut(form.copy(sql)), to: handoff, withHeader: read.after == nil) { chunk in
                mark.set { form.orderValues(ofLastIn: chunk) }
            }
        }
    }

    /// The same as lines of JSON, one object each.
    public func ndjson(_ read: PageRead) -> RowStream {
        stream(read, columns: nil) { connection, sql, handoff, mark in
            try await connection.sendLines(of: sql, to: handoff, mark, lineBytes: read.json.overhead + 96) { rows, row, lines in
                read.json.write(rows, row, into: &lines)
            } last: { rows, row in
                read.orderValues(rows, row)
            }
        }
    }

    /// While the version is the current one, only current rows are looked at.
    private func stream(
        _ read: PageRead, columns: SQL?, _ send: @escaping @Sendable (Connection, SQL, Handoff, StreamMark) async throws -> Void
    ) -> RowStream {
        stream { connection, handoff, mark in
            let source = RowSource(number: read.version.datasetNumber, version: read.version.number)
            let isCurrent = try await connection.execute("SELECT \(source.guardCondition)").first?.read(Bool?.self, 0) ?? false
            // All rows cost least by sorting them, and would come late: what an index gives in order comes at once.
            if read.predicate == nil, read.isOrderIndexed(isCurrent: isCurrent) { try await connection.execute("SET LOCAL enable_sort = off") }
            try await send(connection, read.sql(isCurrent: isCurrent, columns: columns, isLimited: false), handoff, mark)
        }
    }

    /// Reads in one snapshot, for no longer than a stream may hold a connection.
    func stream(_ send: @escaping @Sendable (Connection, Handoff, StreamMark) async throws -> Void) -> RowStream {
        RowStream { [self] handoff in
            let mark = StreamMark(until: .now + .seconds(configuration.streamLimit))
            do {
                try await mappingErrors {
                    try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                        let clock = Task {
                            try await Task.sleep(for: mark.remaining)
                            handoff.expire()
                        }
                        defer { clock.cancel() }
                        try await connection.limitStatement(to: mark.remaining)
                        try await send(connection, handoff, mark)
                    }
                }
                return nil
            } catch {
                let isLate = handoff.hasExpired || (error as? Problem)?.code == .statementTimeout
                guard isLate, let values = mark.values else { throw error }
                return values
            }
        }
    }
}

/// How far a stream has come, and how long it may hold its connection.
final class StreamMark: Sendable {
    private let deadline: ContinuousClock.Instant
    private let last = Mutex<(@Sendable () -> [String?])?>(nil)

    init(until deadline: ContinuousClock.Instant) {
        self.deadline = deadline
    }

    var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: deadline)) }

    /// - Parameter values: gives the order's values of the last row sent; asked for only where the stream ends early.
    func set(_ values: @escaping @Sendable () -> [String?]) { last.withLock { $0 = values } }

    /// The order's values of the last row sent; nil before the first.
    var values: [String?]? { last.withLock { $0 }?() }
}

extension Connection {
    /// Rows of the first buffer, so that it is there soon.
    private static let firstLines = 100
    /// Bytes of a buffer, about.
    private static let lineBytes = 256 * 1024

    /// Sends the rows of a query, each as a line.
    ///
    /// - Parameters:
    ///   - lineBytes: of one line, about.
    ///   - write: appends a row without the end of its line.
    ///   - last: the values by which to go on behind a row.
    func sendLines(
        of sql: SQL, to handoff: Handoff, _ mark: StreamMark, lineBytes: Int, write: @escaping @Sendable (RowSet, Int, inout ByteBuffer) -> Void,
        last: @escaping @Sendable (RowSet, Int) -> [String?]
    ) async throws {
        try await execute("DECLARE stream NO SCROLL CURSOR FOR \(sql)")
        var count = Self.firstLines
        while true {
            try await limitStatement(to: mark.remaining)
            let rows = try await execute("FETCH \(raw: String(count)) FROM stream")
            guard !rows.isEmpty else { return }
            var lines = ByteBufferAllocator().buffer(capacity: rows.count * lineBytes)
            for row in 0..<rows.count {
                write(rows, row, &lines)
                lines.writeInteger(UInt8(ascii: "\n"))
            }
            mark.set { last(rows, rows.count - 1) }
            try await handoff.send(lines)
            if rows.count < count { return }
            count = lines.readableBytes > Self.lineBytes * 2 ? max(1, count / 2) : lines.readableBytes < Self.lineBytes ? count * 2 : count
        }
    }

    /// PostgreSQL counts in milliseconds, and takes 0 for no limit.
    func limitStatement(to time: Duration) async throws {
        let (seconds, attoseconds) = time.components
        try await execute("SET LOCAL statement_timeout = \(raw: String(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)))")
    }
}
