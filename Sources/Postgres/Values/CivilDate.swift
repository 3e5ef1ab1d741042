/// A day of the proleptic Gregorian calendar, as PostgreSQL's `date`: no time, no zone.
///
/// Year 0 is 1 BC, as in ISO 8601.
public struct CivilDate: Sendable, Hashable {
    public let year: Int
    public let month: Int
    public let day: Int

    /// Nil when there is no such day, or when PostgreSQL cannot hold it (4713 BC to 5874897).
    public init?(year: Int, month: Int, day: Int) {
        guard (-4713...5_874_897).contains(year), (1...12).contains(month), (1...Self.days(inMonth: month, of: year)).contains(day)
        else { return nil }
        (self.year, self.month, self.day) = (year, month, day)
    }

    /// - Parameter daysSinceEpoch: days since 1970-01-01; nil outside PostgreSQL's range.
    public init?(daysSinceEpoch: Int) {
        guard (-2_440_588...2_145_042_542).contains(daysSinceEpoch) else { return nil }
        // Days are counted from 0000-03-01 in eras of 400 years, so that the leap day comes last in its year.
        let shifted = daysSinceEpoch + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        self.init(year: year, month: month, day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// Days since 1970-01-01.
    public var daysSinceEpoch: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

extension CivilDate: Comparable {
    public static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }
}

extension CivilDate: CustomStringConvertible, LosslessStringConvertible {
    /// `YYYY-MM-DD`; years before 1 with ` BC`, as PostgreSQL spells them.
    public var description: String {
        var bytes: [UInt8] = []
        writePostgresText(into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    public init?(_ text: String) {
        var copy = text
        guard let date = copy.withUTF8({ Self.readPostgresText(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = date
    }
}

extension CivilDate: PostgresElement {
    public static var postgresType: PostgresType { .date }

    public func writePostgresText(into bytes: inout [UInt8]) {
        writeDigits(year > 0 ? year : 1 - year, width: 4, into: &bytes)
        bytes.append(UInt8(ascii: "-"))
        writeDigits(month, width: 2, into: &bytes)
        bytes.append(UInt8(ascii: "-"))
        writeDigits(day, width: 2, into: &bytes)
        if year <= 0 { bytes.append(contentsOf: " BC".utf8) }
    }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> CivilDate? {
        guard let text else { return nil }
        var scanner = DigitScanner(text)
        guard let date = scanner.date(), scanner.isAtEnd || scanner.word(" BC") else { return nil }
        guard text[text.count - 1] == UInt8(ascii: "C") else { return CivilDate(year: date.year, month: date.month, day: date.day) }
        return scanner.isAtEnd ? CivilDate(year: 1 - date.year, month: date.month, day: date.day) : nil
    }
}

/// Appends a number that is not negative, with leading zeros up to the width.
func writeDigits(_ value: Int, width: Int, into bytes: inout [UInt8]) {
    let start = bytes.count
    var rest = value
    repeat {
        bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
        rest /= 10
    } while rest > 0 || bytes.count - start < width
    bytes[start...].reverse()
}

/// Reads the fixed pieces of PostgreSQL's ISO dates and times.
struct DigitScanner {
    private let text: UnsafeRawBufferPointer
    private var position = 0

    init(_ text: UnsafeRawBufferPointer) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    mutating func number(_ widths: ClosedRange<Int>) -> Int? {
        let start = position
        var value = 0
        while position < text.count, position - start < widths.upperBound {
            let digit = text[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value * 10 + Int(digit)
            position += 1
        }
        return position - start >= widths.lowerBound ? value : nil
    }

    mutating func word(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard text.count - position >= count else { return false }
        for index in 0..<count where text[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    mutating func date() -> (year: Int, month: Int, day: Int)? {
        guard let year = number(4...7), word("-"), let month = number(2...2), word("-"), let day = number(2...2) else { return nil }
        return (year, month, day)
    }

    /// Digits after a point as millionths; more than six are refused.
    mutating func microseconds() -> Int? {
        let start = position
        guard let digits = number(1...6) else { return nil }
        var value = digits
        for _ in (position - start)..<6 { value *= 10 }
        return value
    }
}
