import Foundation
import TestSupport
import Testing

@testable import WorkCalendar

/// Deadlines against the calendars that the State Council announced, as `schema/reference/work-calendar.csv` has them.
@Suite struct WorkCalendarTests {
    /// What the file says, read in a way of its own.
    private struct Announced {
        var holidays: Set<String> = []
        var makeUpDays: Set<String> = []
        var years: Set<Int> = []

        init() throws {
            for line in try Project.text("schema/reference/work-calendar.csv").split(separator: "\n").dropFirst() {
                let columns = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                if let year = Int(columns[1]) { years.insert(year) } else if columns[0] == "public-holidays" { holidays.insert(columns[1]) } else { makeUpDays.insert(columns[1]) }
            }
        }

        func isWorkingDay(_ day: String) -> Bool {
            if makeUpDays.contains(day) { return true }
            return !holidays.contains(day) && !WorkCalendarTests.gregorian.isDateInWeekend(WorkCalendarTests.date(day))
        }

        var calendar: WorkCalendar {
            let exceptions = holidays.map { (WorkCalendarTests.number($0), false) } + makeUpDays.map { (WorkCalendarTests.number($0), true) }
            return WorkCalendar(
                announced: years.map { WorkCalendarTests.number("\($0)-01-01")...WorkCalendarTests.number("\($0)-12-31") },
                exceptions: Dictionary(uniqueKeysWithValues: exceptions))
        }
    }

    private let announced: Announced
    private let calendar: WorkCalendar

    init() throws {
        announced = try Announced()
        calendar = announced.calendar
    }

    private static let gregorian: Calendar = {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 8 * 3600) ?? .gmt
        return calendar
    }()

    private static func date(_ day: String) -> Date {
        let parts = day.split(separator: "-").compactMap { Int($0) }
        return gregorian.date(from: DateComponents(year: parts[0], month: parts[1], day: parts[2], hour: 12)) ?? .distantPast
    }

    private static func number(_ day: String) -> Int { WorkCalendar.day(of: instant("\(day)T12:00:00+08:00")) }

    private static func instant(_ text: String) -> Int64 {
        Int64(((try? Date(text, strategy: .iso8601)) ?? .distantPast).timeIntervalSince1970 * 1_000_000)
    }

    private func due(_ limit: TimeLimit, _ start: String) -> String {
        let deadline = calendar.deadline(of: limit, after: Self.instant(start))
        var style = Date.ISO8601FormatStyle(timeZone: TimeZone(secondsFromGMT: 8 * 3600) ?? .gmt)
        style = style.timeZoneSeparator(.colon)
        return Date(timeIntervalSince1970: Double(deadline.at) / 1_000_000).formatted(style) + (deadline.isProvisional ? " provisional" : "")
    }

    @Test func everyDayOfTwentyYearsIsWhatTheNoticesSay() {
        #expect(announced.years == Set(2007...2026))
        var day = Self.date("2007-01-01"), count = 0
        while day < Self.date("2027-01-01") {
            let parts = Self.gregorian.dateComponents([.year, .month, .day], from: day)
            let text = String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
            #expect(calendar.isWorkingDay(Self.number(text)) == announced.isWorkingDay(text), "\(text)")
            #expect(calendar.isAnnounced(Self.number(text)))
            day = day.addingTimeInterval(86_400)
            count += 1
        }
        #expect(count == 7305)
        #expect(!calendar.isAnnounced(Self.number("2027-01-01")))
    }

    @Test func makeUpDaysCountAndHolidaysDoNot() {
        // Spring Festival 2026: 15 to 23 February off, Saturdays 14 and 28 February worked.
        #expect(due(.workingDays(1), "2026-02-13T09:00:00+08:00") == "2026-02-14T18:00:00+08:00")
        #expect(due(.workingDays(1), "2026-02-14T09:00:00+08:00") == "2026-02-24T18:00:00+08:00")
        #expect(due(.workingDays(10), "2026-02-13T17:59:00+08:00") == "2026-03-05T18:00:00+08:00")
        // National Day 2025 with Mid-Autumn: 1 to 8 October off, 28 September (Sunday) and 11 October (Saturday) worked.
        #expect(due(.workingDays(20), "2025-09-26T10:00:00+08:00") == "2025-10-30T18:00:00+08:00")
        #expect(due(.workingDays(1), "2025-09-27T10:00:00+08:00") == "2025-09-28T18:00:00+08:00")
    }

    @Test func theDayOfReceiptIsTheDayAtPlusEight() {
        // 17:00 UTC on a Thursday is Friday at +08:00, so the first day that counts is the Monday.
        #expect(due(.workingDays(1), "2026-03-05T17:00:00Z") == "2026-03-09T18:00:00+08:00")
        #expect(due(.workingDays(1), "2026-03-05T15:59:59Z") == "2026-03-06T18:00:00+08:00")
        // Received on a day off: the day after is the first day, whatever it is.
        #expect(due(.workingDays(1), "2026-03-07T10:00:00+08:00") == "2026-03-09T18:00:00+08:00")
    }

    @Test func calendarDaysThatEndOnADayOffEndOnTheNextWorkingDay() {
        // Budget Law, article 14: twenty days. 2026-01-26 + 20 is 15 February, the first day of the Spring Festival.
        #expect(due(.calendarDays(20), "2026-01-26T10:00:00+08:00") == "2026-02-24T18:00:00+08:00")
        #expect(due(.calendarDays(20), "2026-03-02T10:00:00+08:00") == "2026-03-23T18:00:00+08:00")
        #expect(due(.hours(5), "2026-02-17T23:00:00+08:00") == "2026-02-18T04:00:00+08:00")
    }

    @Test func whatReachesIntoAYearWithoutAnnouncementIsProvisional() {
        #expect(due(.workingDays(1), "2026-12-30T10:00:00+08:00") == "2026-12-31T18:00:00+08:00")
        #expect(due(.workingDays(2), "2026-12-30T10:00:00+08:00") == "2027-01-01T18:00:00+08:00 provisional")
        #expect(due(.workingDays(5), "2031-06-02T10:00:00+08:00") == "2031-06-09T18:00:00+08:00 provisional")
        #expect(due(.workingDays(0), "2026-12-30T10:00:00+08:00") == "2026-12-30T18:00:00+08:00")
    }

    /// Every day of two decades, every limit of the law: as a walk from day to day over the notices finds it.
    @Test func deadlinesAgreeWithAWalkOverTheNotices() {
        var days: [(text: String, works: Bool)] = []
        var day = Self.date("2007-01-01")
        while day < Self.date("2027-01-01") {
            let text = day.formatted(Date.ISO8601FormatStyle(timeZone: TimeZone(secondsFromGMT: 8 * 3600) ?? .gmt).year().month().day())
            days.append((text, announced.isWorkingDay(text)))
            day = day.addingTimeInterval(86_400)
        }
        for limit in [1, 10, 20] {
            for (index, start) in days.enumerated().dropLast(60).filter({ $0.offset % 7 != limit % 7 || !$0.element.works }) {
                let following = Array(days[(index + 1)...].lazy.filter(\.works).prefix(limit))
                let deadline = calendar.deadline(of: .workingDays(limit), after: Self.instant("\(start.text)T00:00:00+08:00"), closing: 24 * 60)
                #expect(WorkCalendar.day(of: deadline.at - 1) == Self.number(following.last?.text ?? ""), "\(limit) after \(start.text)")
                #expect(calendar.workingDays(from: Self.instant("\(start.text)T12:00:00+08:00"), to: deadline.at - 1) == limit)
            }
        }
        #expect(calendar.workingDays(from: Self.instant("2026-03-09T12:00:00+08:00"), to: Self.instant("2026-03-05T12:00:00+08:00")) == -2)
    }
}
