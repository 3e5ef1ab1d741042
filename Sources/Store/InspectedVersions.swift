public import Model
public import NIOCore
import Postgres

/// A version as the check of what is stored sees it.
public struct InspectedVersion: Sendable {
    public let dataset: String
    public let number: Int
    public let digest: String
    public let byteCount: Int
    public let rowCount: Int
    /// Rows of it that were withdrawn since it was released.
    public let withdrawnRows: Int
    /// The entry of the log that witnesses it; nil while it has no place.
    public let leaf: [UInt8]?
    let rows: RowTable

    /// Whether all of its rows are still there to be read. So they are of a version that was withdrawn as such: nobody sees it, and it is kept.
    public var isWhole: Bool { withdrawnRows == 0 }

    /// For each field of the key its place among the public fields; nil where rows cannot be addressed by key.
    public var keyPlaces: [Int]? {
        let fields = rows.schema.publicFields
        let places = rows.schema.primaryKey.compactMap { name in fields.firstIndex { $0.name == name && $0.mask == nil } }
        return places.isEmpty || places.count < rows.schema.primaryKey.count ? nil : places
    }

    /// The rows that stood in it.
    fileprivate var relation: SQL {
        let number = Int32(number)
        return """
            (SELECT * FROM \(rows.table) WHERE _until IS NULL AND _since <= \(number) \
            UNION ALL SELECT * FROM \(rows.table) WHERE _until > \(number) AND _since <= \(number)) AS t
            """
    }

    /// Whether a row's key lies in a stretch of keys: from the first on, up to another one.
    fileprivate func isWithin(_ from: [String]?, _ until: [String]?) -> SQL {
        let key = "ROW(\(rows.schema.primaryKey.map { "t.\(identifier: $0)" as SQL }.joined(separator: ", ")))" as SQL
        func row(_ values: [String]) -> SQL {
            "ROW(\(zip(rows.schema.primaryKey, values).map { "\($1, as: .text)::\(raw: rows.schema.field($0)?.type.castType ?? "text")" as SQL }.joined(separator: ", ")))"
        }
        return [from.map { "\(key) >= \(row($0))" as SQL }, until.map { "\(key) < \(row($0))" as SQL }].compactMap(\.self).reduce("true") { "\($0) AND \($1)" }
    }
}

extension Store {
    private static let inspected: SQL = """
        SELECT v.dataset, v.number, v.digest, v.byte_count, v.row_count, v.schema, d.number AS dataset_number, coalesce(l.entry, s.entry) AS entry,
            CASE WHEN v.withdrawal IS NULL THEN 0 ELSE (
                SELECT count(*) FROM daylight.withdrawn_row r JOIN daylight.withdrawal w ON w.id = r.withdrawal
                WHERE r.dataset = v.dataset AND r.since <= v.number AND (r.until IS NULL OR r.until > v.number) AND w.withdrawn_at > v.released_at)::integer END AS withdrawn_rows
        FROM daylight.version v JOIN daylight.dataset d ON d.id = v.dataset
        LEFT JOIN daylight.ledger_leaf l ON l.kind = 'release' AND l.dataset = v.dataset AND l.version = v.number
        LEFT JOIN (
            -- what a sealed leaf stands for, as far as the leaf says so
            SELECT e.dataset, e.version, e.entry FROM daylight.sealed_entry e JOIN daylight.ledger_leaf f ON f.hash = e.hash AND f.kind = 'sealed'
            WHERE e.kind = 'release' AND convert_from(f.entry, 'UTF8')::jsonb ->> 'commitment' = encode(sha256(e.salt || e.entry), 'hex')
        ) AS s ON s.dataset = v.dataset AND s.version = v.number
        WHERE d.state = 'published'
        """

    private static func inspected(_ row: Row) throws -> InspectedVersion {
        InspectedVersion(
            dataset: try row.read("dataset"), number: try row.read("number"), digest: try row.read("digest"), byteCount: try row.read("byte_count"),
            rowCount: try row.read("row_count"), withdrawnRows: try row.read("withdrawn_rows"), leaf: try row.read(Bytea?.self, "entry")?.bytes,
            rows: RowTable(number: try row.read("dataset_number"), schema: try row.document(TableSchema.self, "schema")))
    }

    /// The version that is looked at after another one, by dataset and number; nil after the last.
    public func inspectedVersion(after position: (dataset: String, version: Int)?) async throws -> InspectedVersion? {
        let (dataset, number) = position ?? ("", 0)
        return try await write("\(Self.inspected) AND (v.dataset, v.number) > (\(dataset), \(Int32(number))) ORDER BY v.dataset, v.number LIMIT 1").first.map(Self.inspected)
    }

    /// One version; nil where there is none, or its dataset does not stand.
    public func inspectedVersion(_ number: Int, of dataset: String) async throws -> InspectedVersion? {
        try await write("\(Self.inspected) AND v.dataset = \(dataset) AND v.number = \(Int32(number))").first.map(Self.inspected)
    }

    /// Rows of a version that are still there.
    public func rowsLeft(of version: InspectedVersion) async throws -> Int {
        try await longRead("SELECT count(*)::integer FROM \(version.relation)")[0].read(0)
    }

    /// Hands over the canonical CSV of a version as the stored rows make it, in buffers of whole records, the header first.
    public func inspect(
        _ version: InspectedVersion, isolation: isolated (any Actor)? = #isolation, _ body: (ByteBuffer) async throws -> Void
    ) async throws {
        let form = CSVForm(fields: version.rows.schema.publicFields)
        try await transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
            try await connection.prepareLongWork()
            let copy = form.copy("SELECT \(form.maskedColumns) FROM \(version.relation) ORDER BY \(RowTable.columns(version.rows.schema.primaryKey))")
            try await body(form.header)
            for try await chunk in connection.copyOut(copy) { try await body(form.finisher.finish(chunk)) }
        }
    }

    /// The blocks of a version's tree over its rows, in order; none where none is kept.
    public func blocks(of version: InspectedVersion) async throws -> [RowTree.Node] {
        try await write(
            """
            SELECT n.number, n.hash, n.first_key FROM daylight.row_tree_node n JOIN daylight.version v ON v.row_tree = n.tree
            WHERE v.dataset = \(version.dataset) AND v.number = \(Int32(version.number)) AND n.level = 1 ORDER BY n.number
            """
        ).map { RowTree.Node(level: 1, number: try $0.read("number"), hash: try $0.read(Bytea.self, "hash").bytes, firstKey: try $0.read("first_key")) }
    }

    /// Keys of rows in a stretch, as addresses spell them, that another transaction wrote than the release which their versions name: PostgreSQL notes with each row which one did.
    ///
    /// Where none of a dataset's rows bears its release's mark (after a restore from a dump), the mark that most rows of one release bear counts instead.
    ///
    /// - Parameters:
    ///   - from: the key from which on, nil for the first; values as PostgreSQL reads them.
    ///   - until: the key behind the last; nil for none.
    public func rewrittenRows(of version: InspectedVersion, from: [String]?, until: [String]?, limit: Int) async throws -> [String] {
        let rows = version.rows
        return try await longRead(
            """
            WITH states AS (
                SELECT t.xmin::text AS mark, coalesce(t._until, t._since) AS made, t._since, t._until, ARRAY[\(rows.keyTexts(of: "t"))] AS values,
                    \(version.isWithin(from, until)) AS is_within
                FROM \(rows.table) t),
            releases AS (SELECT number, xmin::text AS mark FROM daylight.version WHERE dataset = \(version.dataset) AND withdrawal IS NULL),
            usual AS (
                SELECT s._since, s._until, mode() WITHIN GROUP (ORDER BY s.mark) AS most, min(r.mark) AS release, coalesce(bool_or(s.mark = r.mark), false) AS is_marked
                FROM states s LEFT JOIN releases r ON r.number = s.made GROUP BY s._since, s._until)
            SELECT DISTINCT s.values FROM states s JOIN usual u ON u._since = s._since AND u._until IS NOT DISTINCT FROM s._until
            WHERE s.is_within AND s.mark <> CASE WHEN u.is_marked OR u.release IS NOT NULL AND (SELECT bool_or(is_marked) FROM usual) THEN u.release ELSE u.most END
            ORDER BY 1 LIMIT \(limit)
            """
        ).map { rows.schema.key(of: try $0.read([String].self, "values")) }
    }

    /// Keys of a version's rows in a stretch, as addresses spell them.
    public func keys(of version: InspectedVersion, from: [String]?, until: [String]?, limit: Int) async throws -> [String] {
        let key = RowTable.columns(version.rows.schema.primaryKey)
        return try await longRead(
            "SELECT ARRAY[\(version.rows.keyTexts(of: "t"))] AS values FROM \(version.relation) WHERE \(version.isWithin(from, until)) ORDER BY \(key) LIMIT \(limit)"
        ).map { version.rows.schema.key(of: try $0.read([String].self, "values")) }
    }

    /// Heads that were signed at these sizes.
    public func checkpointHeads(in sizes: ClosedRange<Int>) async throws -> [(size: Int, head: [UInt8])] {
        try await write("SELECT size, head FROM daylight.ledger_checkpoint WHERE size BETWEEN \(sizes.lowerBound) AND \(sizes.upperBound)").map {
            (try $0.read("size"), try $0.read(Bytea.self, "head").bytes)
        }
    }

    /// Whether others wait for connections just now.
    public var isBusy: Bool { reader.statistics.poolWaiting + writer.statistics.poolWaiting > 0 }

    private func longRead(_ sql: SQL) async throws -> RowSet {
        try await transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
            try await connection.prepareLongWork()
            return try await connection.execute(sql)
        }
    }
}
