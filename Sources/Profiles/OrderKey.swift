internal import Model

/// Canonical values as whole numbers of the same order: what bounds and comparisons are made of. Exact for every type that has one.
enum OrderKey {
    /// - Parameters:
    ///   - bytes: a canonical value of the type.
    ///   - type: integer, decimal (in units of its last place), date (days), datetime (microseconds) or period (months to its beginning).
    @inline(__always)
    static func of(_ bytes: UnsafeRawBufferPointer, type: FieldType) -> Int128 {
        switch type {
        case .integer, .decimal: digits(bytes)
        case .date: Int128(days(bytes))
        case .datetime: Int128(microseconds(bytes))
        case .period: Int128(months(bytes))
        case .text, .code, .boolean, .geoPoint, .json: 0
        }
    }

    static func exists(for type: FieldType) -> Bool {
        switch type {
        case .integer, .decimal, .date, .datetime, .period: true
        case .text, .code, .boolean, .geoPoint, .json: false
        }
    }

    /// The key of a literal in a profile, nil where it is no value of the field.
    static func of(literal: String, of field: Field) -> Int128? {
        guard exists(for: field.type), let canonical = CanonicalText.of(literal, field) else { return nil }
        return Array(canonical.utf8).withUnsafeBytes { of($0, type: field.type) }
    }

    /// The digits of a number with its sign, the point left out.
    @inline(__always)
    static func digits(_ bytes: UnsafeRawBufferPointer) -> Int128 {
        let negative = bytes.count > 0 && bytes[0] == 0x2D
        if bytes.count <= 19 {
            var value: Int64 = 0
            for i in (negative ? 1 : 0)..<bytes.count where bytes[i] != 0x2E { value = value &* 10 &+ Int64(bytes[i] &- 0x30) }
            return Int128(negative ? 0 &- value : value)
        }
        var value: Int128 = 0
        for i in (negative ? 1 : 0)..<bytes.count where bytes[i] != 0x2E { value = value &* 10 &+ Int128(bytes[i] &- 0x30) }
        return negative ? 0 &- value : value
    }

    static func days(_ bytes: UnsafeRawBufferPointer) -> Int {
        CalendarDate(year: bytes.number(0, 4), month: bytes.number(5, 2), day: bytes.number(8, 2))?.daysSince1970 ?? 0
    }

    /// Local microseconds: every canonical time has the same offset.
    static func microseconds(_ bytes: UnsafeRawBufferPointer) -> Int {
        let seconds = days(bytes) * 86_400 + bytes.number(11, 2) * 3600 + bytes.number(14, 2) * 60 + bytes.number(17, 2)
        var micro = 0
        var scale = 100_000
        var i = 20
        if bytes[19] == 0x2E {
            while i < bytes.count, bytes[i].isDigit {
                micro += Int(bytes[i] &- 0x30) * scale
                scale /= 10
                i += 1
            }
        }
        return seconds * 1_000_000 + micro
    }

    static func months(_ bytes: UnsafeRawBufferPointer) -> Int {
        let year = bytes.number(0, 4) * 12
        if bytes.count < 7 { return year }
        return bytes[5] == 0x51 ? year + (Int(bytes[6] &- 0x30) - 1) * 3 : year + bytes.number(5, 2) - 1
    }
}

/// The canonical spelling of literals in profiles.
enum CanonicalText {
    /// - Returns: nil where the literal is no value of the field, or is empty.
    static func of(_ literal: String, _ field: Field) -> String? {
        var plain = field
        plain.required = true
        plain.values = nil
        plain.minimum = nil
        plain.maximum = nil
        plain.pattern = nil
        plain.maxLength = nil
        var sink = TextSink()
        let code = Array(literal.utf8).withUnsafeBytes { ValueCheck(plain, defaultOffset: nil).check($0, into: &sink) }
        return code == nil ? String(decoding: sink.bytes, as: UTF8.self) : nil
    }

    private struct TextSink: ByteAppending {
        var bytes: [UInt8] = []

        mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }
    }
}
