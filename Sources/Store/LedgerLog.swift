public import Model
internal import Postgres

/// A head of the log as it was signed.
public struct StoredCheckpoint: Sendable, Hashable {
    public var size: Int
    /// 32 bytes.
    public var head: [UInt8]
    /// The signed note.
    public var note: String
    public var signedAt: Timestamp

    fileprivate init(_ row: Row) throws {
        size = try row.read("size")
        head = try row.read(Bytea.self, "head").bytes
        note = try row.read("note")
        signedAt = try row.timestamp("signed_at")
    }
}

/// The log while it grows: one transaction that nobody else's can overlap. Either all of it becomes the log, or nothing.
///
/// Confined to the task that opened it.
public final class LedgerGrowth {
    private let connection: Connection

    init(connection: Connection) { self.connection = connection }

    /// The newest head; nil where none was ever signed.
    public func checkpoint() async throws -> StoredCheckpoint? {
        try await connection.execute("SELECT size, head, note, signed_at FROM daylight.ledger_checkpoint ORDER BY size DESC LIMIT 1").first.map(StoredCheckpoint.init)
    }

    /// Hashes of one level, in order: leaves' at level 0.
    public func hashes(level: Int, _ range: Range<Int>) async throws -> [[UInt8]] {
        try await connection.execute(Store.hashes("daylight", level: level, range)).map { try $0.read(Bytea.self, 0).bytes }
    }

    /// Gives pending entries their places behind the leaves that there are.
    ///
    /// - Parameters:
    ///   - size: how many leaves there are.
    ///   - limit: how many entries at most.
    /// - Returns: the new leaves' hashes (RFC 6962 section 2.1), in order.
    public func appendPending(after size: Int, limit: Int) async throws -> [[UInt8]] {
        try await connection.execute(
            """
            WITH taken AS (
                DELETE FROM daylight.ledger_pending WHERE id IN (SELECT id FROM daylight.ledger_pending ORDER BY id LIMIT \(limit))
                RETURNING id, kind, dataset, version, entry
            ), appended AS (
                INSERT INTO daylight.ledger_leaf (index, kind, dataset, version, entry, hash)
                SELECT \(size) - 1 + row_number() OVER (ORDER BY id), kind, dataset, version, entry, sha256('\\x00'::bytea || entry) FROM taken
                RETURNING index, hash
            )
            SELECT hash FROM appended ORDER BY index
            """
        ).map { try $0.read(Bytea.self, 0).bytes }
    }

    /// Keeps the hashes of tiles that have become full.
    public func add(nodes: [(level: Int, index: Int, hash: [UInt8])]) async throws {
        guard !nodes.isEmpty else { return }
        try await connection.execute(
            """
            INSERT INTO daylight.ledger_node (level, index, hash)
            SELECT level, index, hash FROM unnest(\(nodes.map(\.level))::bigint[], \(nodes.map(\.index)), \(nodes.map { Bytea($0.hash) })) AS n(level, index, hash)
            """)
    }

    /// Makes a head the newest one. There is one head of a size for ever.
    public func add(checkpoint size: Int, head: [UInt8], note: String) async throws {
        try await connection.execute("INSERT INTO daylight.ledger_checkpoint (size, head, note) VALUES (\(size), \(Bytea(head)), \(note))")
    }

    /// Versions that were released before there was a ledger, or by hand, and that nothing witnesses.
    public func unwitnessedVersions(limit: Int) async throws -> [UnwitnessedVersion] {
        try await connection.execute(
            """
            SELECT \(Store.versionColumns), d.description, d.revision,
                (SELECT p.digest FROM daylight.version p WHERE p.dataset = v.dataset AND p.number = v.number - 1) AS previous_digest
            FROM daylight.version v JOIN daylight.dataset d ON d.id = v.dataset
            WHERE d.audience = 'public' AND NOT EXISTS (SELECT FROM daylight.ledger_leaf l WHERE l.kind = 'release' AND l.dataset = v.dataset AND l.version = v.number)
                AND NOT EXISTS (SELECT FROM daylight.ledger_pending l WHERE l.kind = 'release' AND l.dataset = v.dataset AND l.version = v.number)
            ORDER BY v.released_at, v.dataset, v.number LIMIT \(limit)
            """
        ).map { row in
            UnwitnessedVersion(
                version: try Store.version(row), previousDigest: try row.read("previous_digest"), description: try row.document(DatasetDescription.self, "description"),
                revision: try row.read("revision"))
        }
    }

    /// Enters what was found unwitnessed.
    public func enter(_ entry: LedgerEntry) async throws { try await connection.enter(entry) }
}

extension Store {
    /// Lends the log to the closure for growing, when nobody else grows it; commits when that returns.
    public func growLedger<T>(isolation: isolated (any Actor)? = #isolation, _ body: (LedgerGrowth) async throws -> T) async throws -> T {
        try await transaction { connection in
            // The first number keeps this lock apart from the others of this program. What others committed before they let go of it is seen by the statements that follow.
            try await connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(6878, 0)")
            return try await body(LedgerGrowth(connection: connection))
        }
    }

    /// Whether entries wait for their place.
    public func hasPendingEntries() async throws -> Bool {
        try await write("SELECT EXISTS (SELECT FROM daylight.ledger_pending)")[0].read(0)
    }

    /// The newest head; nil where none was ever signed.
    public func checkpoint() async throws -> StoredCheckpoint? {
        try await read("SELECT size, head, note, signed_at FROM published.ledger_checkpoint ORDER BY size DESC LIMIT 1").first.map(StoredCheckpoint.init)
    }

    /// Hashes of one level of the log, in order; fewer where it has not as many.
    public func ledgerHashes(level: Int, _ range: Range<Int>) async throws -> [[UInt8]] {
        try await read(Self.hashes("published", level: level, range)).map { try $0.read(Bytea.self, 0).bytes }
    }

    /// Entries of the log, in order; fewer where it has not as many.
    public func ledgerEntries(_ range: Range<Int>) async throws -> [[UInt8]] {
        try await read(
            "SELECT entry FROM published.ledger_leaf WHERE index >= \(range.lowerBound) AND index < \(range.upperBound) ORDER BY index"
        ).map { try $0.read(Bytea.self, 0).bytes }
    }

    /// The leaf that witnesses the release of a version; nil while it has no place.
    public func releaseLeaf(of dataset: String, version: Int) async throws -> (index: Int, entry: [UInt8])? {
        guard let version = Int32(exactly: version) else { return nil }
        return try await read(
            "SELECT index, entry FROM published.ledger_leaf WHERE kind = 'release' AND dataset = \(dataset, as: .text) AND version = \(version)"
        ).first.map { (try $0.read("index"), try $0.read(Bytea.self, "entry").bytes) }
    }

    fileprivate static func hashes(_ schema: String, level: Int, _ range: Range<Int>) -> SQL {
        let bounds: SQL = "index >= \(range.lowerBound) AND index < \(range.upperBound)"
        return level == 0
            ? "SELECT hash FROM \(identifier: schema).ledger_leaf WHERE \(bounds) ORDER BY index"
            : "SELECT hash FROM \(identifier: schema).ledger_node WHERE level = \(level, as: .int8) AND \(bounds) ORDER BY index"
    }
}
