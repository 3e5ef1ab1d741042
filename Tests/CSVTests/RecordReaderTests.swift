import CSV
import Testing

struct RecordReaderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let input: String
        let records: [[String]]
        var dialect = Dialect()
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(name: "rule 1: lines end in CRLF", input: "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n", records: [["aaa", "bbb", "ccc"], ["zzz", "yyy", "xxx"]]),
        Case(
            name: "rule 2: the last line end may be missing",
            input: "aaa,bbb,ccc\r\nzzz,yyy,xxx",
            records: [["aaa", "bbb", "ccc"], ["zzz", "yyy", "xxx"]]
        ),
        Case(name: "rule 4: spaces belong to the field", input: " a , b\n", records: [[" a ", " b"]]),
        Case(
            name: "rule 5: quoted fields",
            input: "\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx",
            records: [["aaa", "bbb", "ccc"], ["zzz", "yyy", "xxx"]]
        ),
        Case(
            name: "rule 6: line ends and commas in quotes",
            input: "\"aaa\",\"b\r\nbb\",\"c,c\"\r\nzzz,yyy,xxx",
            records: [["aaa", "b\r\nbb", "c,c"], ["zzz", "yyy", "xxx"]]
        ),
        Case(name: "rule 7: doubled quotes", input: "\"aaa\",\"b\"\"bb\",\"\"\"\"\n", records: [["aaa", "b\"bb", "\""]]),
        Case(name: "empty input", input: "", records: []),
        Case(name: "only a byte order mark", input: "\u{FEFF}", records: []),
        Case(name: "a byte order mark before a quote", input: "\u{FEFF}\"a\",b\n", records: [["a", "b"]]),
        Case(name: "one empty quoted field", input: "\"\"\n", records: [[""]]),
        Case(name: "empty fields", input: ",,\n,\"\",\n", records: [["", "", ""], ["", "", ""]]),
        Case(name: "a delimiter at the very end", input: "a,", records: [["a", ""]]),
        Case(name: "a quoted field at the very end", input: "a,\"b\"", records: [["a", "b"]]),
        Case(name: "a carriage return at the very end", input: "a,b\r", records: [["a", "b"]]),
        Case(name: "lone carriage returns", input: "a,b\r\"c\rd\",e\rf,g", records: [["a", "b"], ["c\rd", "e"], ["f", "g"]]),
        Case(name: "LF and CRLF mixed", input: "a\nb\r\nc\nd\r\n", records: [["a"], ["b"], ["c"], ["d"]]),
        Case(name: "blank lines are skipped", input: "\n\r\na,b\n\n\nc,d\n\n", records: [["a", "b"], ["c", "d"]]),
        Case(name: "blank lines can be kept", input: "a\n\nb\n", records: [["a"], [""], ["b"]], dialect: Dialect(keepsBlankLines: true)),
        Case(name: "semicolons are detected", input: "a;b;\"c,d,e,f\"\n1,5;2;3\n", records: [["a", "b", "c,d,e,f"], ["1,5", "2", "3"]]),
        Case(name: "tabs are detected", input: "a\tb\tc\n1\t2\t3\n", records: [["a", "b", "c"], ["1", "2", "3"]]),
        Case(name: "a tie goes to the comma", input: "a;b,c\n", records: [["a;b", "c"]]),
        Case(name: "detection skips blank lines", input: "\n\na;b\n", records: [["a", "b"]]),
        Case(name: "a given delimiter is not questioned", input: "a;b;c,d\n", records: [["a;b;c", "d"]], dialect: Dialect(delimiter: .comma)),
        Case(name: "lenient quotes are text", input: "5\" pipe,a\"\"b\n", records: [["5\" pipe", "a\"\"b"]], dialect: Dialect(lenientQuotes: true)),
        Case(
            name: "long fields",
            input: String(repeating: "x", count: 100) + "," + String(repeating: "年", count: 50) + "\n",
            records: [[String(repeating: "x", count: 100), String(repeating: "年", count: 50)]]
        ),
    ]

    @Test(arguments: cases)
    func readsWhatRFC4180Says(_ example: Case) {
        let seen = read(example.input, dialect: example.dialect)
        #expect(seen.map(\.fields) == example.records)
        #expect(seen.allSatisfy { $0.fault == nil })
    }
}
