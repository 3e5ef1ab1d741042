import CSV
import Testing

struct CompressionTests {
    func compressed(_ input: [UInt8], level: Int = 6, pieces: Int = 1) -> [UInt8] {
        var deflater = Deflater(level: level)
        var sink = ByteSink()
        let step = max(1, input.count / pieces)
        for start in stride(from: 0, to: input.count, by: step) {
            input[start..<min(input.count, start + step)].withUnsafeBytes { deflater.deflate($0, into: &sink) }
        }
        deflater.finish(into: &sink)
        return sink.bytes
    }

    func expanded(
        _ input: [UInt8],
        cuts: [Int] = [],
        buffer size: Int = 4096,
        expansion: Inflater.Guard = .init()
    ) throws(CSVError) -> [UInt8] {
        var inflater = Inflater(expansion: expansion)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 1)
        defer { buffer.deallocate() }
        var sink = ByteSink()
        var start = 0
        for end in cuts + [input.count] {
            var part = ByteSink()
            part.append(contentsOf: Array(input[start..<end]))
            try part.withUnsafeBytes { chunk throws(CSVError) in
                try inflater.inflate(chunk, buffer: buffer) { piece in sink.append(piece) }
            }
            start = end
        }
        try inflater.finish()
        #expect(inflater.totalIn == input.count)
        #expect(inflater.totalOut == sink.count)
        return sink.bytes
    }

    func failure(_ input: [UInt8], expansion: Inflater.Guard = .init()) -> CSVError? {
        do throws(CSVError) {
            _ = try expanded(input, expansion: expansion)
            return nil
        } catch {
            return error
        }
    }

    static let text = Array((0..<3_000).map { "\($0),城市\($0 % 17),\($0 * 7919 % 1000).5\n" }.joined().utf8)

    @Test func whatIsCompressedIsExpandedTheSameHoweverItIsCut() throws {
        for level in [1, 6, 9] {
            let packed = compressed(Self.text, level: level, pieces: level)
            #expect(packed.count < Self.text.count / 2)
            #expect(try expanded(packed) == Self.text)
            #expect(try expanded(packed, cuts: Array(0..<packed.count), buffer: 7) == Self.text)
            #expect(try expanded(packed, cuts: [packed.count / 2], buffer: Self.text.count) == Self.text)
        }
        #expect(try expanded(compressed([])) == [])
    }

    @Test func theHeaderHasNoTimeAndNoName() {
        let packed = compressed(Self.text)
        // RFC 1952 section 2.3: magic, deflate, no flags, time 0.
        #expect(Array(packed[0..<8]) == [0x1F, 0x8B, 8, 0, 0, 0, 0, 0])
        #expect(packed == compressed(Self.text))
        #expect(packed == compressed(Self.text, pieces: 13))
    }

    @Test func zlibIsToldFromGzipByItsHeader() throws {
        // zlib.compress(b"hello")
        let packed: [UInt8] = [0x78, 0x9C, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x06, 0x2C, 0x02, 0x15]
        #expect(try expanded(packed) == Array("hello".utf8))
        #expect(failure(packed + packed)?.kind == .corruptCompression)
    }

    @Test func membersFollowOneAnother() throws {
        let first = compressed(Array("one,".utf8))
        let packed = first + compressed([]) + compressed(Array("two".utf8))
        for cut in 0...packed.count {
            #expect(try expanded(packed, cuts: [cut]) == Array("one,two".utf8))
        }
        #expect(try expanded(packed, cuts: Array(0..<packed.count), buffer: 1) == Array("one,two".utf8))
        #expect(try expanded(packed + [0, 0, 0]) == Array("one,two".utf8))
        #expect(failure(packed + [1, 2])?.kind == .corruptCompression)
        #expect(failure(packed + [0, 0x1F])?.kind == .corruptCompression)
    }

    @Test func anEndThatComesTooEarlyIsSeenAtEveryByte() {
        let packed = compressed(Array(Self.text.prefix(300)))
        for count in 0..<packed.count {
            #expect(failure(Array(packed.prefix(count)))?.kind == .truncatedCompression, "\(count) of \(packed.count) bytes")
        }
    }

    @Test func damageIsSeen() {
        let packed = compressed(Self.text)
        for place in [packed.count - 1, packed.count - 6, packed.count / 2] {
            var damaged = packed
            damaged[place] ^= 0x55
            let kind = failure(damaged)?.kind
            #expect(kind == .corruptCompression || kind == .truncatedCompression)
        }
        #expect(failure(Array("name,value\n1,2\n".utf8))?.kind == .corruptCompression)
    }

    @Test func aBombIsStoppedNearTheAllowance() throws {
        let packed = compressed([UInt8](repeating: 0x61, count: 30_000_000), level: 9)
        #expect(packed.count < 40_000)
        var inflater = Inflater()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { buffer.deallocate() }
        var stopped: CSVError?
        do throws(CSVError) {
            var part = ByteSink()
            part.append(contentsOf: packed)
            try part.withUnsafeBytes { chunk throws(CSVError) in
                try inflater.inflate(chunk, buffer: buffer) { _ in }
            }
        } catch {
            stopped = error
        }
        #expect(stopped?.kind == .excessiveCompression)
        #expect(stopped?.expected == 200)
        #expect(inflater.totalOut <= 10_000_000 + 65_536)
        #expect(failure(packed, expansion: .init(ratio: 2_000)) == nil)
    }
}
