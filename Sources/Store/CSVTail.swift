internal import NIOCore

/// The end of a chunk of CSV as PostgreSQL prints it (RFC 4180; LF, quotes only where needed).
enum CSVTail {
    /// The values of the last record: what is empty is missing, what is empty in quotes is empty text.
    ///
    /// - Parameter chunk: whole records.
    static func lastRecord(of chunk: ByteBuffer) -> [String?] {
        chunk.withUnsafeReadableBytes { bytes in
            var (start, end, isQuoted) = (0, bytes.count, false)
            for (place, byte) in bytes.enumerated() {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if byte == UInt8(ascii: "\n"), !isQuoted {
                    if place + 1 < bytes.count { start = place + 1 } else { end = place }
                }
            }
            return values(bytes[start..<end])
        }
    }

    private static func values(_ record: Slice<UnsafeRawBufferPointer>) -> [String?] {
        var values: [String?] = [], value: [UInt8] = []
        var (isQuoted, wasQuoted, previous) = (false, false, UInt8(0))
        func close() {
            values.append(value.isEmpty && !wasQuoted ? nil : String(decoding: value, as: UTF8.self))
            (value, wasQuoted) = ([], false)
        }
        for byte in record {
            if byte == UInt8(ascii: "\"") {
                // The second of two quotes within quotes stands for one.
                if !isQuoted, wasQuoted, previous == byte { value.append(byte) }
                isQuoted.toggle()
                wasQuoted = true
            } else if byte == UInt8(ascii: ","), !isQuoted {
                close()
            } else {
                value.append(byte)
            }
            previous = byte
        }
        close()
        return values
    }
}
