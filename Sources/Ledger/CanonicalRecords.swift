internal import Glibc

/// The records of a canonical CSV: each ends with the first LF that stands outside quotes.
public enum CanonicalRecords {
    /// Calls `body` with each record, its line end included.
    ///
    /// - Returns: how many bytes lie behind the last whole record.
    @inline(__always)
    public static func forEach(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        guard let base = bytes.baseAddress else { return 0 }
        var start = 0
        while let end = end(ofRecordAt: start, base, bytes.count) {
            body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
        return bytes.count - start
    }

    @inline(__always)
    private static func end(ofRecordAt start: Int, _ base: UnsafeRawPointer, _ count: Int) -> Int? {
        var (place, isQuoted) = (start, false)
        while place < count, let found = memchr(base + place, 0x0A, count &- place) {
            let end = UnsafeRawPointer(found) - base
            while place < end, let quote = memchr(base + place, 0x22, end &- place) {
                isQuoted.toggle()
                place = UnsafeRawPointer(quote) - base &+ 1
            }
            place = end &+ 1
            if !isQuoted { return place }
        }
        return nil
    }

    /// The values of a record; a missing value is the empty text.
    public static func values(of record: some Sequence<UInt8>) -> [String] {
        var (values, value) = ([String](), [UInt8]())
        // After a quote that may be the closing one, a second one is a quote of the value.
        var (isQuoted, wasQuote) = (false, false)
        for byte in record {
            switch byte {
            case 0x22:
                if wasQuote { value.append(byte) }
                wasQuote = isQuoted && !wasQuote
                isQuoted.toggle()
                continue
            case 0x2C where !isQuoted, 0x0A where !isQuoted:
                values.append(String(decoding: value, as: UTF8.self))
                value.removeAll(keepingCapacity: true)
            default: value.append(byte)
            }
            wasQuote = false
        }
        return values
    }
}
