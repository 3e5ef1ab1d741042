import Postgres
import Testing

@Suite struct SQLTests {
    @Test func interpolationBinds() {
        let sql: SQL = "SELECT * FROM t WHERE a = \(1) AND b = \("x'; DROP TABLE t")"
        #expect(sql.text == "SELECT * FROM t WHERE a = $1 AND b = $2")
        #expect(sql.parameterCount == 2)
    }

    @Test func splicedPiecesAreRenumbered() {
        let condition: SQL = "b = \(2)"
        let more: SQL = "c IN (\([3, 4].map { "\($0)" as SQL }.joined(separator: ", ")))"
        let sql: SQL = "SELECT \(1) WHERE \(condition) AND \(more) LIMIT \(5)"
        #expect(sql.text == "SELECT $1 WHERE b = $2 AND c IN ($3, $4) LIMIT $5")
        #expect((condition + " OR " + condition).text == "b = $1 OR b = $2")
        #expect(([] as [SQL]).joined(separator: ", ").isEmpty)
        #expect(!condition.isEmpty)
    }

    @Test func identifiersAreQuotedAndRawTextSaysSo() {
        let sql: SQL = "SELECT \(identifier: #"a"b"#), \(identifiers: ["序号", "名称"]) FROM \(raw: "t")"
        #expect(sql.text == #"SELECT "a""b", "序号", "名称" FROM t"#)
        #expect(SQL.quoted(identifier: "a\0b") == "\"a\u{FFFD}b\"")
    }

    @Test func valuesArriveInTheirOrder() async throws {
        try await TestDatabase.with { test in
            let pieces = (0..<50).map { number in number % 5 == 0 ? "\(Optional<Int>.none)" as SQL : "\(number)" }
            let row = try await test.database.read("SELECT ARRAY[\(pieces.joined(separator: ", "))]").first!
            #expect(try row.read([Int?].self, 0) == (0..<50).map { $0 % 5 == 0 ? nil : $0 })
        }
    }
}
