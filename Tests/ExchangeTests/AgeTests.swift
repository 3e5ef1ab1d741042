import Foundation
import Testing

@testable import Exchange

/// Sealed files in the format of age, against another program's.
@Suite struct AgeTests {
    /// A pair of keys that age-keygen's format gives, and a file that the age implementation in Rust (rage 0.11) made for it, with a stanza of another kind in its head.
    private static let recipient = "age1c3jdepjm05aey2dq9dgkfn4utj9a776zwqzqcar3879smuh04ysqttvmyd"
    private static let identity = "AGE-SECRET-KEY-1N84CR29PJTUQA22ALHP4YDL5ZFMXPW5GVETVY3UK58ZD6NPNPDLS4MCZFS"
    private static let foreign = """
        YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBmWVlHSXBwazc1SC9WNkEvQzBpYzdBcE02aXJEZjQrRXZEU3E4S01sOFFBCkdMM05JeUcxeG9CRFZVcTQ0b3o0MGRXRGRDdDNPRFFJN1VMU2N4a2t3QXMKLT4gNVt\
        Ya29RYC1ncmVhc2UKaDN0TCs5SjZETXhVTUNsandQeElsMmZYS0hVCi0tLSBvQ1JkOTMxOGJUcldRY0JhejZNdHJLVzl5SlJaNHlWYU5GU3dLM1RIMXc4CsWF0EvM4mG67wSzDg+C4qsvwWINpkZHOQU1ccz205SjkvJYg33H\
        d9NR6Fit+GgvqzuYqZQ=
        """

    private func open(_ file: [UInt8], by identity: AgeKey, stepping step: Int = 1000) throws -> [UInt8] {
        var rest = file[...], plain: [UInt8] = []
        var opener = AgeOpener { _ in
            defer { rest = rest.dropFirst(step) }
            return Array(rest.prefix(step))
        }
        try opener.open(by: identity) { plain += $0 }
        return plain
    }

    private func seal(_ bytes: [UInt8], to recipient: AgeKey, seed: UInt8 = 7, pieces: Int = 1) throws -> [UInt8] {
        var sealer = try AgeSealer(to: recipient, seed: [UInt8](repeating: seed, count: 32))
        var file = sealer.header
        let size = max(1, (bytes.count + pieces - 1) / pieces)
        for start in stride(from: 0, to: bytes.count, by: size) { file += try sealer.add(bytes[start..<min(start + size, bytes.count)]) }
        return file + (try sealer.finish())
    }

    @Test func keysAreWrittenAsAgeWritesThem() throws {
        let identity = try #require(AgeKey(Self.identity))
        #expect(identity.kind == .identity && identity.text == Self.identity && identity.recipient?.text == Self.recipient)
        #expect(AgeKey(Self.recipient) == identity.recipient)
        for wrong in ["", "age1", Self.recipient.replacing("age1c", with: "age1d"), Self.recipient.dropLast() + "q", "bge1" + Self.recipient.dropFirst(4), Self.recipient.capitalized] {
            #expect(AgeKey(String(wrong)) == nil, "\(wrong)")
        }
        let new = AgeKey.generate()
        #expect(AgeKey(new.text) == new)
    }

    @Test func aFileOfAnotherProgramOpens() throws {
        let file = Array(try #require(Data(base64Encoded: Self.foreign)))
        for step in [1, 7, 65_552] { #expect(try open(file, by: #require(AgeKey(Self.identity)), stepping: step) == Array("code,height\nA,10.00\n".utf8)) }
        #expect(throws: AgeOpener.Failure.otherKey) { try open(file, by: .generate()) }
    }

    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000]) func whatWasSealedOpensAndIsTheSameEachTime(size: Int) throws {
        let identity = AgeKey.generate(), recipient = try #require(identity.recipient)
        let plain = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let file = try seal(plain, to: recipient)
        #expect(try open(file, by: identity) == plain)
        #expect(try seal(plain, to: recipient, pieces: 13) == file)
        #expect(try seal(plain, to: recipient, seed: 8) != file)
        // An end that is missing, even a whole chunk of it, is noticed; so is a bit that was turned anywhere.
        for cut in [1, 16, 17, min(file.count - 1, 65_552)] { #expect(throws: AgeOpener.Failure.self) { try open(file.dropLast(cut), by: identity) } }
        for place in [30, file.count / 2, file.count - 1] {
            var changed = file
            changed[place] ^= 1
            #expect(throws: AgeOpener.Failure.self, "\(place)") { try open(changed, by: identity) }
        }
    }
}
