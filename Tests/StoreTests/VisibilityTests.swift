import Foundation
import Migrator
import Model
import Postgres
import TestSupport
import Testing

@testable import Store

/// `schema/visibility.json` against the database, and what the real roles can do.
@Suite struct VisibilityTests {
    private struct Document: Decodable {
        var columns: [String: [String: String]]
    }

    private static func declared() throws -> [String: [String: String]] {
        try JSONDecoder().decode(Document.self, from: Data(contentsOf: Project.file("schema/visibility.json"))).columns
    }

    @Test func everyColumnDeclaresWhoMaySeeIt() async throws {
        let declared = try Self.declared()
        try await withTestDatabase { db in
            var found: [String: Set<String>] = [:]
            let rows = try await db.database.execute(
                """
                SELECT table_schema || '.' || table_name AS name, column_name::text AS column FROM information_schema.columns
                WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'public')
                """
            )
            for row in rows { found[try row.read(String.self, "name"), default: []].insert(try row.read(String.self, "column")) }
            for (table, columns) in found {
                #expect(Set(declared[table, default: [:]].keys) == columns, "\(table): visibility.json and the database differ")
            }
            let stale = declared.keys.filter { !$0.hasSuffix("*") && found[$0] == nil }
            #expect(stale == [], "visibility.json names tables that are not there")
            #expect(declared.values.allSatisfy { $0.values.allSatisfy { ["public", "department", "private", "field"].contains($0) } })
        }
    }

    @Test func nothingPrivateIsPublished() throws {
        let declared = try Self.declared()
        for (view, columns) in declared where view.hasPrefix("published.") {
            let hidden = columns.filter { $0.value != "public" }.map(\.key).sorted()
            // These name fields that are not public, for the server to know what to leave out; no values are in them.
            let known = ["published.dataset": ["description", "schema"], "published.version": ["schema"], "published.description_revision": ["description"]]
            #expect(hidden == known[view, default: []], "\(view)")
            let table = view.replacing("published.", with: "daylight.")
            for (column, visibility) in columns { if let below = declared[table]?[column] { #expect(below == visibility, "\(view).\(column)") } }
        }
    }

    /// What a statement is refused with; nil where it goes through.
    private func refusal(_ database: Database, _ sql: SQL) async throws -> String? {
        do {
            try await database.execute(sql)
            return nil
        } catch let error as PostgresError {
            return error.sqlState?.rawValue ?? "\(error.code)"
        }
    }

    private static let denied = "42501"

    /// A lighthouse with one row, its table and view made as the writer makes them.
    private func raise(_ db: TestDatabase) async throws -> RowTable {
        let office = try await db.addDepartment()
        let number = try await db.addDataset(department: office.uscc)
        let table = RowTable(number: number, schema: Lighthouse.schema)
        let writer = try await db.open(as: .writer)
        try await writer.execute(table.create)
        for statement in table.createIndexes + table.createView { try await writer.execute(statement) }
        try await writer.execute(
            "INSERT INTO \(table.table) (_since, code, name, keeper, keeper_phone, budget) VALUES (1, 'A1', '望海', '张三丰', '13800138000', 12.5)"
        )
        await writer.close()
        return table
    }

    @Test func theReaderSeesPublicFieldsMaskedAndNothingElse() async throws {
        try await withTestDatabase { db in
            let table = try await raise(db)
            let reader = try await db.open(as: .reader)
            let rows = try await reader.execute("SELECT * FROM \(table.view)")
            #expect(Set(rows.columns) == Set(Lighthouse.schema.publicFields.map(\.name) + ["_since", "_until"]))
            #expect(try rows[0].read(String.self, "keeper") == "张**")
            for statement: SQL in [
                "SELECT * FROM \(table.table)", "SELECT keeper_phone FROM \(table.table)", "SELECT * FROM daylight.dataset", "SELECT * FROM daylight.push",
                "SELECT hash FROM daylight.access_key", "SELECT value FROM daylight.secret", "SELECT state FROM daylight.withdrawn_row",
                "SELECT * FROM daylight_migration.ledger",
            ] { #expect(try await refusal(reader, statement) == Self.denied, "\(statement.text)") }
            #expect(try await refusal(reader, "SELECT keeper_phone FROM \(table.view)") == "42703")
            await reader.close()
        }
    }

    @Test func theReaderCannotWriteEvenWhereItsSessionsAreNotReadOnly() async throws {
        try await withTestDatabase { db in
            let table = try await raise(db)
            let reader = try await db.open(as: .reader)
            for statement: SQL in [
                "DELETE FROM \(table.view)", "UPDATE \(table.view) SET name = 'x'", "UPDATE published.dataset SET state = 'draft'", "DELETE FROM published.profile",
                "INSERT INTO published.department (uscc) VALUES ('x')", "CREATE TABLE published.x (a int)", "CREATE TABLE data.x (a int)",
                "DROP VIEW \(table.view)", "SELECT setval('daylight.dataset_number_seq', 1)",
            ] { #expect(try await refusal(reader, statement) == Self.denied, "\(statement.text)") }
            await reader.close()
        }
    }

    @Test func thePublicStoreIsReadOnlyToo() async throws {
        try await withTestStore { _, store in
            let problem = await #expect(throws: PostgresError.self) { try await store.reader.execute("CREATE TEMPORARY TABLE x (a int)") }
            #expect(problem?.sqlState?.rawValue == "25006")
            let settings = try await store.reader.execute(
                """
                SELECT current_user::text, current_setting('TimeZone'), current_setting('search_path'), current_setting('statement_timeout'),
                    current_setting('default_transaction_read_only'), current_setting('IntervalStyle'), current_setting('lock_timeout')
                """
            )
            var values: [String] = []
            for column in 0..<7 { values.append(try settings[0].read(String.self, column)) }
            #expect(values == ["daylight_reader", "<+08>-08", "", "20s", "on", "iso_8601", "10s"])
            let writer = try await store.writer.execute("SELECT current_user::text, '2026-03-01T00:00:00Z'::timestamptz::text")
            #expect(try writer[0].read(String.self, 0) == "daylight_writer")
            #expect(try writer[0].read(String.self, 1) == "2026-03-01 08:00:00+08")
        }
    }

    @Test func theWriterCannotRewriteHistory() async throws {
        try await withTestDatabase { db in
            _ = try await raise(db)
            let writer = try await db.open(as: .writer)
            for statement: SQL in [
                "UPDATE daylight.version SET digest = 'x'", "UPDATE daylight.version SET row_count = 0", "DELETE FROM daylight.version",
                "DELETE FROM daylight.withdrawal", "UPDATE daylight.withdrawal SET reason_zh = 'x'", "DELETE FROM daylight.review", "UPDATE daylight.review SET digest = 'x'",
                "DELETE FROM daylight.withdrawn_row", "DELETE FROM daylight.dataset", "DELETE FROM daylight.push", "UPDATE daylight.profile SET document = '{}'",
                "DELETE FROM daylight.profile", "UPDATE daylight.access_key SET hash = repeat('0', 64)", "UPDATE daylight.access_key SET scopes = '{admin}'",
                "DELETE FROM daylight.access_key", "UPDATE daylight.secret SET value = ''", "TRUNCATE daylight.dataset", "DELETE FROM daylight_migration.ledger",
                "INSERT INTO daylight_migration.ledger (version, name, sha256) VALUES (99, 'x', 'x')", "UPDATE daylight.ledger_leaf SET entry = ''",
                "DELETE FROM daylight.ledger_leaf", "UPDATE daylight.ledger_node SET hash = sha256('')", "DELETE FROM daylight.ledger_node",
                "UPDATE daylight.ledger_checkpoint SET note = ''", "DELETE FROM daylight.ledger_checkpoint", "UPDATE daylight.ledger_pending SET entry = ''",
                "UPDATE daylight.ledger_salt SET salt = sha256('')",
            ] { #expect(try await refusal(writer, statement) == Self.denied, "\(statement.text)") }
            await writer.close()
        }
    }

    @Test func theWriterCannotChangeTheSchema() async throws {
        try await withTestDatabase { db in
            let writer = try await db.open(as: .writer)
            for statement: SQL in [
                "DROP TABLE daylight.dataset", "ALTER TABLE daylight.dataset ADD COLUMN x int", "CREATE TABLE daylight.x (a int)", "DROP SCHEMA daylight CASCADE",
                "DROP VIEW published.dataset", "CREATE OR REPLACE VIEW published.release AS SELECT 1 AS dataset_number, 2 AS current_version", "CREATE SCHEMA x",
                "CREATE TABLE public.x (a int)",
            ] { #expect(try await refusal(writer, statement) == Self.denied, "\(statement.text)") }
            // A grant by somebody who has no right to it does nothing and only warns.
            try await writer.execute("GRANT SELECT ON daylight.dataset TO daylight_reader")
            let granted = try await writer.execute("SELECT has_table_privilege('daylight_reader', 'daylight.dataset', 'SELECT')")
            #expect(try !granted[0].read(Bool.self, 0))
            await writer.close()
        }
    }

    @Test func privilegesCanBeAppliedAgainWhereRowViewsStand() async throws {
        try await withTestDatabase { db in
            let table = try await raise(db)
            let owner = try await db.open(as: .owner)
            try await owner.withConnection { try await $0.executeScript(try TestDatabase.schema().privileges) }
            await owner.close()
            let reader = try await db.open(as: .reader)
            #expect(try await reader.execute("SELECT 1 FROM \(table.view)").count == 1)
            await reader.close()
        }
    }
}
