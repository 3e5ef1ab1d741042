import Postgres
import TestSupport
import Testing

/// What versions take on disk.
@Suite struct HistoryStorageTests {
    /// The same with ten times the rows is measured in Benchmarks (`diff`).
    @Test func twentyVersionsTakeLittleMoreThanOne() async throws {
        try await withTestDatabase { db in
            let rows = Lighthouse.rows(20_000)
            let release = try await db.publish(rows: rows)
            func size() async throws -> Int {
                try await db.database.execute("SELECT pg_total_relation_size(\("data.d\(release.number)", as: .text)::regclass)")[0].read(0)
            }
            let one = try await size()
            for version in 2...20 {
                // One row in a hundred, each time others.
                let changed = stride(from: version, to: rows.count, by: 100).map { place in
                    var row = rows[place]
                    row[1] = "\(version)"
                    return row
                }
                try await release.release(version, rows: changed)
            }
            let twenty = try await size()
            #expect(Double(twenty) < 1.5 * Double(one), "\(one) bytes, then \(twenty)")
        }
    }
}
