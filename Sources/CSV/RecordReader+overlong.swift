/// A record beyond the limit: its bytes are no longer kept, only its end is looked for, byte by byte.
struct OverlongRecord {
    enum Place {
        case fieldStart
        case unquoted
        case quoted
        /// After a quote inside a quoted field: closing, or the first of two.
        case quoteInQuoted
        /// After a carriage return outside quotes that may end the record.
        case carriageReturn
    }

    var place: Place
    /// Content bytes so far.
    var length: Int
    var lines: LineTally
    var afterReturn: Bool
    /// Number of the field, from 0, and where the last quote opened: bytes and lines from the record's beginning.
    var field: Int
    var openedAt: Int
    var openedLines: LineTally
}

extension RecordReader {
    /// Gives up keeping the record in `carry` when it is certain to be longer than the limit.
    @inline(__always)
    mutating func turnOverlongIfNeeded() {
        // One byte more, because the last may be a carriage return that ends the record.
        if carry.count > limits.maxRecordBytes + 1 { turnOverlong() }
    }

    @inline(never)
    private mutating func turnOverlong() {
        let seen = state.position
        let place: OverlongRecord.Place =
            state.inQuotes ? .quoted : (seen == state.fieldStart ? .fieldStart : .unquoted)
        var opened = LineTally()
        if state.inQuotes {
            for index in 0..<state.fieldStart { opened.note(carry.base[index], after: index > 0 ? carry.base[index - 1] : 0) }
        }
        overlong = OverlongRecord(
            place: place,
            length: seen,
            lines: state.lines,
            afterReturn: seen > 0 && carry.base[seen - 1] == Byte.carriageReturn,
            field: state.count,
            openedAt: state.fieldStart,
            openedLines: opened
        )
        // A quote or a carriage return whose meaning hangs on what follows is still unread.
        for index in seen..<carry.count { _ = advanceOverlong(carry.base[index]) }
        carry.truncate(to: limits.maxRecordBytes)
    }

    /// Skips the rest of the record in a chunk.
    ///
    /// - Returns: where the next record begins, or nil when the chunk is used up or the caller stopped.
    mutating func feedOverlong(
        _ bytes: UnsafePointer<UInt8>,
        _ start: Int,
        _ end: Int,
        _ body: (borrowing Record) -> Flow
    ) -> Int? {
        var position = start
        while position < end {
            switch advanceOverlong(bytes[position]) {
            case .inside: position += 1
            case .endsBefore(let lineEndBytes):
                return deliverOverlong(lineEndBytes, unterminated: false, body) == .stop ? nil : position
            case .endsWith(let lineEndBytes):
                return deliverOverlong(lineEndBytes, unterminated: false, body) == .stop ? nil : position + 1
            }
        }
        return nil
    }

    mutating func finishOverlong(_ body: (borrowing Record) -> Flow) -> Flow {
        let flow = deliverOverlong(
            overlong?.place == .carriageReturn ? 1 : 0,
            unterminated: overlong?.place == .quoted,
            body
        )
        phase = .stopped
        return flow
    }

    private enum Step {
        case inside
        /// The record has ended with the byte before; the number is how long its line end was.
        case endsBefore(Int)
        case endsWith(Int)
    }

    private mutating func advanceOverlong(_ byte: UInt8) -> Step {
        guard var record = overlong else { return .inside }
        defer { overlong = record }
        switch record.place {
        case .carriageReturn:
            if byte == Byte.lineFeed { return .endsWith(2) }
            if lineEnd != .lineFeed {
                lineEnd = .carriageReturn
                return .endsBefore(1)
            }
            record.length += 1
            record.place = .unquoted
        case .quoteInQuoted where byte == Byte.quote:
            record.place = .quoted
            record.length += 1
            return .inside
        case .quoted:
            record.lines.note(byte, after: record.afterReturn ? Byte.carriageReturn : 0)
            record.afterReturn = byte == Byte.carriageReturn
            if byte == Byte.quote { record.place = .quoteInQuoted }
            record.length += 1
            return .inside
        case .fieldStart where byte == Byte.quote:
            record.place = .quoted
            record.openedAt = record.length
            record.openedLines = record.lines
            record.afterReturn = false
            record.length += 1
            return .inside
        default: break
        }
        switch byte {
        case Byte.lineFeed: return .endsWith(1)
        case Byte.carriageReturn:
            record.place = .carriageReturn
            return .inside
        case delimiterByte:
            record.place = .fieldStart
            record.field += 1
        default: record.place = .unquoted
        }
        record.length += 1
        return .inside
    }

    private mutating func deliverOverlong(
        _ lineEndBytes: Int,
        unterminated: Bool,
        _ body: (borrowing Record) -> Flow
    ) -> Flow {
        guard let record = overlong else { return .next }
        if lineEnd == .unknown, lineEndBytes > 0 { lineEnd = .lineFeed }
        number += 1
        if fieldCount == .asFirstRecord { fieldCount = .exactly(record.field + 1) }
        let fault =
            unterminated
            ? CSVError(
                .unterminatedQuote,
                line: line + record.openedLines.lines(lineEnd),
                field: record.field + 1,
                offset: offset + record.openedAt
            )
            : tooLong(record.length)
        let flow = body(
            Record(
                base: UnsafePointer(carry.base),
                spans: UnsafePointer(spans),
                scratch: UnsafePointer(scratch.base),
                rawCount: min(carry.count, limits.maxRecordBytes),
                count: 0,
                line: line,
                number: number,
                offset: offset,
                byteCount: record.length,
                fault: fault
            )
        )
        line += record.lines.lines(lineEnd) + (lineEndBytes > 0 ? 1 : 0)
        offset += record.length + lineEndBytes
        state = ScanState()
        carry.removeAll()
        overlong = nil
        if flow == .stop { phase = .stopped }
        return flow
    }
}

extension LineTally {
    mutating func note(_ byte: UInt8, after previous: UInt8) {
        if byte == Byte.carriageReturn { returns += 1 }
        if byte == Byte.lineFeed {
            feeds += 1
            if previous == Byte.carriageReturn { pairs += 1 }
        }
    }
}
