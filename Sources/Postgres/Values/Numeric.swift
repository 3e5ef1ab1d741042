/// An exact decimal number, as PostgreSQL's `numeric`: its digits, and no floating point anywhere.
///
/// `description` is the exact spelling, with every trailing zero that the server sent. Equality, order and hash are by
/// value, so that `1.0 == 1.00`. `NaN` equals itself and is greater than all else, as in PostgreSQL.
public struct Numeric: Sendable, CustomStringConvertible, LosslessStringConvertible {
    /// Plain decimal notation: an optional `-`, digits, optionally a point and digits; or `NaN`, `Infinity`, `-Infinity`.
    public let description: String

    public static let nan = Numeric(unchecked: "NaN")

    private init(unchecked: String) { description = unchecked }

    public init(_ integer: some BinaryInteger) { description = String(integer) }

    /// - Parameter text: decimal notation, with an exponent if need be (`1.5e3`), within PostgreSQL's limits of
    ///   131,072 digits before the point and 16,383 after it; nil for all else.
    public init?(_ text: String) {
        var copy = text
        guard let value = copy.withUTF8({ Self.readPostgresText(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }

    public var isNaN: Bool { description == "NaN" }
    public var isFinite: Bool { description.utf8.last.map { $0 <= UInt8(ascii: "9") } ?? false }
    public var isNegative: Bool { description.utf8.first == UInt8(ascii: "-") }

    /// Digits after the point.
    public var scale: Int {
        guard isFinite, let point = description.utf8.firstIndex(of: UInt8(ascii: ".")) else { return 0 }
        return description.utf8.distance(from: point, to: description.utf8.endIndex) - 1
    }
}

extension Numeric: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self.init(value) }
}

extension Numeric: Comparable, Hashable {
    public static func == (left: Numeric, right: Numeric) -> Bool { compare(left, right) == 0 }
    public static func < (left: Numeric, right: Numeric) -> Bool { compare(left, right) < 0 }

    public func hash(into hasher: inout Hasher) {
        guard isFinite else { return hasher.combine(description) }
        let (whole, fraction) = parts
        let isZero = whole.isEmpty && fraction.isEmpty
        hasher.combine(isNegative && !isZero)
        hasher.combine(String(whole))
        hasher.combine(String(fraction))
    }

    /// Digits before and after the point, without leading and trailing zeros.
    private var parts: (Substring, Substring) {
        let digits = description.drop { $0 == "-" }
        let whole = digits.prefix { $0 != "." }
        let fraction = digits.dropFirst(whole.count + 1)
        let significant = fraction.lastIndex { $0 != "0" }.map { fraction[...$0] } ?? ""
        return (whole.drop { $0 == "0" }, significant)
    }

    private static func compare(_ left: Numeric, _ right: Numeric) -> Int {
        let (leftRank, rightRank) = (left.rank, right.rank)
        guard leftRank == rightRank, left.isFinite else { return leftRank < rightRank ? -1 : leftRank > rightRank ? 1 : 0 }
        let (leftParts, rightParts) = (left.parts, right.parts)
        let order: Int
        if leftParts.0.utf8.count != rightParts.0.utf8.count {
            order = leftParts.0.utf8.count < rightParts.0.utf8.count ? -1 : 1
        } else if leftParts.0 != rightParts.0 {
            order = leftParts.0 < rightParts.0 ? -1 : 1
        } else {
            order = leftParts.1 < rightParts.1 ? -1 : leftParts.1 == rightParts.1 ? 0 : 1
        }
        return leftRank < 0 ? -order : order
    }

    /// -Infinity, negative, zero, positive, Infinity, NaN.
    private var rank: Int {
        switch description {
        case "NaN": 3
        case "Infinity": 2
        case "-Infinity": -2
        default:
            if description.utf8.contains(where: { $0 > UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) { isNegative ? -1 : 1 } else { 0 }
        }
    }
}

extension Numeric: PostgresElement {
    public static var postgresType: PostgresType { .numeric }
    public func writePostgresText(into bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Numeric? {
        guard let text else { return nil }
        var position = 0
        func digits() -> Range<Int> {
            let start = position
            while position < text.count, text[position] &- UInt8(ascii: "0") <= 9 { position += 1 }
            return start..<position
        }
        func take(_ bytes: Unicode.ASCII.CodeUnit...) -> Bool {
            guard position < text.count, bytes.contains(text[position]) else { return false }
            position += 1
            return true
        }
        let negative = take(UInt8(ascii: "-"))
        if !negative { _ = take(UInt8(ascii: "+")) }
        let whole = digits()
        let fraction = take(UInt8(ascii: ".")) ? digits() : position..<position
        if whole.isEmpty && fraction.isEmpty {
            let word = String(decoding: text, as: UTF8.self)
            return ["NaN", "Infinity", "-Infinity"].contains(word) ? Numeric(unchecked: word) : nil
        }
        var exponent = 0
        if take(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            let minus = take(UInt8(ascii: "-"))
            if !minus { _ = take(UInt8(ascii: "+")) }
            let range = digits()
            guard (1...6).contains(range.count), let value = Int(String(decoding: text[range], as: UTF8.self)) else { return nil }
            exponent = minus ? -value : value
        }
        guard position == text.count else { return nil }
        let limit = (whole: 131_072, fraction: 16_383)
        guard whole.count + exponent <= limit.whole, fraction.count - exponent <= limit.fraction else { return nil }
        return Numeric(unchecked: spell(text[whole], text[fraction], exponent: exponent, negative: negative))
    }

    /// Puts the point where the exponent says, and drops what has no value: leading zeros and a sign on zero.
    private static func spell(
        _ whole: Slice<UnsafeRawBufferPointer>, _ fraction: Slice<UnsafeRawBufferPointer>, exponent: Int, negative: Bool
    ) -> String {
        let zero = UInt8(ascii: "0")
        var digits = Array(whole) + Array(fraction)
        var point = whole.count + exponent
        if point > digits.count { digits.append(contentsOf: repeatElement(zero, count: point - digits.count)) }
        if point < 0 {
            digits.insert(contentsOf: repeatElement(zero, count: -point), at: 0)
            point = 0
        }
        let leading = digits[..<point].prefix { $0 == zero }.count
        let integer = digits[leading..<point]
        let decimals = digits[point...]
        var spelling: [UInt8] = []
        if negative, digits.contains(where: { $0 != zero }) { spelling.append(UInt8(ascii: "-")) }
        spelling.append(contentsOf: integer.isEmpty ? [zero] : integer)
        if !decimals.isEmpty {
            spelling.append(UInt8(ascii: "."))
            spelling.append(contentsOf: decimals)
        }
        return String(decoding: spelling, as: UTF8.self)
    }
}
