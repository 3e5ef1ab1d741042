import CSV
import Foundation
import Model
import Store
import Testing

@testable import Publishing

/// Values, rows and records that are wrong, and what is said about them.
struct IntakeRecordTests {
    let schema = TableSchema.of("id|编号|integer\nname|名称|text|required\nday|日期|date\nsecret|内部|integer|private\nphone|电话|integer|mask")

    @Test func everyErrorOfEveryRecordIsReported() throws {
        let outcome = try read("id,name,day,secret,phone\nx,,2020-13-01,,\n1,甲,2020-01-02,,\n2,,,\n3,\"a\"b,,,\n4,乙,,,\n", schema, keepsRecords: true)
        #expect(outcome.told == ["F201 2 id x", "F200 2 name", "F205 2 day 2020-13-01", "F104 4", "F102 5"])
        #expect(outcome.rows.map { $0.dropLast() } == [["3", "1", "甲", "2020-01-02", nil, nil], ["6", "4", "乙", nil, nil, nil]])
        #expect(outcome.rows.map(\.last) == ["1,甲,2020-01-02,,", "4,乙,,,"])
        #expect(outcome.rejected.map(\.line) == [0, 2, 4, 5])
        #expect(outcome.rejected.map(\.text) == ["id,name,day,secret,phone", "x,,2020-13-01,,", "2,,,", "3,\"a\"b,,,"])
        #expect((outcome.recordCount, outcome.rowCount, outcome.rejectedCount) == (5, 2, 3))
        #expect(outcome.findings[3].message.en == "this record has 4 columns, the header has 5")
        #expect(!outcome.isFatal)
    }

    @Test func valuesThatAreNotPublicAreNeverShown() throws {
        let outcome = try read("id,name,day,secret,phone\n1,甲,,geheim,13800x\n2,11010519491231002X,,,\n3,甲,11010519491231002X,,\n", schema)
        #expect(outcome.told == ["F201 2 secret", "F201 2 phone", "F217 3 name", "F205 4 day"])
        #expect(!outcome.findings.contains { "\($0)".contains("geheim") || "\($0)".contains("13800") || "\($0)".contains("11010519491231002X") })
    }

    @Test func shownValuesAreCutAndAllFindingsCounted() throws {
        let long = String(repeating: "长", count: 500)
        let text = "id,name,day,secret,phone\n" + String(repeating: "1,甲,\(long),,\n", count: 30)
        let outcome = try read(Array(text.utf8), schema, findingLimit: 7)
        #expect(outcome.findings.count == 7)
        #expect(outcome.findings[0].value == String(repeating: "长", count: 200))
        #expect(outcome.counts == [FindingCount(code: .notDate, severity: .error, count: 30)])
        #expect(outcome.rejectedCount == 30)
    }

    @Test func rulesAboutRowsAreAppliedToCanonicalValues() throws {
        var order = Check(kind: .dateOrder)
        (order.earlier, order.later) = ("from", "until")
        var warning = Check(kind: .range, field: "n", severity: .warning)
        warning.maximum = "10"
        let schema = TableSchema.of("from|起|date\nuntil|止|date\nn|数|integer", checks: [order, warning])
        let outcome = try read("from,until,n\n2020/1/2,2020年1月1日,1\n2020-01-01,20200102,11\nx,2019-01-01,11\n", schema)
        #expect(outcome.told == ["F300 2 from 2020-01-02", "F212 3 n 11", "F205 4 from x"])
        #expect(outcome.rows == [["3", "2020-01-01", "2020-01-02", "11"]])
        #expect(outcome.counts.map(\.severity) == [.error, .warning, .error])
    }

    @Test func whatCopyWouldMistakeIsEscaped() throws {
        let schema = TableSchema.of("id|编号|code\nnote|备注|text")
        let note = "a\tb\\N\\.\r\n\"c\""
        let outcome = try read("id,note\n\\N,\"\(note.replacing("\"", with: "\"\""))\"\n\\.,x\n", schema, keepsRecords: true)
        #expect(outcome.rows.map { $0.prefix(3) } == [["2", "\\N", note], ["4", "\\.", "x"]])
        #expect(outcome.copy.filter { $0 == 0x0A }.count == 2)
        #expect(outcome.rows[0][3] == "\\N,\"\(note.replacing("\"", with: "\"\""))\"")
    }

    @Test func keysTooLongForAnIndexAreRefused() throws {
        let schema = TableSchema.of("a|甲|text\nb|乙|text\nc|丙|text", key: ["a", "b"])
        let (fits, tooLong) = (String(repeating: "x", count: 1300), String(repeating: "长", count: 600))
        let outcome = try read("a,b,c\n\(fits),\(fits),\(tooLong)\(tooLong)\n\(fits),\(tooLong),\n", schema)
        #expect(outcome.rowCount == 1)
        #expect(outcome.findings.map(\.code) == [.tooLong])
        #expect(outcome.findings[0].field == "b" && outcome.findings[0].message.en == "longer than 325 characters")
    }

    @Test func aWrongCharsetStopsWithItsPlace() throws {
        let bytes = Array("id,name,day,secret,phone\n1,甲,,,\n2,".utf8) + [0xC7, 0xE4] + Array(",,,\n3,丙,,,\n".utf8)
        let outcome = try read(bytes, schema)
        #expect(outcome.told == ["F100 3"])
        #expect(outcome.findings[0].message.en?.hasPrefix("byte 36: C7 E4 is not valid UTF-8") == true)
        #expect(outcome.isFatal && outcome.rowCount == 1)
        #expect(throws: Problem.self) { try read(bytes, schema, charset: "KLINGON") }
    }

    @Test func charsetsDelimitersAndLineEndsOfAllSortsAreRead() throws {
        // 编号;名称 and 1;甲 in GBK
        let gbk: [UInt8] = [0xB1, 0xE0, 0xBA, 0xC5, 0x3B, 0xC3, 0xFB, 0xB3, 0xC6, 0x0D, 0x31, 0x3B, 0xBC, 0xD7, 0x0D]
        let expected: [[String?]] = [["2", "1", "甲", nil, nil, nil]]
        #expect(try read(gbk, schema, charset: "gbk").rows == expected)
        #expect(try read(gbk, schema, Mapping(charset: "GB2312", delimiter: ";", steps: [])).rows == expected)
        // the request's charset wins
        #expect(try read(Array("id\tname\r\n1\t甲\r\n".utf8), schema, Mapping(charset: "GBK", steps: []), charset: "UTF-8").rows == expected)
    }

    @Test func compressedFilesAreReadAndBrokenOnesRefused() throws {
        let text = "id,name\n" + (0..<5000).map { "\($0),甲\($0)\n" }.joined()
        var deflater = Deflater()
        var sink = ByteSink()
        Array(text.utf8).withUnsafeBytes { deflater.deflate($0, into: &sink) }
        deflater.finish(into: &sink)
        let bytes = sink.bytes
        let outcome = try read(bytes, schema, isCompressed: true, cuts: [1, 7, 4096])
        #expect(outcome.rowCount == 5000 && outcome.findings.isEmpty && outcome.isInKeyOrder)
        #expect(try read(Array(bytes.dropLast(9)), schema, isCompressed: true).told == ["F112"])
        #expect(try read(Array(text.utf8), schema, isCompressed: true).told == ["F112"])
        var broken = bytes
        broken[bytes.count / 2] ^= 0xFF
        let refused = try read(broken, schema, isCompressed: true)
        #expect(refused.isFatal && refused.digest == nil)
    }
}
