import Glibc

/// A push parser for CSV (RFC 4180) that is fed with chunks of any size and calls back for each record.
///
/// ```swift
/// var reader = RecordReader(fieldCount: .asFirstRecord)
/// reader.feed(chunk) { record in … return .next }
/// reader.finish { record in … return .next }
/// ```
/// Records that lie within one chunk are read in place; only one that crosses a chunk's end is copied, and never
/// scanned twice. What is delivered does not depend on how the input is cut. Accepted line ends are LF and CRLF,
/// mixed at will, or a lone CR when the first line ends with one. The input must be UTF-8 (or any charset in which
/// the bytes below 0x80 are ASCII); a byte order mark is dropped.
///
/// A record that is wrong is delivered with its ``Record/fault`` and reading goes on with the next one: a quote where
/// none may be is then taken as text, so that the record ends where a lenient reader would end it.
public struct RecordReader: ~Copyable, @unchecked Sendable {
    enum Phase {
        case byteOrderMark
        case detecting
        case records
        case stopped
    }

    /// What ends a line, once a line has ended.
    enum LineEnd {
        case unknown
        case lineFeed
        case carriageReturn
    }

    let dialect: Dialect
    let limits: Limits
    var fieldCount: FieldCount
    var phase = Phase.byteOrderMark
    var lineEnd = LineEnd.unknown
    var markBytes = 0
    var sawNUL = false

    /// The record being read: its first line, its offset, how many were delivered before it.
    var line = 1
    var offset = 0
    var number = 0

    var delimiterByte: UInt8
    var state = ScanState()
    var detection = DelimiterDetection()
    var overlong: OverlongRecord?
    /// The bytes so far of a record that is not complete, or of the first record while the delimiter is sought.
    var carry = ByteSink(capacity: 4096)
    let spans: UnsafeMutablePointer<FieldSpan>
    var scratch = ByteSink(capacity: 256)

    /// Makes a reader for one input.
    ///
    /// - Parameters:
    ///   - dialect: how the input is written.
    ///   - limits: what a record may cost.
    ///   - fieldCount: how many fields each record must have; another number is a fault of that record.
    public init(dialect: Dialect = Dialect(), limits: Limits = Limits(), fieldCount: FieldCount = .any) {
        self.dialect = dialect
        self.limits = limits
        self.fieldCount = fieldCount
        delimiterByte = (dialect.delimiter ?? .comma).rawValue
        spans = .allocate(capacity: limits.maxFields)
    }

    deinit {
        spans.deallocate()
    }

    /// The delimiter, given or detected; nil until it is known.
    public var delimiter: Dialect.Delimiter? {
        if let given = dialect.delimiter { return given }
        return phase == .records ? Dialect.Delimiter(rawValue: delimiterByte) : nil
    }

    /// Records delivered so far, the header included.
    public var recordCount: Int { number }

    /// Reads a chunk and calls back for each record that is complete.
    ///
    /// - Parameters:
    ///   - chunk: the next bytes, any number of them; not needed after the call.
    ///   - body: gets each record, good or faulty, in order; the record is valid only inside the call.
    /// - Returns: `.stop` when `body` has asked for it, now or earlier.
    @discardableResult
    public mutating func feed(_ chunk: UnsafeRawBufferPointer, _ body: (borrowing Record) -> Flow) -> Flow {
        guard let address = chunk.baseAddress, chunk.count > 0 else { return phase == .stopped ? .stop : .next }
        let bytes = address.assumingMemoryBound(to: UInt8.self)
        let end = chunk.count
        var position = 0
        if !sawNUL, memchr(bytes, 0, end) != nil { sawNUL = true }
        if phase == .byteOrderMark { position = dropMark(bytes, end) }
        if phase == .stopped { return .stop }
        if phase != .byteOrderMark, phase == .detecting || overlong != nil || !carry.isEmpty {
            guard let resumed = feedCarry(bytes, position, end, body) else {
                return phase == .stopped ? .stop : .next
            }
            position = resumed
        }
        while position < end {
            guard let found = scan(bytes + position, end &- position, final: false) else {
                carry.append(UnsafeRawBufferPointer(start: bytes + position, count: end &- position))
                turnOverlongIfNeeded()
                return .next
            }
            if deliver(bytes + position, found, body) == .stop { return .stop }
            position &+= found.next
        }
        return .next
    }

    /// Ends the input: delivers the last record when no line end follows it.
    ///
    /// - Parameter body: as in ``feed(_:_:)``.
    /// - Returns: `.stop` when `body` has asked for it, now or earlier.
    @discardableResult
    public mutating func finish(_ body: (borrowing Record) -> Flow) -> Flow {
        if phase == .stopped { return .stop }
        if phase == .byteOrderMark {
            carryMark()
        }
        if phase == .detecting {
            detection.advance(carry, limit: limits.maxRecordBytes, final: true)
            startRecords()
        }
        if overlong != nil {
            return finishOverlong(body)
        }
        var position = 0
        while position < carry.count {
            let start = UnsafePointer(carry.base) + position
            guard let found = scan(start, carry.count - position, final: true) else { break }
            position += found.next
            if deliver(start, found, body) == .stop { break }
        }
        let flow: Flow = phase == .stopped ? .stop : .next
        phase = .stopped
        return flow
    }

    /// Continues the record in `carry` with slices of the chunk, growing ones, until what was carried is used up.
    ///
    /// - Returns: where in the chunk reading goes on in place, or nil when the chunk is used up or the caller stopped.
    private mutating func feedCarry(
        _ bytes: UnsafePointer<UInt8>,
        _ start: Int,
        _ end: Int,
        _ body: (borrowing Record) -> Flow
    ) -> Int? {
        var position = start
        var slice = 512
        var carried = carry.count
        while position < end {
            if overlong != nil {
                guard let next = feedOverlong(bytes, position, end, body) else { return nil }
                return next
            }
            let taken = min(end - position, slice)
            carry.append(UnsafeRawBufferPointer(start: bytes + position, count: taken))
            position += taken
            slice *= 2
            if phase == .detecting {
                guard detection.advance(carry, limit: limits.maxRecordBytes, final: false) else { continue }
                startRecords()
            }
            var used = 0
            while used < carried {
                let start = UnsafePointer(carry.base) + used
                guard let found = scan(start, carry.count - used, final: false) else { break }
                if deliver(start, found, body) == .stop { return nil }
                used += found.next
            }
            if used >= carried {
                // Everything carried is read; the rest of the slice still stands in the chunk.
                position -= carry.count - used
                carry.removeAll()
                return position
            }
            carry.removeFirst(used)
            carried -= used
            turnOverlongIfNeeded()
        }
        return nil
    }

    /// Skips the UTF-8 byte order mark (EF BB BF) at the start, which may come in pieces.
    private mutating func dropMark(_ bytes: UnsafePointer<UInt8>, _ end: Int) -> Int {
        var position = 0
        while position < end {
            if bytes[position] == Self.mark[markBytes] {
                position += 1
                markBytes += 1
                if markBytes < 3 { continue }
                offset = 3
                markBytes = 0
            }
            carryMark()
            return position
        }
        return position
    }

    /// Ends the search for a byte order mark; what had looked like the beginning of one is input.
    private mutating func carryMark() {
        for index in 0..<markBytes { carry.append(Self.mark[index]) }
        markBytes = 0
        phase = dialect.delimiter == nil ? .detecting : .records
    }

    private mutating func startRecords() {
        delimiterByte = detection.winner.rawValue
        phase = .records
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
}
