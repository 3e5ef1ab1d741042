public import Model
internal import Postgres

/// What is written of a dataset when it is created or edited.
public struct DatasetContent: Sendable {
    public var description: DatasetDescription
    public var schema: TableSchema
    public var profile: ProfileReference?

    public init(description: DatasetDescription, schema: TableSchema, profile: ProfileReference?) {
        self.description = description
        self.schema = schema
        self.profile = profile
    }
}

/// What a write to a dataset came to.
public enum DatasetWrite: Sendable {
    case written(DatasetRecord)
    /// It exists already, or somebody else changed it first, or it is gone.
    case outdated
    /// The resource code belongs to another dataset; codes are never used twice.
    case resourceCodeTaken
}

extension Store {
    private static let datasetColumns: SQL = """
        d.number, d.id, d.state, d.revision, d.description, d.schema, d.profile_id, d.profile_version, d.mapping, d.mapping_revision, d.current_version,
        d.row_count, d.released_at, d.created_at, d.updated_at, d.audience, d.home_url
        """

    /// A dataset in any state; who may see it is the caller's to decide.
    public func dataset(_ id: String) async throws -> DatasetRecord? {
        let rows = try await write(
            "SELECT \(Self.datasetColumns) FROM daylight.dataset d WHERE d.id = \(id, as: .text)"
        )
        return try rows.first.map(Self.datasetRecord)
    }

    /// A dataset that is published or was withdrawn, as the public reader sees it: without its mapping.
    public func publishedDataset(_ id: String) async throws -> DatasetRecord? {
        let rows = try await read(
            """
            SELECT d.number, d.id, d.state, d.revision, d.description, COALESCE(v.schema, d.schema) AS schema, d.profile_id, d.profile_version,
                NULL::jsonb AS mapping, 0 AS mapping_revision, d.current_version, d.row_count, d.released_at, d.created_at, d.updated_at, 'public' AS audience,
                d.home_url
            FROM published.dataset d LEFT JOIN published.version v ON v.dataset = d.id AND v.number = d.current_version
            WHERE d.id = \(id, as: .text)
            """
        )
        return try rows.first.map(Self.datasetRecord)
    }

    /// The schema of a dataset's current version: what its released rows look like.
    public func releasedSchema(_ id: String) async throws -> TableSchema? {
        let rows = try await write(
            """
            SELECT v.schema FROM daylight.dataset d JOIN daylight.version v ON v.dataset = d.id AND v.number = d.current_version WHERE d.id = \(id, as: .text)
            """
        )
        return try rows.first?.document(TableSchema.self, "schema")
    }

    /// Creates a draft.
    public func addDataset(_ id: String, _ content: DatasetContent) async throws -> DatasetWrite {
        try await writingDataset(id) { connection in
            try await connection.execute(
                """
                WITH d AS (
                    INSERT INTO daylight.dataset (id, department, description, schema, profile_id, profile_version)
                    VALUES (\(id), \(content.description.department), \(JSONB(encoding: content.description)), \(JSONB(encoding: content.schema)),
                            \(content.profile?.id), \(content.profile?.version))
                    ON CONFLICT (id) DO NOTHING
                    RETURNING *
                )
                SELECT \(Self.datasetColumns) FROM d
                """
            )
        }
    }

    /// Edits the description, where it is still as the editor saw it.
    ///
    /// - Parameters:
    ///   - revision: the revision that the edit is based on.
    ///   - version: the version that was current then, 0 for none.
    ///   - entry: what the ledger says of it; nil where nobody has seen the description yet, or it stays as it is.
    public func updateDataset(_ id: String, _ content: DatasetContent, revision: Int, version: Int, entry: LedgerEntry?) async throws -> DatasetWrite {
        try await writingDataset(id, recordsChange: true, entry: entry) { connection in
            try await connection.execute(
                """
                WITH d AS (
                    UPDATE daylight.dataset SET description = \(JSONB(encoding: content.description)), schema = \(JSONB(encoding: content.schema)),
                        profile_id = \(content.profile?.id), profile_version = \(content.profile?.version), revision = revision + 1, updated_at = now()
                    WHERE id = \(id, as: .text) AND revision = \(revision) AND COALESCE(current_version, 0) = \(version) AND state <> 'withdrawn'
                    RETURNING *
                )
                SELECT \(Self.datasetColumns) FROM d
                """
            )
        }
    }

    /// Puts the mapping, where it is still as the editor saw it. The entry's revision counts on as well.
    ///
    /// - Parameter revision: the mapping's revision that the edit is based on, 0 for none.
    public func updateMapping(_ id: String, _ mapping: Mapping, revision: Int) async throws -> DatasetWrite {
        try await writingDataset(id) { connection in
            try await connection.execute(
                """
                WITH d AS (
                    UPDATE daylight.dataset SET mapping = \(JSONB(encoding: mapping)), mapping_revision = mapping_revision + 1, revision = revision + 1,
                        updated_at = now()
                    WHERE id = \(id, as: .text) AND mapping_revision = \(revision) AND state <> 'withdrawn'
                    RETURNING *
                )
                SELECT \(Self.datasetColumns) FROM d
                """
            )
        }
    }

    private func writingDataset(_ id: String, recordsChange: Bool = false, entry: LedgerEntry? = nil, _ body: (Connection) async throws -> RowSet) async throws -> DatasetWrite {
        try await mappingErrors {
            do {
                return try await writer.transaction { connection in
                    guard let row = try await body(connection).first else { return .outdated }
                    let record = try Self.datasetRecord(row)
                    if recordsChange, record.dataset.state == .published { try await connection.record(.description(revision: record.dataset.revision), of: id) }
                    if let entry { try await connection.enter(entry) }
                    try await connection.notifyChange(of: id)
                    return .written(record)
                }
            } catch let error as PostgresError where error.isUniqueViolation && error.constraint == "dataset_resource_code_key" {
                return .resourceCodeTaken
            }
        }
    }

    static func datasetRecord(_ row: Row) throws -> DatasetRecord {
        var dataset = Dataset(
            id: try row.string("id"), description: try row.document(DatasetDescription.self, "description"), state: try row.word(Dataset.State.self, "state"),
            revision: try row.integer("revision"), createdAt: try row.timestamp("created_at"), updatedAt: try row.timestamp("updated_at"),
            currentVersion: try row.integerIfPresent("current_version")
        )
        dataset.audience = try row.word("audience")
        var record = DatasetRecord(
            number: try row.integer("number"), dataset: dataset, schema: try row.document(TableSchema.self, "schema"), profile: try row.profileReference(),
            mapping: try row.documentIfPresent(Mapping.self, "mapping"), mappingRevision: try row.integer("mapping_revision"),
            rowCount: try row.integerIfPresent("row_count"), releasedAt: try row.timestampIfPresent("released_at")
        )
        record.home = try row.stringIfPresent("home_url")
        return record
    }
}
