import Foundation
import Logging
import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@testable import Exchange

/// Rows whose time of publicity has ended stop being shared too.
@Suite(.timeLimit(.minutes(20))) struct ExpiredRowsTests {
    private static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编号"), type: .code, required: true, visibility: .public),
            Field(name: "party", title: LocalizedText(zh: "当事人"), type: .text, visibility: .department),
            Field(name: "until", title: LocalizedText(zh: "止"), type: .datetime, visibility: .public),
        ],
        primaryKey: ["code"])

    @Test func whatHasToLeaveIsNotDeliveredAnyMore() async throws {
        let rows: [[String?]] = [["A", "王五", "2099-01-01T00:00:00+08:00"], ["B", "赵六", nil]]
        try await Desk.with(shareType: .unconditional, schema: Self.schema, rows: rows) { desk in
            try await desk.db.database.execute(
                """
                INSERT INTO daylight.profile (id, version, document, digest)
                VALUES ('penalties', 1, '{"title": {"zh": "处罚"}, "publicity_window": {"until": "until", "source": "办法"}}', 'x')
                """)
            for table in ["dataset", "version"] {
                try await desk.db.database.execute("UPDATE daylight.\(identifier: table) SET profile_id = 'penalties', profile_version = 1")
            }
            let grant = try await desk.granted(["code", "party"])
            #expect(try await desk.pull(grant) == "_change,code,party\nadded,A,王五\nadded,B,赵六\n")

            let instant = Timestamp(microseconds: Timestamp.now.microseconds - 1_000_000)
            try await desk.db.database.execute("UPDATE data.\(identifier: "d\(desk.release.number)") SET until = \(instant.description, as: .timestamptz) WHERE code = 'A'")
            try await desk.db.database.execute("UPDATE daylight.dataset SET expires_at = \(instant.description, as: .timestamptz)")
            // From its instant on, whether anybody has taken it out or not.
            await expectProblem(.overloaded) { _ = try await desk.state(grant) }
            await expectProblem(.overloaded) { _ = try await desk.pull(grant) }
            await expectProblem(.overloaded) { _ = try await desk.sharing.rows(by: grant.id, for: desk.receiver, purpose: "x", version: nil, after: nil, limit: 10) }

            let publishing = Publishing(store: desk.store, logger: Logger(label: "daylight.tests"))
            #expect(try await publishing.expireDue() == 1)
            #expect(try await desk.state(grant) == "code,party\nB,赵六\n")
            let older = try await Desk.text(try await desk.sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: 1))
            #expect(older == "code,party\nB,赵六\n")
            // The receiver is told by key, and nothing else of it.
            #expect(try await desk.pull(grant) == "_change,code,party\nremoved,A,\n")
            #expect(try await desk.pull(grant) == "_change,code,party\n")
        }
    }

    @Test func aDeliveryThatRunsThenIsNotFinished() async throws {
        let rows: [[String?]] = (0..<20_000).map { ["K\($0)", String(repeating: "王", count: 200), nil] }
        try await Desk.with(shareType: .unconditional, schema: Self.schema, rows: rows) { desk in
            let grant = try await desk.granted(["code", "party"]), store = try await desk.db.openStore { $0.expiryGrace = 0 }
            let sharing = Sharing(store: store, logger: Logger(label: "daylight.tests"))
            try await desk.db.database.execute("UPDATE daylight.dataset SET expires_at = clock_timestamp() + interval '5 seconds'")
            let delivery = try await sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: nil)
            let bytes = try #require(delivery.bytes)
            await expectProblem(.overloaded) {
                var isFirst = true
                for try await _ in bytes where isFirst {
                    isFirst = false
                    try await Task.sleep(for: .seconds(6))
                }
            }
            let listed = try await desk.store.deliveries(of: grant.id, unreceipted: true, before: nil, limit: 1)
            #expect(listed.first?.finishedAt == nil, "it cannot be signed for")
            await store.close()
        }
    }
}
