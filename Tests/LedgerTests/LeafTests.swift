import Foundation
import Ledger
import Model
import TestSupport
import Testing

@Suite struct LeafTests {
    private static let version = Version(
        dataset: "lighthouse", number: 3, digest: String(repeating: "ab", count: 32), rowCount: 12, added: 1, changed: 0, removed: 0, byteCount: 345,
        schema: Lighthouse.schema, profile: ProfileReference(id: "p", version: 2), department: "11130631000000001X", push: nil, releasedAt: Timestamp(microseconds: 1_772_000_000_000_000),
        withdrawal: nil)

    @Test func leavesAreReadBack() throws {
        let description = Lighthouse.description(department: Self.version.department)
        let withdrawal = Withdrawal(
            id: "0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a10", dataset: "lighthouse", subject: .rows, version: nil, keys: ["13800138000"], reason: LocalizedText(zh: "错误 / 理由"),
            legalBasis: "条例", withdrawnAt: .now)
        let review = Review(id: "i", push: "p", decision: .pass, legalBasis: "l", note: nil, digest: "d", reviewer: "r", reviewedAt: .now)
        let salt = Commitment.salt()
        let leaves: [Leaf] = [
            .release(try .init(Self.version, previousDigest: nil, description: (1, description))),
            .release(try .init(Self.version, previousDigest: "cd", description: (7, description), late: true)),
            .withdrawal(try .init(withdrawal, salt: salt)), .review(try .init(review, salt: salt)), .profile(.init(id: "p", version: 2, json: Array("{\"a\": 1}".utf8))),
        ]
        for leaf in leaves {
            let entry = try leaf.entry()
            #expect(try Leaf(entry: entry) == leaf)
            #expect(try CanonicalJSON(parsing: entry).bytes == entry)
            #expect(entry.count < 1500)
        }
        #expect(try Leaf(entry: Array(#"{"format":"daylight-leaf/1","kind":"unheard"}"#.utf8)) == .other(kind: "unheard"))
        #expect(throws: (any Error).self) { try Leaf(entry: Array(#"{"format":"daylight-leaf/2","kind":"unheard"}"#.utf8)) }
        #expect(throws: (any Error).self) { try Leaf(entry: Array("daylight".utf8)) }
        #expect(throws: (any Error).self) { try Leaf.other(kind: "unheard").entry() }
    }

    @Test func leavesHoldNoContents() throws {
        let withdrawal = Withdrawal(
            id: "0c5d0e5f", dataset: "lighthouse", subject: .rows, version: nil, keys: ["13800138000"], reason: LocalizedText(zh: "理由"), legalBasis: "条例", withdrawnAt: .now)
        let text = String(decoding: try Leaf.withdrawal(.init(withdrawal, salt: Commitment.salt())).entry(), as: UTF8.self)
        for content in ["13800138000", "理由", "条例"] { #expect(!text.contains(content)) }
        // The same content under another salt says nothing of being the same.
        #expect(try Leaf.Withdrawal(withdrawal, salt: Commitment.salt()).commitment != Leaf.Withdrawal(withdrawal, salt: Commitment.salt()).commitment)
    }

    /// A change to what only the department sees changes no digest that strangers compute.
    @Test func digestsAreOfWhatEverybodySees() throws {
        var description = Lighthouse.description(department: "d")
        let leaf = try Leaf.Release(Self.version, previousDigest: nil, description: (1, description))
        var version = Self.version
        version.schema.fields.removeAll { $0.visibility != .public }
        description.schema = nil
        let other = try Leaf.Release(version, previousDigest: nil, description: (1, description))
        #expect(leaf.schemaDigest == other.schemaDigest)
        #expect(leaf.descriptionDigest == other.descriptionDigest)
    }

    /// The examples of RFC 8785 sections 3.2.2 and 3.2.3, as far as whole numbers go.
    @Test func jsonIsSpelledAsTheStandardSays() throws {
        let text = #"{"\u20ac":"Euro Sign","\r":"Carriage Return","\u000a":"Newline","1":"One","\u0080":"Control\u007f","\ud83d\ude02":"Smiley","\u00f6":"Latin","\ufb33":"Hebrew","</script>":"Browser"}"#
        let names = [#""\n""#, #""\r""#, "\"1\"", "\"</script>\"", "\"\u{80}\"", "\"ö\"", "\"€\"", "\"😂\"", "\"\u{fb33}\""]
        let canonical = String(decoding: try CanonicalJSON(parsing: Array(text.utf8)).bytes, as: UTF8.self)
        let places = names.map { canonical.unicodeScalars.firstRange(of: $0.unicodeScalars)?.lowerBound }
        #expect(!places.contains(nil))
        #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        let literals = try CanonicalJSON(parsing: Array(#"{"literals":[null, true, false], "numbers":[-5, 333333333], "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}"#.utf8))
        #expect(String(decoding: literals.bytes, as: UTF8.self) == #"{"literals":[null,true,false],"numbers":[-5,333333333],"string":"€$\u000f\nA'B\"\\\\\"/"}"#)
        #expect(throws: (any Error).self) { try CanonicalJSON(parsing: Array("[1.5]".utf8)) }
    }
}
