public import struct FoundationEssentials.UUID

extension String: PostgresElement {
    /// Unknown on purpose: a string may stand wherever a quoted literal may (`text`, `varchar`, `date`, an enum…).
    /// Where the server cannot infer the type, write `\(value, as: .text)`.
    public static var postgresType: PostgresType { .unknown }
    public static var postgresArrayType: PostgresType { PostgresType.text.array ?? .unknown }

    public func writePostgresText(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> String? {
        text.map { String(decoding: $0, as: UTF8.self) }
    }
}

extension Bool: PostgresElement {
    public static var postgresType: PostgresType { .bool }
    public func writePostgresText(into bytes: inout [UInt8]) { bytes.append(self ? UInt8(ascii: "t") : UInt8(ascii: "f")) }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Bool? {
        guard let text, text.count == 1 else { return nil }
        switch text[0] {
        case UInt8(ascii: "t"): return true
        case UInt8(ascii: "f"): return false
        default: return nil
        }
    }
}

extension Int: PostgresElement {
    public static var postgresType: PostgresType { .int8 }
}

extension Int64: PostgresElement {
    public static var postgresType: PostgresType { .int8 }
}

extension Int32: PostgresElement {
    public static var postgresType: PostgresType { .int4 }
}

extension Int16: PostgresElement {
    public static var postgresType: PostgresType { .int2 }
}

extension FixedWidthInteger {
    /// Appends the decimal digits without making a `String`.
    public func writePostgresText(into bytes: inout [UInt8]) {
        if self < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = magnitude
        let start = bytes.count
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            bytes.append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit))
            rest = quotient
        } while rest > 0
        bytes[start...].reverse()
    }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Self? {
        guard let text, !text.isEmpty else { return nil }
        let negative = text[0] == UInt8(ascii: "-")
        let digits = UnsafeRawBufferPointer(rebasing: text[(negative ? 1 : 0)...])
        guard !digits.isEmpty else { return nil }
        var value: Self = 0
        for byte in digits {
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9 else { return nil }
            let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
            // Negative numbers are built downwards, because the least one has no positive counterpart.
            let (sum, spilled) =
                negative
                ? product.subtractingReportingOverflow(Self(digit)) : product.addingReportingOverflow(Self(digit))
            guard !overflowed, !spilled else { return nil }
            value = sum
        }
        return value
    }
}

extension UUID: PostgresElement {
    public static var postgresType: PostgresType { .uuid }
    public func writePostgresText(into bytes: inout [UInt8]) { bytes.append(contentsOf: uuidString.utf8) }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> UUID? {
        text.flatMap { UUID(uuidString: String(decoding: $0, as: UTF8.self)) }
    }
}

/// A JSON document as text, bound and read as `jsonb`.
public struct JSONB: PostgresElement, Hashable {
    public var text: String
    public init(_ text: String) { self.text = text }

    public static var postgresType: PostgresType { .jsonb }
    public func writePostgresText(into bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> JSONB? {
        text.map { JSONB(String(decoding: $0, as: UTF8.self)) }
    }
}

/// Bytes, bound and read as `bytea` in its hex spelling.
public struct Bytea: PostgresElement, Hashable {
    public var bytes: [UInt8]
    public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    public static var postgresType: PostgresType { .bytea }

    public func writePostgresText(into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + 2 + self.bytes.count * 2)
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: "x"))
        for byte in self.bytes {
            bytes.append(Self.hexDigit(byte >> 4))
            bytes.append(Self.hexDigit(byte & 15))
        }
    }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Bytea? {
        guard let text, text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else {
            return nil
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = hexValue(text[index]), let low = hexValue(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return Bytea(bytes)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
