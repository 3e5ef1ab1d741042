import Foundation
import NIOHTTP1
import TestSupport
import Testing

@Suite(.enabled(if: SourceFiles.arePresent, Comment(rawValue: SourceFiles.absence)), .serialized)
struct TradingFileTests {
    struct TradingFile: Sendable, CustomTestStringConvertible {
        var name: String
        var charset: String
        var key: String
        var keep: String
        /// Counted in the file by hand: records, those without a key, and distinct keys among the others.
        var records: Int
        var withoutKey = 0
        var distinct: Int
        var exactRepeats: Int
        var testDescription: String { name }
    }

    static let files = [
        TradingFile(name: "hangzhou_参数抽取信息_gbk.csv", charset: "GBK", key: "ID", keep: "reject", records: 1032, distinct: 1032, exactRepeats: 0),
        TradingFile(name: "hangzhou_开标项目信息_2023-10-30_gbk.csv", charset: "GBK", key: "id", keep: "reject", records: 916, distinct: 916, exactRepeats: 0),
        TradingFile(name: "hangzhou_招标公告_2023-08-29_gbk.csv", charset: "GB18030", key: "项目编号", keep: "reject", records: 978, distinct: 971, exactRepeats: 7),
        TradingFile(name: "lishui_开标记录_2023-08-30.csv", charset: "UTF-8", key: "id", keep: "last", records: 5836, withoutKey: 4291, distinct: 1510, exactRepeats: 0),
        TradingFile(name: "lishui_开标记录_gbk.csv", charset: "GBK", key: "id", keep: "first", records: 5996, distinct: 1389, exactRepeats: 0),
    ]

    @Test(arguments: files)
    func whatRepeatsIsReportedAndDecidedByTheKey(_ file: TradingFile) async throws {
        let path = "trading/cn_public_resource/" + file.name
        let all = try await SourceFiles.records(path, charset: file.charset == "UTF-8" ? "UTF-8" : "GB18030")
        let header = all[0]
        let source = all.dropFirst()
        #expect(source.count == file.records)
        let keyColumn = try #require(header.firstIndex(of: file.key))
        try await Installation.with { site in
            // every column becomes a field under its Chinese title
            let fields = header.enumerated().map { "c\($0)|\($1)|text" + ($0 == keyColumn ? "|required" : "") }.joined(separator: "\n")
            try await site.describe("trading", Descriptions.own("公共资源交易记录", department: site.department, fields: fields, key: ["c\(keyColumn)"], policy: file.withoutKey > 0 ? "quarantine" : "strict"))
            try await site.map("trading", #"{"charset":"\#(file.charset)","steps":[],"repeats":{"keep":"\#(file.keep)"}}"#)
            let push = try await site.publish("trading", try SourceFiles.data(path))
            let released = try await site.records("trading").dropFirst()
            #expect(released.count == file.distinct)

            var expected: [String: [String]] = [:]
            for record in source where !record[keyColumn].isEmpty && (file.keep == "last" || expected[record[keyColumn]] == nil) { expected[record[keyColumn]] = record }
            #expect(Set(released) == Set(expected.values))

            let exact = try await site.findings(of: push, code: "F400")
            let repeated = try await site.findings(of: push, code: "F401")
            #expect(exact == file.exactRepeats)
            #expect(exact + repeated == file.records - file.withoutKey - file.distinct)
            #expect(push["rejected_count"]?.int == file.withoutKey)
        }
    }

    @Test func timesWithoutOffsetNeedTheMappingToNameIt() async throws {
        let path = "trading/cn_public_resource/hangzhou_招标公告_2023-08-29_gbk.csv"
        let records = try await SourceFiles.records(path, charset: "GB18030")
        let opens = try #require(records[0].firstIndex(of: "开标时间"))
        let timed = records.dropFirst().filter { !$0[opens].isEmpty }
        #expect(timed.count > 900)
        try await Installation.with { site in
            let fields = "code|项目编号|code|required\nopens_at|开标时间|datetime"
            for id in ["local", "zoned"] {
                try await site.describe(id, Descriptions.own("招标公告", department: site.department, fields: fields, key: ["code"]))
            }
            let keep = #""charset":"GB18030","unlisted":"ignore","repeats":{"keep":"first"}"#
            try await site.map("local", "{\(keep),\"steps\":[]}")
            let refused = try await site.push("local", try SourceFiles.data(path))
            #expect(refused.status == 422)
            #expect(try await site.findings(of: try refused.json(), code: "F219") == timed.count)

            let step = #"{"kind":"compose_datetime","to":"opens_at","from":"开标时间""#
            let guess = try await site.pusher.send(
                .PUT, "/v1/datasets/zoned/mapping", json: "{\(keep),\"steps\":[\(step)}]}", headers: [("If-None-Match", "*")])
            #expect(guess.status == 422 && guess.text.contains("/steps/0/offset"), "\(guess.text)")
            try await site.map("zoned", "{\(keep),\"steps\":[\(step),\"offset\":\"+08:00\"}]}")
            try await site.publish("zoned", try SourceFiles.data(path))
            let released = try await site.records("zoned").dropFirst()
            #expect(released.count == 971)
            #expect(released.allSatisfy { $0[1].isEmpty || $0[1].hasSuffix("+08:00") })
            // read by eye: line 2 of the file says 2023/9/19 9:00
            let first = records[1][1]
            #expect(records[1][opens] == "2023/9/19 9:00" && released.contains([first, "2023-09-19T09:00:00+08:00"]))
        }
    }

    @Test func repeatedKeysThatDifferAreRefusedWhereTheMappingDoesNotDecide() async throws {
        let path = "trading/cn_public_resource/lishui_开标记录_gbk.csv"
        try await Installation.with { site in
            try await site.describe(
                "trading",
                Descriptions.own(
                    "丽水开标记录", department: site.department,
                    fields: """
                        id|项目编号|code|required
                        name|项目名称|text
                        url|网址|text
                        control_price|控制价|decimal(18,4)
                        reduction|下浮率|text
                        base_price|基准价|decimal(18,4)
                        """,
                    key: ["id"]))
            try await site.map("trading", #"{"charset":"GBK","steps":[]}"#)
            let answer = try await site.push("trading", try SourceFiles.data(path))
            #expect(answer.status == 422)
            let problem = try answer.json()
            #expect(problem["code"]?.string == "DL3001")
            #expect(try await site.findings(of: problem, code: "F401") > 0)
            #expect(try await site.reader.get("/v1/datasets/trading/rows").status == 404)
        }
    }
}
