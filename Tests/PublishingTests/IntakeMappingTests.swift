import Model
import Store
import Testing

@testable import Publishing

/// Each step of a mapping: what comes in, what goes out.
struct IntakeMappingTests {
    /// The values of field `v`, a line of the file each; `!F202` where it is refused so.
    private func values(_ type: String, _ step: String, _ lines: [String]) throws -> [String?] {
        let schema = TableSchema.of("n|序号|code\nv|值|\(type)")
        let text = "n,v\n" + lines.enumerated().map { "\($0),\"\($1)\"\n" }.joined()
        let outcome = try read(text, schema, Mapping.step(step))
        var values: [String?] = lines.map { _ in nil }
        for row in outcome.rows { values[Int(row[1] ?? "") ?? 0] = row[2] }
        for finding in outcome.findings { values[(finding.line ?? 2) - 2] = "!\(finding.code.rawValue)" }
        return values
    }

    @Test func renameMovesAColumn() throws {
        let schema = TableSchema.of("id|编号|integer\nname|名称|text")
        let outcome = try read("NO, 单位\n名 ,id\n1,甲,9\n", schema, #"{"unlisted":"ignore","steps":[{"kind":"rename","from":"NO","to":"id"}]}"#)
        #expect(outcome.rows == [])
        let named = try read(
            "NO,\" 单位\n名 \",x\n1,甲,9\n", schema,
            #"{"steps":[{"kind":"rename","from":"NO","to":"id"},{"kind":"rename","from":"单位\n名","to":"name"},{"kind":"ignore","fields":["x"]}]}"#)
        #expect(named.rows == [["3", "1", "甲"]])
    }

    @Test func constantIsTheSameInEveryRow() throws {
        let schema = TableSchema.of("id|编号|integer\nlevel|级次|code|required")
        let outcome = try read("id\n1\n2\n", schema, Mapping.step(#"{"kind":"constant","to":"level","value":"county"}"#))
        #expect(outcome.rows == [["2", "1", "county"], ["3", "2", "county"]])
    }

    @Test func datetimeIsComposedOfParts() throws {
        let schema = TableSchema.of("hour|时间|datetime|required")
        let step = #"{"kind":"compose_datetime","to":"hour","parts":{"year":"year","month":"month","day":"day","hour":"hour"},"offset":"+08:00"}"#
        let outcome = try read("year,month,day,hour\n2013,3,1,0\n2013,12,31,24\n2016,2,29,23\n", schema, Mapping.step(step))
        #expect(outcome.told == [])
        #expect(outcome.column(0) == ["2013-03-01T00:00:00+08:00", "2014-01-01T00:00:00+08:00", "2016-02-29T23:00:00+08:00"])
        let wrong = try read("year,month,day,hour\n2013,2,29,0\n2013,1,1,25\n,,,\n2013,,1,0\n", schema, Mapping.step(step))
        #expect(wrong.told == ["F206 2 hour 2013 2 29 0", "F206 3 hour 2013 1 1 25", "F200 4 hour    ", "F206 5 hour 2013  1 0"])
    }

    @Test func datetimeIsComposedByFormat() throws {
        #expect(
            try values(
                "datetime", #"{"kind":"compose_datetime","to":"v","from":"v","format":"MM-dd HH:mm","defaults":{"year":2021},"offset":"+08:00"}"#,
                ["04-01 04:00", "12-31 24:00", "4-1 04:00", "", "02-30 00:00"])
                == ["2021-04-01T04:00:00+08:00", "2022-01-01T00:00:00+08:00", "!F206", nil, "!F206"])
        #expect(
            try values(
                "datetime", #"{"kind":"compose_datetime","to":"v","from":"v","format":"yyyy/M/d H:mm","offset":"Z"}"#, ["2023/9/9 9:00", "2023/9/19 20:05"])
                == ["2023-09-09T17:00:00+08:00", "2023-09-20T04:05:00+08:00"])
        #expect(
            try values("date", #"{"kind":"compose_datetime","to":"v","from":"v","format":"d.M.yyyy"}"#, ["1.4.2008", "31.12.2010"]) == [
                "2008-04-01", "2010-12-31",
            ])
        #expect(
            try values("period", #"{"kind":"compose_datetime","to":"v","from":"v","format":"yyyy年M月","defaults":{"day":1}}"#, ["2020年3月", "2020年13月"])
                == ["2020-03", "!F207"])
    }

    @Test func aTimeWithoutOffsetIsRefusedUnlessTheMappingNamesOne() throws {
        let lines = ["2023/9/9 9:00", "2013-03-01T00:00:00", "2013-03-01T00:00:00Z", "", "2013-03-01", "soon"]
        #expect(try values("datetime", #"{"kind":"strip"}"#, lines) == ["!F219", "!F219", "2013-03-01T08:00:00+08:00", nil, "!F206", "!F206"])
        #expect(
            try values("datetime", #"{"kind":"compose_datetime","to":"v","from":"v","offset":"+09:00"}"#, lines)
                == ["2023-09-09T08:00:00+08:00", "2013-02-28T23:00:00+08:00", "2013-03-01T08:00:00+08:00", nil, "!F206", "!F206"])
        // a mapping of old that names none composes a time that is refused, too
        #expect(try values("datetime", #"{"kind":"compose_datetime","to":"v","from":"v","format":"yyyy/M/d H:mm"}"#, ["2023/9/9 9:00"]) == ["!F219"])
        let constant = Mapping.step(#"{"kind":"constant","to":"at","value":"2023-09-09 09:00"}"#)
        #expect(try read("id\n1\n", TableSchema.of("id|编号|code\nat|时间|datetime"), constant).told == ["F219 2 at 2023-09-09 09:00"])
        #expect(try values("date", #"{"kind":"strip"}"#, ["2023/9/9"]) == ["2023-09-09"])
        #expect(try values("period", #"{"kind":"strip"}"#, ["2023/9"]) == ["2023-09"])
    }

    @Test func theFindingSaysHowToNameTheOffset() throws {
        let outcome = try read("id,at\n1,2023-09-09 09:00\n", TableSchema.of("id|编号|code\nat|时间|datetime"))
        #expect(outcome.told == ["F219 2 at 2023-09-09 09:00"])
        let message = try #require(outcome.findings.first?.message)
        for text in [message.zh, message.en ?? ""] { #expect(text.contains("compose_datetime") && text.contains("offset") && text.contains("+08:00")) }
    }

    @Test func offsetsAreForTheirColumnAndStepsStillWorkOnIt() throws {
        let schema = TableSchema.of("id|编号|code\nat|时间|datetime\nby|截止|datetime")
        let mapping = #"{"steps":[{"kind":"compose_datetime","to":"at","from":"时刻","offset":"Z"},{"kind":"missing","tokens":["--"],"fields":["at"]}]}"#
        let outcome = try read("id,时刻,by\n1,2023-09-09 09:00,\n2,--,\n3,,2023-09-09 09:00\n", schema, mapping)
        #expect(outcome.rows == [["2", "1", "2023-09-09T17:00:00+08:00", nil], ["3", "2", nil, nil]])
        #expect(outcome.told == ["F219 4 by 2023-09-09 09:00"])
        // a file without the column leaves the field to the column of its name
        #expect(try read("id,at,by\n1,2023-09-09 09:00Z,\n", schema, mapping).rows == [["2", "1", "2023-09-09T17:00:00+08:00", nil]])
        #expect(try read("id,at,by,时刻\n1,,,2023-09-09 09:00\n", schema, mapping).told == ["F109 1 at"])
    }

    @Test func unpivotMakesRowsOfColumns() throws {
        let schema = TableSchema.of("station|站点|code\nitem|项目|code\nvalue|值|decimal(8,3)|required", key: ["station", "item"])
        let mapping = #"""
            {"steps":[{"kind":"unpivot","columns":["SO2","PM2.5","CO"],"name_to":"item","value_to":"value"},
            {"kind":"translate","fields":["item"],"values":{"PM2.5":"pm25"}},{"kind":"number","fields":["CO"],"power":-3},{"kind":"missing","tokens":["NA"]}]}
            """#
        let outcome = try read("station,SO2,PM2.5,CO\nA,1,NA,300\nB,NA,,NA\nC,4,5,x\n", schema, mapping, keepsRecords: true)
        #expect(outcome.rows.map { $0.dropLast() } == [["2", "A", "SO2", "1.000"], ["2", "A", "CO", "0.300"]])
        // a record of nothing but missing values gives no row, and nothing is wrong with it
        #expect(outcome.told == ["F202 4 value x"])
        #expect(outcome.rejected.map(\.line) == [0, 4])
        #expect((outcome.recordCount, outcome.rowCount, outcome.rejectedCount) == (3, 2, 1))
        #expect(outcome.rows.map { $0[4] } == ["A,1,NA,300", "A,1,NA,300"])
    }

    @Test func whatUnpivotedRowsShareIsFoundWrongOnce() throws {
        let schema = TableSchema.of("day|日期|date\nitem|项目|code\nvalue|值|integer", key: ["day", "item"])
        let outcome = try read(
            "day,a,b,c\n2020-13-01,1,2,3\n", schema, Mapping.step(#"{"kind":"unpivot","columns":["a","b","c"],"name_to":"item","value_to":"value"}"#))
        #expect(outcome.told == ["F205 2 day 2020-13-01"])
        #expect(outcome.rowCount == 0)
    }

    @Test func tokensMeanMissing() throws {
        #expect(try values("integer", #"{"kind":"missing","tokens":["NA","*","--"]}"#, ["NA", " * ", "--", "7", "NAN"]) == [nil, nil, nil, "7", "!F201"])
        #expect(try values("text", #"{"kind":"missing","tokens":["NA"],"fields":["n"]}"#, ["NA"]) == ["NA"])
    }

    @Test func stripTakesOffSpaceAndAffixes() throws {
        #expect(
            try values("text", #"{"kind":"strip","fields":["v"],"prefix":"第","suffix":"号"}"#, ["\u{3000}第 12 号 ", "13号", "十四", "第号", " \u{A0} "])
                == ["12", "13", "十四", nil, nil])
        #expect(try values("text", #"{"kind":"strip"}"#, [" a b "]) == ["a b"])
        #expect(try values("text", #"{"kind":"missing","tokens":["x"]}"#, [" a b "]) == [" a b "])
    }

    @Test func numbersAreReadByTheirMarks() throws {
        let step = #"{"kind":"number","fields":["v"],"thousands":".","decimal":",","unit":"€"}"#
        #expect(
            try values("decimal(12,2)", step, ["1.912,96", "172.306 €", "€ 5", "-1.000.000,5", "85,00", "7", "", ",5", "+3"])
                == ["1912.96", "172306.00", "5.00", "-1000000.50", "85.00", "7.00", nil, "0.50", "3.00"])
        // a point that is no thousands mark must not be swallowed
        #expect(
            try values("decimal(12,2)", step, ["1.5", "1.50", "12.3456", "1..000", "1,5,5", "1.000.00,5", "€", "x", "--5", "1234.567"])
                == Array(repeating: "!F202", count: 10))
        #expect(
            try values("integer", #"{"kind":"number","thousands":","}"#, ["1,234", "12,345,678", "2016.0", "2016.5"]) == ["1234", "12345678", "2016", "!F201"])
    }

    @Test func numbersAreShiftedAndRoundedExactly() throws {
        #expect(
            try values("decimal(30,10)", #"{"kind":"number","fields":["v"],"power":-3}"#, ["300", "0.1", "-12345678901234567", "1e3", "2.5E-2"])
                == ["0.3000000000", "0.0001000000", "-12345678901234.5670000000", "1.0000000000", "0.0000250000"])
        #expect(try values("decimal(30,2)", #"{"kind":"number","fields":["v"],"power":4}"#, ["819.7677", "0", "1.5"]) == ["8197677.00", "0.00", "15000.00"])
        #expect(
            try values(
                "decimal(30,2)", #"{"kind":"number","fields":["v"],"round":2}"#,
                ["0.125", "0.135", "0.1250001", "9.995", "9.985", "-0.005", "-0.015", "99.999", "1.1"])
                == ["0.12", "0.14", "0.13", "10.00", "9.98", "0.00", "-0.02", "100.00", "1.10"])
        #expect(try values("integer", #"{"kind":"number","round":0}"#, ["0.5", "1.5", "2.5", "999.5", "-0.5"]) == ["0", "2", "2", "1000", "0"])
        #expect(try values("decimal(5,2)", #"{"kind":"number","fields":["v"],"power":-1}"#, ["12.34", "1e99999", "12345"]) == ["!F203", "!F203", "!F203"])
    }

    @Test func codesLoseTheirDecimalPointsAndGetTheirZeros() throws {
        #expect(
            try values("code", #"{"kind":"clean_code","fields":["v"],"pad_to":6}"#, ["130631.0", "1101.00", "010203", "1306310", "13.5", "A1", ".0", ""])
                == ["130631", "001101", "010203", "1306310", "13.5", "A1", ".0", nil])
    }

    @Test func translateExchangesValues() throws {
        #expect(
            try values("code", #"{"kind":"translate","fields":["v"],"values":{"1":"revenue","2":"expenditure","无":""}}"#, ["1", " 2 ", "3", "无"])
                == ["revenue", "expenditure", "3", nil])
    }

    @Test func stepsWorkInTheirOrder() throws {
        let steps =
            #"{"kind":"strip","fields":["v"],"suffix":"万元"},{"kind":"missing","tokens":["无"]},{"kind":"number","fields":["值"],"thousands":",","power":4}"#
        #expect(try values("decimal(20,2)", steps, ["1,234.5万元", "无 万元", "无"]) == ["12345000.00", nil, nil])
    }

    @Test func aStepOnAColumnNamedLikeAnotherFieldLeavesThatFieldAlone() throws {
        let schema = TableSchema.of("code|编码|code\nregion|地区|code")
        let outcome = try read(
            "id,code\n1.0,2.0\n", schema,
            #"{"steps":[{"kind":"rename","from":"id","to":"code"},{"kind":"rename","from":"code","to":"region"},{"kind":"clean_code","fields":["code"]}]}"#)
        #expect(outcome.rows == [["2", "1", "2.0"]])
    }
}
