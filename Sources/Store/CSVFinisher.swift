internal import NIOCore

/// Turns the CSV that PostgreSQL prints into the form that leaves Daylight, while the bytes pass.
///
/// Datetimes become RFC 3339 and booleans words here and not in SQL: there it costs the server a function call per value, here it is a copy that is due
/// anyway.
/// Chunks must hold whole records, as `COPY` delivers them.
struct CSVFinisher: Sendable {
    /// What has to be done to a column's values.
    enum Column: Sendable {
        /// Nothing.
        case asPrinted
        /// `YYYY-MM-DD HH:MM:SS+08` becomes RFC 3339.
        case datetime
        /// `t` and `f` become `true` and `false`.
        case boolean
    }

    /// By column, up to the last one that is not as printed.
    private let columns: [Column]
    private let carriageReturns: Bool
    /// Fields of each record that are kept; nil for all.
    private let kept: Int?
    /// Nothing is changed.
    let passesThrough: Bool

    /// - Parameters:
    ///   - columns: what has to be done to each column's values.
    ///   - carriageReturns: whether records end in CRLF.
    ///   - cutsBehind: how many fields of each record are kept, where more follow; nil for all. No fewer than `columns`.
    init(_ columns: [Column], carriageReturns: Bool = false, cutsBehind kept: Int? = nil) {
        self.columns = kept == nil ? Array(columns[..<((columns.lastIndex { $0 != .asPrinted } ?? -1) + 1)]) : columns
        self.carriageReturns = carriageReturns
        self.kept = kept
        passesThrough = self.columns.isEmpty && !carriageReturns
    }

    /// The finished form of a chunk.
    func finish(_ chunk: ByteBuffer) -> ByteBuffer {
        if passesThrough { return chunk }
        // A boolean's two bytes become six at most, a datetime's 23 become 26, a record's end grows by one.
        let room = chunk.readableBytes * 3 + 1
        var output = ByteBufferAllocator().buffer(capacity: room)
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { room in
            chunk.withUnsafeReadableBytes { bytes in finish(bytes, into: room) }
        }
        return output
    }

    private func finish(_ bytes: UnsafeRawBufferPointer, into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let source = bytes.baseAddress, let start = room.baseAddress else { return 0 }
        var scanner = RecordScanner(bytes)
        var end = start
        var copied = 0

        /// Copies what was not copied yet, up to a place.
        @inline(__always) func copy(to place: Int) {
            end.copyMemory(from: source + copied, byteCount: place &- copied)
            end += place &- copied
            copied = place
        }
        @inline(__always) func put(_ text: StaticString) {
            end.copyMemory(from: text.utf8Start, byteCount: text.utf8CodeUnitCount)
            end += text.utf8CodeUnitCount
        }

        columns.withUnsafeBufferPointer { columns in
            while !scanner.isAtEnd {
                let record = scanner.position
                for column in columns {
                    let value = scanner.position
                    switch column {
                    case .asPrinted: scanner.skipField()
                    case .datetime:
                        let valueEnd = scanner.endOfBareValue()
                        if valueEnd > value {
                            // The space becomes a T, the offset gets its minutes.
                            copy(to: valueEnd)
                            (end - (valueEnd &- value) + 10).storeBytes(of: UInt8(ascii: "T"), as: UInt8.self)
                            put(":00")
                        }
                        scanner.position = valueEnd &+ 1
                    case .boolean:
                        let letter = bytes[value]
                        switch letter {
                        case UInt8(ascii: "t"):
                            copy(to: value &+ 1)
                            put("rue")
                            scanner.position = value &+ 2
                        case UInt8(ascii: "f"):
                            copy(to: value &+ 1)
                            put("alse")
                            scanner.position = value &+ 2
                        default: scanner.position = value &+ 1
                        }
                    }
                }
                if let kept {
                    // Up to the comma behind the last field that is kept.
                    let last = scanner.position &- 1
                    if kept == 1, last &- record == 2, bytes[record] == UInt8(ascii: "\\"), bytes[record &+ 1] == UInt8(ascii: ".") {
                        // As a line of its own it would end a COPY; PostgreSQL saw more fields and left it bare.
                        copy(to: record)
                        put("\"\\.\"")
                        copied = last
                    } else {
                        copy(to: last)
                    }
                    scanner.skipRecord()
                    if carriageReturns { put("\r\n") } else { put("\n") }
                    copied = scanner.position
                    continue
                }
                // The last value to finish may have been the record's last.
                if columns.isEmpty || !scanner.isAtRecordStart { scanner.skipRecord() }
                if carriageReturns {
                    copy(to: scanner.position &- 1)
                    put("\r\n")
                    copied = scanner.position
                }
            }
        }
        copy(to: bytes.count)
        return end - start
    }
}

/// Finds the ends of fields and records, eight bytes at a time (RFC 4180, as PostgreSQL writes it: LF, quotes only where needed).
private struct RecordScanner {
    private let base: UnsafeRawPointer
    private let count: Int
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        count = bytes.count
        // Of an empty buffer no byte is read.
        base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!
    }

    var isAtEnd: Bool { position >= count }

    @inline(__always)
    private func byte(_ place: Int) -> UInt8 { base.load(fromByteOffset: place, as: UInt8.self) }

    /// The end of an unquoted value that begins here.
    @inline(__always)
    func endOfBareValue() -> Int {
        // The usual length of a datetime, without fraction.
        let usual = position &+ 22
        // What is missing may be the record's last: what ends there then belongs to the next.
        let isMissing = position < count && (byte(position) == UInt8(ascii: ",") || byte(position) == UInt8(ascii: "\n"))
        if usual < count, !isMissing, byte(usual) == UInt8(ascii: ",") || byte(usual) == UInt8(ascii: "\n") { return usual }
        var place = position
        while place < count, byte(place) != UInt8(ascii: ","), byte(place) != UInt8(ascii: "\n") { place &+= 1 }
        return place
    }

    /// Goes behind the comma or newline that ends the field that begins here.
    @inline(__always)
    mutating func skipField() {
        if position < count, byte(position) == UInt8(ascii: "\"") { skipQuoted() }
        position = find(UInt8(ascii: ","), UInt8(ascii: "\n")) &+ 1
    }

    /// Whether a record ended just before.
    var isAtRecordStart: Bool { position > 0 && position <= count && byte(position &- 1) == UInt8(ascii: "\n") }

    /// Goes behind the newline that ends the record.
    @inline(__always)
    mutating func skipRecord() {
        while true {
            let place = find(UInt8(ascii: "\""), UInt8(ascii: "\n"))
            position = place
            if place >= count || byte(place) == UInt8(ascii: "\n") { break }
            skipQuoted()
        }
        position = Swift.min(position &+ 1, count)
    }

    /// From an opening quote to behind the closing one.
    private mutating func skipQuoted() {
        position &+= 1
        while true {
            position = find(UInt8(ascii: "\""), UInt8(ascii: "\"")) &+ 1
            guard position < count, byte(position) == UInt8(ascii: "\"") else { return }
            position &+= 1
        }
    }

    /// The next place of either byte, or the end.
    @inline(__always)
    private func find(_ a: UInt8, _ b: UInt8) -> Int {
        let (patternA, patternB) = (UInt64(a) &* 0x0101_0101_0101_0101, UInt64(b) &* 0x0101_0101_0101_0101)
        let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        var place = position
        while place &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            let seven = word & low7
            // A clear top bit marks an equal ASCII byte.
            let differs = (((seven ^ patternA) &+ low7) & ((seven ^ patternB) &+ low7)) | word
            let found = ~differs & ~low7
            if found != 0 { return place &+ found.trailingZeroBitCount >> 3 }
            place &+= 8
        }
        while place < count, byte(place) != a, byte(place) != b { place &+= 1 }
        return place
    }
}
