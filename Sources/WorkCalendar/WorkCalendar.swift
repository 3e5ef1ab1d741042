/// Which days are working days: Monday to Friday, but for public holidays, and the weekend days on which work is made up for them (调休).
///
/// The State Council announces holidays and make-up days a year at a time, in the autumn before. Days are counted from 1970-01-01, and are days at +08:00.
public struct WorkCalendar: Sendable, Hashable {
    /// Days for which a calendar was announced, such as a whole year.
    public let announced: [ClosedRange<Int>]
    /// Days that are not what their weekday says: true for make-up days, false for holidays.
    public let exceptions: [Int: Bool]

    /// - Parameters:
    ///   - announced: days for which a calendar was announced.
    ///   - exceptions: whether these days are working days. A year that is not announced may have some too: notices reach over the turn of a year.
    public init(announced: [ClosedRange<Int>] = [], exceptions: [Int: Bool] = [:]) {
        self.announced = announced
        self.exceptions = exceptions
    }

    public func isWorkingDay(_ day: Int) -> Bool { exceptions[day] ?? !Self.isWeekend(day) }

    /// Whether a day's calendar was announced. Of other days the weekday alone is known.
    public func isAnnounced(_ day: Int) -> Bool { announced.contains { $0.contains(day) } }

    /// Whether a day is a Saturday or a Sunday: 1970-01-01 was a Thursday.
    static func isWeekend(_ day: Int) -> Bool { (((day + 3) % 7) + 7) % 7 >= 5 }

    /// When a time limit ends that an event at some instant starts.
    ///
    /// The day of the event does not count (Civil Code, article 201). A limit in days ends when business does on its last day (article 203), and a limit in calendar
    /// days whose last day is a day off ends on the next working day. A limit in hours runs through nights and holidays.
    /// - Parameters:
    ///   - limit: how long it is.
    ///   - start: microseconds since 1970-01-01T00:00:00Z.
    ///   - closing: minutes after midnight at which business ends; 1440 for midnight.
    public func deadline(of limit: TimeLimit, after start: Int64, closing: Int = 18 * 60) -> Deadline {
        let first = Self.day(of: start)
        let last: Int
        switch limit {
        case .hours(let hours): return Deadline(at: start + Int64(hours) * 3_600_000_000, isProvisional: false)
        case .workingDays(let days):
            var day = first, left = days
            while left > 0 {
                day += 1
                if isWorkingDay(day) { left -= 1 }
            }
            last = day
        case .calendarDays(let days):
            var day = first + days
            while !isWorkingDay(day) { day += 1 }
            last = day
        }
        let isProvisional = (first...max(first, last)).contains { !isAnnounced($0) }
        return Deadline(at: Self.midnight(last) + Int64(closing) * 60_000_000, isProvisional: isProvisional)
    }

    /// Working days that begin after one instant's day and end with another one's; negative where the second is earlier.
    ///
    /// - Parameters:
    ///   - start: microseconds since 1970-01-01T00:00:00Z.
    ///   - end: the same.
    public func workingDays(from start: Int64, to end: Int64) -> Int {
        let (a, b) = (Self.day(of: start), Self.day(of: end))
        let count = (min(a, b)..<max(a, b)).count { isWorkingDay($0 + 1) }
        return a <= b ? count : -count
    }

    /// China Standard Time, without summer time since 1991.
    private static let offset: Int64 = 8 * 3_600_000_000
    private static let dayLength: Int64 = 86_400_000_000

    /// The day at +08:00 that an instant falls on.
    static func day(of instant: Int64) -> Int {
        let local = instant + offset
        return Int(local / dayLength) - (local % dayLength < 0 ? 1 : 0)
    }

    private static func midnight(_ day: Int) -> Int64 { Int64(day) * dayLength - offset }
}

/// How long something may take.
public enum TimeLimit: Sendable, Hashable {
    /// 工作日
    case workingDays(Int)
    /// 日
    case calendarDays(Int)
    case hours(Int)
}

/// When something is due.
public struct Deadline: Sendable, Hashable {
    /// Microseconds since 1970-01-01T00:00:00Z: what happens at this instant is still in time.
    public let at: Int64
    /// Whether it counts days whose holidays are not announced yet, so that it may move.
    public let isProvisional: Bool

    public init(at instant: Int64, isProvisional: Bool) {
        at = instant
        self.isProvisional = isProvisional
    }
}
