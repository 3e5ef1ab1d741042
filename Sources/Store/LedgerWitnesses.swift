public import Model
internal import Postgres

/// A witness that this process may ask now.
public struct ClaimedWitness: Sendable, Hashable {
    /// Verifier key.
    public var key: String
    /// Size of the last head that it is known to have signed.
    public var knownSize: Int
}

/// A head with the lines that witnesses added to it.
public struct WitnessedCheckpoint: Sendable, Hashable {
    public var size: Int
    /// The signed note, without them.
    public var note: String
    public var signedAt: Timestamp
    public var lines: [String]
}

extension Store {
    /// Makes witnesses known, so that they are shown before they have answered.
    ///
    /// - Parameter witnesses: verifier keys with their names.
    public func addWitnesses(_ witnesses: [(key: String, name: String)]) async throws {
        try await write(
            """
            INSERT INTO daylight.ledger_witness (key, name)
            SELECT key, name FROM unnest(\(witnesses.map(\.key)), \(witnesses.map(\.name))) AS w(key, name) ON CONFLICT DO NOTHING
            """)
    }

    /// Takes over asking witnesses, those that no other process is asking.
    ///
    /// - Parameters:
    ///   - node: identifier (UUID) of this process.
    ///   - seconds: how long the others keep off.
    public func claimWitnesses(_ keys: [String], node: String, seconds: Int) async throws -> [ClaimedWitness] {
        try await write(
            """
            UPDATE daylight.ledger_witness SET claimed_by = \(node)::uuid, claimed_until = clock_timestamp() + make_interval(secs => \(seconds))
            WHERE key = ANY(\(keys)) AND (claimed_by = \(node)::uuid OR claimed_until < clock_timestamp()) RETURNING key, known_size
            """
        ).map { ClaimedWitness(key: try $0.read("key"), knownSize: try $0.read("known_size")) }
    }

    /// Lets go of what this process claimed, so that another need not wait.
    public func releaseWitnesses(node: String) async throws {
        try await write("UPDATE daylight.ledger_witness SET claimed_until = '-infinity' WHERE claimed_by = \(node)::uuid")
    }

    /// Keeps what a witness signed.
    ///
    /// - Parameters:
    ///   - size: of the head.
    ///   - line: the line of signature, without its line end.
    ///   - time: the witness's.
    public func add(cosignature line: String, of key: String, size: Int, at time: Timestamp) async throws {
        try await transaction { connection in
            try await connection.execute(
                """
                INSERT INTO daylight.ledger_cosignature (size, key, line, cosigned_at) VALUES (\(size), \(key), \(line), \(time.instant))
                ON CONFLICT (size, key) DO UPDATE SET line = EXCLUDED.line, cosigned_at = EXCLUDED.cosigned_at
                """)
            try await connection.execute(
                """
                UPDATE daylight.ledger_witness SET known_size = \(size), cosigned_size = \(size), cosigned_at = \(time.instant), reason = NULL,
                    since = CASE WHEN state = 'agreeing' THEN since ELSE now() END, state = 'agreeing'
                WHERE key = \(key)
                """)
        }
    }

    /// Notes why a witness did not sign, and the size of the head that it signed last, where it told.
    public func note(_ reason: WitnessStanding.Reason, of key: String, knownSize: Int?) async throws {
        try await write(
            """
            UPDATE daylight.ledger_witness SET known_size = COALESCE(\(knownSize, as: .int8), known_size),
                since = CASE WHEN state = \(reason.state.rawValue) AND reason = \(reason.rawValue) THEN since ELSE now() END,
                state = \(reason.state.rawValue), reason = \(reason.rawValue)
            WHERE key = \(key)
            """)
    }

    /// How witnesses stand, by their names.
    public func witnesses(_ keys: [String]) async throws -> [WitnessStanding] {
        try await read(
            "SELECT key, name, state, reason, since, cosigned_size, cosigned_at FROM published.ledger_witness WHERE key = ANY(\(keys)) ORDER BY name, key"
        ).map { row in
            WitnessStanding(
                key: try row.read("key"), name: try row.read("name"), state: WitnessStanding.State(rawValue: try row.read("state")) ?? .unasked,
                reason: try row.read(String?.self, "reason").flatMap(WitnessStanding.Reason.init(rawValue:)), since: try row.timestamp("since"),
                cosignedSize: try row.read("cosigned_size"), cosignedAt: try row.timestampIfPresent("cosigned_at"))
        }
    }

    /// The newest head, and what these witnesses added to it.
    public func checkpoint(witnesses keys: [String]) async throws -> WitnessedCheckpoint? {
        try await read(
            """
            SELECT size, note, signed_at, ARRAY(SELECT line FROM published.ledger_cosignature s WHERE s.size = c.size AND s.key = ANY(\(keys)) ORDER BY key) AS lines
            FROM published.ledger_checkpoint c ORDER BY size DESC LIMIT 1
            """
        ).first.map(Self.witnessed)
    }

    /// Heads that at least so many of these witnesses signed, the largest first.
    public func cosignedCheckpoints(witnesses keys: [String], quorum: Int, limit: Int) async throws -> [WitnessedCheckpoint] {
        try await read(
            """
            SELECT c.size, c.note, c.signed_at, s.lines FROM (
                SELECT size, array_agg(line ORDER BY key) AS lines FROM published.ledger_cosignature WHERE key = ANY(\(keys))
                GROUP BY size HAVING count(*) >= \(quorum) ORDER BY size DESC LIMIT \(limit)
            ) s JOIN published.ledger_checkpoint c ON c.size = s.size ORDER BY c.size DESC
            """
        ).map(Self.witnessed)
    }

    private static func witnessed(_ row: Row) throws -> WitnessedCheckpoint {
        WitnessedCheckpoint(
            size: try row.read("size"), note: try row.read("note"), signedAt: try row.timestamp("signed_at"), lines: try row.read([String].self, "lines"))
    }

    /// How many entries wait for their place, counted up to a limit, and since when the newest head stands.
    public func ledgerBacklog(limit: Int = 100_000) async throws -> Int {
        try await write("SELECT count(*) FROM (SELECT FROM daylight.ledger_pending LIMIT \(limit)) p")[0].read(0)
    }
}
