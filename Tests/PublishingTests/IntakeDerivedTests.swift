import Foundation
import Model
import Profiles
import Store
import TestSupport
import Testing

@testable import Publishing

/// Fields that follow from others: filled where they are missing, held against the formula where they are given.
struct IntakeDerivedTests {
    private func shipped(_ profile: String) throws -> TableSchema {
        try Profile(json: Array(try Data(contentsOf: Project.root.appending(path: "schema/profiles/\(profile).json")))).schema
    }

    /// Each row's values of some fields, in lines; missing ones are empty.
    private func values(_ outcome: IntakeOutcome, _ schema: TableSchema, _ names: [String]) -> [String] {
        outcome.rows.map { row in
            names.map { name in schema.fields.firstIndex { $0.name == name }.flatMap { row[$0 + 1] } ?? "" }.joined(separator: " ")
        }
    }

    private func share(_ fields: String, change: Bool = false, key: [String] = [], checks: [Check] = []) -> TableSchema {
        var schema = TableSchema.of(fields, key: key, checks: checks)
        var derived = Derived(kind: .percentage, field: "share", inputs: ["part": "part", "base": "base"])
        derived.change = change
        schema.derived = [derived]
        return schema
    }

    private let plain = "id|编号|code\npart|部分|decimal(8,2)\nbase|基数|decimal(8,2)\nshare|占比|decimal(7,2)"

    @Test func hourlyAirQualityFollowsFromTheConcentrationsAndTheStandardOfTheDay() throws {
        let schema = try shipped("air-hourly")
        let outcome = try read(
            """
            station_code,hour,so2,no2,co,o3,pm10,pm25
            A,2026-03-01T01:00:00+08:00,10,20,0.5,50,150,76
            A,2026-03-01T02:00:00+08:00,10,20,0.5,50,120,60
            A,2026-03-01T03:00:00+08:00,10,20,,50,60,30
            A,2026-03-01T04:00:00+08:00,10,20,,50,150,75
            A,2026-02-28T23:00:00+08:00,801,101,5,161,150,75

            """, schema)
        #expect(outcome.told == [])
        let names = ["iaqi_so2", "iaqi_no2", "iaqi_co", "iaqi_o3", "iaqi_pm10", "iaqi_pm25", "aqi", "primary_pollutants", "category", "standard_version"]
        #expect(
            values(outcome, schema, names) == [
                "4 10 5 16 112 115 115 PM2.5 轻度污染 HJ633-2026", "4 10 5 16 100 100 100 PM10、PM2.5 良 HJ633-2026",
                // HJ 633-2026, 5.3.1: with a pollutant missing the index is given only over 100.
                "4 10  16 58 43    HJ633-2026", "4 10  16 112 114 114 PM2.5 轻度污染 HJ633-2026",
                // HJ 633-2012: no index of an hour; sulphur dioxide above 800 is left to the daily mean.
                " 51 50 52      HJ633-2012",
            ])
    }

    @Test func dailyAirQualityFollowsFromBothEditions() throws {
        let pollutants = ["so2", "no2", "co", "o3", "o3_8h", "pm10", "pm25"]
        var schema = TableSchema.of(
            "day|日期|date|required\n" + pollutants.map { "\($0)|\($0)浓度|decimal(7,1)" }.joined(separator: "\n")
                + "\naqi|指数|integer|required\nfirst|首要污染物|text\nlevel|类别|text")
        var derived = Derived(kind: .aqi, field: "aqi", inputs: Dictionary(uniqueKeysWithValues: pollutants.map { ($0, $0) }))
        (derived.time, derived.period, derived.primary, derived.category) = ("day", .daily, "first", "level")
        schema.derived = [derived]
        #expect(schema.validate().isEmpty)
        let outcome = try read(
            """
            day,so2,no2,co,o3,o3_8h,pm10,pm25
            2026-02-28,100,80,2.1,0,160,150,60
            2026-02-28,100,81,2.1,0,161,150,60
            2026-02-28,475,40,2,0,100,50,76
            2026-03-01,100,40,2,0,100,50,60
            2026-03-01,100,40,2,0,100,150,75
            2026-03-01,0,0,0,0,801,0,0

            """, schema)
        #expect(outcome.told == [])
        #expect(
            values(outcome, schema, ["aqi", "first", "level"]) == [
                "100 NO2、O3、PM10 良", "101 NO2、O3 轻度污染", "150 SO2 轻度污染", "100 PM2.5 良", "114 PM2.5 轻度污染", "300 O3 重度污染",
            ])
    }

    @Test func waterClassIsThatOfTheWorstFactor() throws {
        let schema = try shipped("water-samples")
        let outcome = try read(
            """
            province,basin,station_name,sampled_at,is_lake,ph,dissolved_oxygen,permanganate_index,ammonia_nitrogen,total_phosphorus,water_class
            川,长江,甲,2021-04-01T00:00:00+08:00,否,7,7.5,2,0.15,0.02,
            川,长江,甲,2021-04-01T04:00:00+08:00,否,7,7.5,2,0.151,0.02,
            川,长江,甲,2021-04-01T08:00:00+08:00,否,9.01,7.5,2,0.15,0.02,
            川,长江,甲,2021-04-01T12:00:00+08:00,否,7,2,15,2,0.4,
            川,长江,甲,2021-04-01T16:00:00+08:00,是,7,7.5,2,0.15,0.1,
            川,长江,甲,2021-04-01T20:00:00+08:00,,7,7.5,2,0.15,0.1,
            川,长江,甲,2021-04-02T00:00:00+08:00,,7,7.5,6.1,0.15,0.1,
            川,长江,甲,2021-04-02T04:00:00+08:00,否,7,,2,0.15,0.02,Ⅱ
            川,长江,甲,2021-04-02T08:00:00+08:00,否,7,5,2,0.15,0.02,Ⅱ

            """, schema)
        #expect(values(outcome, schema, ["water_class"]) == ["Ⅰ", "Ⅱ", "劣Ⅴ", "Ⅴ", "Ⅳ", "", "Ⅳ", "Ⅱ", "Ⅱ"])
        // what is given stands, also where it is another; where the formula gives nothing, nothing is said
        #expect(outcome.told == ["F306 10 water_class Ⅱ"])
        #expect(outcome.findings.first?.message == LocalizedText(zh: "按公式应为 Ⅲ", en: "the formula gives Ⅲ"))
    }

    @Test func givenValuesThatDisagreeAreWarnedOf() throws {
        let outcome = try read("id,part,base,share\na,1,3,33.33\nb,1,3,33.34\nc,1,3,\nd,1,0,7\ne,,3,8\n", share(plain), keepsRecords: true)
        #expect(outcome.column(3) == ["33.33", "33.34", "33.33", "7.00", "8.00"])
        #expect(
            outcome.findings == [
                Finding(.derivedMismatch, severity: .warning, line: 3, field: "share", value: "33.34", "33.33")
            ])
        #expect(outcome.counts == [FindingCount(code: .derivedMismatch, severity: .warning, count: 1)])
        #expect(outcome.rejectedCount == 0)
    }

    @Test func pollutantsOfOneRankMayStandInAnyOrder() throws {
        let schema = try shipped("air-hourly")
        let outcome = try read(
            """
            station_code,hour,so2,no2,co,o3,pm10,pm25,primary_pollutants
            A,2026-03-01T02:00:00+08:00,10,20,0.5,50,120,60,PM2.5、PM10
            A,2026-03-01T03:00:00+08:00,10,20,0.5,50,120,60,PM2.5

            """, schema)
        #expect(outcome.told == ["F306 3 primary_pollutants PM2.5"])
    }

    @Test func changesInPercentAreRoundedHalfToEven() throws {
        let outcome = try read("id,part,base\na,112.59,100\nb,999.99,1000\nc,80100.00,80000.00\nd,80300,80000\ne,0,5\n", share(plain, change: true))
        #expect(outcome.column(3) == ["12.59", "0.00", "0.12", "0.38", "-100.00"])
    }

    @Test func neededColumnsThatFormulasFillMayBeLeftOut() throws {
        let schema = share("id|编号|code\npart|部分|decimal(8,2)|required\nbase|基数|decimal(8,2)\nshare|占比|decimal(7,2)|required")
        let outcome = try read("id,part,base\na,1,4\nb,1,\nc,x,4\nd,2,4\n", schema, keepsRecords: true)
        // where the formula has nothing to go by the row must have the value; a wrong input is wrong enough
        #expect(outcome.told == ["F200 3 share", "F202 4 part x"])
        #expect(outcome.rows.map { $0[1...4].map { $0 ?? "" } } == [["a", "1.00", "4.00", "25.00"], ["d", "2.00", "4.00", "50.00"]])
        #expect(outcome.rejected.map(\.line) == [0, 3, 4])
        #expect(try read("id,base\na,1\n", schema).told == ["F110 1 part"], "inputs must be there")
    }

    @Test func resultsThatTheFieldCannotHoldAreLeftOut() throws {
        let narrow = share("id|编号|code\npart|部分|decimal(8,2)\nbase|基数|decimal(8,2)\nshare|占比|decimal(4,2)")
        let outcome = try read("id,part,base\na,99,100\nb,100,100\n", narrow)
        #expect(outcome.column(3) == ["99.00", nil])
        #expect(outcome.findings == [Finding(.derivedMismatch, severity: .warning, line: 3, field: "share", "100.00")])
    }

    @Test func hiddenValuesStayHidden() throws {
        let hiddenShare = share("id|编号|code\npart|部分|decimal(8,2)\nbase|基数|decimal(8,2)\nshare|占比|decimal(7,2)|private")
        #expect(
            try read("id,part,base,share\na,1,4,77\n", hiddenShare).findings
                == [Finding(.derivedMismatch, severity: .warning, line: 2, field: "share", "…")])
        let hiddenBase = share("id|编号|code\npart|部分|decimal(8,2)\nbase|基数|decimal(8,2)|private\nshare|占比|decimal(7,2)")
        #expect(
            try read("id,part,base,share\na,1,4,77\n", hiddenBase).findings
                == [Finding(.derivedMismatch, severity: .warning, line: 2, field: "share", value: "77.00", "…")])
        #expect(try read("id,part,base\na,1,4\n", hiddenShare).rows == [["2", "a", "1.00", "4.00", "25.00"]])
        #expect(try read("id,part,base\na,1,4\n", hiddenBase).rows == [["2", "a", "1.00", "4.00", nil]], "everybody could tell the base")
    }

    @Test func checksOfTheRowSeeWhatWasFilled() throws {
        var check = Check(kind: .range)
        (check.field, check.maximum) = ("share", "100")
        let outcome = try read("id,part,base\na,4,4\nb,5,4\n", share(plain, checks: [check]))
        #expect(outcome.told == ["F212 3 share 125.00"] && outcome.rowCount == 1)
    }

    @Test func formulasSeeWhatThoseBeforeThemFilled() throws {
        var schema = share(plain + "\nagain|再算|decimal(7,2)")
        schema.derived.append(Derived(kind: .percentage, field: "again", inputs: ["part": "share", "base": "base"]))
        let outcome = try read("id,part,base\na,1,4\n", schema)
        #expect(outcome.rows == [["2", "a", "1.00", "4.00", "25.00", "625.00"]])
    }

    @Test func everyUnpivotedRowHasItsOwnResult() throws {
        let schema = share("id|编号|code\nitem|项目|code\npart|部分|decimal(8,2)\nbase|基数|decimal(8,2)\nshare|占比|decimal(7,2)|required", key: ["id", "item"])
        let mapping = Mapping.step(#"{"kind":"unpivot","columns":["x","y","z"],"name_to":"item","value_to":"part"}"#)
        let outcome = try read("id,x,y,z,base\na,1,,3,4\nb,1,2,3,\nc,4,,2,8\n", schema, mapping)
        #expect(outcome.told == ["F200 3 share"])
        #expect(
            outcome.rows.map { $0[1...5].compactMap { $0 }.joined(separator: " ") } == [
                "a x 1.00 4.00 25.00", "a z 3.00 4.00 75.00", "c x 4.00 8.00 50.00", "c z 2.00 8.00 25.00",
            ])
    }

    @Test func theDigestIsOfTheFilledRows() throws {
        let outcome = try read("id,part,base\na,1,4\nb,1,3\n", share(plain))
        let canonical = "id,part,base,share\na,1.00,4.00,25.00\nb,1.00,3.00,33.33\n"
        #expect(outcome.digest == Array(canonical.utf8).sha256 && outcome.canonicalBytes == canonical.utf8.count)
        let given = try read("id,part,base,share\na,1,4,25\nb,1,3,33.33\n", share(plain))
        #expect(given.digest == outcome.digest && given.copy == outcome.copy, "given or filled, it is the same row")
    }
}
