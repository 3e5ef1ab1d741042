import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: SourceFiles.arePresent, Comment(rawValue: SourceFiles.absence)), .serialized)
struct BudgetFileTests {
    @Test func countyRevenueAndSpendingComeBackToTheLastDigit() async throws {
        let path = "budgets/cn_county_fiscal/财政收支.export.csv.gz"
        let source = try await SourceFiles.records(path)
        #expect(source.count - 1 == 63236)
        try await Installation.with { site in
            try await site.describe(
                "county-fiscal",
                Descriptions.own(
                    "县级财政收支", department: site.department,
                    fields: """
                        year|年度|integer|required
                        county|县名|text|required
                        prefecture|地级市|text
                        province|省份|text|required
                        item|项目|text|required
                        direction|收支|code|required
                        area_id|区域编号|code
                        county_code|行政区划代码|code|required
                        amount|金额|decimal(18,2)
                        """,
                    key: ["year", "county_code", "item"]))
            try await site.map(
                "county-fiscal",
                """
                {"steps":[{"kind":"rename","from":"SgnYear","to":"year"},{"kind":"rename","from":"CountyName","to":"county"},
                {"kind":"rename","from":"PrefLevCity","to":"prefecture"},{"kind":"rename","from":"Province","to":"province"},
                {"kind":"rename","from":"Project","to":"item"},{"kind":"rename","from":"Identify","to":"direction"},
                {"kind":"rename","from":"AreaID","to":"area_id"},{"kind":"rename","from":"CountyCode","to":"county_code"},
                {"kind":"rename","from":"FinRevenue","to":"amount"},
                {"kind":"translate","fields":["direction"],"values":{"1":"revenue","2":"expenditure"}}]}
                """)
            try await site.publish("county-fiscal", try SourceFiles.data(path), gzip: true)
            let released = try await site.records("county-fiscal")
            #expect(released[0] == ["year", "county", "prefecture", "province", "item", "direction", "area_id", "county_code", "amount"])
            #expect(released.count == source.count)
            #expect(PlainCSV.sum(released.dropFirst(), 8) == PlainCSV.sum(source.dropFirst(), 8))
            #expect(released.dropFirst().filter { $0[5] == "revenue" }.count == source.dropFirst().filter { $0[5] == "1" }.count)

            // read by eye in the file: line 2
            let row = try await site.reader.get("/v1/datasets/county-fiscal/rows/2000,220622,%E6%94%AF%E6%8F%B4%E5%86%9C%E6%9D%91%E7%94%9F%E4%BA%A7%E6%94%AF%E5%87%BA")
            #expect(row.status == 200)
            #expect(try row.json()["data"]?["county"]?.string == "靖宇县")
            #expect(row.text.contains(#""amount":395.00"#))
        }
    }

    @Test func tenYearsOfTaiwanBudgetsAccumulateAsTenVersions() async throws {
        try await Installation.with { site in
            try await site.describe(
                "taiwan-budget",
                Descriptions.own(
                    "中央政府总预算", department: site.department,
                    fields: """
                        year|年度|integer|required
                        code|科目编号|code|required
                        amount|金额|integer|required
                        name|名称|text
                        topname|主管|text
                        depname|机关|text
                        depcat|款项|text
                        cat|类别|text
                        ref|款项目节|code
                        """,
                    key: ["year", "code"]))
            var rows = 0
            var total = Decimal(0)
            for year in 2006...2015 {
                let path = "budgets/tw_central_budget/tw\(year)ap.csv"
                let source = try await SourceFiles.records(path).dropFirst()
                rows += source.count
                total += PlainCSV.sum(source, 2)
                try await site.publish("taiwan-budget", try SourceFiles.data(path), mode: "append")
                let version = try await site.reader.get("/v1/datasets/taiwan-budget/versions/\(year - 2005)")
                #expect(try version.json()["row_count"]?.int == rows)
                #expect(try version.json()["added"]?.int == source.count)
            }
            let released = try await site.records("taiwan-budget").dropFirst()
            #expect(released.count == rows)
            #expect(PlainCSV.sum(released, 2) == total)

            // the first year's version still gives the first year's bytes
            let first = PlainCSV.records(try await site.reader.get("/v1/datasets/taiwan-budget/versions/1/data.csv").text)
            #expect(first.count - 1 == 1181)
            // the same file again changes nothing and says so
            let file = try SourceFiles.data("budgets/tw_central_budget/tw2006ap.csv")
            let again = try await site.push("taiwan-budget", file, mode: "append")
            #expect(again.status == 200)
            #expect(try again.json()["state"]?.string == "unchanged")
            // a year that stands cannot be appended with other figures: every line of it is refused
            let changed = Data(String(decoding: file, as: UTF8.self).replacing("總統府", with: "總統府本部").utf8)
            let refused = try await site.push("taiwan-budget", changed, mode: "append")
            #expect(refused.status == 422)
            #expect(try await site.findings(of: try refused.json(), code: "F402") > 0)
        }
    }
}
