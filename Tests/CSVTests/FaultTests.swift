import CSV
import Testing

struct FaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let input: String
        /// The record that is wrong, from 1.
        let record: Int
        let kind: CSVError.Kind
        let line: Int
        var field: Int?
        /// Records in all.
        let total: Int
        var limits = Limits()
        var count = FieldCount.any
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "an open quote names the line where it opened",
            input: "a,b\n\"x\ny\",\"z\nw,1\n2",
            record: 2,
            kind: .unterminatedQuote,
            line: 3,
            field: 2,
            total: 2
        ),
        Case(name: "text after a closing quote", input: "a,b\n1,\"2\"3\n4,5\n", record: 2, kind: .textAfterQuote, line: 2, field: 2, total: 3),
        Case(
            name: "text after a quote that spanned lines",
            input: "a\n\"1\n2\" \n3\n",
            record: 2,
            kind: .textAfterQuote,
            line: 3,
            field: 1,
            total: 3
        ),
        Case(name: "a bare quote", input: "a,b\n5\" pipe,2\n3,4\n", record: 2, kind: .bareQuote, line: 2, field: 1, total: 3),
        Case(
            name: "a carriage return alone among line feeds",
            input: "a,b\nx\ry,2\n3,4\n",
            record: 2,
            kind: .bareCarriageReturn,
            line: 2,
            field: 1,
            total: 3
        ),
        Case(
            name: "a carriage return alone after a closing quote",
            input: "a\n\"x\"\ry\n3\n",
            record: 2,
            kind: .textAfterQuote,
            line: 2,
            field: 1,
            total: 3
        ),
        Case(name: "a byte 0", input: "a,b\n1,\"x\n\0\"\n3,4\n", record: 2, kind: .nulByte, line: 3, field: 2, total: 3),
        Case(name: "too few fields", input: "a,b\n1\n3,4\n", record: 2, kind: .fieldCount, line: 2, total: 3, count: .asFirstRecord),
        Case(
            name: "too many fields for the header",
            input: "a,b\n1,2,3\n3,4\n",
            record: 2,
            kind: .fieldCount,
            line: 2,
            total: 3,
            count: .asFirstRecord
        ),
        Case(name: "another number than announced", input: "a,b\n1,2,3\n", record: 1, kind: .fieldCount, line: 1, total: 2, count: .exactly(3)),
        Case(
            name: "more fields than the limit",
            input: "a,b\n1,2,3,4\n3,4\n",
            record: 2,
            kind: .tooManyFields,
            line: 2,
            total: 3,
            limits: Limits(maxFields: 3)
        ),
        Case(
            name: "a record beyond the limit",
            input: "a,b\n12345,789012\n3,4\n",
            record: 2,
            kind: .recordTooLong,
            line: 2,
            total: 3,
            limits: Limits(maxRecordBytes: 10)
        ),
        Case(
            name: "a quoted record beyond the limit",
            input: "a,b\n\"12\"\"45\n,789012\",\"\r\n\"\n3,4\n",
            record: 2,
            kind: .recordTooLong,
            line: 2,
            total: 3,
            limits: Limits(maxRecordBytes: 10)
        ),
        Case(
            name: "an open quote beyond the limit",
            input: "a,b\n1,\"2345,789012\n3,4\n",
            record: 2,
            kind: .unterminatedQuote,
            line: 2,
            field: 2,
            total: 2,
            limits: Limits(maxRecordBytes: 10)
        ),
    ]

    @Test(arguments: cases)
    func faultsNameTheirPlaceAndReadingGoesOn(_ example: Case) throws {
        let seen = read(example.input, dialect: Dialect(delimiter: .comma), limits: example.limits, count: example.count)
        #expect(seen.count == example.total)
        for (index, record) in seen.enumerated() {
            if index + 1 == example.record {
                let fault = try #require(record.fault)
                #expect(fault.kind == example.kind)
                #expect(fault.line == example.line)
                #expect(fault.field == example.field)
            } else {
                #expect(record.fault == nil)
            }
        }
    }

    @Test func theRecordAfterAFaultIsReadAsItStands() {
        let seen = read("a,b\n1,\"2\"3\n\"4\",5\n")
        #expect(seen.last?.fields == ["4", "5"])
        #expect(seen.last?.line == 3)
    }

    @Test func aCountFaultSaysWhatWasExpectedAndWhatWasFound() throws {
        let fault = try #require(read("a,b,c\n1,2\n", count: .asFirstRecord).last?.fault)
        #expect(fault.expected == 3)
        #expect(fault.actual == 2)
    }

    @Test func exactlyTheLimitIsNotTooLong() {
        for lineEnd in ["\n", "\r\n", "\r", ""] {
            let input = Array(("a,b" + (lineEnd.isEmpty ? "\n" : lineEnd) + "1234567,90" + lineEnd).utf8)
            for cut in 0...input.count {
                let seen = read(input, cuts: [cut], limits: Limits(maxRecordBytes: 10))
                #expect(seen.map(\.fields) == [["a", "b"], ["1234567", "90"]])
                #expect(seen.allSatisfy { $0.fault == nil })
            }
        }
    }

    @Test func aRecordTooLongIsCutOffAtTheLimitButItsLengthIsTold() throws {
        let long = String(repeating: "0123456789", count: 500)
        let input = Array("a\n\(long)\nz\n".utf8)
        for step in [1, 7, 100, 6000] {
            let seen = read(input, cuts: Array(stride(from: step, to: input.count, by: step)), limits: Limits(maxRecordBytes: 64))
            #expect(seen.count == 3)
            let record = seen[1]
            #expect(record.fault == CSVError(.recordTooLong, line: 2, offset: 2, expected: 64, actual: 5000))
            #expect(record.raw == Array(long.utf8.prefix(64)))
            #expect(record.byteCount == 5000)
            #expect(seen[2].fields == ["z"])
            #expect(seen[2].line == 3)
        }
    }

    @Test func linesInsideQuotesCountByTheFileOwnLineEnd() {
        #expect(read("\"a\nb\"\nc\n").last?.line == 3)
        #expect(read("\"a\r\nb\"\r\nc\r\n").last?.line == 3)
        #expect(read("\"a\rb\"\rc\r").last?.line == 3)
        #expect(read("\"a\rb\"\nc\n").last?.line == 2)
        #expect(read("\n\n\"a\n\nb\"\n\nc").last?.line == 7)
    }

    @Test func aStoppedReaderStaysStopped() {
        var reader = RecordReader()
        var records = 0
        let flow = Array("a\nb\nc\n".utf8).withUnsafeBytes { chunk in
            reader.feed(chunk) { _ in
                records += 1
                return records == 2 ? .stop : .next
            }
        }
        #expect(flow == .stop)
        let after = Array("d\n".utf8).withUnsafeBytes { chunk in
            reader.feed(chunk) { _ in
                records += 1
                return .next
            }
        }
        #expect(after == .stop)
        #expect(reader.finish { _ in .next } == .stop)
        #expect(records == 2)
    }
}
