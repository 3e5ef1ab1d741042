import Foundation
import Model
import Store
import Testing

@testable import Publishing

/// Real files through their mappings, held against a plain computation from the same files.
@Suite(.enabled(if: IntakeSourceFile.arePresent, Comment(rawValue: IntakeSourceFile.absence)))
struct IntakeSourceFileTests {
    /// The sum of decimals, exact; missing ones count nothing.
    private func sum(_ values: some Sequence<String?>) -> Decimal {
        values.reduce(0) { total, value in total + (value.flatMap { $0.isEmpty ? nil : Decimal(string: $0) } ?? 0) }
    }

    /// Expects long lists to be equal, and shows the first place where they are not.
    private func expectSame(_ made: [String?], _ expected: [String?], sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(made.count == expected.count, sourceLocation: sourceLocation)
        for (index, (a, b)) in zip(made, expected).enumerated() where a != b {
            Issue.record("row \(index): \(a ?? "nil") is not \(b ?? "nil")", sourceLocation: sourceLocation)
            return
        }
    }

    private static let stations = [
        "Aotizhongxin", "Changping", "Dingling", "Dongsi", "Guanyuan", "Gucheng", "Huairou", "Nongzhanguan", "Shunyi",
    ]

    @Test(arguments: stations)
    func hourlyAirOfAStationIsReadFromFourColumnsOfTime(_ station: String) throws {
        let file = IntakeSourceFile("environment/beijing_prsa/PRSA_Data_\(station)_20130301-20170228.csv.gz")
        let schema = TableSchema.of(
            """
            station_code|站点|code|required|alias=station
            hour|时间|datetime|required
            pm25|PM2.5|decimal(7,1)
            co|一氧化碳|decimal(8,3)|alias=CO
            temperature|气温|decimal(8,2)|alias=TEMP
            wind_direction|风向|code|alias=wd
            """, key: ["station_code", "hour"])
        let mapping = try Mapping.of(
            #"""
            {"unlisted":"ignore","steps":[{"kind":"missing","tokens":["NA"]},
            {"kind":"compose_datetime","to":"hour","parts":{"year":"year","month":"month","day":"day","hour":"hour"},"offset":"+08:00"},
            {"kind":"number","fields":["co"],"power":-3},{"kind":"number","fields":["temperature"],"round":2}]}
            """#)
        let outcome = try read(try file.bytes, schema, mapping, isCompressed: true, cuts: [65_536])
        let source = try file.records().dropFirst()
        #expect(source.count == 35064)
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 35064 && outcome.isInKeyOrder)
        func of(_ column: Int) -> [String?] { source.map { $0[column] == "NA" ? nil : $0[column] } }
        #expect(sum(outcome.column(2)) == sum(of(5)))
        #expect(sum(outcome.column(3)) * 1000 == sum(of(9)))
        expectSame(outcome.column(5), of(15))
        #expect(outcome.column(4).count { $0 == nil } == of(11).count { $0 == nil })
        let times = source.map { record in
            func two(_ text: String) -> String { text.count == 1 ? "0" + text : text }
            return "\(record[1])-\(two(record[2]))-\(two(record[3]))T\(two(record[4])):00:00+08:00"
        }
        expectSame(outcome.column(1), times)
        #expect(outcome.digest?.count == 64)
    }

    @Test func yearlessWaterSamplesGetTheirYear() throws {
        let schema = TableSchema.of(
            """
            province|省份|text|required
            basin|流域|text|required
            station_name|断面名称|text|required
            sampled_at|监测时间|datetime
            ph|pH|decimal(4,2)|alias=pH(无量纲)
            turbidity|浊度|decimal(9,2)|alias=浊度(NTU)
            algae_density|藻密度|integer|alias=藻密度(cells/L)
            """, key: ["province", "basin", "station_name"])
        let mapping = try Mapping.of(
            #"""
            {"unlisted":"ignore","steps":[{"kind":"missing","tokens":["*","--"]},{"kind":"strip"},{"kind":"number","fields":["turbidity"],"round":2},
            {"kind":"compose_datetime","to":"sampled_at","from":"监测时间","format":"MM-dd HH:mm","defaults":{"year":2021},"offset":"+08:00"}]}
            """#)
        let files = IntakeSourceFile.csvFiles(below: "environment/cn_surface_water/by_station_2021-04")
        #expect(files.count == 892)
        var (rows, ph, algae, timed) = (0, Decimal(0), Decimal(0), 0)
        var (sourceRows, sourcePH, sourceAlgae, sourceTimed) = (0, Decimal(0), Decimal(0), 0)
        // every twentieth file: the plain reader is slow
        for path in files.enumerated().filter({ $0.offset % 20 == 0 }).map(\.element) {
            let file = IntakeSourceFile(path)
            let outcome = try read(try file.bytes, schema, mapping)
            #expect(outcome.told == [], "\(path)")
            rows += outcome.rowCount
            ph += sum(outcome.column(4))
            algae += sum(outcome.column(6))
            timed += outcome.column(3).count { $0?.hasPrefix("2021-0") == true && $0?.hasSuffix(":00:00+08:00") == true }
            let source = try file.records().dropFirst()
            sourceRows += source.count
            sourcePH += sum(source.map { $0[6] })
            sourceAlgae += sum(source.map { $0[15] })
            sourceTimed += source.count { $0[3].contains(":") }
        }
        #expect(rows > 0 && rows == sourceRows && ph == sourcePH && algae == sourceAlgae && timed == sourceTimed)
    }

    @Test func countyRevenueAndSpendingAddUp() throws {
        let file = IntakeSourceFile("budgets/cn_county_fiscal/财政收支.export.csv.gz")
        let schema = TableSchema.of(
            """
            year|年度|integer|required|alias=SgnYear
            county_code|行政区划代码|code|required|alias=CountyCode
            item|项目|text|required|alias=Project
            direction|收支|code|required
            amount|金额|decimal(18,2)|alias=FinRevenue
            """, key: ["year", "county_code", "item"])
        let mapping = try Mapping.of(
            #"""
            {"unlisted":"ignore","steps":[{"kind":"rename","from":"Identify","to":"direction"},
            {"kind":"translate","fields":["direction"],"values":{"1":"revenue","2":"expenditure"}}]}
            """#)
        let outcome = try read(try file.bytes, schema, mapping, isCompressed: true)
        let source = try file.records().dropFirst()
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 63236 && source.count == 63236)
        #expect(sum(outcome.column(4)) == sum(source.map { $0[8] }))
        #expect(outcome.column(3).count { $0 == "revenue" } == source.count { $0[5] == "1" })
        #expect(outcome.column(4).count { $0 == nil } == 4)
    }

    @Test(arguments: 2006...2015)
    func taiwanBudgetsNeedNoMapping(_ year: Int) throws {
        let file = IntakeSourceFile("budgets/tw_central_budget/tw\(year)ap.csv")
        let names = "year code amount name topname depname depcat cat ref".split(separator: " ")
        let schema = TableSchema.of(
            names.map { "\($0)|\($0)列|\(["year", "amount"].contains($0) ? "integer" : $0 == "code" || $0 == "ref" ? "code" : "text")" }.joined(separator: "\n"),
            key: ["year", "code"])
        let outcome = try read(try file.bytes, schema)
        let source = try file.records().dropFirst()
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == source.count)
        #expect(sum(outcome.column(2)) == sum(source.map { $0[2] }))
        expectSame(outcome.column(3), source.map { $0[3].isEmpty ? nil : $0[3] })
    }

    @Test func reliefCountiesLoseTheirDecimalPoints() throws {
        let file = IntakeSourceFile("poverty/cn/poverty_county_list.csv")
        let schema = TableSchema.of("code|行政区划代码|code|required\ncounty|县域名称|text\narea|所属地域|text\nprovince|所属省份|text\ncity|所属城市|text\nlifted_in|摘帽时间|integer")
        #expect(try read(try file.bytes, schema).told == ["F109 1 column_6"])
        let outcome = try read(
            try file.bytes, schema,
            try Mapping.of(#"{"steps":[{"kind":"clean_code","fields":["code","lifted_in"]},{"kind":"ignore","fields":["column_6"]}]}"#))
        let source = try file.records().dropFirst()
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 832)
        expectSame(outcome.column(0), source.map { String($0[0].prefix(6)) })
        #expect(sum(outcome.column(5)) == sum(source.map { $0[5] }))
    }

    @Test func tradingFilesInGBKKeepEveryCharacter() throws {
        let file = IntakeSourceFile("trading/cn_public_resource/hangzhou_招标公告_2023-08-29_gbk.csv", charset: "GB18030")
        let schema = TableSchema.of(
            """
            code|项目编号|code|required
            name|项目名称|text
            opens_at|开标时间|datetime
            budget|预算|decimal(20,2)
            """)
        let mapping = try Mapping.of(
            #"""
            {"charset":"GBK","unlisted":"ignore","steps":[{"kind":"number","fields":["预算"],"power":4},
            {"kind":"compose_datetime","to":"opens_at","from":"开标时间","format":"yyyy/M/d H:mm","offset":"+08:00"}]}
            """#)
        let outcome = try read(try file.bytes, schema, mapping)
        let records = try file.records()
        let source = records.dropFirst()
        let (time, budget) = (try #require(records[0].firstIndex(of: "开标时间")), try #require(records[0].firstIndex(of: "预算")))
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 978)
        expectSame(outcome.column(1), source.map { $0[0].isEmpty ? nil : $0[0] })
        #expect(sum(outcome.column(3)) == sum(source.map { $0[budget] }) * 10_000)
        #expect(outcome.column(2).count { $0 != nil } == source.count { !$0[time].isEmpty })
        #expect(outcome.column(2).first == "2023-09-19T09:00:00+08:00")
    }

    @Test func aGreekListWithBreaksInItsHeaderIsMapped() throws {
        let file = IntakeSourceFile("poverty/eu_structural_funds/EL__ListOfOperations_20160513.csv.gz", charset: "WINDOWS-1253")
        let records = try file.records(delimiter: ";")
        // the plain reader drops CR; the file's own names have it here and there
        let bytes = try file.bytes
        let schema = TableSchema.of("n|名称|text\nstarts_on|开始|date\namount|金额|decimal(14,2)")
        #expect(try read(bytes, schema, isCompressed: true).told == ["F100 1"])
        func json(_ text: String) throws -> String { String(decoding: try JSONEncoder().encode([text]), as: UTF8.self).dropFirst().dropLast().description }
        let mapping = try Mapping.of(
            #"""
            {"delimiter":";","unlisted":"ignore","steps":[{"kind":"rename","from":\#(try json(records[0][4])),"to":"n"},
            {"kind":"rename","from":\#(try json(records[0][8])),"to":"amount"},{"kind":"number","fields":["amount"],"thousands":".","decimal":","},
            {"kind":"compose_datetime","to":"starts_on","from":\#(try json(records[0][6])),"format":"dd/MM/yyyy"}]}
            """#)
        let outcome = try read(bytes, schema, mapping, charset: "windows-1253", isCompressed: true)
        let source = records.dropFirst()
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 2029 && source.count == 2029)
        #expect(sum(outcome.column(2)) == sum(source.map { $0[8].replacing(".", with: "").replacing(",", with: ".") }))
        expectSame(outcome.column(1).compactMap { $0 }.map { String($0.prefix(4)) }, source.map { String($0[6].suffix(4)) }.filter { !$0.isEmpty })
    }

    @Test func raggedFinnishRowsAreRefusedByTheirLines() throws {
        let file = IntakeSourceFile("poverty/eu_structural_funds/FI__projektilista-2007-2013_old.csv.gz", charset: "WINDOWS-1252")
        let records = try file.records()
        let schema = TableSchema.of("id|编号|code|alias=Koodi\nstarts_on|开始|text|alias=Aloituspvm")
        let outcome = try read(
            try file.bytes, schema, Mapping(steps: [], unlisted: .ignore), charset: "windows-1252", isCompressed: true, findingLimit: 100_000)
        let mark = Character(IntakeSourceFile.strayMark)
        let stray = records.dropFirst().count { $0.contains { $0.contains(mark) } }
        let good = records.dropFirst().count { record in record.count == records[0].count && !record.contains { $0.contains(mark) } }
        let firstRagged = records.firstIndex { $0.count != records[0].count } ?? 0
        func count(_ codes: FindingCode...) -> Int { outcome.counts.filter { codes.contains($0.code) }.reduce(0) { $0 + $1.count } }
        #expect(count(.bareQuote, .textAfterQuote) == stray && stray > 0)
        #expect(count(.raggedRow) == records.count - 1 - good - stray)
        #expect(outcome.findings.first?.line == firstRagged + 1)
        #expect(outcome.rowCount == good && good > 8000)
    }

    @Test func germanAmountsWithTheirUnitsAddUp() throws {
        let file = IntakeSourceFile("poverty/eu_structural_funds/DE__ESF-Data-NRW-2007-2013.csv.gz")
        let schema = TableSchema.of(
            "year|年|integer|alias=Jahr der Bewilligung\nname|名|text|alias=Name des Begünstigten\namount|额|decimal(14,2)|alias=Zuwendungen des Landes NRW")
        let mapping = try Mapping.of(#"{"unlisted":"ignore","steps":[{"kind":"number","fields":["amount"],"thousands":".","decimal":",","unit":"€"}]}"#)
        let outcome = try read(try file.bytes, schema, mapping, isCompressed: true)
        let source = try file.records().dropFirst()
        #expect(outcome.told.prefix(5) == [])
        #expect(outcome.rowCount == 39961 && source.count == 39961)
        #expect(sum(outcome.column(2)) == sum(source.map { $0[4].replacing(".", with: "").replacing(",", with: ".").replacing(" €", with: "") }))
    }
}
