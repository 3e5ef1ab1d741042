public import Foundation

/// An instant in microseconds since 1970-01-01T00:00:00Z, written as RFC 3339 in the offset +08:00.
///
/// All of Daylight's clocks show China Standard Time, which has had one offset since 1991; PostgreSQL keeps microseconds, so no digit is lost.
public struct Timestamp: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    public var microseconds: Int64

    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    public init(_ date: Date) {
        microseconds = Int64((date.timeIntervalSince1970 * 1_000_000).rounded())
    }

    public static var now: Timestamp { Timestamp(Date()) }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    /// Whether it can be written: in the offset +08:00 its year has four digits and is not 0000. RFC 3339 with another offset also names instants
    /// some hours before and after, whose ``description`` neither we nor PostgreSQL could read.
    var isWritable: Bool { (-62_135_625_600_000_000..<253_402_272_000_000_000).contains(microseconds) }

    /// What to say of one that cannot.
    static let writable = LocalizedText(
        zh: "时刻须在 0001-01-01T00:00:00+08:00 至 9999-12-31T23:59:59.999999+08:00 之间",
        en: "instants run from 0001-01-01T00:00:00+08:00 to 9999-12-31T23:59:59.999999+08:00")

    /// RFC 3339 §5.6, with as many fractional digits as are needed (none, 3 or 6).
    public var description: String {
        let local = microseconds + 8 * 3_600_000_000
        let seconds = local.floorDivided(by: 1_000_000)
        let fraction = Int(local - seconds * 1_000_000)
        let days = seconds.floorDivided(by: 86_400)
        let second = Int(seconds - days * 86_400)
        let date = CalendarDate(daysSince1970: Int(days))
        var text = date.description + "T" + [second / 3600, second / 60 % 60, second % 60].map { $0.padded(to: 2) }.joined(separator: ":")
        if fraction != 0 {
            text += fraction % 1000 == 0 ? "." + (fraction / 1000).padded(to: 3) : "." + fraction.padded(to: 6)
        }
        return text + "+08:00"
    }

    /// Reads RFC 3339 with any offset.
    ///
    /// - Parameter text: for example `2026-03-01T00:00:00+08:00` or `2026-02-28T16:00:00.5Z`; at most six fractional digits count.
    /// - Returns: nil when the text is not RFC 3339 §5.6 or names no real instant.
    public init?(_ text: String) {
        let b = Array(text.utf8)
        guard b.count >= 20, let date = CalendarDate(String(decoding: b[0..<10], as: UTF8.self)), b[10] == 0x54 || b[10] == 0x74 || b[10] == 0x20,
            let h = b.number(11, 2), let m = b.number(14, 2), let s = b.number(17, 2), b[13] == 0x3A, b[16] == 0x3A, h < 24, m < 60, s < 60
        else { return nil }
        var i = 19
        var micro = 0
        if b[i] == 0x2E {
            i += 1
            var scale = 100_000
            let start = i
            while i < b.count, b[i] >= 0x30, b[i] <= 0x39 {
                micro += Int(b[i] - 0x30) * scale
                scale /= 10
                i += 1
            }
            if i == start { return nil }
        }
        guard i < b.count else { return nil }
        var offset = 0
        if b[i] == 0x5A || b[i] == 0x7A {
            guard i + 1 == b.count else { return nil }
        } else {
            guard b[i] == 0x2B || b[i] == 0x2D, b.count == i + 6, b[i + 3] == 0x3A, let oh = b.number(i + 1, 2), let om = b.number(i + 4, 2), oh < 24, om < 60
            else { return nil }
            offset = (b[i] == 0x2D ? -1 : 1) * (oh * 3600 + om * 60)
        }
        let seconds = date.daysSince1970 * 86_400 + h * 3600 + m * 60 + s - offset
        microseconds = Int64(seconds) * 1_000_000 + Int64(micro)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an RFC 3339 time with offset: \(text)")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A day of the proleptic Gregorian calendar, written `YYYY-MM-DD`.
public struct CalendarDate: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    public let year: Int
    public let month: Int
    public let day: Int

    /// - Returns: nil when there is no such day; years run from 1 to 9999.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// - Parameter text: exactly `YYYY-MM-DD`.
    public init?(_ text: String) {
        let b = Array(text.utf8)
        guard b.count == 10, b[4] == 0x2D, b[7] == 0x2D, let y = b.number(0, 4), let m = b.number(5, 2), let d = b.number(8, 2) else { return nil }
        self.init(year: y, month: m, day: d)
    }

    /// Days since 1970-01-01, by Howard Hinnant's civil-from-days arithmetic.
    public init(daysSince1970 days: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shifted + 2) / 5 + 1
        month = shifted < 10 ? shifted + 3 : shifted - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    public var daysSince1970: Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    public var description: String { "\(year.padded(to: 4))-\(month.padded(to: 2))-\(day.padded(to: 2))" }

    public static func < (a: CalendarDate, b: CalendarDate) -> Bool { (a.year, a.month, a.day) < (b.year, b.month, b.day) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = CalendarDate(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a date YYYY-MM-DD: \(text)")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    fileprivate func floorDivided(by divisor: Int64) -> Int64 {
        let q = self / divisor
        return self % divisor < 0 ? q - 1 : q
    }
}

extension Int {
    fileprivate func padded(to width: Int) -> String {
        let text = String(self)
        return text.count >= width ? text : String(repeating: "0", count: width - text.count) + text
    }
}

extension [UInt8] {
    fileprivate func number(_ start: Int, _ length: Int) -> Int? {
        guard start + length <= count else { return nil }
        var value = 0
        for byte in self[start..<start + length] {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }
}
