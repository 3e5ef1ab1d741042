import Model

/// Watches whether each row's key is greater than the key before, in the order in which PostgreSQL sorts keys: numbers by size, times by time, text by
/// its bytes (collation "C"), false before true.
struct KeyOrder: ~Copyable {
    /// Whether it was so for every row so far; then no key has come twice.
    private(set) var holds: Bool
    private let fields: [Int]
    private let isNumber: [Bool]
    private var last = RowBytes(capacity: 256)
    private var spans: [Span]
    private var isFirst = true

    init(_ schema: TableSchema) {
        let key = schema.primaryKey.compactMap { name in schema.fields.firstIndex { $0.name == name } }
        fields = key
        isNumber = key.map { schema.fields[$0].type.isNumber }
        spans = Array(repeating: .empty, count: key.count)
        // PostgreSQL's order of json is none that could be told from the text.
        holds = !key.isEmpty && !key.contains { schema.fields[$0].type == .json }
    }

    /// Takes the canonical values of the next row.
    @inline(__always)
    mutating func take(_ values: borrowing RowBytes, _ row: UnsafePointer<Span>) {
        if !holds { return }
        if !isFirst, !isAfterLast(values, row) {
            holds = false
            return
        }
        isFirst = false
        last.removeAll()
        for index in fields.indices {
            let value = values.slice(row[fields[index]])
            spans[index] = Span(start: last.count, count: value.count)
            last.append(value)
        }
    }

    private func isAfterLast(_ values: borrowing RowBytes, _ row: UnsafePointer<Span>) -> Bool {
        for index in fields.indices {
            let value = values.slice(row[fields[index]])
            let before = last.slice(spans[index])
            let order = isNumber[index] ? Self.compareNumbers(before, value) : Self.compareBytes(before, value)
            if order != 0 { return order < 0 }
        }
        return false
    }

    /// Canonical numbers of one type: the same number of places, no leading zeros, no plus.
    static func compareNumbers(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let (isNegative, other) = (a.count > 0 && a[0] == 0x2D, b.count > 0 && b[0] == 0x2D)
        if isNegative != other { return isNegative ? -1 : 1 }
        let order = a.count != b.count ? a.count - b.count : compareBytes(a, b)
        return isNegative ? -order : order
    }

    @inline(__always)
    static func compareBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        let common = min(a.count, b.count)
        var place = 0
        if let left = a.baseAddress, let right = b.baseAddress {
            while place &+ 8 <= common {
                let (x, y) = (left.loadUnaligned(fromByteOffset: place, as: UInt64.self), right.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                if x != y { return x.bigEndian < y.bigEndian ? -1 : 1 }
                place &+= 8
            }
            while place < common {
                if a[place] != b[place] { return a[place] < b[place] ? -1 : 1 }
                place &+= 1
            }
        }
        return a.count &- b.count
    }
}

extension FieldType {
    var isNumber: Bool {
        switch self {
        case .integer, .decimal: true
        default: false
        }
    }

    /// Whether canonical values are text as it came, in which any character may stand; all others are made of digits and a few signs.
    var isFreeText: Bool {
        switch self {
        case .text, .code, .json: true
        case .integer, .decimal, .boolean, .date, .datetime, .period, .geoPoint: false
        }
    }
}
