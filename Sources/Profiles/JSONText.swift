/// Says whether bytes are a JSON text (RFC 8259) that PostgreSQL's `jsonb` takes: no `\u0000`, no lone surrogate, no depth beyond reason.
///
/// The text passes through as it is; `jsonb` gives it its one spelling.
struct JSONText {
    private static let maximumDepth = 64
    /// The most digits on either side of a number's point, and the greatest exponent: well within what `numeric` in `jsonb` can hold.
    private static let maximumExponent = 1000

    private let bytes: UnsafeRawBufferPointer
    private var i = 0

    static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool { firstFault(bytes) == nil }

    /// The byte at which the text stops being JSON, nil where it never does.
    static func firstFault(_ bytes: UnsafeRawBufferPointer) -> Int? {
        var text = JSONText(bytes: bytes)
        text.skipSpace()
        guard text.value(depth: 0) else { return text.i }
        text.skipSpace()
        return text.i == bytes.count ? nil : text.i
    }

    private init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    private var next: UInt8? { i < bytes.count ? bytes[i] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { i += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        i += 1
        return true
    }

    private mutating func take(_ word: StaticString) -> Bool {
        guard i + word.utf8CodeUnitCount <= bytes.count else { return false }
        for k in 0..<word.utf8CodeUnitCount where bytes[i + k] != word.utf8Start[k] { return false }
        i += word.utf8CodeUnitCount
        return true
    }

    private mutating func value(depth: Int) -> Bool {
        guard depth < Self.maximumDepth, let byte = next else { return false }
        switch byte {
        case 0x7B: return members(depth: depth)
        case 0x5B: return elements(depth: depth)
        case 0x22: return string()
        case 0x74: return take("true")
        case 0x66: return take("false")
        case 0x6E: return take("null")
        default: return number()
        }
    }

    private mutating func members(depth: Int) -> Bool {
        i += 1
        skipSpace()
        if take(0x7D) { return true }
        while true {
            guard string() else { return false }
            skipSpace()
            guard take(0x3A) else { return false }
            skipSpace()
            guard value(depth: depth + 1) else { return false }
            skipSpace()
            if take(0x7D) { return true }
            guard take(0x2C) else { return false }
            skipSpace()
        }
    }

    private mutating func elements(depth: Int) -> Bool {
        i += 1
        skipSpace()
        if take(0x5D) { return true }
        while true {
            guard value(depth: depth + 1) else { return false }
            skipSpace()
            if take(0x5D) { return true }
            guard take(0x2C) else { return false }
            skipSpace()
        }
    }

    private mutating func string() -> Bool {
        guard take(0x22) else { return false }
        while let byte = next {
            i += 1
            if byte == 0x22 { return true }
            if byte < 0x20 { return false }
            guard byte == 0x5C else { continue }
            guard let escaped = next else { return false }
            i += 1
            switch escaped {
            case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: break
            case 0x75: guard unicodeEscape() else { return false }
            default: return false
            }
        }
        return false
    }

    /// The part after `\u`: four digits that are no NUL, and where they begin a surrogate pair, its second half.
    private mutating func unicodeEscape() -> Bool {
        guard let unit = fourDigits(), unit != 0, !(0xDC00...0xDFFF).contains(unit) else { return false }
        guard (0xD800...0xDBFF).contains(unit) else { return true }
        guard take(0x5C), take(0x75), let low = fourDigits() else { return false }
        return (0xDC00...0xDFFF).contains(low)
    }

    private mutating func fourDigits() -> Int? {
        guard i + 4 <= bytes.count else { return nil }
        var unit = 0
        for _ in 0..<4 {
            switch bytes[i] {
            case 0x30...0x39: unit = unit * 16 + Int(bytes[i] - 0x30)
            case 0x41...0x46: unit = unit * 16 + Int(bytes[i] - 0x41 + 10)
            case 0x61...0x66: unit = unit * 16 + Int(bytes[i] - 0x61 + 10)
            default: return nil
            }
            i += 1
        }
        return unit
    }

    private mutating func digits() -> Int {
        let start = i
        while let byte = next, byte.isDigit { i += 1 }
        return i - start
    }

    private mutating func number() -> Bool {
        _ = take(0x2D)
        if !take(0x30) {
            let whole = digits()
            guard whole > 0, whole <= Self.maximumExponent else { return false }
        }
        if take(0x2E) {
            let fraction = digits()
            guard fraction > 0, fraction <= Self.maximumExponent else { return false }
        }
        if let byte = next, byte | 0x20 == 0x65 {
            i += 1
            if !take(0x2B) { _ = take(0x2D) }
            let start = i
            let count = digits()
            var exponent = 0
            for k in start..<i { exponent = min(exponent * 10 + Int(bytes[k] - 0x30), Self.maximumExponent + 1) }
            guard count > 0, exponent <= Self.maximumExponent else { return false }
        }
        return true
    }
}
