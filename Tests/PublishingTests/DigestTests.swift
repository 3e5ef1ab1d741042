import Crypto
import Ledger
import Model
import NIOCore
import Postgres
@testable import Publishing
import Store
import TestSupport
import Testing

/// The digest that the stream makes on the way and the digest of what PostgreSQL stored are of the same bytes.
@Suite struct DigestTests {
    /// A schema of every type that has one spelling in the stream, keyed by a text and an integer, with masks and hidden fields.
    static let schema = {
        func field(_ name: String, _ type: FieldType, visibility: Visibility = .public, mask: Mask? = nil) -> Field {
            Field(name: name, title: LocalizedText(zh: name), type: type, visibility: visibility, mask: mask)
        }
        var fields = [
            field("station", .text), field("hour", .integer), field("amount", .decimal(precision: 30, scale: 4)), field("flag", .boolean), field("day", .date),
            field("at", .datetime), field("quarter", .period), field("place", .geoPoint), field("note", .text), field("hidden", .text, visibility: .private),
        ]
        for mask in Mask.allCases { fields.append(field("masked_\(mask.rawValue)", .text, mask: mask)) }
        return TableSchema(fields: fields, primaryKey: ["station", "hour"])
    }()

    @Test func theStreamAndTheDatabaseAgreeOnEveryByte() async throws {
        var random = SystemRandomNumberGenerator()
        let texts = ["", "a", "欧", "张三", "欧阳锋", "西门吹雪", "13812345678", "110101199003070316", "a,b", "say \"x\"", "line\nbreak", "tab\there", "back\\slash", "\\.", " 空 ", "é", "\u{1F600}x", "'", "\r\n"]
        func text() -> String { texts.randomElement(using: &random)! }
        func quoted(_ text: String) -> String { "\"" + text.replacing("\"", with: "\"\"") + "\"" }
        var keys: Set<[String]> = []
        for _ in 0..<400 { keys.insert([texts.randomElement(using: &random)! + String(Int.random(in: 0..<9, using: &random)), String(Int.random(in: -20...20, using: &random))]) }
        for hour in -1...1 { keys.insert(["", String(hour)]) }
        let ordered = keys.sorted { a, b in
            a[0] == b[0] ? Int(a[1])! < Int(b[1])! : Array(a[0].utf8).lexicographicallyPrecedes(Array(b[0].utf8))
        }
        var csv = Self.schema.fields.map(\.name).joined(separator: ",") + "\n"
        for key in ordered {
            var values = [key[0], key[1]]
            values.append(["", "0", "-0.5", "12", "1234567890.1234", "-0"].randomElement(using: &random)!)
            values.append(["", "true", "false"].randomElement(using: &random)!)
            values.append(["", "1999-12-31", "2024-02-29"].randomElement(using: &random)!)
            values.append(["", "2013-03-01T00:00:00+08:00", "2013-03-01T00:00:00Z", "1999-12-31T23:59:59.5+08:00", "2013-03-01T00:00:00.123456+08:00"].randomElement(using: &random)!)
            values.append(["", "2024", "2024-05", "2024-Q3"].randomElement(using: &random)!)
            values.append(["", "120.5,30.25"].randomElement(using: &random)!)
            while values.count < Self.schema.fields.count { values.append(text()) }
            csv += values.map(quoted).joined(separator: ",") + "\n"
        }
        try await Workshop.with(schema: Self.schema) { [csv] shop in
            let report = try await shop.push(csv)
            #expect(report.push.state == .ready, "\(report.findings)")
            #expect(report.push.rowCount == ordered.count)
            #expect(report.push.digest != nil)
            // The same rows in another order give the same digest, made by the database.
            let lines = csv.split(separator: "\n", maxSplits: 1)
            let first = "\"zzz\",\"1\"" + String(repeating: ",", count: Self.schema.fields.count - 2) + "\n"
            let shuffled = try await shop.push(lines[0] + "\n" + first + lines[1])
            let inOrder = try await shop.push(csv + first)
            #expect(shuffled.push.digest == inOrder.push.digest)

            // And a released version gives out exactly those bytes.
            let version = try await shop.release(report)
            let released = try await ReleasedDatasets(store: shop.store).dataset(shop.dataset)?.current
            var digest = SHA256()
            var bytes = 0
            for try await chunk in shop.store.csv(try #require(released)) {
                digest.update(data: Array(chunk.readableBytesView))
                bytes += chunk.readableBytes
            }
            #expect(version.digest == digest.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            #expect(version.byteCount == bytes)
        }
    }

    @Test func aPushInKeyOrderIsHashedInTheStream() throws {
        func intake(_ csv: String) throws -> Intake {
            let intake = try Intake(Intake.Settings(schema: Workshop.schema))
            _ = intake.take(ByteBuffer(string: csv))
            intake.finish()
            return intake
        }
        let ordered = try intake("code,name\nA,a\nB,b\n")
        #expect(ordered.isInKeyOrder)
        #expect(ordered.canonical?.digest == Workshop.sha256("code,name,height\nA,a,\nB,b,\n"))
        #expect(try intake("code,name\nB,a\nA,b\n").canonical == nil)
        #expect(try !intake("code,name\nA,a\nA,b\n").isInKeyOrder)
    }
}
