import Foundation
import Migrator
import Postgres
import TestSupport
import Testing

@Suite struct MigratorTests {
    /// A copy of the schema folder that a test may damage.
    private func schemaCopy() throws -> URL {
        let copy = FileManager.default.temporaryDirectory.appending(path: "daylight-schema-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: copy, withIntermediateDirectories: true)
        for part in ["roles.sql", "privileges.sql", "migrations"] {
            try FileManager.default.copyItem(at: Project.root.appending(path: "schema/\(part)"), to: copy.appending(path: part))
        }
        return copy
    }

    private func write(_ text: String, _ file: String, _ folder: URL) throws {
        try Data(text.utf8).write(to: folder.appending(path: "migrations/\(file)"))
    }

    @Test func migratesAnEmptyDatabaseOnceAndThenFindsNothingToDo() async throws {
        try await withTestDatabase(migrated: false) { db in
            let schema = try TestDatabase.schema()
            let migrator = Migrator(database: db.database, schema: schema)
            await #expect(throws: MigrationError.empty) { try await migrator.requireCurrent() }
            let applied = try await migrator.migrate()
            #expect(applied == schema.migrations)
            try await migrator.requireCurrent()
            #expect(try await migrator.migrate().isEmpty)
            let ledger = try await db.database.execute("SELECT count(*) FROM daylight_migration.ledger")
            #expect(try ledger[0].read(Int.self, 0) == schema.migrations.count)
        }
    }

    @Test func everythingBelongsToTheOwnersRole() async throws {
        try await withTestDatabase { db in
            let rows = try await db.database.execute(
                """
                SELECT n.nspname || '.' || c.relname AS name FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname IN ('daylight', 'data', 'staging', 'published', 'daylight_migration')
                    AND pg_catalog.pg_get_userbyid(c.relowner) <> 'daylight_owner'
                UNION ALL SELECT nspname FROM pg_catalog.pg_namespace
                WHERE nspname IN ('daylight', 'data', 'staging', 'published', 'daylight_migration') AND pg_catalog.pg_get_userbyid(nspowner) <> 'daylight_owner'
                """
            )
            #expect(try rows.map { try $0.read(String.self, 0) } == [])
        }
    }

    @Test func anEditedFileStopsEverything() async throws {
        let folder = try schemaCopy()
        try await withTestDatabase { db in
            let file = try SchemaDirectory(folder).migrations[1].file
            let old = try String(contentsOf: folder.appending(path: "migrations/\(file)"), encoding: .utf8)
            try write(old + "\n-- one more line\n", file, folder)
            let migrator = Migrator(database: db.database, schema: try SchemaDirectory(folder))
            let error = await #expect(throws: MigrationError.self) { try await migrator.migrate() }
            #expect("\(try #require(error))".contains("\(file) was edited"))
            await #expect(throws: MigrationError.self) { try await migrator.requireCurrent() }
        }
    }

    @Test func aRenamedFileStopsEverything() async throws {
        let folder = try schemaCopy()
        try await withTestDatabase { db in
            let file = try SchemaDirectory(folder).migrations[0].file
            try FileManager.default.moveItem(at: folder.appending(path: "migrations/\(file)"), to: folder.appending(path: "migrations/0001_other_name.sql"))
            let error = await #expect(throws: MigrationError.self) { try await Migrator(database: db.database, schema: SchemaDirectory(folder)).migrate() }
            #expect(error == .renamed(version: 1, applied: file, found: "0001_other_name.sql"))
        }
    }

    @Test func gapsRepeatsAndWrongNamesAreRefusedBeforeTheDatabaseIsTouched() throws {
        let gap = try schemaCopy()
        let count = try SchemaDirectory(gap).migrations.count
        try write("SELECT 1;", String(format: "%04d_after_a_gap.sql", count + 2), gap)
        #expect(throws: MigrationError.gap(missing: count + 1, found: String(format: "%04d_after_a_gap.sql", count + 2))) { try SchemaDirectory(gap) }

        let twice = try schemaCopy()
        try write("SELECT 1;", "0001_again.sql", twice)
        #expect(throws: MigrationError.self) { try SchemaDirectory(twice) }

        let misnamed = try schemaCopy()
        try write("SELECT 1;", "6_No.sql", misnamed)
        #expect(throws: MigrationError.misnamed(file: "6_No.sql")) { try SchemaDirectory(misnamed) }

        let missing = try schemaCopy()
        try FileManager.default.removeItem(at: missing.appending(path: "privileges.sql"))
        #expect(throws: MigrationError.self) { try SchemaDirectory(missing) }
    }

    @Test func aFileThatFailsLeavesNothingAndIsNamed() async throws {
        let folder = try schemaCopy()
        let next = try SchemaDirectory(folder).migrations.count + 1
        let file = String(format: "%04d_breaks.sql", next)
        try write("CREATE TABLE daylight.half (a int);\nSELECT nonsense;\n", file, folder)
        try await withTestDatabase { db in
            let migrator = Migrator(database: db.database, schema: try SchemaDirectory(folder))
            let error = await #expect(throws: MigrationError.self) { try await migrator.migrate() }
            #expect("\(try #require(error))".hasPrefix("\(file) failed"))
            #expect(try await db.database.execute("SELECT to_regclass('daylight.half') IS NULL")[0].read(Bool.self, 0))
            // The connection goes back to the pool as itself, and the lock is free: the mended file goes through.
            try write("CREATE TABLE daylight.half (a int);\n", file, folder)
            let applied = try await Migrator(database: db.database, schema: SchemaDirectory(folder)).migrate()
            #expect(applied.map(\.file) == [file])
        }
    }

    /// Views of grants from before passes get to ask for one; what they gave, whose they are and who may read them stays.
    @Test func viewsOfGrantsThatRunAskForPasses() async throws {
        let (before, all) = (try schemaCopy(), try TestDatabase.schema())
        for migration in all.migrations where migration.file >= "0028" { try FileManager.default.removeItem(at: before.appending(path: "migrations/\(migration.file)")) }
        let privileges = before.appending(path: "privileges.sql")
        let lines = try String(contentsOf: privileges, encoding: .utf8).split(separator: "\n").filter { !$0.contains("granted.admits") && !$0.contains("grant_pass") }
        try Data(lines.joined(separator: "\n").utf8).write(to: privileges)
        try await withTestDatabase(migrated: false) { db in
            try await Migrator(database: db.database, schema: SchemaDirectory(before)).migrate()
            try await db.database.withConnection { connection in
                // The grant's request and dataset do not matter here.
                try await connection.executeScript(
                    """
                    SET session_replication_role = replica;
                    INSERT INTO daylight.share_grant (id, request, dataset, provider, receiver, terms, method, from_version, expires_at, ended_at, leaf)
                    SELECT gen_random_uuid(), gen_random_uuid(), 'd', 'p', 'r', '{}', 'pull', 1, now() + interval '1 day', ended, sha256('') FROM unnest(ARRAY[NULL, now()]) AS ended;
                    RESET session_replication_role;
                    SET ROLE daylight_writer;
                    CREATE TABLE data.d1 AS SELECT 1 AS a, 2 AS b;
                    CREATE VIEW granted.g1 WITH (security_barrier) AS SELECT b FROM data.d1 WHERE a = 1;
                    CREATE VIEW granted.w1 WITH (security_barrier) AS SELECT a FROM data.d1;
                    CREATE VIEW granted.g2 WITH (security_barrier) AS SELECT b FROM data.d1;
                    GRANT SELECT ON granted.g1, granted.w1 TO daylight_exchange;
                    RESET ROLE
                    """)
            }
            #expect(try await Migrator(database: db.database, schema: all).migrate().first?.file == "0028_grant_passes.sql")
            let views = try await db.database.execute(
                """
                SELECT c.relname || ' ' || pg_get_userbyid(c.relowner) || ' ' || c.reloptions::text || ' ' || (pg_get_viewdef(c.oid) LIKE '%granted.admits(%')::text
                FROM pg_class c WHERE c.relnamespace = 'granted'::regnamespace AND c.relname <> 'erased' AND c.relkind = 'v' ORDER BY c.relname
                """)
            #expect(try views.map { try $0.read(String.self, 0) } == ["g1", "g2", "w1"].map { "\($0) daylight_writer {security_barrier=true} \($0 != "g2")" })
            let role = try await db.open(as: .exchange)
            await #expect(throws: PostgresError.self) { try await role.execute("SELECT b FROM granted.g1") }
            let pass: String = try await db.database.execute("INSERT INTO daylight.grant_pass (grant_number, key_id, purpose) VALUES (1, gen_random_uuid(), 'x') RETURNING id")[0].read(0)
            let read = try await role.transaction { connection in
                try await connection.execute("SELECT set_config('daylight.pass', \(pass, as: .text), true)")
                return try await connection.execute("SELECT g1.b, w1.a FROM granted.g1, granted.w1")
            }
            #expect(try read[0].read(Int.self, "b") == 2 && read[0].read(Int.self, "a") == 1)
            await role.close()
        }
    }

    @Test func aFileMayRunWithoutATransaction() async throws {
        let folder = try schemaCopy()
        let next = try SchemaDirectory(folder).migrations.count + 1
        try write("-- no-transaction\nCREATE INDEX CONCURRENTLY push_by_key ON daylight.push (key_id);\n", String(format: "%04d_index.sql", next), folder)
        try await withTestDatabase { db in
            try await Migrator(database: db.database, schema: SchemaDirectory(folder)).migrate()
            #expect(try await db.database.execute("SELECT to_regclass('daylight.push_by_key') IS NOT NULL")[0].read(Bool.self, 0))
        }
    }

    @Test func programsRefuseSchemasOlderAndNewerThanTheyKnow() async throws {
        let folder = try schemaCopy()
        let next = try SchemaDirectory(folder).migrations.count + 1
        let file = String(format: "%04d_new.sql", next)
        try write("CREATE TABLE daylight.new (a int);\n", file, folder)
        try await withTestDatabase { db in
            let newer = Migrator(database: db.database, schema: try SchemaDirectory(folder))
            await #expect(throws: MigrationError.behind(pending: [file])) { try await newer.requireCurrent() }
            try await newer.migrate()
            let older = Migrator(database: db.database, schema: try TestDatabase.schema())
            await #expect(throws: MigrationError.ahead(applied: [file])) { try await older.requireCurrent() }
            await #expect(throws: MigrationError.ahead(applied: [file])) { try await older.migrate() }
        }
    }

    @Test func migratorsThatRunAtOnceApplyEachFileOnce() async throws {
        try await withTestDatabase(migrated: false) { db in
            let schema = try TestDatabase.schema()
            let others = try await [db.open(as: nil), db.open(as: nil), db.open(as: nil)]
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for other in others { group.addTask { try await Migrator(database: other, schema: schema).migrate().count } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(counts.sorted() == [0, 0, schema.migrations.count])
            for other in others { await other.close() }
        }
    }

    @Test func aPlainLoginThatIsAMemberOfTheRolesCanMigrate() async throws {
        // Roles belong to the cluster: a migrated database beside this one is what an administrator made them with.
        try await withTestDatabase { _ in }
        try await withTestDatabase(migrated: false) { db in
            let login = "login_\(db.name.suffix(12))"
            try await db.database.execute("CREATE ROLE \(identifier: login) LOGIN IN ROLE daylight_owner, daylight_writer, daylight_reader, daylight_exchange")
            try await db.database.execute("GRANT CREATE ON DATABASE \(identifier: db.name) TO daylight_owner")
            let applied = try await asLogin(login, db) { try await Migrator(database: $0, schema: TestDatabase.schema()).migrate() }
            #expect(!applied.isEmpty)
            let again = try await asLogin(login, db) { try await Migrator(database: $0, schema: TestDatabase.schema()).migrate() }
            #expect(again.isEmpty)
            try await db.database.execute("DROP ROLE \(identifier: login)")
        }
    }

    @Test func aLoginThatMayNotIsToldWhatAnAdministratorHasToRun() async throws {
        try await withTestDatabase { _ in }
        try await withTestDatabase(migrated: false) { db in
            let login = "login_\(db.name.suffix(12))"
            try await db.database.execute("CREATE ROLE \(identifier: login) LOGIN")
            let error = await #expect(throws: MigrationError.self) {
                try await asLogin(login, db) { try await Migrator(database: $0, schema: TestDatabase.schema()).migrate() }
            }
            try await db.database.execute("DROP ROLE \(identifier: login)")
            #expect(
                error
                    == .needsAdministrator(statements: [
                        "GRANT daylight_owner, daylight_writer, daylight_reader, daylight_exchange TO \"\(login)\";",
                        "GRANT CREATE ON DATABASE \"\(db.name)\" TO daylight_owner;",
                    ])
            )
        }
    }

    private func asLogin<T>(_ login: String, _ db: TestDatabase, _ body: (Database) async throws -> T) async throws -> T {
        let database = try await db.open(asLogin: login)
        do {
            let result = try await body(database)
            await database.close()
            return result
        } catch {
            await database.close()
            throw error
        }
    }
}
