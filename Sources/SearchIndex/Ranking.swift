/// What a hit is worth: where the words stand first, then what kind of dataset it is.
///
/// Each word gives 100, 200 or 300 points: text, keywords, title. The dataset gives 0 to 99: how fresh (50), how large (25), how completely described (24);
/// so it decides only among hits whose words stand in equally good places.
public enum Ranking {
    /// Points of a word per level.
    public static let pointsPerLevel: Int32 = 100
    static let mostFreshness = 50, mostSize = 25, mostCompleteness = 24

    static let microsecondsPerDay: Int64 = 86_400_000_000

    /// The day of an instant, counted from 1970.
    public static func day(of microseconds: Int64) -> Int32 { Int32(clamping: microseconds / microsecondsPerDay) }

    /// The days within which a dataset of this update cycle is due again; 0 where it never is.
    static func days(ofCycle cycle: String?) -> UInt16 {
        switch cycle {
        case "real_time", "daily": 1
        case "weekly": 7
        case "ten_days": 10
        case "monthly": 31
        case "quarterly": 92
        case "half_yearly": 183
        case "yearly", "irregular": 366
        default: 0
        }
    }

    /// Two cycles count as fresh, since publishing takes its time; each doubling after that costs. What never changes cannot grow stale.
    static func freshness(age: Int32, cycleDays: UInt16) -> UInt8 {
        guard cycleDays > 0 else { return 30 }
        let cycles = max(0, age) / Int32(cycleDays)
        return cycles < 2 ? 50 : cycles < 4 ? 35 : cycles < 8 ? 20 : cycles < 16 ? 10 : 0
    }

    /// Four points for each power of ten, from 10 rows on.
    static func size(rowCount: Int?) -> UInt8 {
        var points = 0
        var rows = rowCount ?? 0
        while rows >= 10, points < mostSize {
            points += 4
            rows /= 10
        }
        return UInt8(min(points, mostSize))
    }

    static func completeness(_ filled: Int) -> UInt8 { UInt8(max(0, min(filled * 2, mostCompleteness))) }
}
