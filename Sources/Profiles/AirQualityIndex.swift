public import Model

/// The air quality index of HJ 633, in whole numbers throughout: a floating-point ceiling turns 100.0000001 into 101.
public enum AirQualityIndex {
    /// Which edition of the standard applies.
    public enum Standard: String, Sendable, CaseIterable {
        case hj633_2012 = "HJ633-2012"
        /// In force from 2026-03-01: PM10 and PM2.5 reach 100 at 120 and 60 µg/m³, and hourly reports carry hourly particles.
        case hj633_2026 = "HJ633-2026"

        /// The edition in force on the day of observation.
        public init(on day: CalendarDate) {
            self = (day.year, day.month) >= (2026, 3) ? .hj633_2026 : .hj633_2012
        }
    }

    public enum Pollutant: String, Sendable, CaseIterable {
        case so2, no2, co, o3
        /// Ozone as the greatest 8-hour mean of the day.
        case o3EightHours = "o3_8h"
        case pm10, pm25

        /// As the standard writes it in reports.
        var symbol: String {
            switch self {
            case .so2: "SO2"
            case .no2: "NO2"
            case .co: "CO"
            case .o3, .o3EightHours: "O3"
            case .pm10: "PM10"
            case .pm25: "PM2.5"
            }
        }
    }

    /// Concentrations are whole numbers of 10⁻⁴ µg/m³, for CO of 10⁻⁴ mg/m³.
    public static let unitsPerMicrogram = 10_000

    private static let levels = [0, 50, 100, 150, 200, 300, 400, 500]

    /// The sub-index (IAQI) of one concentration.
    ///
    /// - Parameters:
    ///   - concentration: not negative, in units of 10⁻⁴ µg/m³ (CO: mg/m³).
    ///   - period: what the concentration is a mean over.
    /// - Returns: 0 to 500, rounded up; nil where the standard has none: particles of one hour before 2026, and where another mean has to be reported.
    public static func subIndex(of pollutant: Pollutant, _ concentration: Int, _ period: Derived.Period, _ standard: Standard) -> Int? {
        guard concentration >= 0, let points = breakpoints(pollutant, period, standard) else { return nil }
        let unit = unitsPerMicrogram
        // HJ 633-2026, 4.2.2 and 4.2.3: whole µg/m³, CO to one decimal, by GB/T 8170.
        let value = standard == .hj633_2026 ? halfEven(concentration, pollutant == .co ? unit / 10 : unit) : concentration
        for i in 1..<points.count where value <= points[i] * unit {
            let low = points[i - 1] * unit
            let span = points[i] * unit - low
            let rise = (levels[i] - levels[i - 1]) * (value - low)
            return levels[i - 1] + (rise + span - 1) / span
        }
        if points.count == levels.count { return 500 }
        // SO2 above 800 in one hour and O3 above 800 in eight: a fixed sub-index from 2026, before that another mean counts.
        return standard == .hj633_2026 ? levels[points.count - 1] : nil
    }

    /// What a report says of one station and time.
    public struct Report: Sendable, Hashable {
        public var subIndices: [Pollutant: Int]
        /// nil where the rule on missing pollutants keeps it from being published.
        public var index: Int?
        /// Those with the greatest sub-index where the index is over 50.
        public var primary: [Pollutant]

        public var category: String? { index.map(AirQualityIndex.category) }
        public var primaryText: String { primary.map(\.symbol).joined(separator: "、") }
    }

    /// - Parameter concentrations: what was measured; missing pollutants are left out.
    public static func report(_ concentrations: [Pollutant: Int], _ period: Derived.Period, _ standard: Standard) -> Report {
        var subIndices: [Pollutant: Int] = [:]
        for (pollutant, value) in concentrations { subIndices[pollutant] = subIndex(of: pollutant, value, period, standard) }
        var report = Report(subIndices: subIndices, index: nil, primary: [])
        let needed = pollutants(of: period, standard)
        // Before 2026 an hourly index needs the 24-hour sliding means of particles, which are not of this row.
        guard !needed.isEmpty, let greatest = needed.compactMap({ subIndices[$0] }).max() else { return report }
        let isComplete = needed.allSatisfy { subIndices[$0] != nil }
        // HJ 633-2026, 5.3.1: with a pollutant missing the index is published only where it is over 100 all the same.
        guard isComplete || (standard == .hj633_2026 && greatest > 100) else { return report }
        report.index = standard == .hj633_2026 ? max(1, greatest) : greatest
        if greatest > 50 { report.primary = needed.filter { subIndices[$0] == greatest } }
        return report
    }

    public static func category(_ index: Int) -> String {
        switch index {
        case ...50: "优"
        case 51...100: "良"
        case 101...150: "轻度污染"
        case 151...200: "中度污染"
        case 201...300: "重度污染"
        default: "严重污染"
        }
    }

    private static func pollutants(of period: Derived.Period, _ standard: Standard) -> [Pollutant] {
        switch (period, standard) {
        case (.hourly, .hj633_2012): []
        case (.hourly, .hj633_2026): [.so2, .no2, .co, .o3, .pm10, .pm25]
        case (.daily, .hj633_2012): [.so2, .no2, .co, .o3, .o3EightHours, .pm10, .pm25]
        case (.daily, .hj633_2026): [.so2, .no2, .co, .o3EightHours, .pm10, .pm25]
        }
    }

    /// Concentrations at the sub-indices 0, 50, 100 … in µg/m³ (CO: mg/m³); shorter where the table ends before 500. HJ 633, table 1 (2012), 3 (2026).
    private static func breakpoints(_ pollutant: Pollutant, _ period: Derived.Period, _ standard: Standard) -> [Int]? {
        switch (pollutant, period) {
        case (.so2, .daily): return [0, 50, 150, 475, 800, 1600, 2100, 2620]
        case (.so2, .hourly): return [0, 150, 500, 650, 800]
        case (.no2, .daily): return [0, 40, 80, 180, 280, 565, 750, 940]
        case (.no2, .hourly): return [0, 100, 200, 700, 1200, 2340, 3090, 3840]
        case (.co, .daily): return [0, 2, 4, 14, 24, 36, 48, 60]
        case (.co, .hourly): return [0, 5, 10, 35, 60, 90, 120, 150]
        case (.o3, _): return [0, 160, 200, 300, 400, 800, 1000, 1200]
        case (.o3EightHours, .daily): return [0, 100, 160, 215, 265, 800]
        case (.o3EightHours, .hourly): return nil
        case (.pm10, _):
            if period == .hourly, standard == .hj633_2012 { return nil }
            return [0, 50, standard == .hj633_2026 ? 120 : 150, 250, 350, 420, 500, 600]
        case (.pm25, _):
            if period == .hourly, standard == .hj633_2012 { return nil }
            return [0, 35, standard == .hj633_2026 ? 60 : 75, 115, 150, 250, 350, 500]
        }
    }

    /// GB/T 8170: to the nearest multiple of a unit, a tie to the even one.
    static func halfEven(_ value: Int, _ unit: Int) -> Int {
        let quotient = value / unit
        let rest = value % unit
        let up = rest * 2 > unit || (rest * 2 == unit && quotient % 2 == 1)
        return (quotient + (up ? 1 : 0)) * unit
    }
}
