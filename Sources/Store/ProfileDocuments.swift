public import Model
internal import Postgres

/// What loading a profile did.
public enum ProfileLoading: Sendable, Hashable {
    case added
    /// The same file was loaded before.
    case known
    /// Another file was loaded under this id and version; profiles are immutable.
    case differs
}

extension Store {
    /// A profile at a version, or at its newest; nil where there is none.
    public func profileDocument(_ id: String, version: Int? = nil) async throws -> ProfileDocument? {
        let rows = try await read(
            """
            SELECT id, version, document, loaded_at FROM published.profile
            WHERE id = \(id, as: .text) AND (\(version, as: .int8)::bigint IS NULL OR version = \(version, as: .int8)) ORDER BY version DESC LIMIT 1
            """
        )
        return try rows.first.map(Self.profileDocument)
    }

    /// Every profile at its newest version, in the order of their ids.
    public func newestProfileDocuments() async throws -> [ProfileDocument] {
        let rows = try await read("SELECT DISTINCT ON (id) id, version, document, loaded_at FROM published.profile ORDER BY id, version DESC")
        return try rows.map(Self.profileDocument)
    }

    /// Titles of profiles at their newest versions, by id.
    public func profileTitles(_ ids: [String]) async throws -> [String: LocalizedText] {
        let rows = try await read(
            """
            SELECT DISTINCT ON (id) id, document -> 'title' ->> 'zh' AS title_zh, document -> 'title' ->> 'en' AS title_en FROM published.profile
            WHERE id = ANY (\(ids)) ORDER BY id, version DESC
            """
        )
        return try Dictionary(rows.map { (try $0.string("id"), try $0.localized("title")) }) { first, _ in first }
    }

    /// Keeps a profile.
    ///
    /// - Parameters:
    ///   - document: JSON text that has been validated.
    ///   - digest: SHA-256 of the file, 64 hexadecimal digits.
    ///   - entry: what the ledger says of it.
    public func addProfileDocument(id: String, version: Int, document: String, digest: String, entry: LedgerEntry) async throws -> ProfileLoading {
        try await transaction { connection in
            let added = try await connection.execute(
                """
                INSERT INTO daylight.profile (id, version, document, digest) VALUES (\(id), \(version), \(JSONB(document)), \(digest))
                ON CONFLICT (id, version) DO NOTHING
                """
            )
            if added.affectedRows == 1 {
                try await connection.notify(Self.referenceChannel)
                try await connection.enter(entry)
                return .added
            }
            let rows = try await connection.execute("SELECT digest FROM daylight.profile WHERE id = \(id, as: .text) AND version = \(version)")
            return try rows.first?.string("digest") == digest ? .known : .differs
        }
    }

    private static func profileDocument(_ row: Row) throws -> ProfileDocument {
        ProfileDocument(
            id: try row.string("id"), version: try row.integer("version"), document: try row.string("document"), loadedAt: try row.timestamp("loaded_at")
        )
    }
}
