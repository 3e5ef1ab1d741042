import Model
import Testing

@Suite struct TimeTests {
    @Test(arguments: [
        ("2026-03-01", "2026-03-01"), ("2026/3/1", "2026-03-01"), ("2026-3-1", "2026-03-01"), ("20260301", "2026-03-01"), ("2026年3月1日", "2026-03-01"),
        ("2026年03月01日", "2026-03-01"), ("2024-02-29", "2024-02-29"), ("2000/02/29", "2000-02-29"), (" 2026-03-01 ", "2026-03-01"), ("0001-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
    ])
    func datesHaveOneSpelling(_ input: String, _ canonical: String) {
        #expect(read(input, as: "date") == .canonical(canonical))
    }

    @Test(arguments: [
        "2023-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "2026-01-00", "0000-01-01", "26-03-01", "2026-03", "2026/03-01", "2026-03-01x",
        "2026-03-01T00:00:00", "03/01/2026", "2026年3月1", "2026年3-1日", "202603011", "2026-003-01", "1.3.2026", "2026-03-1日", "２０２６-03-01", "2026--03-01", "20261301",
    ])
    func whatIsNoDayIsRefused(_ input: String) {
        #expect(read(input, as: "date") == .wrong(.notDate))
    }

    /// Every day of 400 years, the whole cycle of the Gregorian calendar, in four spellings, and every day that there is not.
    @Test func everyDayOfTheGregorianCycleIsKnown() {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        func pad(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
        let date = field("date")
        var days = 0
        for year in 1800..<2200 {
            let leap = year.isMultiple(of: 400) || (year.isMultiple(of: 4) && !year.isMultiple(of: 100))
            for month in 0...13 {
                for day in 0...32 {
                    let exists = (1...12).contains(month) && day >= 1 && day <= lengths[month - 1] + (month == 2 && leap ? 1 : 0)
                    let canonical = "\(year)-\(pad(month))-\(pad(day))"
                    let spellings = days % 7 == 0 || !exists ? [canonical, "\(year)/\(month)/\(day)", "\(year)\(pad(month))\(pad(day))", "\(year)年\(month)月\(day)日"] : [canonical]
                    for spelling in spellings where read(spelling, as: date) != (exists ? .canonical(canonical) : .wrong(.notDate)) {
                        Issue.record("\(spelling)")
                    }
                    if exists { days += 1 }
                }
            }
        }
        #expect(days == 146_097)
    }

    @Test(arguments: [
        ("2026-03-01T08:00:00+08:00", "2026-03-01T08:00:00+08:00"), ("2026-03-01T00:00:00Z", "2026-03-01T08:00:00+08:00"),
        ("2026-02-28T16:30:00z", "2026-03-01T00:30:00+08:00"), ("2026-03-01 08:00:00 +0800", "2026-03-01T08:00:00+08:00"),
        ("2026-03-01T08:00+08", "2026-03-01T08:00:00+08:00"), ("2026/3/1 8:05+08:00", "2026-03-01T08:05:00+08:00"),
        ("2026-03-01T08:00:00.5+08:00", "2026-03-01T08:00:00.5+08:00"), ("2026-03-01T08:00:00.500000000+08:00", "2026-03-01T08:00:00.5+08:00"),
        ("2026-03-01T08:00:00.000+08:00", "2026-03-01T08:00:00+08:00"), ("2026-03-01T08:00:00.123456Z", "2026-03-01T16:00:00.123456+08:00"),
        ("2025-12-31T20:00:00-05:00", "2026-01-01T09:00:00+08:00"), ("2026-01-01T00:00:00+09:30", "2025-12-31T22:30:00+08:00"),
        ("20260301T080000+08:00", nil), ("2024-02-28T23:00:00-01:00", "2024-02-29T08:00:00+08:00"), ("2026年3月1日 8:05:09+08:00", "2026-03-01T08:05:09+08:00"),
        ("1970-01-01T00:00:00+08:00", "1970-01-01T00:00:00+08:00"), ("2026-03-01t08:00:00+08:00", "2026-03-01T08:00:00+08:00"),
    ])
    func instantsAreWrittenInChinaStandardTime(_ input: String, _ canonical: String?) {
        #expect(read(input, as: "datetime") == canonical.map { .canonical($0) } ?? .wrong(.notDatetime))
    }

    @Test func aTimeWithoutOffsetNeedsTheMappingToNameOne() {
        for input in ["2023/5/6 8:45", "2013-03-01T00:00", "2013-03-01 00:00:00.5", " 2013年3月1日 0:00 "] {
            #expect(read(input, as: "datetime") == .wrong(.missingOffset), "\(input)")
        }
        for input in ["2023/5/6", "2023/5/6 8:4", "2023/5/6 25:00", "2023/2/29 8:00", "2023/5/6 8:00 +8", "2023/5/6 8:00 CST"] {
            #expect(read(input, as: "datetime") == .wrong(.notDatetime), "\(input)")
        }
        #expect(read("2023/5/6 8:45", as: "datetime", defaultOffset: 480) == .canonical("2023-05-06T08:45:00+08:00"))
        #expect(read("2023-05-06T00:45:00", as: "datetime", defaultOffset: 0) == .canonical("2023-05-06T08:45:00+08:00"))
        #expect(read("2023-05-06T00:45:00-01:00", as: "datetime", defaultOffset: 480) == .canonical("2023-05-06T09:45:00+08:00"), "what the value says wins")
    }

    @Test(arguments: [
        "2026-03-01", "2026-03-01T", "2026-03-01T08", "2026-03-01T24:00:00+08:00", "2026-03-01T08:60:00+08:00", "2026-03-01T08:00:60+08:00", "2026-02-30T08:00:00+08:00",
        "2026-03-01T08:00:00.+08:00", "2026-03-01T08:00:00.1234567+08:00", "2026-03-01T08:00:00+8", "2026-03-01T08:00:00+25:00", "2026-03-01T08:00:00+08:60",
        "2026-03-01T08:00:00 Asia/Shanghai", "2026-03-01T08:0:00+08:00", "2026-03-01T8:00:00 AM", "2026-03-01X08:00:00+08:00", "2026-03-01T08:00:00+08:00Z",
        "0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-05:00", "2026-03-01T08-00-00+08:00", "2026-03-01Tab:cd:ef+08:00",
    ])
    func whatIsNoInstantIsRefused(_ input: String) {
        #expect(read(input, as: "datetime", defaultOffset: 480) == .wrong(.notDatetime))
    }

    @Test(arguments: [
        ("2026", "2026"), ("2026-03", "2026-03"), ("2026-Q1", "2026-Q1"), ("2026/3", "2026-03"), ("2026-3", "2026-03"), ("202603", "2026-03"), ("2026Q4", "2026-Q4"),
        ("2026q4", "2026-Q4"), ("2026年", "2026"), ("2026年3月", "2026-03"), ("2026年12月", "2026-12"), ("2026年第2季度", "2026-Q2"), ("2026年2季度", "2026-Q2"),
    ])
    func periodsHaveOneSpelling(_ input: String, _ canonical: String) {
        #expect(read(input, as: "period") == .canonical(canonical))
    }

    @Test(arguments: [
        "26", "2026-13", "2026-00", "2026-Q5", "2026-Q0", "2026-", "2026-03-01", "20263", "2026Q", "2026年13月", "2026年第5季度", "2026年第3月", "0000", "2026-1a", "202613",
        "2026年03", "2026-Q11", "2026年季度", "2026年Q1",
    ])
    func whatIsNoPeriodIsRefused(_ input: String) {
        #expect(read(input, as: "period") == .wrong(.notPeriod))
    }

    @Test func boundsOfTimeAreInclusive() {
        let day = field("date") { ($0.minimum, $0.maximum) = ("1949-10-01", "2026-12-31") }
        #expect(read("1949-10-01", as: day).isCanonical)
        #expect(read("1949-09-30", as: day) == .wrong(.belowMinimum))
        #expect(read("2027/1/1", as: day) == .wrong(.aboveMaximum))
        let instant = field("datetime") { $0.minimum = "2026-03-01T00:00:00+08:00" }
        #expect(read("2026-02-28T16:00:00Z", as: instant).isCanonical)
        #expect(read("2026-02-28T15:59:59.999999Z", as: instant) == .wrong(.belowMinimum))
        let period = field("period") { $0.maximum = "2026-Q1" }
        #expect(read("2026-01", as: period).isCanonical)
        #expect(read("2026-02", as: period) == .wrong(.aboveMaximum))
    }
}
