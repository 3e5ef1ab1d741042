import CSV

/// What a reader delivered of one record, copied out.
struct Seen: Equatable, CustomStringConvertible {
    var fields: [String]
    var quoted: [Bool] = []
    var line = 0
    var number = 0
    var offset = 0
    var byteCount = 0
    var raw: [UInt8] = []
    var fault: CSVError?

    var description: String { "\(number)@\(line)+\(offset)/\(byteCount) \(fields) \(fault.map { "\($0)" } ?? "")" }

    init(_ record: borrowing Record) {
        fields = (0..<record.count).map { record.string($0) }
        quoted = (0..<record.count).map { record.wasQuoted($0) }
        line = record.line
        number = record.number
        offset = record.offset
        byteCount = record.byteCount
        raw = Array(record.raw)
        fault = record.fault
    }
}

/// Reads input cut at the given places.
func read(
    _ input: [UInt8],
    cuts: [Int] = [],
    dialect: Dialect = Dialect(),
    limits: Limits = Limits(),
    count: FieldCount = .any
) -> [Seen] {
    var reader = RecordReader(dialect: dialect, limits: limits, fieldCount: count)
    var seen: [Seen] = []
    var start = 0
    for end in cuts + [input.count] {
        input[start..<end].withUnsafeBytes { chunk in
            _ = reader.feed(chunk) { record in
                seen.append(Seen(record))
                return .next
            }
        }
        start = end
    }
    reader.finish { record in
        seen.append(Seen(record))
        return .next
    }
    return seen
}

func read(_ text: String, dialect: Dialect = Dialect(), limits: Limits = Limits(), count: FieldCount = .any) -> [Seen] {
    read(Array(text.utf8), dialect: dialect, limits: limits, count: count)
}

/// A generator whose sequence depends on its seed alone (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
