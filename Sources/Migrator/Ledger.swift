internal import Postgres

/// What has been applied to a database, in `daylight_migration.ledger`.
struct Ledger: Sendable {
    struct Entry: Sendable, Hashable {
        let version: Int
        let name: String
        let digest: String

        var file: String { String(repeating: "0", count: max(0, 4 - String(version).count)) + "\(version)_\(name).sql" }
    }

    var entries: [Entry]

    /// The entries, or nil where the database has no ledger.
    static func read(_ connection: Connection) async throws -> Ledger? {
        let exists = try await connection.execute("SELECT to_regclass('daylight_migration.ledger') IS NOT NULL")
        guard try exists[0].read(Bool.self, 0) else { return nil }
        let rows = try await connection.execute("SELECT version, name, sha256 FROM daylight_migration.ledger ORDER BY version")
        return Ledger(entries: try rows.map { Entry(version: try $0.read(Int.self, 0), name: try $0.read(String.self, 1), digest: try $0.read(String.self, 2)) })
    }

    static let create = """
        CREATE SCHEMA IF NOT EXISTS daylight_migration;
        CREATE TABLE IF NOT EXISTS daylight_migration.ledger (
            version     integer PRIMARY KEY,
            name        text NOT NULL,
            sha256      text NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT now()
        );
        GRANT USAGE ON SCHEMA daylight_migration TO daylight_writer;
        GRANT SELECT ON daylight_migration.ledger TO daylight_writer;
        """

    static func append(_ migration: Migration, _ connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO daylight_migration.ledger (version, name, sha256)
            VALUES (\(Int32(migration.version)), \(migration.name), \(migration.digest))
            """
        )
    }

    /// The files that are still to be applied.
    ///
    /// - Throws: `MigrationError` when what was applied and what is there do not belong together.
    func pending(_ files: [Migration]) throws(MigrationError) -> [Migration] {
        for (index, entry) in entries.enumerated() {
            guard entry.version == index + 1 else { throw .outOfOrder(missing: index + 1) }
            guard index < files.count else { throw .ahead(applied: entries[files.count...].map(\.file)) }
            let file = files[index]
            guard file.name == entry.name else { throw .renamed(version: entry.version, applied: entry.file, found: file.file) }
            guard file.digest == entry.digest else { throw .edited(file: file.file, applied: entry.digest, found: file.digest) }
        }
        return Array(files[entries.count...])
    }
}
