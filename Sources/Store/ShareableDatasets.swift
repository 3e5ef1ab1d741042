public import Model
import Postgres

extension Store {
    /// Released datasets, closed ones too, in the order of their identifiers, with what a department asked for and has of each.
    ///
    /// - Parameters:
    ///   - receiver: the department that asks; nil for none.
    ///   - datasets: to which the caller's key is limited; no limit where empty.
    ///   - after: the identifier behind which to go on.
    public func shareableDatasets(_ filter: ShareableFilter, receiver: String?, datasets: [String], after: String?, limit: Int) async throws -> [ShareableDataset] {
        var conditions: [SQL] = ["d.id > \(after ?? "", as: .text)"]
        if let department = filter.department { conditions.append("d.department = \(department)") }
        if let type = filter.shareType { conditions.append("d.share_type = \(type.rawValue)") }
        if let audience = filter.audience { conditions.append("d.audience = \(audience.rawValue)") }
        for word in filter.words { conditions.append("strpos(lower(\(Self.shareableText)), lower(\(word, as: .text))) > 0") }
        if !datasets.isEmpty { conditions.append("d.id = ANY (\(datasets))") }
        return try await shareable("\(conditions.joined(separator: " AND ")) ORDER BY d.id LIMIT \(limit)", receiver)
    }

    /// What words are looked for in. Fields that nobody can ask for are not to be found out.
    private static let shareableText: SQL = """
        concat_ws(' ', d.id, d.description #>> '{title,zh}', d.description #>> '{title,en}', d.description #>> '{abstract,zh}', d.description #>> '{abstract,en}',
            d.description ->> 'keywords', (SELECT string_agg(concat_ws(' ', f ->> 'name', f #>> '{title,zh}', f #>> '{title,en}'), ' ')
                FROM jsonb_array_elements(v.schema -> 'fields') AS f WHERE f ->> 'visibility' IS DISTINCT FROM 'private'))
        """

    /// One of them; nil where there is none.
    public func shareableDataset(_ id: String, receiver: String?) async throws -> ShareableDataset? {
        try await shareable("d.id = \(id, as: .text)", receiver).first
    }

    private func shareable(_ condition: SQL, _ receiver: String?) async throws -> [ShareableDataset] {
        try await write(
            """
            SELECT d.id, d.description - 'schema' AS description, d.audience, d.current_version, d.row_count, d.released_at, v.schema, r.id AS request, r.state AS request_state,
                (SELECT g.id FROM daylight.share_grant g WHERE g.dataset = d.id AND g.receiver = \(receiver) AND g.ended_at IS NULL AND g.expires_at > statement_timestamp()
                 ORDER BY g.granted_at DESC LIMIT 1) AS grant_id
            FROM daylight.dataset d JOIN daylight.version v ON v.dataset = d.id AND v.number = d.current_version
            LEFT JOIN LATERAL (SELECT q.id, q.state FROM daylight.share_request q WHERE q.dataset = d.id AND q.receiver = \(receiver) ORDER BY q.created_at DESC, q.id DESC LIMIT 1) AS r ON true
            WHERE d.state = 'published' AND \(condition)
            """
        ).map { row in
            let schema = try row.document(TableSchema.self, "schema")
            return ShareableDataset(
                id: try row.read("id"), description: try row.document(DatasetDescription.self, "description"), audience: try row.word("audience"),
                version: try row.read("current_version"), rowCount: try row.integerIfPresent("row_count") ?? 0, releasedAt: try row.timestamp("released_at"),
                primaryKey: schema.primaryKey, fields: ShareSchema.fields(schema), request: try row.read("request"),
                requestState: try row.stringIfPresent("request_state").flatMap(ShareRequest.State.init), grant: try row.read("grant_id"))
        }
    }
}
