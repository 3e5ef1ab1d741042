import ArgumentParser
import Migrator

/// `daylight migrate`: brings the database up to this program's schema.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring the database up to date. 升级数据库结构。",
        discussion: """
            Applies the schema folder (DAYLIGHT_SCHEMA_DIR, else schema beside the program or in the current folder) to DATABASE_URL: roles, pending \
            migrations, privileges. Several may run at once: one works, the others wait. An edited or missing file stops it.
            """
    )

    @Flag(help: "Only say what is pending; exit status 1 where anything is.")
    var check = false

    func run() async throws {
        try await Operator.withMigrator { migrator in
            if check {
                try await migrator.requireCurrent()
                print("The schema is current: \(migrator.schema.migrations.count) migrations.")
                return
            }
            let applied = try await migrator.migrate { print("applying \($0.file)") }
            print(applied.isEmpty ? "The schema is current: \(migrator.schema.migrations.count) migrations." : "Applied \(applied.count) migrations.")
        }
    }
}
