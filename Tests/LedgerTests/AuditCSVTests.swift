import Ledger
import Model
import Testing

/// Entries of the exchange's audit as CSV.
@Suite struct AuditCSVTests {
    @Test func anEntryIsALineWithItsHash() throws {
        let time = try #require(Timestamp("2026-03-02T09:00:00+08:00"))
        var entry = AuditEntry(
            number: 7, at: time, request: "r", stage: .begun, operation: "GET /v1/exchange/grants/{grant}/rows", department: "11130631000000001X", purpose: "应急, \"调度\"\n", nonce: "n")
        entry.path = "rows"
        entry.last = ["511800051", "2026-03-02T08:00:00+08:00"]
        entry.rowCount = 0
        let hash = HexDigest.hexadecimal(try AuditDigest.hash(of: entry))
        #expect(
            String(decoding: try AuditCSV.line(entry), as: UTF8.self)
                == "7,2026-03-02T09:00:00+08:00,r,begun,GET /v1/exchange/grants/{grant}/rows,,,11130631000000001X,,\"应急, \"\"调度\"\"\n\",rows,,,,,\"\(RowKey.text(["511800051", "2026-03-02T08:00:00+08:00"]))\",0,,,,1,n,\(hash)\n")
        let columns = String(decoding: AuditCSV.header, as: UTF8.self).split(separator: ",").count
        #expect(String(decoding: try AuditCSV.hidden(entry), as: UTF8.self) == String(repeating: ",", count: columns - 1) + hash + "\n")
        // Every member that an entry can have is a column.
        let members = try #require(try CanonicalJSON(parsing: AuditDigest.line(entry)).names)
        #expect(members.isSubset(of: Set(String(decoding: AuditCSV.header, as: UTF8.self).split(separator: ",").map(String.init))))
    }
}

extension CanonicalJSON {
    fileprivate var names: Set<String>? { if case .object(let members) = self { Set(members.keys) } else { nil } }
}
