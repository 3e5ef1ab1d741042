import CSV
import Testing

struct RecordWriterTests {
    /// Writes records of strings, nil for null.
    func written(_ records: [[String?]], options: WriterOptions = .canonical) -> String {
        var writer = RecordWriter(columns: records[0].count, options: options)
        for record in records {
            for value in record {
                if let value { writer.field(value) } else { writer.null() }
            }
        }
        return String(decoding: writer.sink.bytes, as: UTF8.self)
    }

    @Test func canonicalFormIsThatOfCOPY() {
        // Each line as PostgreSQL 15 writes it with COPY (SELECT …) TO STDOUT (FORMAT csv).
        #expect(written([["a", "b"]]) == "a,b\n")
        #expect(written([["", nil]]) == "\"\",\n")
        #expect(written([["a\"b", "a,b"]]) == "\"a\"\"b\",\"a,b\"\n")
        #expect(written([["a\nb", "a\rb"]]) == "\"a\nb\",\"a\rb\"\n")
        #expect(written([[" a ", "a;b\tc"]]) == " a ,a;b\tc\n")
        #expect(written([["\\.", "x"]]) == "\\.,x\n")
        #expect(written([["\\."], ["\\.x"], ["x\\."], [nil], [""]]) == "\"\\.\"\n\\.x\nx\\.\n\n\"\"\n")
        #expect(written([["\""]]) == "\"\"\"\"\n")
        #expect(written([["环境,监测", "空气"]]) == "\"环境,监测\",空气\n")
    }

    @Test func whatNeedsQuotesIsFoundAtEveryPlaceOfEveryLength() {
        for length in 1...40 {
            let plain = String(repeating: "x", count: length)
            #expect(written([[plain, "y"]]) == "\(plain),y\n")
            for place in 0..<length {
                for special in ["\"", ",", "\n", "\r"] {
                    var text = Array(plain)
                    text[place] = Character(special)
                    let inner = String(text).replacing("\"", with: "\"\"")
                    #expect(written([[String(text), "y"]]) == "\"\(inner)\",y\n")
                }
            }
        }
    }

    @Test func excelGetsAMarkCRLFAndGuardsForTextColumnsOnly() {
        var options = WriterOptions.excel
        options.guardedColumns = [true, false]
        let text = written(
            [["=1+1", "-5"], ["+a", "=x"], ["-b", "1"], ["@c", "1"], ["\td", "1"], ["\re", "1"], ["=\"a\",b", "1"], ["f=", nil], [nil, ""]],
            options: options
        )
        #expect(
            text == "\u{FEFF}'=1+1,-5\r\n'+a,=x\r\n'-b,1\r\n'@c,1\r\n'\td,1\r\n\"'\re\",1\r\n\"'=\"\"a\"\",b\",1\r\nf=,\r\n,\"\"\r\n"
        )
    }

    @Test func headersAreNeverGuarded() {
        var writer = RecordWriter(columns: 2, options: WriterOptions(guardedColumns: [true, true]))
        writer.header(["=a", "b,c"])
        #expect(String(decoding: writer.sink.bytes, as: UTF8.self) == "=a,\"b,c\"\n")
    }

    @Test func whateverIsWrittenIsReadBackTheSame() {
        var generator = SeededGenerator(state: 7)
        let pieces = ["\"", ",", "\n", "\r", "\r\n", "a", "年度", "'", " ", "\\.", "0123456789"]
        for columns in [1, 2, 5] {
            var records: [[String?]] = []
            for _ in 0..<400 {
                records.append(
                    (0..<columns).map { _ in
                        if Int.random(in: 0..<6, using: &generator) == 0 { return nil }
                        let parts = Int.random(in: 0..<8, using: &generator)
                        return (0..<parts).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined()
                    }
                )
            }
            for crlf in [false, true] {
                let text = written(records, options: WriterOptions(crlf: crlf))
                let input = Array(text.utf8)
                let seen = read(
                    input,
                    cuts: [input.count / 3, input.count / 2],
                    dialect: Dialect(delimiter: .comma, keepsBlankLines: true),
                    count: .exactly(columns)
                )
                #expect(seen.allSatisfy { $0.fault == nil })
                let back = seen.map { record in
                    zip(record.fields, record.quoted).map { field, quoted in field.isEmpty && !quoted ? nil : field }
                }
                #expect(back == records)
            }
        }
    }

    @Test func theSinkGrowsAndKeepsItsBytes() {
        var sink = ByteSink(capacity: 1)
        for index in 0..<10_000 { sink.append(UInt8(truncatingIfNeeded: index)) }
        sink.append(utf8: "年")
        sink.append(maximum: 100) { room in
            room[0] = 7
            return 1
        }
        #expect(sink.count == 10_004)
        sink.removeFirst(9_999)
        #expect(sink.bytes == [UInt8(truncatingIfNeeded: 9_999), 0xE5, 0xB9, 0xB4, 7])
        sink.truncate(to: 1)
        #expect(sink.withUnsafeBytes { Array($0) } == [UInt8(truncatingIfNeeded: 9_999)])
        sink.removeAll()
        #expect(sink.bytes == [])
    }
}
