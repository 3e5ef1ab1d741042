import Foundation
import Model
import Profiles
import Testing

@Suite struct FormulaTests {
    typealias Index = AirQualityIndex

    @Test(arguments: [
        (Index.Pollutant.pm25, 600_000, 82), (.pm25, 750_000, 100), (.pm25, 760_000, 102), (.pm10, 1_500_000, 100), (.so2, 1_000_000, 75), (.so2, 4_750_000, 150),
        (.no2, 810_000, 101), (.co, 21_000, 53), (.o3EightHours, 1_610_000, 101), (.o3EightHours, 8_000_000, 300), (.pm25, 0, 0), (.pm25, 5_000_000, 500), (.pm25, 9_990_000, 500),
        (.so2, 26_210_000, 500),
    ])
    func dailySubIndicesOf2012(_ pollutant: Index.Pollutant, _ concentration: Int, _ expected: Int) {
        #expect(Index.subIndex(of: pollutant, concentration, .daily, .hj633_2012) == expected)
    }

    @Test(arguments: [(Index.Pollutant.pm25, 600_000, 100), (.pm25, 750_000, 114), (.pm25, 760_000, 115), (.pm10, 1_200_000, 100), (.pm10, 1_500_000, 112), (.so2, 1_000_000, 75)])
    func dailySubIndicesOf2026(_ pollutant: Index.Pollutant, _ concentration: Int, _ expected: Int) {
        #expect(Index.subIndex(of: pollutant, concentration, .daily, .hj633_2026) == expected)
    }

    @Test func valuesBeyondATableThatEndsEarlyFollowTheFootnotes() {
        #expect(Index.subIndex(of: .so2, 8_010_000, .hourly, .hj633_2012) == nil)
        #expect(Index.subIndex(of: .so2, 8_010_000, .hourly, .hj633_2026) == 200)
        #expect(Index.subIndex(of: .o3EightHours, 8_010_000, .daily, .hj633_2012) == nil)
        #expect(Index.subIndex(of: .o3EightHours, 8_010_000, .daily, .hj633_2026) == 300)
        #expect(Index.subIndex(of: .pm25, 350_000, .hourly, .hj633_2012) == nil, "an hour of particles had no index before 2026")
        #expect(Index.subIndex(of: .pm25, 350_000, .hourly, .hj633_2026) == 50)
        #expect(Index.subIndex(of: .o3EightHours, 1_000_000, .hourly, .hj633_2026) == nil)
    }

    /// Every whole concentration against the formula in fractions, written out with Foundation's exact decimals.
    @Test func everyWholeConcentrationRoundsUpExactly() {
        let points = [0, 35, 75, 115, 150, 250, 350, 500]
        let levels = [0, 50, 100, 150, 200, 300, 400, 500]
        for c in 0...500 {
            let i = max(1, points.firstIndex { c <= $0 } ?? 7)
            let exact = (levels[i] - levels[i - 1]) * (c - points[i - 1])
            let span = points[i] - points[i - 1]
            let expected = levels[i - 1] + exact / span + (exact % span == 0 ? 0 : 1)
            #expect(Index.subIndex(of: .pm25, c * Index.unitsPerMicrogram, .daily, .hj633_2012) == expected)
        }
    }

    @Test func inputsAreRoundedHalfToEvenFrom2026() {
        #expect(Index.subIndex(of: .pm25, 605_000, .daily, .hj633_2026) == 100, "60.5 → 60")
        #expect(Index.subIndex(of: .pm25, 615_000, .daily, .hj633_2026) == 102, "61.5 → 62")
        #expect(Index.subIndex(of: .co, 20_500, .daily, .hj633_2026) == 50, "2.05 → 2.0")
    }

    @Test func theEditionFollowsFromTheDay() throws {
        #expect(Index.Standard(on: try #require(CalendarDate("2026-02-28"))) == .hj633_2012)
        #expect(Index.Standard(on: try #require(CalendarDate("2026-03-01"))) == .hj633_2026)
    }

    @Test func aMissingPollutantKeepsALowIndexFromBeingPublished() {
        let u = Index.unitsPerMicrogram
        let all: [Index.Pollutant: Int] = [.so2: 10 * u, .no2: 20 * u, .co: u / 2, .o3: 50 * u, .pm10: 60 * u, .pm25: 30 * u]
        let full = Index.report(all, .hourly, .hj633_2026)
        #expect(full.index == 58 && full.primary == [.pm10] && full.category == "良" && full.primaryText == "PM10")
        var some = all
        some[.so2] = nil
        #expect(Index.report(some, .hourly, .hj633_2026).index == nil)
        some[.pm25] = 90 * u
        #expect(Index.report(some, .hourly, .hj633_2026).index == 128, "over 100 it is published all the same")
        #expect(Index.report(all, .hourly, .hj633_2012).index == nil)
        let clean = Index.report([.so2: 0, .no2: 0, .co: 0, .o3: 0, .pm10: 0, .pm25: 0], .hourly, .hj633_2026)
        #expect(clean.index == 1 && clean.primary.isEmpty && clean.category == "优")
        let tie = Index.report([.so2: 0, .no2: 0, .co: 0, .o3: 0, .pm10: 120 * u, .pm25: 60 * u], .hourly, .hj633_2026)
        #expect(tie.index == 100 && tie.primaryText == "PM10、PM2.5")
    }

    @Test(arguments: [
        (WaterClass.Factor.dissolvedOxygen, 750_000, WaterClass.first), (.dissolvedOxygen, 749_999, .second), (.dissolvedOxygen, 199_999, .worseThanFifth),
        (.permanganateIndex, 200_000, .first), (.permanganateIndex, 200_001, .second), (.permanganateIndex, 1_500_001, .worseThanFifth), (.ammoniaNitrogen, 15_000, .first),
        (.totalPhosphorus, 20_000, .third), (.ph, 900_000, .first), (.ph, 900_001, .worseThanFifth), (.ph, 599_999, .worseThanFifth), (.mercury, 6, .third), (.copper, 100_001, .worseThanFifth),
    ])
    func waterClassesOfOneFactor(_ factor: WaterClass.Factor, _ value: Int, _ expected: WaterClass) {
        #expect(WaterClass.of(factor, Int128(value), isLake: false) == expected)
    }

    @Test func lakesHaveTheirOwnLimits() {
        #expect(WaterClass.of(.totalPhosphorus, 20_000, isLake: true) == .fifth)
        #expect(WaterClass.of(.totalNitrogen, 20_001, isLake: true) == .second)
        #expect(WaterClass.of(.totalNitrogen, 20_001, isLake: false) == nil)
        #expect(WaterClass.of([.permanganateIndex: 300_000, .ammoniaNitrogen: 160_000], isLake: false) == .fifth)
    }

    @Test func percentagesRoundHalfToEven() {
        #expect(Percentage.of(1, base: 3, change: false, scale: 2) == 3333)
        #expect(Percentage.of(2, base: 3, change: false, scale: 2) == 6667)
        #expect(Percentage.of(1, base: 800, change: false, scale: 2) == 12, "0.125 → 0.12")
        #expect(Percentage.of(3, base: 800, change: false, scale: 2) == 38, "0.375 → 0.38")
        #expect(Percentage.of(150, base: 100, change: true, scale: 1) == 500)
        #expect(Percentage.of(50, base: 100, change: true, scale: 1) == -500)
        #expect(Percentage.of(5, base: 0, change: true, scale: 1) == nil)
    }

    private func derived(_ path: String, _ row: [String: String]) throws -> ([String: String], [Finding]) {
        let schema = try Profile(json: json(path)).schema
        let formula = try #require(schema.derivations.first)
        return withSlices(schema.fields.map { Array((row[$0.name] ?? "").utf8) }) { slices in
            let results = formula.results { slices[$0] }
            let findings = results.filter { !slices[$0.field].isEmpty && !Derivation.agrees(slices[$0.field], with: $0) }
                .map { formula.finding(about: $0, given: slices[$0.field], line: 3) }
            return (Dictionary(uniqueKeysWithValues: results.map { (schema.fields[$0.field].name, $0.value) }), findings)
        }
    }

    @Test func aRowsIndexIsFilledAndChecked() throws {
        let path = "schema/profiles/air-hourly.json"
        var row = ["hour": "2026-03-01T01:00:00+08:00", "so2": "10.0000", "no2": "20.0000", "co": "0.500", "o3": "50.0000", "pm10": "60.0", "pm25": "30.0", "aqi": "57"]
        let (values, findings) = try derived(path, row)
        #expect(values["aqi"] == "58" && values["primary_pollutants"] == "PM10" && values["category"] == "良" && values["standard_version"] == "HJ633-2026" && values["iaqi_so2"] == "4")
        #expect(findings.map(\.code) == [.derivedMismatch] && findings.first?.field == "aqi" && findings.first?.message.en == "the formula gives 58")
        row["hour"] = "2013-03-01T01:00:00+08:00"
        let (before, _) = try derived(path, row)
        #expect(before["aqi"] == nil && before["iaqi_so2"] == "4" && before["iaqi_pm25"] == nil && before["standard_version"] == "HJ633-2012")
    }

    @Test func aRowsChangeOnThePriorYearIsExact() throws {
        let (values, findings) = try derived("schema/profiles/budget-lines.json", ["amount": "90071992547409.93", "prior_year_amount": "80000000000000.00", "yoy_pct": "12.59"])
        #expect(values == ["yoy_pct": "12.59"] && findings.isEmpty)
        #expect(try derived("schema/profiles/budget-lines.json", ["amount": "1.00", "prior_year_amount": "0.00"]).0.isEmpty)
    }

    @Test func aRowsWaterClassNeedsEveryFactor() throws {
        var row = ["ph": "8.53", "dissolved_oxygen": "8.53", "permanganate_index": "1.460", "ammonia_nitrogen": "0.044", "total_phosphorus": "0.0860"]
        #expect(try derived("schema/profiles/water-samples.json", row).0.isEmpty, "a river would be Ⅱ, a lake Ⅳ, and nobody says which")
        row["is_lake"] = "true"
        #expect(try derived("schema/profiles/water-samples.json", row).0 == ["water_class": "Ⅳ"])
        row["is_lake"] = "false"
        #expect(try derived("schema/profiles/water-samples.json", row).0 == ["water_class": "Ⅱ"])
        row["ph"] = nil
        #expect(try derived("schema/profiles/water-samples.json", row).0.isEmpty)
    }
}
