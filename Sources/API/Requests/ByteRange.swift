/// What `Range` asks of a representation (RFC 9110 section 14.2).
enum ByteRange: Equatable {
    /// All of it: nothing was asked for, or something that may be ignored: another unit, broken syntax, several ranges.
    case whole
    case part(Range<Int>)
    /// It begins behind the end.
    case unsatisfiable

    /// - Parameters:
    ///   - field: the field's value, nil where there is none.
    ///   - size: bytes of the representation.
    init(_ field: String?, size: Int) {
        guard let field, let equals = field.firstIndex(of: "="), field[..<equals].lowercased() == "bytes" else {
            self = .whole
            return
        }
        let spec = field[field.index(after: equals)...].filter { $0 != " " && $0 != "\t" }
        let bounds = spec.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, let first = Self.number(bounds[0]), let last = Self.number(bounds[1]) else {
            self = .whole
            return
        }
        switch (first, last) {
        case (nil, nil): self = .whole
        case (nil, let count?): self = count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
        case (let first?, let last):
            if let last, last < first {
                self = .whole
            } else if first >= size {
                self = .unsatisfiable
            } else {
                self = .part(first..<(last.map { min($0, size - 1) } ?? size - 1) + 1)
            }
        }
    }

    /// A number; `.some(nil)` where there is none, nil where there is something else. One that is too large for any file is the largest.
    private static func number(_ text: some StringProtocol) -> Int?? {
        if text.isEmpty { return .some(nil) }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return .some(Int(text) ?? .max)
    }
}
