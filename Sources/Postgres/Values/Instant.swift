import Glibc

/// A moment, as PostgreSQL's `timestamptz`: microseconds since 1970-01-01T00:00:00Z.
///
/// `infinity` and the last 30 years that PostgreSQL can hold (from the year 294247) cannot be read.
public struct Instant: Sendable, Hashable {
    public var microsecondsSinceEpoch: Int64

    public init(microsecondsSinceEpoch: Int64) { self.microsecondsSinceEpoch = microsecondsSinceEpoch }

    /// The wall clock, in microseconds.
    public static var now: Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microsecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    public func advanced(by duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        return Instant(microsecondsSinceEpoch: microsecondsSinceEpoch + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    /// The time from this moment to the other; negative when the other is earlier.
    public func duration(to other: Instant) -> Duration {
        .microseconds(other.microsecondsSinceEpoch - microsecondsSinceEpoch)
    }
}

extension Instant: Comparable {
    public static func < (left: Instant, right: Instant) -> Bool { left.microsecondsSinceEpoch < right.microsecondsSinceEpoch }
}

extension Instant: CustomStringConvertible, LosslessStringConvertible {
    /// RFC 3339 in UTC with as many decimals as needed: `2024-05-01T12:30:00.25Z`.
    public var description: String {
        var bytes: [UInt8] = []
        write(separator: UInt8(ascii: "T"), zone: "Z", into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// RFC 3339 or PostgreSQL's ISO spelling; an offset (or `Z`) is required.
    public init?(_ text: String) {
        var copy = text
        guard let value = copy.withUTF8({ Self.readPostgresText(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }
}

extension Instant: PostgresElement {
    public static var postgresType: PostgresType { .timestamptz }

    public func writePostgresText(into bytes: inout [UInt8]) { write(separator: UInt8(ascii: " "), zone: "+00", into: &bytes) }

    private static let day: Int64 = 86_400_000_000

    private func write(separator: UInt8, zone: StaticString, into bytes: inout [UInt8]) {
        var days = microsecondsSinceEpoch / Self.day
        var rest = microsecondsSinceEpoch % Self.day
        if rest < 0 {
            rest += Self.day
            days -= 1
        }
        let date = CivilDate(daysSinceEpoch: Int(days)) ?? CivilDate.least
        let isBC = date.year <= 0
        writeDigits(isBC ? 1 - date.year : date.year, width: 4, into: &bytes)
        bytes.append(UInt8(ascii: "-"))
        writeDigits(date.month, width: 2, into: &bytes)
        bytes.append(UInt8(ascii: "-"))
        writeDigits(date.day, width: 2, into: &bytes)
        bytes.append(separator)
        let seconds = Int(rest / 1_000_000)
        writeDigits(seconds / 3_600, width: 2, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        writeDigits(seconds / 60 % 60, width: 2, into: &bytes)
        bytes.append(UInt8(ascii: ":"))
        writeDigits(seconds % 60, width: 2, into: &bytes)
        if rest % 1_000_000 != 0 {
            bytes.append(UInt8(ascii: "."))
            writeDigits(Int(rest % 1_000_000), width: 6, into: &bytes)
            while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
        }
        zone.withUTF8Buffer { bytes.append(contentsOf: $0) }
        if isBC { bytes.append(contentsOf: " BC".utf8) }
    }

    public static func readPostgresText(_ text: UnsafeRawBufferPointer?) -> Instant? {
        guard let text else { return nil }
        var scanner = DigitScanner(text)
        guard let civil = scanner.date(), scanner.word(" ") || scanner.word("T") || scanner.word("t"),
            let hour = scanner.number(2...2), scanner.word(":"), let minute = scanner.number(2...2), scanner.word(":"),
            let second = scanner.number(2...2), hour < 24, minute < 60, second < 60
        else { return nil }
        var microseconds = 0
        if scanner.word(".") {
            guard let fraction = scanner.microseconds() else { return nil }
            microseconds = fraction
        }
        guard let offset = Self.offset(&scanner) else { return nil }
        let isBC = scanner.word(" BC")
        guard scanner.isAtEnd, let date = CivilDate(year: isBC ? 1 - civil.year : civil.year, month: civil.month, day: civil.day)
        else { return nil }
        let seconds = Int64(date.daysSinceEpoch) * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        let (scaled, overflowed) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let (value, spilled) = scaled.addingReportingOverflow(Int64(microseconds))
        return overflowed || spilled ? nil : Instant(microsecondsSinceEpoch: value)
    }

    /// Seconds east of UTC: `Z`, `+08`, `+05:30` or, for old local mean times, `+08:05:43`.
    private static func offset(_ scanner: inout DigitScanner) -> Int? {
        if scanner.word("Z") || scanner.word("z") { return 0 }
        let west = scanner.word("-")
        guard west || scanner.word("+"), let hours = scanner.number(2...2) else { return nil }
        var seconds = hours * 3_600
        if scanner.word(":") {
            guard let minutes = scanner.number(2...2), minutes < 60 else { return nil }
            seconds += minutes * 60
            if scanner.word(":") {
                guard let rest = scanner.number(2...2), rest < 60 else { return nil }
                seconds += rest
            }
        }
        return west ? -seconds : seconds
    }
}

extension CivilDate {
    /// Julian day 0, the first that PostgreSQL can hold.
    static let least = CivilDate(uncheckedYear: -4713, month: 11, day: 24)

    private init(uncheckedYear year: Int, month: Int, day: Int) {
        (self.year, self.month, self.day) = (year, month, day)
    }
}
