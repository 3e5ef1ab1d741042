internal import Model
internal import NIOCore
internal import Postgres

extension Connection {
    /// Nodes that one statement brings in.
    private static let batch = 2000

    /// Keeps the nodes of a row tree, in place of those that are kept under the same identifier.
    ///
    /// - Parameter id: the push or the withdrawal that makes the version.
    func keep(_ tree: RowTree, as id: String) async throws {
        try await execute("DELETE FROM daylight.row_tree_node WHERE tree = \(id)::uuid")
        for start in stride(from: 0, to: tree.nodes.count, by: Self.batch) {
            let nodes = tree.nodes[start..<min(start + Self.batch, tree.nodes.count)]
            let places = (nodes.first?.firstKey ?? []).indices
            let last = nodes.compactMap(\.lastKey).first
            let lists = places.map { place in "\(nodes.map { $0.firstKey[place] })::text[]" as SQL }.joined(separator: ", ")
            let names = places.map { "k\(raw: String($0))" as SQL }.joined(separator: ", ")
            try await execute(
                """
                INSERT INTO daylight.row_tree_node (tree, level, number, hash, first_key, last_key)
                SELECT \(id)::uuid, n.level, n.number, n.hash, ARRAY[\(names)], CASE WHEN n.is_last THEN \(last ?? [])::text[] END
                FROM unnest(\(nodes.map(\.level))::bigint[], \(nodes.map(\.number))::bigint[], \(nodes.map { Bytea($0.hash) }), \(nodes.map { $0.lastKey != nil })::boolean[],
                            \(lists)) AS n(level, number, hash, is_last, \(names))
                """)
        }
    }
}

/// A node of a version's row tree, as a question about one key sees it.
public struct RowTreeStep: Sendable, Hashable {
    /// 32 bytes.
    public let hash: [UInt8]
    /// The key of its first row.
    public let firstKey: [String]
    /// The key of its last row, where no node of the level follows.
    public let lastKey: [String]?
    /// Whether that row is the one that is asked about, or one before it.
    public let isAtOrBefore: Bool
}

/// Which rows of a version a block is over, by their keys.
public struct RowRange: Sendable, Hashable {
    /// The key of the first row.
    public var first: [String]
    /// The key of the last row, or of the first one behind it.
    public var end: [String]
    /// Whether `end` is the last row's.
    public var includesEnd: Bool

    public init(first: [String], end: [String], includesEnd: Bool) {
        (self.first, self.end, self.includesEnd) = (first, end, includesEnd)
    }
}

/// The rows of one block of a version, and where among them the one is that was asked about.
public struct RowBlock: Sendable, Hashable {
    /// Their records of the canonical CSV, one behind another.
    public let records: [UInt8]
    /// From 0.
    public let place: Int
}

extension Store {
    /// The nodes below one node of a version's row tree, in order. None where no tree is kept.
    ///
    /// - Parameters:
    ///   - level: theirs.
    ///   - parent: the number of the node on the level above.
    ///   - key: canonical values of the key's fields, in key order.
    public func rowTree(of version: ReleasedVersion, level: Int, below parent: Int, key: [String]) async throws -> [RowTreeStep] {
        let first = version.keyFields.enumerated().map { "first_key[\(raw: String($0 + 1))]::\(raw: $1.type.castType)" as SQL }.joined(separator: ", ")
        let start = parent * RowTree.width
        return try await read(
            """
            SELECT hash, first_key, last_key, ROW(\(first)) <= ROW(\(version.values(key))) AS is_before FROM published.row_tree_node
            WHERE dataset = \(version.dataset, as: .text) AND version = \(version.number, as: .int4) AND level = \(level, as: .int4)
                AND number >= \(start, as: .int4) AND number < \(start + RowTree.width, as: .int4)
            ORDER BY number
            """
        ).map { RowTreeStep(hash: try $0.read(Bytea.self, "hash").bytes, firstKey: try $0.read("first_key"), lastKey: try $0.read("last_key"), isAtOrBefore: try $0.read("is_before")) }
    }

    /// The rows of a block as the version has them, in key order.
    ///
    /// - Parameters:
    ///   - range: the keys of its rows.
    ///   - key: the key of the row that is asked about.
    /// - Returns: nil where the version has no such row, or not any more.
    public func rowBlock(of version: ReleasedVersion, _ range: RowRange, key: [String]) async throws -> RowBlock? {
        let form = CSVForm(fields: version.schema.publicFields)
        let source = RowSource(number: version.datasetNumber, version: version.number)
        let names = version.keyFields.map { "\(identifier: $0.name)" as SQL }.joined(separator: ", ")
        return try await mappingErrors {
            // A place and the records that it is among are of one state.
            try await reader.transaction(TransactionOptions(isolation: .repeatableRead, readOnly: true)) { connection in
                // The range is short and an index has it, which the planner does not see in keys of several fields.
                let isCurrent = try await connection.execute(
                    """
                    SELECT \(source.guardCondition), set_config('enable_seqscan', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)
                    """
                ).first?.read(Bool?.self, 0) ?? false
                let relation: SQL = isCurrent ? "\(source.view) WHERE _until IS NULL AND" : "(\(source.asOf(version.publicNames))) AS state WHERE"
                func block(_ columns: SQL) -> SQL {
                    """
                    SELECT \(columns) FROM \(relation) ROW(\(names)) >= ROW(\(version.values(range.first)))
                        AND ROW(\(names)) \(raw: range.includesEnd ? "<=" : "<") ROW(\(version.values(range.end))) ORDER BY \(version.keyOrder.sql) LIMIT \(raw: String(RowTree.width + 1))
                    """
                }
                let counts = try await connection.execute(
                    """
                    SELECT count(*) FILTER (WHERE ROW(\(names)) < ROW(\(version.values(key)))), count(*) FILTER (WHERE ROW(\(names)) = ROW(\(version.values(key))))
                    FROM (\(block(names))) AS block
                    """)[0]
                guard try counts.read(Int.self, 1) == 1 else { return nil }
                var records: [UInt8] = []
                for try await chunk in connection.copyOut(form.copy(block(form.columns))) { records += form.finisher.finish(chunk).readableBytesView }
                return RowBlock(records: records, place: try counts.read(0))
            }
        }
    }
}

extension ReleasedVersion {
    /// Values of the key as a list of SQL.
    fileprivate func values(_ key: [String]) -> SQL {
        zip(keyFields, key).map { "\($1, as: $0.type.postgresType)" as SQL }.joined(separator: ", ")
    }
}
