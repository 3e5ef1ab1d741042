internal import Glibc
internal import Model
internal import NIOCore
internal import Postgres

/// Writes rows as JSON objects, from PostgreSQL's text straight into the response's buffer.
///
/// One reserve per row and raw writes after that: numbers pass through with their exact digits, only text is searched for what must be escaped.
struct RowJSON: Sendable {
    enum Kind {
        /// Numbers and JSON: as they are.
        case verbatim
        case boolean
        /// Dates: quoted, never escaped.
        case bare
        case datetime
        case text
    }

    let kinds: [Kind]
    /// `,"name":` for every field, one after the other, and where each begins.
    let names: [UInt8]
    let starts: [Int]

    init(_ fields: [Field]) {
        var names: [UInt8] = []
        var starts = [0]
        for field in fields {
            names += Array(",\"\(field.name)\":".utf8)
            starts.append(names.count)
        }
        self.names = names
        self.starts = starts
        kinds = fields.map {
            switch $0.type {
            case .integer, .decimal, .json: .verbatim
            case .boolean: .boolean
            case .date: .bare
            case .datetime: .datetime
            case .text, .code, .period, .geoPoint: .text
            }
        }
    }

    /// The bytes that one row takes at most besides its values' escapes.
    var overhead: Int { names.count + kinds.count * 8 + 2 }

    /// Appends one row as an object.
    func write(_ rows: RowSet, _ row: Int, into buffer: inout ByteBuffer) {
        let count = kinds.count
        if count == 0 {
            buffer.writeStaticString("{}")
            return
        }
        withUnsafeTemporaryAllocation(of: UnsafeRawBufferPointer?.self, capacity: count) { values in
            var need = overhead
            for column in 0..<count {
                let value = rows.bytes(row, column)
                values.initializeElement(at: column, to: value)
                // The longest escape of a byte is \u00XX.
                if let value { need &+= kinds[column] == .text ? value.count &* 6 : value.count }
            }
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: need) { room in
                let start = room.baseAddress!
                var end = start
                names.withUnsafeBytes { names in
                    for column in 0..<count {
                        let name = starts[column]
                        end.copyMemory(from: names.baseAddress! + name, byteCount: starts[column &+ 1] &- name)
                        end += starts[column &+ 1] &- name
                        end = Self.put(values[column], kinds[column], at: end)
                    }
                }
                // The first name's comma becomes the brace.
                start.storeBytes(of: UInt8(ascii: "{"), as: UInt8.self)
                end.storeBytes(of: UInt8(ascii: "}"), as: UInt8.self)
                return end + 1 - start
            }
        }
    }

    @inline(__always)
    static func put(_ value: UnsafeRawBufferPointer?, _ kind: Kind, at end: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard let value, let source = value.baseAddress else { return put("null", at: end) }
        switch kind {
        case .verbatim:
            end.copyMemory(from: source, byteCount: value.count)
            return end + value.count
        case .boolean: return value[0] == UInt8(ascii: "t") ? put("true", at: end) : put("false", at: end)
        case .bare:
            end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            (end + 1).copyMemory(from: source, byteCount: value.count)
            (end + 1 + value.count).storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            return end + 2 + value.count
        case .datetime:
            // "2013-03-01 00:00:00+08" becomes "2013-03-01T00:00:00+08:00" (RFC 3339).
            end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            (end + 1).copyMemory(from: source, byteCount: value.count)
            if value.count > 10 { (end + 11).storeBytes(of: UInt8(ascii: "T"), as: UInt8.self) }
            return put(":00\"", at: end + 1 + value.count)
        case .text: return put(text: source, value.count, at: end)
        }
    }

    @inline(__always)
    private static func put(_ literal: StaticString, at end: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        end.copyMemory(from: literal.utf8Start, byteCount: literal.utf8CodeUnitCount)
        return end + literal.utf8CodeUnitCount
    }

    /// A JSON string (RFC 8259 section 7), copied eight bytes at a time while there is nothing to escape.
    @inline(__always)
    private static func put(text source: UnsafeRawPointer, _ count: Int, at start: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var end = start
        end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        end += 1
        var place = 0
        while place &+ 8 <= count {
            let word = source.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            end.storeBytes(of: word, as: UInt64.self)
            if needsEscape(word) {
                for _ in 0..<8 {
                    end = put(escaped: source.load(fromByteOffset: place, as: UInt8.self), at: end)
                    place &+= 1
                }
            } else {
                place &+= 8
                end += 8
            }
        }
        while place < count {
            end = put(escaped: source.load(fromByteOffset: place, as: UInt8.self), at: end)
            place &+= 1
        }
        end.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        return end + 1
    }

    /// Whether one of eight bytes is a control character, a quote or a backslash.
    @inline(__always)
    private static func needsEscape(_ word: UInt64) -> Bool {
        let low7: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let seven = word & low7
        let quote = (seven ^ 0x2222_2222_2222_2222) &+ low7
        let backslash = (seven ^ 0x5C5C_5C5C_5C5C_5C5C) &+ low7
        // 0x60 + a byte below 0x20 stays below 0x80.
        let control = seven &+ 0x6060_6060_6060_6060
        return ((quote & backslash & control) | word) & ~low7 != ~low7
    }

    @inline(__always)
    private static func put(escaped byte: UInt8, at end: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
            end.storeBytes(of: byte, as: UInt8.self)
            return end + 1
        }
        return escape(byte, at: end)
    }

    @inline(never)
    private static func escape(_ byte: UInt8, at end: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        switch byte {
        case UInt8(ascii: "\""): return put("\\\"", at: end)
        case UInt8(ascii: "\\"): return put("\\\\", at: end)
        case UInt8(ascii: "\n"): return put("\\n", at: end)
        case UInt8(ascii: "\r"): return put("\\r", at: end)
        case UInt8(ascii: "\t"): return put("\\t", at: end)
        default:
            let end = put("\\u00", at: end)
            let digits: StaticString = "0123456789abcdef"
            end.storeBytes(of: digits.utf8Start[Int(byte >> 4)], as: UInt8.self)
            (end + 1).storeBytes(of: digits.utf8Start[Int(byte & 15)], as: UInt8.self)
            return end + 2
        }
    }
}
