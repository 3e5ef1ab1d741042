import CSV
import Testing

struct CharsetDecoderTests {
    /// Decodes input cut at the given places.
    func decoded(_ input: [UInt8], _ charset: String, cuts: [Int] = []) throws(CSVError) -> String {
        var decoder = try CharsetDecoder(charset: charset)
        var sink = ByteSink()
        var start = 0
        for end in cuts + [input.count] {
            var part = ByteSink()
            part.append(contentsOf: Array(input[start..<end]))
            try part.withUnsafeBytes { chunk throws(CSVError) in
                try decoder.decode(chunk, final: end == input.count, into: &sink)
            }
            start = end
        }
        return String(decoding: sink.bytes, as: UTF8.self)
    }

    func failure(_ input: [UInt8], _ charset: String, cuts: [Int] = []) -> CSVError? {
        do throws(CSVError) {
            _ = try decoded(input, charset, cuts: cuts)
            return nil
        } catch {
            return error
        }
    }

    @Test func unknownNamesAreRefused() {
        for name in ["", "latin-99", "GBK//IGNORE", "UTF-16//TRANSLIT", "../x", "WCHAR_T", String(repeating: "a", count: 100)] {
            #expect(failure([0x41], name)?.kind == .unknownCharset)
        }
    }

    @Test func namesAreReadInAnyCaseAndOldChineseNamesMeanGB18030() throws {
        #expect(try CharsetDecoder(charset: "utf-8").charset == "UTF-8")
        for name in ["gbk", "GB2312", "gb18030", "GB_2312-80"] {
            #expect(try CharsetDecoder(charset: name).charset == "GB18030")
        }
        #expect(try decoded([0xE9], "iso-8859-1") == "é")
        #expect(try decoded([0xD1, 0xE5], "windows-1253") == "Ρε")
    }

    @Test func aCharacterMayBeCutAnywhereBetweenChunks() throws {
        // a, U+5E74 (2 bytes), U+20000 (4 bytes), U+4DB5 extension A (4 bytes in GB18030-2000: 82 35 87 38), LF, z
        let input: [UInt8] = [0x61, 0xC4, 0xEA, 0x95, 0x32, 0x82, 0x36, 0x82, 0x35, 0x87, 0x38, 0x0A, 0x7A]
        let whole = try decoded(input, "GB18030")
        #expect(whole.unicodeScalars.map(\.value) == [0x61, 0x5E74, 0x20000, 0x4DB5, 0x0A, 0x7A])
        for first in 0...input.count {
            for second in first...input.count {
                #expect(try decoded(input, "gbk", cuts: [first, second]) == whole)
            }
        }
        #expect(try decoded(input, "gbk", cuts: Array(0..<input.count)) == whole)
    }

    @Test func longTextsPassInPieces() throws {
        var input: [UInt8] = []
        for _ in 0..<60_000 { input += [0xC4, 0xEA, 0x95, 0x32, 0x82, 0x36, 0x2C] }
        let whole = try decoded(input, "GB18030", cuts: Array(stride(from: 65_537, to: input.count, by: 65_537)))
        #expect(whole == String(repeating: "年\u{20000},", count: 60_000))
    }

    @Test func utf16FollowsItsMark() throws {
        let little: [UInt8] = [0xFF, 0xFE, 0x74, 0x5E, 0x40, 0xD8, 0x00, 0xDC]
        let big: [UInt8] = [0xFE, 0xFF, 0x5E, 0x74, 0xD8, 0x40, 0xDC, 0x00]
        for input in [little, big] {
            for cut in 0...input.count {
                #expect(try decoded(input, "UTF-16", cuts: [cut]) == "年\u{20000}")
            }
        }
        #expect(failure([0xFF, 0xFE, 0x00, 0xDC, 0x41, 0x00], "UTF-16")?.kind == .invalidSequence)
    }

    @Test func anErrorNamesOffsetLineAndBytes() throws {
        // 0xD2 is not defined in windows-1253.
        let greek = Array("abc\ndef\n".utf8) + [0xD1, 0xD2, 0xE5]
        for cut in 0...greek.count {
            let error = try #require(failure(greek, "windows-1253", cuts: [cut]))
            #expect(error.kind == .invalidSequence)
            #expect(error.offset == 9)
            #expect(error.line == 3)
            #expect(error.hex == "D2")
        }
        let chinese: [UInt8] = [0xC4, 0xEA, 0x0A, 0xC4, 0x20, 0x61]
        for cut in 0...chinese.count {
            let error = try #require(failure(chinese, "GBK", cuts: [cut]))
            #expect(error.kind == .invalidSequence)
            #expect(error.offset == 3)
            #expect(error.line == 2)
            #expect(error.hex == "C4 20")
        }
        #expect(failure([0x41, 0xC4], "GBK") == CSVError(.incompleteSequence, line: 1, offset: 1, evidence: Self.bytes([0xC4])))
    }

    @Test func everyByteThatWindows1253LeavesUndefinedIsRefused() {
        let refused = (UInt8.min...UInt8.max).filter { failure([$0], "windows-1253") != nil }
        for byte: UInt8 in [0x81, 0x88, 0x8A, 0x8C, 0x8D, 0x8E, 0x8F, 0x90, 0x98, 0x9A, 0x9C, 0x9D, 0x9E, 0x9F, 0xAA, 0xD2, 0xFF] {
            #expect(refused.contains(byte))
        }
        #expect(refused.count == 17)
    }

    @Test func validUTF8PassesHoweverItIsCut() throws {
        let text = "a\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}年度\nascii ascii ascii 公共资源交易é"
        let input = Array(text.utf8)
        for first in 0...input.count {
            for second in first...input.count {
                #expect(try decoded(input, "UTF-8", cuts: [first, second]) == text)
            }
        }
        #expect(try decoded(input, "UTF-8", cuts: Array(0..<input.count)) == text)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let hex: String
        var kind = CSVError.Kind.invalidSequence
        var testDescription: String { name }
    }

    static let bad: [Bad] = [
        Bad(name: "a continuation alone", bytes: [0x80, 0x61], hex: "80"),
        Bad(name: "overlong in two bytes", bytes: [0xC0, 0xAF], hex: "C0"),
        Bad(name: "overlong in two bytes, C1", bytes: [0xC1, 0xBF], hex: "C1"),
        Bad(name: "overlong in three bytes", bytes: [0xE0, 0x9F, 0xBF], hex: "E0 9F"),
        Bad(name: "overlong in four bytes", bytes: [0xF0, 0x8F, 0xBF, 0xBF], hex: "F0 8F"),
        Bad(name: "a surrogate", bytes: [0xED, 0xA0, 0x80], hex: "ED A0"),
        Bad(name: "above U+10FFFF", bytes: [0xF4, 0x90, 0x80, 0x80], hex: "F4 90"),
        Bad(name: "a lead that never was", bytes: [0xF5, 0x80], hex: "F5"),
        Bad(name: "a byte FF", bytes: [0xFF], hex: "FF"),
        Bad(name: "a lead before ASCII", bytes: [0xE5, 0xB9, 0x61], hex: "E5 B9 61"),
        Bad(name: "the end inside a character", bytes: [0xE5, 0xB9], hex: "E5 B9", kind: .incompleteSequence),
    ]

    @Test(arguments: bad)
    func whatRFC3629ForbidsIsRefusedAtItsPlace(_ example: Bad) throws {
        for before in ["", "年\n", "0123456789 0123456789\n", "é\n\n年度ab"] {
            let tail = example.kind == .incompleteSequence ? [] : Array(" and more text behind".utf8)
            let input = Array(before.utf8) + example.bytes + tail
            for cut in 0...input.count {
                let error = try #require(failure(input, "UTF-8", cuts: [cut]))
                #expect(error.kind == example.kind)
                #expect(error.offset == before.utf8.count)
                #expect(error.line == 1 + before.filter { $0 == "\n" }.count)
                #expect(error.hex == example.hex)
            }
        }
    }

    @Test func afterAnErrorTheDecoderRefusesToGoOn() throws {
        var decoder = try CharsetDecoder(charset: "UTF-8")
        var sink = ByteSink()
        var errors: [CSVError] = []
        for _ in 0..<2 {
            do throws(CSVError) {
                try decoder.decode(Self.bytes([0x61, 0xFF, 0x62]), final: false, into: &sink)
            } catch {
                errors.append(error)
            }
        }
        #expect(errors.count == 2)
        #expect(errors[0] == errors[1])
        #expect(sink.bytes == [0x61])
    }

    /// Bytes that live as long as the process, for calls that want a pointer.
    static func bytes(_ array: [UInt8]) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: array.count, alignment: 1)
        copy.copyBytes(from: array)
        return UnsafeRawBufferPointer(copy)
    }
}
