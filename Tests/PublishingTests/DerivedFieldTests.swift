import Model
import Store
import TestSupport
import Testing

@testable import Publishing

/// Derived fields the whole way, in PostgreSQL.
@Suite struct DerivedFieldTests {
    private static let schema: TableSchema = {
        var schema = TableSchema.of("code|编码|code|required\nname|名称|decimal(8,2)\nheight|塔高|decimal(8,2)\nshare|占比|decimal(7,2)|required")
        schema.derived = [Derived(kind: .percentage, field: "share", inputs: ["part": "name", "base": "height"])]
        return schema
    }()

    @Test func whatFollowsIsStagedReleasedAndRead() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            let report = try await shop.push("code,name,height\nB,1,3\nA,1,4\n")
            #expect(report.push.state == .ready && report.codes == [])
            let canonical = "code,name,height,share\nA,1.00,4.00,25.00\nB,1.00,3.00,33.33\n"
            #expect(report.push.digest == Workshop.sha256(canonical))
            let version = try await shop.release(report)
            #expect(version.digest == report.push.digest)
            #expect(try await shop.rows(columns: "code, share") == ["A,25.00", "B,33.33"])
            #expect(try await shop.push("code,name,height,share\nA,1,4,25.00\nB,1,3,\n").push.state == .unchanged)
        }
    }

    @Test func whatDisagreesIsAWarningThatIsKept() async throws {
        try await Workshop.with(schema: Self.schema) { shop in
            let report = try await shop.push("code,name,height,share\nA,1,4,26\nB,1,3,\n")
            #expect(report.push.state == .ready && report.codes == ["F306w:1"])
            #expect(report.push.warningCount == 1 && report.push.errorCount == 0)
            let findings = try await shop.store.findings(of: report.push.id, after: 0, limit: 10).map(\.finding)
            #expect(findings == [Finding(.derivedMismatch, severity: .warning, line: 2, field: "share", value: "26.00", "25.00")])
            try await shop.release(report)
            #expect(try await shop.rows(columns: "code, share") == ["A,26.00", "B,33.33"])
        }
    }

    @Test func whereNothingFollowsANeededValueIsAnError() async throws {
        try await Workshop.with(schema: Self.schema, policy: .quarantine) { shop in
            let report = try await shop.push("code,name,height\nA,1,4\nB,1,0\nC,,3\n")
            #expect(report.push.state == .ready && report.codes == ["F200:2"])
            #expect(report.push.rowCount == 1 && report.push.rejectedCount == 2)
        }
    }
}
