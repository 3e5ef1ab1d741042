import Foundation
import Ledger
import Model
import Testing

/// What leaves have to be by themselves.
@Suite struct LeafFormTests {
    private static let digest = String(repeating: "ab", count: 32)
    private static let department = "11130631000000001X"
    private static let time = "2026-03-02T09:00:00+08:00"

    private static func flaw(_ members: [String: Any]) throws -> String? {
        var members = members
        members["format"] = "daylight-leaf/1"
        let leaf = try Leaf(entry: Array(JSONSerialization.data(withJSONObject: members)))
        do { try leaf.checkForm() } catch { return error.member }
        return nil
    }

    private static var release: [String: Any] {
        [
            "kind": "release", "dataset": "lighthouse", "version": 2, "digest": digest, "byte_count": 10, "row_count": 3, "schema_digest": digest, "previous_digest": digest, "department": department,
            "description_revision": 1, "description_digest": digest, "released_at": time, "row_tree": ["head": digest, "size": 3],
        ]
    }

    private static var withdrawal: [String: Any] {
        ["kind": "withdrawal", "dataset": "lighthouse", "subject": "version", "version": 1, "withdrawal": "0c5d0e5f-8f2a-4a53-9a53-0d1c6f1f7a10", "withdrawn_at": time, "commitment": digest]
    }

    private static var seal: [String: Any] {
        ["kind": "audit", "number": 3, "from": time, "until": "2026-03-02T09:01:00+08:00", "first": 7, "last": 9, "count": 2, "digest": digest]
    }

    @Test(arguments: [
        ("version", 0 as any Sendable), ("digest", "ab"), ("digest", digest.uppercased()), ("schema_digest", ""), ("description_digest", "x"), ("previous_digest", "0"), ("byte_count", -1), ("row_count", -1),
        ("dataset", "Lighthouse"), ("description_revision", 0), ("department", "1234"), ("late", false),
    ])
    func aReleaseSaysWhatItMay(_ member: String, _ value: any Sendable) throws {
        #expect(try Self.flaw(Self.release) == nil)
        var members = Self.release
        members[member] = value
        #expect(try Self.flaw(members)?.split(separator: "/").first.map(String.init) == (member == "row_count" ? "row_count" : member))
    }

    @Test func membersContradictNoOthers() throws {
        var first = Self.release
        first["version"] = 1
        #expect(try Self.flaw(first) == "previous_digest")
        first["previous_digest"] = nil
        #expect(try Self.flaw(first) == nil)
        first["row_tree"] = ["head": Self.digest, "size": 4]
        #expect(try Self.flaw(first) == "row_tree/size")
        var rows = Self.withdrawal
        #expect(try Self.flaw(rows) == nil)
        rows["subject"] = "rows"
        #expect(try Self.flaw(rows) == "version")
        rows["version"] = nil
        rows["withdrawal"] = "0C5D0E5F-8f2a-4a53-9a53-0d1c6f1f7a10"
        #expect(try Self.flaw(rows) == "withdrawal")
        for kind in ["review", "grant", "receipt", "correction", "sealed"] {
            var members: [String: Any] = ["kind": kind, "reviewed_at": Self.time, "recorded_at": Self.time, "event": "given", "commitment": Self.digest]
            #expect(try Self.flaw(members) == nil)
            members["commitment"] = String(Self.digest.dropLast())
            #expect(try Self.flaw(members) == "commitment")
        }
        var description: [String: Any] = ["kind": "description", "dataset": "lighthouse", "revision": 2, "digest": Self.digest, "previous_digest": Self.digest, "department": Self.department, "edited_at": Self.time]
        #expect(try Self.flaw(description) == nil)
        description["previous_digest"] = "-"
        #expect(try Self.flaw(description) == "previous_digest")
        #expect(try Self.flaw(["kind": "profile", "profile": "", "version": 1, "file_digest": Self.digest]) == "profile")
        #expect(try Self.flaw(["kind": "profile", "profile": "p", "version": 1, "file_digest": Self.digest, "document_digest": "0"]) == "document_digest")
        // Members and kinds may be added.
        #expect(try Self.flaw(["kind": "unheard", "member": 1]) == nil)
    }

    @Test(arguments: [("number", 0 as any Sendable), ("until", "2026-03-02T08:00:00+08:00"), ("digest", "ab"), ("count", 0), ("count", 4), ("last", 6), ("first", 0)])
    func aSealCountsWhatItCovers(_ member: String, _ value: any Sendable) throws {
        #expect(try Self.flaw(Self.seal) == nil)
        var members = Self.seal
        members[member] = value
        #expect(try Self.flaw(members) != nil)
    }

    @Test func anEmptySealIsOfNothing() throws {
        var members = Self.seal
        members["first"] = nil
        members["count"] = 0
        #expect(try Self.flaw(members) == "digest")
        members["digest"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(try Self.flaw(members) == nil)
    }
}
