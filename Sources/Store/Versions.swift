public import Model
import Postgres

extension Store {
    /// A dataset's versions, newest first.
    ///
    /// - Parameters:
    ///   - audience: the dataset's.
    ///   - number: versions before this one; nil for the first page.
    public func versions(of dataset: String, audience: Audience, before number: Int?, limit: Int) async throws -> [Version] {
        var rest: SQL = ""
        if let number { rest = "AND v.number < \(number)" }
        return try await ask(audience) { room in
            "SELECT \(Self.versionColumns) FROM \(room).version v WHERE v.dataset = \(dataset) \(rest) ORDER BY v.number DESC LIMIT \(limit)"
        }.map(Self.version)
    }

    /// - Returns: nil where the dataset has no such version.
    public func version(_ number: Int, of dataset: String, audience: Audience = .public) async throws -> Version? {
        guard let number = Int32(exactly: number) else { return nil }
        return try await ask(audience) { room in
            "SELECT \(Self.versionColumns) FROM \(room).version v WHERE v.dataset = \(dataset) AND v.number = \(number)"
        }.first.map(Self.version)
    }

    /// Asks the views that everybody reads, or, of a dataset that is closed to the public, the tables; who may see the answer is the caller's to decide.
    ///
    /// - Parameter sql: gets the schema that has them, under the same names.
    func ask(_ audience: Audience, _ sql: (_ room: SQL) -> SQL) async throws -> RowSet {
        switch audience {
        case .public: try await readPooled(sql("published"))
        case .departments: try await write(sql("daylight"))
        }
    }

    /// One version of one dataset.
    public struct VersionName: Sendable, Hashable {
        public let dataset: String
        public let version: Int

        public init(dataset: String, version: Int) {
            (self.dataset, self.version) = (dataset, version)
        }
    }

    /// Those of these versions whose bytes can no longer be had: the version, rows of it or its dataset were withdrawn.
    public func withdrawnVersions(among names: [(dataset: String, version: Int)]) async throws -> Set<VersionName> {
        let rows = try await readPooled(
            """
            SELECT v.dataset, v.number FROM unnest(\(names.map(\.dataset))::text[], \(names.map(\.version))::bigint[]) AS n(dataset, number)
            JOIN published.version v ON v.dataset = n.dataset AND v.number = n.number LEFT JOIN published.dataset d ON d.id = v.dataset
            WHERE v.withdrawal IS NOT NULL OR d.state = 'withdrawn'
            """)
        return Set(try rows.map { VersionName(dataset: try $0.read("dataset"), version: try $0.read("number")) })
    }

    static let versionColumns: SQL = """
        v.dataset, v.number, v.digest, v.row_count, v.added, v.changed, v.removed, v.byte_count, v.schema, v.profile_id, v.profile_version, v.department, \
        v.push, v.released_at, v.withdrawal
        """

    static func version(_ row: Row) throws -> Version {
        Version(
            dataset: try row.read("dataset"), number: try row.read("number"), digest: try row.read("digest"), rowCount: try row.read("row_count"),
            added: try row.read("added"), changed: try row.read("changed"), removed: try row.read("removed"), byteCount: try row.read("byte_count"),
            schema: try row.document(TableSchema.self, "schema"), profile: try row.profileReference(), department: try row.read("department"), push: try row.read("push"),
            releasedAt: try row.timestamp("released_at"), withdrawal: try row.read("withdrawal"))
    }
}

extension Connection {
    /// Records a version; it is never edited afterwards.
    ///
    /// - Parameter rowTree: under which identifier the nodes of its row tree are kept; nil where none are.
    func insert(_ version: Version, releasedBy key: String?, rowTree: String?) async throws {
        try await execute(
            """
            INSERT INTO daylight.version (dataset, number, digest, row_count, added, changed, removed, byte_count, schema, profile_id, profile_version,
                                          department, push, released_by, released_at, row_tree)
            VALUES (\(version.dataset), \(version.number), \(version.digest), \(version.rowCount), \(version.added), \(version.changed),
                    \(version.removed), \(version.byteCount), \(try JSONB(encoding: version.schema)), \(version.profile?.id),
                    \(version.profile?.version), \(version.department), \(version.push), \(key), \(version.releasedAt.instant), \(rowTree))
            """)
    }

    /// Makes a version its dataset's current one.
    func publish(_ version: Version) async throws {
        try await execute(
            """
            UPDATE daylight.dataset SET current_version = \(version.number), row_count = \(version.rowCount), released_at = \(version.releasedAt.instant),
                state = 'published'
            WHERE id = \(version.dataset)
            """)
    }
}
