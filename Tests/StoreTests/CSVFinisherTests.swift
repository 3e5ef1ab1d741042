import NIOCore
import Testing

@testable import Store

@Suite struct CSVFinisherTests {
    private func finish(_ text: String, _ datetimes: [Bool], carriageReturns: Bool = false) -> String {
        finish(text, datetimes.map { $0 ? .datetime : .asPrinted }, carriageReturns: carriageReturns)
    }

    private func finish(_ text: String, _ columns: [CSVFinisher.Column], carriageReturns: Bool = false) -> String {
        String(buffer: CSVFinisher(columns, carriageReturns: carriageReturns).finish(ByteBuffer(string: text)))
    }

    @Test func datetimesBecomeRFC3339() {
        #expect(finish("2013-03-01 00:00:00+08,x\n", [true, false]) == "2013-03-01T00:00:00+08:00,x\n")
        #expect(finish("a,2013-03-01 00:00:00.25+08\n", [false, true]) == "a,2013-03-01T00:00:00.25+08:00\n")
        #expect(finish(",2013-03-01 00:00:00+08,\n,,\n", [false, true, true]) == ",2013-03-01T00:00:00+08:00,\n,,\n")
    }

    @Test func whatIsMissingAtTheEndOfARecordTakesNothingOfTheNext() {
        // The 22nd byte behind the first record's end is a comma.
        let text = "a,\nbbbbbbbbbbbbbbbbbbbbb,2013-03-01 00:00:00+08\n"
        #expect(finish(text, [false, true]) == "a,\nbbbbbbbbbbbbbbbbbbbbb,2013-03-01T00:00:00+08:00\n")
    }

    @Test func quotedValuesBeforeADatetimeMayHoldAnything() {
        let text = "\"a,b\"\"c\nd\",2013-03-01 00:00:00+08\n\"\",2013-03-02 00:00:00+08\nlonger than eight bytes,2013-03-03 00:00:00+08\n"
        let expected =
            "\"a,b\"\"c\nd\",2013-03-01T00:00:00+08:00\n\"\",2013-03-02T00:00:00+08:00\nlonger than eight bytes,2013-03-03T00:00:00+08:00\n"
        #expect(finish(text, [false, true]) == expected)
    }

    @Test func quotedValuesBehindTheLastDatetimeAreLeftAlone() {
        let text = "2013-03-01 00:00:00+08,\"2013-03-01 00:00:00+08\n2013-03-01 00:00:00+08\"\n2013-03-02 00:00:00+08,y\n"
        let expected = "2013-03-01T00:00:00+08:00,\"2013-03-01 00:00:00+08\n2013-03-01 00:00:00+08\"\n2013-03-02T00:00:00+08:00,y\n"
        #expect(finish(text, [true, false]) == expected)
    }

    @Test func onlyRecordEndsGetACarriageReturn() {
        #expect(finish("a,\"b\nc\"\nd,e\n", [false, false], carriageReturns: true) == "a,\"b\nc\"\r\nd,e\r\n")
        #expect(finish("2013-03-01 00:00:00+08\n\n", [true], carriageReturns: true) == "2013-03-01T00:00:00+08:00\r\n\r\n")
    }

    @Test func booleansBecomeWords() {
        #expect(finish("t,f,,x\nf,,t,y\n", [.boolean, .boolean, .boolean, .asPrinted]) == "true,false,,x\nfalse,,true,y\n")
        #expect(finish("x,t\ny,\nz,f\n", [.asPrinted, .boolean]) == "x,true\ny,\nz,false\n")
        #expect(finish("t\n\nf\n", [.boolean], carriageReturns: true) == "true\r\n\r\nfalse\r\n")
        #expect(finish("f,2013-03-01 00:00:00+08,t\n", [.boolean, .datetime, .boolean]) == "false,2013-03-01T00:00:00+08:00,true\n")
    }

    @Test func fieldsBehindTheKeptOnesAreCutOff() {
        func cut(_ text: String, _ columns: [CSVFinisher.Column], carriageReturns: Bool = false) -> String {
            String(buffer: CSVFinisher(columns, carriageReturns: carriageReturns, cutsBehind: columns.count).finish(ByteBuffer(string: text)))
        }
        #expect(cut("a,b,c\n,,\n\"x,\"\"y\n\",2,\"z\nz\"\n", [.asPrinted, .asPrinted]) == "a,b\n,\n\"x,\"\"y\n\",2\n")
        #expect(cut("2013-03-01 00:00:00+08,t,x,y\n,,,\n", [.datetime, .boolean]) == "2013-03-01T00:00:00+08:00,true\n,\n")
        #expect(cut("a,1\nb,2\n", [.asPrinted], carriageReturns: true) == "a\r\nb\r\n")
        // Alone in its line it would end a COPY.
        #expect(cut("a,1\n\\.,2\n\\.x,3\n\\.,\n", [.asPrinted]) == "a\n\"\\.\"\n\\.x\n\"\\.\"\n")
        #expect(cut("\\.,x,1\n", [.asPrinted, .asPrinted], carriageReturns: true) == "\\.,x\r\n")
    }

    @Test(arguments: [
        ("a,b\nc,d\n", ["c", "d"]), ("a\n\"x\ny\"\n", ["x\ny"]), ("1,,\"\",\"a\"\"b\",\"c,d\"\n", ["1", nil, "", "a\"b", "c,d"]), ("a\n\n", [nil]), ("\"\"\"\"\n", ["\""]),
        ("\"\"\"a\"\"\",\n", ["\"a\"", nil]),
    ] as [(String, [String?])]) func theLastRecordIsRead(chunk: String, values: [String?]) {
        #expect(CSVTail.lastRecord(of: ByteBuffer(string: chunk)) == values)
    }

    @Test func nothingToFinishMeansNoCopy() {
        #expect(CSVFinisher([.asPrinted, .asPrinted]).passesThrough)
        #expect(finish("a,b\n", [false, false]) == "a,b\n")
        #expect(finish("", [true]) == "")
    }
}
