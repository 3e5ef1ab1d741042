public import Model
internal import Postgres

extension Store {
    /// What is published, in the order of identifiers, as the public reader sees it: without mappings.
    ///
    /// - Parameters:
    ///   - after: the identifier behind which to go on.
    ///   - limit: at most so many.
    public func publishedDatasets(after: String?, limit: Int) async throws -> [DatasetRecord] {
        let rows = try await readPooled(
            """
            SELECT d.number, d.id, d.state, d.revision, d.description, COALESCE(v.schema, d.schema) AS schema, d.profile_id, d.profile_version,
                NULL::jsonb AS mapping, 0 AS mapping_revision, d.current_version, d.row_count, d.released_at, d.created_at, d.updated_at, 'public' AS audience,
                d.home_url
            FROM published.dataset d LEFT JOIN published.version v ON v.dataset = d.id AND v.number = d.current_version
            WHERE d.state = 'published' AND d.id > \(after ?? "", as: .text) ORDER BY d.id LIMIT \(limit)
            """
        )
        return try rows.map(Self.datasetRecord)
    }
}
