import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: SourceFiles.arePresent, Comment(rawValue: SourceFiles.absence)), .serialized)
struct EnvironmentFileTests {
    static let airMapping = """
        {"steps":[{"kind":"missing","tokens":["NA"]},
        {"kind":"compose_datetime","to":"hour","parts":{"year":"year","month":"month","day":"day","hour":"hour"},"offset":"+08:00"},
        {"kind":"rename","from":"station","to":"station_code"},{"kind":"rename","from":"PM2.5","to":"pm25"},{"kind":"rename","from":"PM10","to":"pm10"},
        {"kind":"rename","from":"SO2","to":"so2"},{"kind":"rename","from":"NO2","to":"no2"},{"kind":"rename","from":"CO","to":"co"},
        {"kind":"rename","from":"O3","to":"o3"},{"kind":"number","fields":["co"],"power":-3},{"kind":"number","fields":["temperature","pressure","dew_point","precipitation","wind_speed"],"round":2},
        {"kind":"rename","from":"TEMP","to":"temperature"},{"kind":"rename","from":"PRES","to":"pressure"},{"kind":"rename","from":"DEWP","to":"dew_point"},
        {"kind":"rename","from":"RAIN","to":"precipitation"},{"kind":"rename","from":"wd","to":"wind_direction"},
        {"kind":"rename","from":"WSPM","to":"wind_speed"},{"kind":"ignore","fields":["No"]}]}
        """

    @Test func nineBeijingStationsBecomeHourlyReadings() async throws {
        let paths = try FileManager.default.contentsOfDirectory(atPath: SourceFiles.folder.appending(path: "environment/beijing_prsa").path)
            .filter { $0.hasSuffix(".csv.gz") }.sorted().map { "environment/beijing_prsa/" + $0 }
        #expect(paths.count == 9)
        try await Installation.with { site in
            try await site.describe("air", Descriptions.profiled("环境空气质量小时值", department: site.department, profile: "air-hourly"))
            try await site.map("air", Self.airMapping)
            var expected: [String: [String]] = [:]
            for path in paths {
                for record in try await SourceFiles.records(path).dropFirst() {
                    let hour = "\(record[1])-\(two(record[2]))-\(two(record[3]))T\(two(record[4])):00:00+08:00"
                    expected["\(record[17]),\(hour)"] = record
                }
                try await site.publish("air", try SourceFiles.data(path), mode: "append", gzip: true)
            }
            #expect(expected.count == 315_576)

            let released = try await site.records("air")
            let column = Dictionary(uniqueKeysWithValues: released[0].enumerated().map { ($1, $0) })
            let (station, hour) = (try #require(column["station_code"]), try #require(column["hour"]))
            #expect(released.count - 1 == 315_576)
            let (rows, source) = (released.dropFirst(), expected)
            #expect(await aside { rows.allSatisfy { source["\($0[station]),\($0[hour])"] != nil } })
            // sums of the file against sums of what came back; carbon monoxide is a thousandth, in mg/m³
            for (name, index, scale) in [("pm25", 5, 1), ("pm10", 6, 1), ("so2", 7, 1), ("no2", 8, 1), ("co", 9, 1000), ("o3", 10, 1)] {
                let target = try #require(column[name])
                let (before, after) = await aside {
                    (PlainCSV.sum(source.values.map { [$0[index] == "NA" ? "" : $0[index]] }, 0), PlainCSV.sum(rows, target) * Decimal(scale))
                }
                #expect(after == before, "\(name)")
                #expect(rows.filter { $0[target].isEmpty }.count == source.values.filter { $0[index] == "NA" }.count, "\(name)")
            }
            // what follows was not pushed: nitrogen dioxide up to 100 µg/m³ has half as much for its index, rounded up (HJ 633-2012, table 1)
            let (no2, index, standard) = (try #require(column["no2"]), try #require(column["iaqi_no2"]), try #require(column["standard_version"]))
            let low = await aside { rows.filter { Decimal(string: $0[no2]).map { $0 <= 100 } ?? false } }
            #expect(low.count > 250_000)
            #expect(await aside { low.allSatisfy { Double($0[index]) == ((Double($0[no2]) ?? -1) / 2).rounded(.up) && $0[standard] == "HJ633-2012" } })
            // read by eye in the file of Dongsi: the third hour has no sulphur dioxide
            let row = try await site.reader.get("/v1/datasets/air/rows/Dongsi,2013-03-01T02:00:00%2B08:00")
            #expect(row.status == 200, "\(row.text)")
            #expect(row.text.contains(#""so2":null"#))
            #expect(row.text.contains(#""co":0.300"#))
            #expect(row.text.contains(#""hour":"2013-03-01T02:00:00+08:00""#))
        }
    }

    @Test func waterStationsComeWithoutAYearAndWithRepeats() async throws {
        let paths = try SourceFiles.csvFiles(below: "environment/cn_surface_water/by_station_2021-04")
        #expect(paths.count == 892)
        try await Installation.with { site in
            try await site.describe("water", Descriptions.profiled("地表水水质监测", department: site.department, profile: "water-samples", policy: "quarantine"))
            try await site.map("water", Self.waterMapping)
            var expected: [String: [String]] = [:]
            var rows = 0
            for path in paths {
                let records = try await SourceFiles.records(path).dropFirst()
                // a station under maintenance has rows without a time: they are left out and kept for the department
                let timed = records.filter { !["*", "--"].contains($0[3]) }
                for record in timed { expected[record[0] + "|" + record[1] + "|" + record[2] + "|" + record[3]] = record }
                rows += records.count
                if timed.isEmpty {
                    let refused = try await site.push("water", try SourceFiles.data(path), mode: "upsert")
                    #expect(refused.status == 422, "\(path)")
                    continue
                }
                let push = try await site.publish("water", try SourceFiles.data(path), mode: "upsert")
                let keys = Set(timed.map { $0[0...3].joined(separator: "|") }).count
                let exact = try await site.findings(of: push, code: "F400")
                let differing = try await site.findings(of: push, code: "F401")
                #expect(exact == timed.count - Set(timed).count, "\(path)")
                #expect(exact + differing == timed.count - keys, "\(path)")
                #expect(push["rejected_count"]?.int == records.count - timed.count, "\(path)")
            }
            let released = try await site.records("water")
            #expect(released.count - 1 == expected.count)
            #expect(rows == 24_156)
            let column = Dictionary(uniqueKeysWithValues: released[0].enumerated().map { ($1, $0) })
            let (ph, time) = (try #require(column["ph"]), try #require(column["sampled_at"]))
            #expect(released.dropFirst().allSatisfy { $0[time].hasPrefix("2021-") && $0[time].hasSuffix(":00+08:00") })
            #expect(PlainCSV.sum(released.dropFirst(), ph) == PlainCSV.sum(expected.values.map { [["*", "--"].contains($0[6]) ? "" : $0[6]] }, 0))
        }
    }

    static let waterMapping = """
        {"repeats":{"keep":"last"},"steps":[{"kind":"missing","tokens":["*","--"]},
        {"kind":"rename","from":"省份","to":"province"},{"kind":"rename","from":"流域","to":"basin"},{"kind":"rename","from":"断面名称","to":"station_name"},
        {"kind":"compose_datetime","to":"sampled_at","from":"监测时间","format":"MM-dd HH:mm","defaults":{"year":2021},"offset":"+08:00"},
        {"kind":"rename","from":"水质类别","to":"water_class"},{"kind":"rename","from":"水温(℃)","to":"water_temperature"},{"kind":"rename","from":"pH(无量纲)","to":"ph"},
        {"kind":"rename","from":"溶解氧(mg/L)","to":"dissolved_oxygen"},{"kind":"rename","from":"电导率(μS/cm)","to":"conductivity"},
        {"kind":"rename","from":"浊度(NTU)","to":"turbidity"},{"kind":"rename","from":"高锰酸盐指数(mg/L)","to":"permanganate_index"},
        {"kind":"rename","from":"氨氮(mg/L)","to":"ammonia_nitrogen"},{"kind":"rename","from":"总磷(mg/L)","to":"total_phosphorus"},
        {"kind":"rename","from":"总氮(mg/L)","to":"total_nitrogen"},{"kind":"rename","from":"叶绿素α(mg/L)","to":"chlorophyll_a"},
        {"kind":"rename","from":"藻密度(cells/L)","to":"algae_density"},{"kind":"rename","from":"站点情况","to":"station_status"}]}
        """

    private func two(_ text: String) -> String { text.count == 1 ? "0" + text : text }
}
