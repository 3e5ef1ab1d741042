internal import Crypto
public import Foundation

/// The folder that says what the database looks like: `roles.sql`, `migrations/NNNN_*.sql`, `privileges.sql`.
public struct SchemaDirectory: Sendable {
    public let url: URL
    /// Applied first, every time: roles belong to the cluster, not to one database.
    public let roles: String
    /// In order, from 1 without gaps.
    public let migrations: [Migration]
    /// Applied last, every time.
    public let privileges: String

    /// Reads a schema folder.
    ///
    /// - Throws: `MigrationError` when a file is missing, misnamed, or the numbers have gaps or repeats.
    public init(_ url: URL) throws {
        self.url = url
        roles = try Self.text(url.appending(path: "roles.sql"))
        privileges = try Self.text(url.appending(path: "privileges.sql"))
        let folder = url.appending(path: "migrations")
        guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            throw MigrationError.schemaNotFound("\(folder.path) cannot be read")
        }
        migrations = try files.filter { !$0.hasPrefix(".") }.sorted().map { file in
            guard let (version, name) = Self.parse(file) else { throw MigrationError.misnamed(file: file) }
            guard let data = FileManager.default.contents(atPath: folder.appending(path: file).path) else {
                throw MigrationError.schemaNotFound("\(folder.path)/\(file) cannot be read")
            }
            return Migration(version: version, name: name, contents: Array(data))
        }
        for (index, migration) in migrations.enumerated() where migration.version != index + 1 {
            if index > 0, migrations[index - 1].version == migration.version {
                throw MigrationError.duplicate(migrations[index - 1].file, migration.file)
            }
            throw MigrationError.gap(missing: index + 1, found: migration.file)
        }
        if migrations.isEmpty { throw MigrationError.schemaNotFound("\(folder.path) holds no migrations") }
    }

    /// Finds the schema folder: `DAYLIGHT_SCHEMA_DIR`, else `schema` beside the program, else `./schema`.
    ///
    /// - Parameters:
    ///   - environment: the process's environment.
    ///   - executable: the program's path; its folder's `schema` is looked at.
    /// - Throws: `MigrationError.schemaNotFound` naming the places that were tried.
    public static func locate(
        environment: [String: String] = ProcessInfo.processInfo.environment, executable: String? = Bundle.main.executablePath
    ) throws -> URL {
        if let path = environment["DAYLIGHT_SCHEMA_DIR"], !path.isEmpty {
            let url = URL(filePath: path, directoryHint: .isDirectory)
            guard isSchema(url) else { throw MigrationError.schemaNotFound("DAYLIGHT_SCHEMA_DIR=\(path) holds no roles.sql") }
            return url
        }
        var places: [URL] = []
        if let executable { places.append(URL(filePath: executable).deletingLastPathComponent().appending(path: "schema", directoryHint: .isDirectory)) }
        places.append(URL(filePath: "schema", directoryHint: .isDirectory))
        guard let found = places.first(where: isSchema) else {
            throw MigrationError.schemaNotFound("no schema in \(places.map(\.path).joined(separator: " or ")); set DAYLIGHT_SCHEMA_DIR")
        }
        return found
    }

    /// SHA-256 over everything that `migrate` applies, 64 hexadecimal digits.
    public var digest: String {
        var hash = SHA256()
        for text in [roles] + migrations.map({ $0.file + "\n" + $0.sql }) + [privileges] {
            hash.update(data: Data("\(text.utf8.count)\n".utf8))
            hash.update(data: Data(text.utf8))
        }
        return hash.finalize().map { String(format: "%02x", $0) }.joined()
    }

    private static func isSchema(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: "roles.sql").path) }

    private static func text(_ url: URL) throws -> String {
        guard let data = FileManager.default.contents(atPath: url.path) else { throw MigrationError.schemaNotFound("\(url.path) cannot be read") }
        return String(decoding: data, as: UTF8.self)
    }

    private static func parse(_ file: String) -> (Int, String)? {
        guard let match = file.wholeMatch(of: /([0-9]{4})_([a-z0-9_]+)\.sql/), let version = Int(match.1), version > 0 else { return nil }
        return (version, String(match.2))
    }
}
