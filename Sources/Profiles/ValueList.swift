/// A closed list of values, searched as bytes.
final class ValueList: Sendable, CustomStringConvertible {
    private let values: [[UInt8]]
    let description: String

    init(_ texts: [String]) {
        values = texts.map { Array($0.utf8) }.sorted { ($0.count, $0) < ($1.count, $1) }
        let shown = texts.prefix(30).joined(separator: "、")
        description = texts.count > 30 ? shown + "…" : shown
    }

    /// Binary search by length, then bytes.
    func contains(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var low = 0
        var high = values.count
        while low < high {
            let middle = (low + high) / 2
            let order = values[middle].withUnsafeBytes { Self.compare($0, bytes) }
            if order == 0 { return true }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return false
    }

    private static func compare(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for i in 0..<a.count where a[i] != b[i] { return a[i] < b[i] ? -1 : 1 }
        return 0
    }
}

private func < (a: (Int, [UInt8]), b: (Int, [UInt8])) -> Bool {
    a.0 != b.0 ? a.0 < b.0 : a.1.lexicographicallyPrecedes(b.1)
}
