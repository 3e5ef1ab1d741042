public import Model
internal import Postgres

/// What is here of a dataset that another node offers.
public struct MirroredDataset: Sendable {
    /// The node that it comes by; nil where it is this installation's own.
    public var node: String?
    /// The address of the node where it is at home; nil as `node`.
    public var home: String?
    public var state: Dataset.State
    public var revision: Int
    public var currentVersion: Int?
    /// The current version's.
    public var currentDigest: String?
    public var currentSchema: TableSchema?
    /// Whether the current version's content was withdrawn.
    public var isCurrentWithdrawn: Bool
}

/// A dataset of another node as it is written here.
public struct MirroredContent: Sendable {
    public var id: String
    /// By way of which node it comes.
    public var node: String
    /// Where it is at home.
    public var home: String
    public var description: DatasetDescription
    public var revision: Int
    /// The public shape of its rows.
    public var schema: TableSchema
    public var profile: ProfileReference?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: String, node: String, home: String, description: DatasetDescription, revision: Int, schema: TableSchema, profile: ProfileReference?, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        (self.id, self.node, self.home, self.description, self.revision) = (id, node, home, description, revision)
        (self.schema, self.profile, self.createdAt, self.updatedAt) = (schema, profile, createdAt, updatedAt)
    }
}

extension Store {
    /// What is here under an identifier; nil where nothing is.
    public func mirroredDataset(_ id: String) async throws -> MirroredDataset? {
        try await write(
            """
            SELECT d.home_node, d.home_url, d.state, d.revision, d.current_version, v.digest, v.schema, v.withdrawal IS NOT NULL AS is_withdrawn
            FROM daylight.dataset d LEFT JOIN daylight.version v ON v.dataset = d.id AND v.number = d.current_version WHERE d.id = \(id, as: .text)
            """
        ).first.map { row in
            MirroredDataset(
                node: try row.read("home_node"), home: try row.read("home_url"), state: try row.word("state"), revision: try row.read("revision"),
                currentVersion: try row.read("current_version"), currentDigest: try row.read("digest"), currentSchema: try row.documentIfPresent(TableSchema.self, "schema"),
                isCurrentWithdrawn: try row.read("is_withdrawn"))
        }
    }

    /// All that is here of a node, in the order of their identifiers.
    public func mirroredDatasets(of node: String) async throws -> [String] {
        try await write("SELECT id FROM daylight.dataset WHERE home_node = \(node)::uuid ORDER BY id").map { try $0.read(0) }
    }

    /// Which of these withdrawals are recorded here.
    public func knownWithdrawals(among ids: [String]) async throws -> Set<String> {
        Set(try await write("SELECT id FROM daylight.withdrawal WHERE id = ANY (\(ids)::uuid[])").map { try $0.read(String.self, 0) })
    }

    /// Versions of a dataset that are recorded here without a withdrawal, among these.
    public func standingVersions(of dataset: String, among numbers: [Int]) async throws -> [Int] {
        try await write(
            "SELECT number FROM daylight.version WHERE dataset = \(dataset, as: .text) AND number = ANY (\(numbers)::bigint[]) AND withdrawal IS NULL ORDER BY number"
        ).map { try $0.read(0) }
    }

    /// The digest of a version that is here.
    public func digest(of dataset: String, version: Int) async throws -> String? {
        try await write("SELECT digest FROM daylight.version WHERE dataset = \(dataset, as: .text) AND number = \(version, as: .int4)").first.map { try $0.read(0) }
    }

    /// Adds a department that another node publishes for, where it is not known here; what is known here stays.
    public func adopt(_ department: Department) async throws {
        let contact = try department.contact.map { try JSON.encode($0) }
        try await transaction { connection in
            let added = try await connection.execute(
                """
                INSERT INTO daylight.department (uscc, name_zh, name_en, level, region, contact, node)
                VALUES (\(department.uscc), \(department.name.zh), \(department.name.en), \(department.level.rawValue), \(department.region), \(contact)::text::jsonb,
                        \(department.node))
                ON CONFLICT (uscc) DO NOTHING
                """)
            if added.affectedRows > 0 { try await connection.notify(Self.referenceChannel) }
        }
    }

    /// Makes the entry of another node's dataset; nobody sees it before its first version is here.
    ///
    /// - Returns: false where its identifier, or its resource code, belongs to another dataset.
    public func createMirrored(_ content: MirroredContent) async throws -> Bool {
        try await mappingErrors {
            do {
                return try await writer.execute(
                    """
                    INSERT INTO daylight.dataset (id, department, description, revision, schema, profile_id, profile_version, home_node, home_url, created_at, updated_at)
                    SELECT \(content.id), \(content.description.department), \(JSONB(encoding: content.description)), \(content.revision), \(JSONB(encoding: content.schema)),
                        f.id, f.version, \(content.node)::uuid, \(content.home), \(content.createdAt.instant), \(content.updatedAt.instant)
                    FROM (SELECT) AS one LEFT JOIN daylight.profile f ON f.id = \(content.profile?.id) AND f.version = \(content.profile?.version)
                    WHERE EXISTS (SELECT FROM daylight.home_node n WHERE n.id = \(content.node)::uuid AND n.state <> 'removed')
                    ON CONFLICT (id) DO NOTHING
                    """
                ).affectedRows == 1
            } catch let error as PostgresError where error.isUniqueViolation {
                return false
            }
        }
    }

    /// Brings the entry to what it is at home.
    ///
    /// - Parameter revisions: descriptions that were in force, which are not here yet.
    /// - Returns: false where its resource code belongs to another dataset.
    public func updateMirrored(_ content: MirroredContent, revisions: [DescriptionRevision], entry: LedgerEntry?) async throws -> Bool {
        try await mappingErrors {
            do {
                try await writer.transaction { connection in
                    try await connection.keep(revisions, of: content.id)
                    let changed = try await connection.execute(
                        """
                        UPDATE daylight.dataset SET description = \(JSONB(encoding: content.description)), revision = \(content.revision), updated_at = \(content.updatedAt.instant)
                        WHERE id = \(content.id) AND home_node = \(content.node)::uuid AND revision < \(content.revision)
                        """)
                    guard changed.affectedRows == 1 else { return }
                    // A revision that edits something else than the description is no change of it.
                    if let entry {
                        try await connection.record(.description(revision: content.revision), of: content.id)
                        try await connection.enter(entry)
                    }
                    try await connection.notifyChange(of: content.id)
                }
                return true
            } catch let error as PostgresError where error.isUniqueViolation {
                return false
            }
        }
    }

    /// The highest revision of a description that is kept; 0 for none.
    public func lastRevision(of dataset: String) async throws -> Int {
        try await write("SELECT COALESCE(max(revision), 0) FROM daylight.description_revision WHERE dataset = \(dataset, as: .text)")[0].read(0)
    }
}

extension Connection {
    /// Keeps descriptions as they were in force at home.
    func keep(_ revisions: [DescriptionRevision], of dataset: String) async throws {
        for revision in revisions {
            try await execute(
                """
                INSERT INTO daylight.description_revision (dataset, revision, description, written_at, published_at)
                VALUES (\(dataset), \(revision.revision), \(JSONB(encoding: revision.description)), \(revision.writtenAt.instant), \(revision.publishedAt?.instant))
                ON CONFLICT DO NOTHING
                """)
        }
    }
}
