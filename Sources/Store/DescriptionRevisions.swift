public import Model
internal import Postgres

extension Store {
    private static let revisionColumns: SQL = "r.dataset, r.revision, r.description, r.written_at, r.published_at"

    /// Revisions of a dataset's description, the newest first.
    ///
    /// - Parameters:
    ///   - revision: only earlier ones; nil for all.
    ///   - time: only those that everybody could see by then.
    ///   - hidden: whether those that were never public are among them.
    public func revisions(of dataset: String, before revision: Int? = nil, by time: Timestamp? = nil, hidden: Bool = false, limit: Int) async throws -> [DescriptionRevision] {
        var rest: SQL = ""
        if let revision { rest = "\(rest) AND r.revision < \(revision)" }
        if let time { rest = "\(rest) AND r.published_at <= \(time.instant)" }
        func sql(_ relation: SQL) -> SQL {
            "SELECT \(Self.revisionColumns) FROM \(relation) r WHERE r.dataset = \(dataset, as: .text)\(rest) ORDER BY r.revision DESC LIMIT \(limit)"
        }
        return try await (hidden ? write(sql("daylight.description_revision")) : readPooled(sql("published.description_revision"))).map { row in
            DescriptionRevision(
                dataset: try row.string("dataset"), revision: try row.integer("revision"), description: try row.document(DatasetDescription.self, "description"),
                writtenAt: try row.timestamp("written_at"), publishedAt: try row.timestampIfPresent("published_at"))
        }
    }
}
