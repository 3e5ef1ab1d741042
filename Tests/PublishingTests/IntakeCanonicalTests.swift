import Model
import Testing

@testable import Publishing

/// The digest that is made while rows pass, held against SHA-256 of a CSV made the plain way.
struct IntakeCanonicalTests {
    private let schema = TableSchema.of(
        """
        n|整数|integer
        d|小数|decimal(9,2)
        t|文本|text
        on|日期|date
        at|时间|datetime
        yes|布尔|boolean
        place|位置|geo_point
        hidden|内部|text|private
        """, key: ["n", "t"])

    private func naive(_ rows: [[String?]], _ fields: [Field]) -> String {
        func quoted(_ value: String?) -> String {
            guard let value else { return "" }
            let needsQuotes = value.isEmpty || value.utf8.contains { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }
            return needsQuotes ? "\"" + value.replacing("\"", with: "\"\"") + "\"" : value
        }
        let isPublic = fields.map { $0.visibility == .public }
        return
            ([fields.filter { $0.visibility == .public }.map(\.name).joined(separator: ",")]
            + rows.map { row in zip(isPublic, row.dropFirst()).filter(\.0).map { quoted($0.1) }.joined(separator: ",") })
            .joined(separator: "\n") + "\n"
    }

    @Test func itIsTheDigestOfThePublicFieldsInOrder() throws {
        let text = #"""
            n,d,t,on,at,yes,place,hidden
            -10,1,,2020/1/2,2013-03-01 00:00+08:00,是,"116.30,39.9",x
            -9,-0.5,"a,b",,2013-03-01T00:00:00.50+08:00,0,,
            2,00012,"say ""hi""",20200103,2013-03-01T00:00:00Z,,"0,0",
            10,,"two
            lines",,,,,secret
            10,,"two lines, 中",,,,,
            10,3.10,中,,,,,
            """#
        let outcome = try read(text, schema)
        #expect(outcome.told == [] && outcome.rowCount == 6 && outcome.isInKeyOrder)
        let expected = naive(outcome.rows, schema.fields)
        #expect(expected.contains("\n-10,1.00,\"\",2020-01-02,2013-03-01T00:00:00+08:00,true,\"116.3,39.9\"\n"))
        #expect(outcome.digest == expected.utf8.sha256)
        #expect(outcome.canonicalBytes == expected.utf8.count)
    }

    @Test func manyRowsAreHashedInPieces() throws {
        let text = "n,t,d\n" + (0..<40_000).map { "\($0),名\($0 % 7),\($0 % 13).5\n" }.joined()
        let outcome = try read(text, schema, cuts: [65_536])
        let expected = naive(outcome.rows, schema.fields)
        #expect(expected.utf8.count > 600_000)
        #expect(outcome.digest == expected.utf8.sha256)
    }

    @Test(arguments: [("1", "1"), ("2", "1"), ("10", "9"), ("-1", "-2"), ("-9", "-10"), ("1", "-1"), ("0", "-0")])
    func withoutTheOrderOfTheKeyThereIsNone(_ first: String, _ second: String) throws {
        let schema = TableSchema.of("n|整数|integer\nt|文本|text")
        let outcome = try read("n,t\n\(first),a\n\(second),b\n", schema)
        #expect(outcome.rowCount == 2 && !outcome.isInKeyOrder && outcome.digest == nil)
        guard first != second, second != "-0" else { return }
        let swapped = try read("n,t\n\(second),b\n\(first),a\n", schema)
        #expect(swapped.isInKeyOrder && swapped.digest == naive(swapped.rows, schema.fields).utf8.sha256)
    }

    @Test(arguments: [
        ("text", ["", "A", "B", "a", "ab", "abcdefgh", "abcdefghi", "abcdefgi", "é", "中", "国"]),
        ("decimal(30,3)", ["-1000000000000000000000.001", "-2", "-1.5", "-1.499", "0", "0.001", "9", "10", "100.5"]),
        ("date", ["0001-01-01", "1999-12-31", "2000-01-01", "2000-02-01"]),
        ("datetime", ["2013-03-01 00:00+08:00", "2013-03-01T00:00:00.1+08:00", "2013-03-01T00:00:00.12+08:00", "2013-03-01T00:00:01Z", "2013-03-01T00:00:02Z"]),
        ("boolean", ["false", "true"]), ("period", ["2019", "2019-12", "2019-Q1", "2020"]),
    ])
    func keysOfEachTypeHaveTheOrderOfPostgreSQL(_ type: String, _ values: [String]) throws {
        let schema = TableSchema.of("k|键|\(type)\nv|值|text")
        #expect(try read("k,v\n" + values.map { "\($0),x\n" }.joined(), schema).isInKeyOrder)
        for index in 1..<values.count {
            let outcome = try read("k,v\n\(values[index]),x\n\(values[index - 1]),x\n", schema)
            #expect(outcome.rowCount == 2 && !outcome.isInKeyOrder, "\(values[index]) before \(values[index - 1])")
        }
    }

    @Test func maskedAndJSONFieldsHaveTheirDigestFromPostgreSQL() throws {
        for field in ["v|值|json", "v|值|code|mask"] {
            let outcome = try read("k,v\n1,\"1\"\n2,2\n", TableSchema.of("k|键|integer\n" + field))
            #expect(outcome.rowCount == 2 && outcome.isInKeyOrder && outcome.digest == nil)
        }
    }

    @Test func recordsLeftOutLeaveTheOrderAlone() throws {
        let schema = TableSchema.of("n|整数|integer\nd|日期|date")
        let outcome = try read("n,d\n1,\n9,x\n2,\n", schema, keepsRecords: true)
        #expect(outcome.isInKeyOrder && outcome.rowCount == 2)
        #expect(outcome.digest == "n,d\n1,\n2,\n".utf8.sha256)
    }
}
