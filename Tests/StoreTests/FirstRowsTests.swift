import Model
import NIOCore
import Postgres
import TestSupport
import Testing

@testable import Store

/// Streams whose first rows are read by themselves give what the others give.
@Suite(.timeLimit(.minutes(20))) struct FirstRowsTests {
    private static func bytes(_ stream: RowStream) async throws -> String {
        var all = ByteBuffer()
        for try await piece in stream { all.writeImmutableBuffer(piece) }
        return String(buffer: all)
    }

    @Test func whatIsReadInTwoPartsIsTheSame() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(40_000))
            try await db.database.execute("ANALYZE data.d1")
            let never = try await db.openStore { $0.lateCost = .max }
            let always = try await db.openStore {
                $0.lateCost = 100
                $0.firstRows = 5
            }
            let broken = try await db.openStore {
                $0.lateCost = 100
                $0.firstRows = 5
                $0.firstRowsTime = 0
            }
            let version = try await ReleasedDatasets(store: never).find(release.dataset, version: nil)
            let questions: [(question: [(name: String, value: String)], isHurried: Bool?)] = [
                ([("height__gte", "39")], true), ([("height__gte", "39"), ("fields", "name")], true), ([("height__gte", "39"), ("sort", "-code")], true),
                ([("code", "L100007")], false), ([("automated", "true"), ("sort", "-name")], nil), ([("sort", "name")], nil), ([], nil),
                ([("filter", "steps > 0 AND steps < 0")], nil),
            ]
            for (parameters, isHurried) in questions {
                let read = PageRead(version: version, query: try RowQuery(parameters: parameters, fields: version.queryable, other: []))
                let sql = read.sql(isCurrent: true, isLimited: false)
                let first = try await never.reader.transaction { try await $0.firstRows(of: read, isCurrent: true, columns: nil, sql, always.configuration) }
                if let isHurried { #expect((first != nil) == isHurried, "\(parameters)") }
                let csv = try await Self.bytes(never.csv(read, dialect: CSVDialect())), lines = try await Self.bytes(never.ndjson(read))
                for store in [always, broken] {
                    #expect(try await Self.bytes(store.csv(read, dialect: CSVDialect())) == csv, "\(parameters)")
                    #expect(try await Self.bytes(store.ndjson(read)) == lines, "\(parameters)")
                    // As of a version, and on from a row in the middle.
                    guard let values = first.map({ _ in ["L120000"] }), read.orderNames == ["code"] else { continue }
                    let rest = read.going(onBehind: values)
                    #expect(try await Self.bytes(store.csv(rest, dialect: CSVDialect())) == Self.bytes(never.csv(rest, dialect: CSVDialect())))
                }
            }
            for store in [never, always, broken] { await store.close() }
        }
    }

    @Test func aConditionThatOneIndexServesIsReadAtOnce() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(5_000))
            try await db.database.execute("ANALYZE data.d1")
            let store = try await db.openStore { $0.lateCost = 20 }
            let version = try await ReleasedDatasets(store: store).find(release.dataset, version: nil)
            let questions: [[(name: String, value: String)]] = [[("code", "L100007")], [("code__gt", "L104000")]]
            for parameters in questions {
                let read = PageRead(version: version, query: try RowQuery(parameters: parameters, fields: version.queryable, other: []))
                let first = try await store.reader.transaction {
                    try await $0.firstRows(of: read, isCurrent: true, columns: nil, read.sql(isCurrent: true, isLimited: false), store.configuration)
                }
                #expect(first == nil)
            }
            await store.close()
        }
    }
}
