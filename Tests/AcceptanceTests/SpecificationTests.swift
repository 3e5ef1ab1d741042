import Crypto
import Foundation
import Postgres
import TestSupport
import Testing

/// Reads the log over HTTP with nothing but the texts of C2SP tlog-tiles, tlog-checkpoint, signed-note and RFC 6962: none of the program's own code.
@Suite struct SpecificationTests {
    /// MTH of RFC 6962 section 2.1.
    private static func mth(_ d: ArraySlice<[UInt8]>) -> [UInt8] {
        switch d.count {
        case 0: return Array(SHA256.hash(data: [UInt8]()))
        case 1: return Array(SHA256.hash(data: [0] + d[d.startIndex]))
        default:
            var k = 1
            while k * 2 < d.count { k *= 2 }
            return Array(SHA256.hash(data: [1] + mth(d.prefix(k)) + mth(d.dropFirst(k))))
        }
    }

    /// `<N>` of small indexes: one element of three digits.
    private static func path(_ n: Int) -> String { String(format: "%03d", n) }

    @Test func theTilesAreWhatTheSpecificationSays() async throws {
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": "tiles.example/ledger", "DAYLIGHT_RATE_LIMITS": "*.*=100000/1"]) { site in
            try await site.describe("tiled", Descriptions.own("分片", department: site.department, fields: FaultTests.fields, key: ["id"]))
            try await site.publish("tiled", Data("id,name,amount\n1,一,1.00\n".utf8))
            // More than two full tiles, and a second level.
            try await site.database.database.execute(
                "INSERT INTO daylight.ledger_pending (kind, entry) SELECT 'test', convert_to('entry ' || repeat('x', n % 97) || n, 'UTF8') FROM generate_series(1, 700) n")
            try await site.database.database.execute("NOTIFY daylight_ledger")
            var checkpoint: [Substring] = [], text = ""
            try await eventually("all are in the ledger: \(text)") {
                text = try await site.reader.get("/ledger/checkpoint").text
                checkpoint = text.split(separator: "\n", omittingEmptySubsequences: false)
                return (Int(checkpoint[1]) ?? 0) > 700
            }

            // tlog-checkpoint: origin, size, root; an empty line; signed-note: em dash, name, base64 of four bytes of identifier and the signature.
            #expect(checkpoint.count == 6 && checkpoint[0] == "tiles.example/ledger" && checkpoint[3] == "" && checkpoint[5] == "")
            let size = try #require(Int(checkpoint[1])), root = Array(try #require(Data(base64Encoded: String(checkpoint[2]))))
            let key = try await site.reader.get("/ledger/key").text.split(separator: "+", maxSplits: 2)
            let material = Array(try #require(Data(base64Encoded: key[2].trimmingCharacters(in: .newlines))))
            #expect(key[0] == "tiles.example/ledger" && material.count == 33 && material[0] == 1)
            let identifier = Array(SHA256.hash(data: Array("tiles.example/ledger\n".utf8) + material).prefix(4))
            #expect(identifier.map { String(format: "%02x", $0) }.joined() == key[1])
            let parts = checkpoint[4].split(separator: " "), signature = Array(try #require(Data(base64Encoded: String(parts[2]))))
            #expect(parts[0] == "\u{2014}" && parts[1] == key[0] && Array(signature.prefix(4)) == identifier)
            let signed = checkpoint[0..<3].map { $0 + "\n" }.joined()
            #expect(try Curve25519.Signing.PublicKey(rawRepresentation: material.dropFirst()).isValidSignature(Data(signature.dropFirst(4)), for: Data(signed.utf8)))

            // Entry bundles: big-endian uint16 lengths, 256 entries or the rest.
            var entries: [[UInt8]] = []
            for n in 0...(size - 1) / 256 {
                let width = min(256, size - n * 256), partial = width == 256 ? "" : ".p/\(width)"
                let answer = try await site.reader.get("/ledger/tile/entries/\(Self.path(n))\(partial)")
                #expect(answer.status == 200 && answer.header("Content-Type") == "application/octet-stream")
                var bytes = Array(answer.body)[...], count = 0
                while !bytes.isEmpty {
                    let length = Int(bytes.removeFirst()) << 8 | Int(bytes.removeFirst())
                    entries.append(Array(bytes.prefix(length)))
                    bytes = bytes.dropFirst(length)
                    count += 1
                }
                #expect(count == width)
            }
            #expect(entries.count == size && Self.mth(entries[...]) == root)

            // Tiles: the n-th of level l is MTH(D[(n * 256 + i) * 256**l : (n * 256 + i + 1) * 256**l]); the partial one has floor(s / 256**l) mod 256.
            var level = 0, span = 1
            while size / span > 0 {
                let hashes = size / span
                for n in 0...(hashes - 1) / 256 {
                    let width = min(256, hashes - n * 256), partial = width == 256 ? "" : ".p/\(width)"
                    let answer = try await site.reader.get("/ledger/tile/\(level)/\(Self.path(n))\(partial)")
                    var expected: [UInt8] = []
                    for i in 0..<width {
                        let first = (n * 256 + i) * span
                        expected += Self.mth(entries[first..<first + span])
                    }
                    #expect(answer.status == 200 && Array(answer.body) == expected, "level \(level), tile \(n)")
                    #expect(answer.header("Cache-Control")?.contains("immutable") == true)
                }
                level += 1
                span *= 256
            }
            #expect(level == 2)
            #expect(try await site.reader.get("/ledger/tile/2/000").status == 404)
        }
    }
}
