import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: SourceFiles.arePresent, Comment(rawValue: SourceFiles.absence)), .serialized)
struct ReliefFileTests {
    @Test func the832CountiesLoseTheirDecimalPoints() async throws {
        let path = "poverty/cn/poverty_county_list.csv"
        let source = try await SourceFiles.records(path).dropFirst()
        try await Installation.with { site in
            try await site.describe(
                "relief-counties",
                Descriptions.own(
                    "国家扶贫开发工作重点县", department: site.department,
                    fields: """
                        code|行政区划代码|code|required
                        county|县域名称|text|required
                        area|所属地域|text
                        province|所属省份|text|required
                        city|所属城市|text
                        lifted_in|摘帽时间|integer
                        """,
                    key: ["code"]))
            let data = try SourceFiles.data(path)
            // without a mapping the department is told, line by line, what its file has
            let refused = try await site.push("relief-counties", data)
            #expect(refused.status == 422)

            try await site.map(
                "relief-counties", #"{"steps":[{"kind":"clean_code","fields":["code","lifted_in"]},{"kind":"ignore","fields":["column_6"]}]}"#)
            try await site.publish("relief-counties", data)
            let released = try await site.records("relief-counties").dropFirst()
            #expect(released.count == 832)
            #expect(Set(released.map { $0[0] }) == Set(source.map { String($0[0].prefix(6)) }))
            #expect(released.allSatisfy { $0[0].count == 6 })
            #expect(PlainCSV.sum(released, 5) == PlainCSV.sum(source, 5))
            let wangdu = try await site.reader.get("/v1/datasets/relief-counties/rows/130631").json()
            #expect(wangdu["data"]?["county"]?.string == "望都县")
            #expect(wangdu["data"]?["lifted_in"]?.int == 2016)
        }
    }
}
