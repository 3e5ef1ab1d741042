import Model
import Testing

@testable import Publishing

struct IntakeChunkTests {
    private let schema = TableSchema.of(
        "station|站点|code\nhour|时间|datetime\nco|一氧化碳|decimal(8,3)\nnote|备注|text\nid|证件|code|private", key: ["station", "hour"])
    private let mapping = #"""
        {"steps":[{"kind":"compose_datetime","to":"hour","parts":{"year":"年","month":"月","day":"日","hour":"时"},"offset":"+08:00"},{"kind":"missing","tokens":["NA"]},
        {"kind":"number","fields":["co"],"power":-3,"thousands":","}]}
        """#
    private let text = """
        \u{FEFF}站点,年,月,日,"时",co,备注,id
        A,2013,3,1,0,"1,300","说""明""\r\n第二行",x

        A,2013,3,1,24,NA,\\N,
        B,2013,3,1,1,5,a\tb,
        B,2013,3,1,1,oops,ragged
        C,2013,13,1,1,5,,
        C,2013,12,1,1,7,末行,1
        """

    @Test func whereAFileIsCutChangesNothing() throws {
        let bytes = Array(text.utf8)
        let plan = try Mapping.of(mapping)
        let whole = try read(bytes, schema, plan, keepsRecords: true)
        #expect(whole.rowCount == 4 && whole.rejectedCount == 2 && whole.told.map { $0.prefix(4) } == ["F104", "F206"])
        for first in 0...bytes.count {
            #expect(try read(bytes, schema, plan, keepsRecords: true, cuts: [first, bytes.count]) == whole)
        }
        for length in 1...40 {
            #expect(try read(bytes, schema, plan, keepsRecords: true, cuts: [length]) == whole)
        }
        #expect(try read(bytes, schema, plan, keepsRecords: true, cuts: [3, 1, 17, 2, 5]) == whole)
    }

    @Test func whereAWrongCharacterIsCutChangesNothing() throws {
        let bytes = Array("station,hour,co,note,id\nA,2013-03-01 00:00,1,".utf8) + [0xE4, 0xB8, 0x22] + Array(",\n".utf8)
        let whole = try read(bytes, schema)
        #expect(whole.told == ["F100 2"])
        for length in 1...bytes.count {
            let cut = try read(bytes, schema, cuts: [length])
            #expect(cut.findings == whole.findings && cut.isFatal)
        }
    }
}
