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
        return stream(read, columns: form.columns, opening: read.after == nil ? form.header : ByteBuffer()) { connection, sql, handoff, mark in
            try await form.send(connection.copyOut(form.copy(sql)), to: handoff) { chunk in
                mark.set { form.orderValues(ofLastIn: chunk) }
            }
        }
    }

    /// The same as lines of JSON, one object each.
    public func ndjson(_ read: PageRead) -> RowStream {
        stream(read, columns: nil, opening: ByteBuffer()) { connection, sql, handoff, mark in
            try await connection.sendLines(of: sql, to: handoff, mark, lineBytes: read.json.overhead + 96) { rows, row, lines in
                read.json.write(rows, row, into: &lines)
            } last: { rows, row in
                read.orderValues(rows, row)
            }
        }
    }

    /// Sends the rows of a statement.
    private typealias Send = @Sendable (Connection, SQL, Handoff, StreamMark) async throws -> Void

    /// While the version is the current one, only current rows are looked at.
    private func stream(_ read: PageRead, columns: SQL?, opening: ByteBuffer, _ send: @escaping Send) -> RowStream {
        stream(of: read.version.datasetNumber, opening: opening) { [self] connection, handoff, mark in
            let source = RowSource(number: read.version.datasetNumber, version: read.version.number)
            let isCurrent = try await connection.execute("SELECT \(source.guardCondition)").first?.read(Bool?.self, 0) ?? false
            let sql = read.sql(isCurrent: isCurrent, columns: columns, isLimited: false)
            let patience = Task {
                try await Task.sleep(for: .seconds(configuration.openingTime))
                handoff.open()
            }
            defer { patience.cancel() }
            if read.predicate == nil, read.isOrderIndexed(isCurrent: isCurrent) {
                // All rows cost least by sorting them, and would come late: what an index gives in order comes at once.
                try await connection.execute("SET LOCAL enable_sort = off")
            } else if let first = try await connection.firstRows(of: read, isCurrent: isCurrent, columns: columns, sql, configuration) {
                let isWhole = try await sendFirst(first, connection, handoff, mark, send)
                guard let values = mark.values else {
                    if !isWhole { try await send(connection, sql, handoff, mark) }
                    return
                }
                return try await send(connection, read.going(onBehind: values).sql(isCurrent: isCurrent, columns: columns, isLimited: false), handoff, mark)
            }
            try await send(connection, sql, handoff, mark)
        }
    }

    /// Sends the first rows by a statement of their own, for as long as a client may be kept waiting for them.
    ///
    /// - Returns: whether it came to its end. What was sent before stands in either case, and the mark says how far it goes.
    private func sendFirst(_ sql: SQL, _ connection: Connection, _ handoff: Handoff, _ mark: StreamMark, _ send: @escaping Send) async throws -> Bool {
        let hurry = StreamMark(until: .now + min(mark.remaining, .seconds(configuration.firstRowsTime)))
        defer { if let values = hurry.values { mark.set { values } } }
        var isWhole = true
        do {
            try await connection.savepoint { connection in
                try await connection.limitStatement(to: hurry.remaining)
                try await send(connection, sql, handoff, hurry)
            }
        } catch let error as PostgresError where error.sqlState == .queryCanceled && !Task.isCancelled {
            // The rows that the condition finds stand at the end of the order, where the planner expected them everywhere.
            isWhole = false
        }
        try await connection.limitStatement(to: mark.remaining)
        return isWhole
    }

    /// Reads in one snapshot, for no longer than a stream may hold a connection, and not much longer than all rows of the dataset may be public.
    ///
    /// - Parameter dataset: its number.
    func stream(of dataset: Int, opening: ByteBuffer = ByteBuffer(), _ send: @escaping @Sendable (Connection, Handoff, StreamMark) async throws -> Void) -> RowStream {
        RowStream(opening: opening) { [self] handoff in
            let mark = StreamMark(until: .now + .seconds(configuration.streamLimit))
            do {
                try await mappingErrors {
                    try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                        if let left = try await connection.publicity(of: dataset) { mark.shorten(to: ContinuousClock.now + (left + .seconds(configuration.expiryGrace))) }
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
    private let deadline: Mutex<ContinuousClock.Instant>
    private let last = Mutex<(@Sendable () -> [String?])?>(nil)

    init(until deadline: ContinuousClock.Instant) {
        self.deadline = Mutex(deadline)
    }

    var remaining: Duration { max(.zero, ContinuousClock.now.duration(to: deadline.withLock { $0 })) }

    /// Ends it earlier, where this is earlier.
    func shorten(to time: ContinuousClock.Instant) { deadline.withLock { $0 = min($0, time) } }

    /// - Parameter values: gives the order's values of the last row sent; asked for only where the stream ends early.
    func set(_ values: @escaping @Sendable () -> [String?]) { last.withLock { $0 = values } }

    /// The order's values of the last row sent; nil before the first.
    var values: [String?]? { last.withLock { $0 }?() }
}

extension Connection {
    /// For how long every row of a dataset may be public still; nil where none has to leave.
    ///
    /// - Parameter dataset: its number.
    fileprivate func publicity(of dataset: Int) async throws -> Duration? {
        try await execute("SELECT (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::bigint FROM published.dataset WHERE number = \(Int32(dataset)) AND expires_at IS NOT NULL")
            .first.map { .milliseconds(max(0, try $0.read(Int.self, 0))) }
    }

    /// What the first rows by themselves may cost by the planner's estimate: about a tenth of a second.
    private static let hurriedCost = 20_000.0

    /// The statement for a question's first rows, where all of them would have to be found before the first could be sent, and a few come much sooner.
    ///
    /// - Parameter sql: the statement for all rows.
    func firstRows(of read: PageRead, isCurrent: Bool, columns: SQL?, _ sql: SQL, _ configuration: Store.Configuration) async throws -> SQL? {
        let whole = try await estimate(of: sql)
        guard whole.startup > Double(configuration.lateCost) else { return nil }
        let first = read.first(configuration.firstRows).sql(isCurrent: isCurrent, columns: columns)
        return try await estimate(of: first).total < min(whole.startup / 4, Self.hurriedCost) ? first : nil
    }

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
            guard !rows.isEmpty else { break }
            var lines = ByteBufferAllocator().buffer(capacity: rows.count * lineBytes)
            for row in 0..<rows.count {
                write(rows, row, &lines)
                lines.writeInteger(UInt8(ascii: "\n"))
            }
            mark.set { last(rows, rows.count - 1) }
            try await handoff.send(lines)
            if rows.count < count { break }
            count = lines.readableBytes > Self.lineBytes * 2 ? max(1, count / 2) : lines.readableBytes < Self.lineBytes ? count * 2 : count
        }
        try await execute("CLOSE stream")
    }

    /// PostgreSQL counts in milliseconds, and takes 0 for no limit.
    func limitStatement(to time: Duration) async throws {
        let (seconds, attoseconds) = time.components
        try await execute("SET LOCAL statement_timeout = \(raw: String(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)))")
    }
}
