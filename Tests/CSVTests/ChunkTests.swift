import CSV
import Testing

struct ChunkTests {
    static let tricky: [String] = [
        "\u{FEFF}\"name\",b\r\n\"a\r\n\"\"q\"\"\r\nb\",\"\"\r\n\r\nx,y\r\n",
        "a,b\r\"c\r\r\nd\",e\r\rf,\"g\"",
        "a;b;c\n\"x;\"\"\";\"\";\"\n\"\n;;\n",
        "a,b\n1,\"2\"3\n5\" x,6\n\"open\n,to the end",
        "\r\n\r\n\u{FEFF}a\tb\r\n\"1\"\t2\r\n3\r4\t5\r\n",
        "\"a\"\"\"\"b\",\"\"\"\"\n\"\"\"\",\"\"\r",
        "a,b\n\0,\"x\0\"\nlong long long long record,\"with \"\"quotes\"\" and\nlines\"\n1\n",
        "a,b\r\n\"1\"\r\r\n2,3\r\n",
    ]

    @Test(arguments: tricky, [Limits(), Limits(maxRecordBytes: 12, maxFields: 2)])
    func recordsDoNotDependOnWhereTheInputIsCut(_ text: String, _ limits: Limits) {
        let input = Array(text.utf8)
        for count in [FieldCount.any, .asFirstRecord] {
            let whole = read(input, limits: limits, count: count)
            #expect(!whole.isEmpty)
            for first in 0...input.count {
                #expect(read(input, cuts: [first], limits: limits, count: count) == whole, "cut at \(first)")
            }
            for first in stride(from: 0, through: input.count, by: 2) {
                for second in stride(from: first, through: input.count, by: 3) {
                    #expect(read(input, cuts: [first, second], limits: limits, count: count) == whole, "cuts at \(first), \(second)")
                }
            }
            #expect(read(input, cuts: Array(0..<input.count), limits: limits, count: count) == whole, "byte by byte")
        }
    }

    @Test func manyRecordsPassThroughTheSameCarry() {
        var input: [UInt8] = []
        for row in 0..<2_000 {
            input += Array("\(row),\"quoted \"\"\(row)\"\"\n line\",x\(String(repeating: "y", count: row % 40))\n".utf8)
        }
        let whole = read(input)
        #expect(whole.count == 2_000)
        for step in [1, 3, 17, 64, 513, 4_096, 70_000] {
            #expect(read(input, cuts: Array(stride(from: step, to: input.count, by: step))) == whole, "chunks of \(step)")
        }
    }

    /// Each byte of the input lies in a record, in a line end between two, or in the byte order mark.
    static func spansCover(_ input: [UInt8], _ seen: [Seen], limit: Int) -> Bool {
        var position = 0
        for record in seen {
            guard record.offset >= position, record.offset + record.byteCount <= input.count else { return false }
            let gap = input[position..<record.offset]
            let lineEnds = gap.allSatisfy { $0 == 0x0A || $0 == 0x0D }
            guard lineEnds || (position == 0 && gap.starts(with: [0xEF, 0xBB, 0xBF])) else { return false }
            guard record.raw.elementsEqual(input[record.offset..<(record.offset + min(record.byteCount, limit))]) else { return false }
            position = record.offset + record.byteCount
        }
        let rest = input[position...]
        return rest.allSatisfy { $0 == 0x0A || $0 == 0x0D } || (position == 0 && rest.starts(with: [0xEF, 0xBB, 0xBF]))
    }

    @Test(.timeLimit(.minutes(1)))
    func mutatedInputsAreAccountedForByteByByteWhateverTheyHold() {
        var generator = SeededGenerator(state: 20_240_601)
        let alphabet: [UInt8] = Array("\"\"\"\",,;\t\r\n\n\0ax年".utf8) + [0xEF, 0xBB, 0xBF, 0xFF]
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(10)
        var rounds = 0
        while rounds < 20_000, clock.now < deadline {
            rounds += 1
            var input = Array(Self.tricky[rounds % Self.tricky.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<input.count, using: &generator)
                let byte = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: input[place] = byte
                case 1: input.insert(byte, at: place)
                default: if input.count > 1 { input.remove(at: place) }
                }
            }
            let limit = rounds % 3 == 0 ? 9 : 1 << 20
            let limits = Limits(maxRecordBytes: limit, maxFields: rounds % 5 == 0 ? 2 : 1024)
            let dialect = Dialect(lenientQuotes: rounds % 7 == 0, keepsBlankLines: rounds % 2 == 0)
            let whole = read(input, dialect: dialect, limits: limits, count: .asFirstRecord)
            #expect(Self.spansCover(input, whole, limit: limit), "round \(rounds): \(input)")
            let cut = Int.random(in: 0...input.count, using: &generator)
            let again = read(input, cuts: [cut], dialect: dialect, limits: limits, count: .asFirstRecord)
            #expect(again == whole, "round \(rounds), cut at \(cut): \(input)")
        }
        print("mutated inputs read: \(rounds)")
        #expect(rounds >= 1_000)
    }
}
