import Model

/// Rows as PostgreSQL's COPY text format (PostgreSQL 15, COPY, Text Format): tabs between columns, `\N` for null, backslashes before what would be
/// mistaken for either.
struct CopyRowWriter: ~Copyable {
    private struct Column {
        /// Values may have characters that need a backslash.
        let isFreeText: Bool
        /// A missing value is the empty string, as in keys.
        let isNeverNull: Bool
    }

    private let columns: UnsafeMutablePointer<Column>
    private let count: Int
    /// The rows written.
    var output = RowBytes(capacity: 262_144)

    init(_ schema: TableSchema) {
        count = schema.fields.count
        columns = .allocate(capacity: count)
        for (index, field) in schema.fields.enumerated() {
            let isKey = schema.primaryKey.contains(field.name)
            (columns + index).initialize(to: Column(isFreeText: field.type.isFreeText, isNeverNull: isKey && field.type.isTextual))
        }
    }

    deinit { columns.deallocate() }

    /// Writes one row.
    ///
    /// - Parameters:
    ///   - line: the line on which its record starts.
    ///   - row: where each field's value stands in `values`.
    ///   - record: the record's text, where it is kept.
    @inline(__always)
    mutating func write(line: Int, _ values: borrowing RowBytes, _ row: UnsafePointer<Span>, record: UnsafeRawBufferPointer?) {
        // Unpivoted rows share values, so each may be as long as all together; doubled where every byte needs a backslash.
        output.reserve(values.count &* 2 &+ count &* 3 &+ 32)
        output.put(number: line)
        var index = 0
        while index < count {
            output.put(0x09)
            let value = values.slice(row[index])
            if value.count == 0 {
                if !columns[index].isNeverNull {
                    output.put(0x5C)
                    output.put(0x4E)
                }
            } else if columns[index].isFreeText, ByteWord.holds(0x5C, 0x09, 0x0A, 0x0D, in: value) {
                escape(value)
            } else {
                output.put(value)
            }
            index &+= 1
        }
        if let record {
            output.reserve(record.count &* 2 &+ 2)
            output.put(0x09)
            escape(record)
        }
        output.put(0x0A)
    }

    @inline(never)
    private mutating func escape(_ value: UnsafeRawBufferPointer) {
        for byte in value {
            switch byte {
            case 0x5C, 0x09, 0x0A, 0x0D:
                output.put(0x5C)
                output.put(byte == 0x09 ? 0x74 : byte == 0x0A ? 0x6E : byte == 0x0D ? 0x72 : byte)
            default: output.put(byte)
            }
        }
    }
}

/// Keeps keys and indexed values as short as an index of PostgreSQL can hold: an entry is at most a third of a page (8 KiB), 2,704 bytes with its header.
struct KeyLimit {
    /// The longest values of one index, together.
    static let bytes = 2600

    private let lists: [[Int]]

    init(_ schema: TableSchema) {
        lists = ([schema.primaryKey] + schema.indexes).map { names in
            names.compactMap { name in schema.fields.firstIndex { $0.name == name } }
        }
    }

    /// The longest field of a list whose values are too long together.
    func exceeding(_ spans: UnsafePointer<Span>) -> Int? {
        for list in lists where list.reduce(0, { $0 + spans[$1].count }) > Self.bytes { return list.max { spans[$0].count < spans[$1].count } }
        return nil
    }

    /// How many characters of four bytes the field could have for the key to fit.
    func characters(_ spans: UnsafePointer<Span>, _ field: Int) -> Int {
        let most = lists.filter { $0.contains(field) }.map { list in Self.bytes - list.reduce(0) { $0 + ($1 == field ? 0 : spans[$1].count) } }.min() ?? 0
        return max(most, 4) / 4
    }
}
