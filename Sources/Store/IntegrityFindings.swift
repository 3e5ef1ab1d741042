public import Model
import Postgres

/// A round of the check that is under way.
public struct RunningRound: Sendable {
    let number: Int
    /// The version that was looked at last; nil at the beginning.
    public var position: (dataset: String, version: Int)?
    public var versions: Int
    public var skipped: Int
    public var bytes: Int
}

extension Store {
    /// The round under way; a new one where the last ended long enough ago; nil where it did not.
    public func integrityRound(beginAfter interval: Duration) async throws -> RunningRound? {
        let wait: SQL = "\(Int(interval / .milliseconds(1))) * interval '1 millisecond'"
        try await write(
            """
            INSERT INTO daylight.integrity_round (started_at)
            SELECT now() WHERE NOT EXISTS (SELECT FROM daylight.integrity_round WHERE finished_at IS NULL OR finished_at > now() - \(wait))
            """)
        return try await write(
            "SELECT number, dataset, version, versions, skipped, bytes FROM daylight.integrity_round WHERE finished_at IS NULL ORDER BY number DESC LIMIT 1"
        ).first.map { row in
            let dataset = try row.stringIfPresent("dataset"), version = try row.integerIfPresent("version")
            return RunningRound(
                number: try row.read("number"), position: dataset.flatMap { name in version.map { (name, $0) } }, versions: try row.read("versions"),
                skipped: try row.read("skipped"), bytes: try row.read("bytes"))
        }
    }

    /// Notes how far a round has come, so that it goes on there.
    public func keep(_ round: RunningRound) async throws {
        try await write(
            """
            UPDATE daylight.integrity_round SET dataset = \(round.position?.dataset), version = \(round.position.map { Int32($0.version) }), versions = \(round.versions),
                skipped = \(round.skipped), bytes = \(round.bytes)
            WHERE number = \(round.number)
            """)
    }

    /// Ends a round, and forgets those before the last.
    public func finish(_ round: RunningRound) async throws {
        try await write("UPDATE daylight.integrity_round SET finished_at = now() WHERE number = \(round.number)")
        try await write("DELETE FROM daylight.integrity_round WHERE number < \(round.number)")
    }

    /// Notes something found about a version.
    ///
    /// - Returns: whether it is new.
    public func open(_ kind: IntegrityFinding.Kind, dataset: String, version: Int, _ place: IntegrityFinding.Place) async throws -> Bool {
        try await write(
            """
            INSERT INTO daylight.integrity_finding AS f (kind, dataset, version, keys, precision)
            VALUES (\(kind.rawValue), \(dataset), \(Int32(version)), \(place.keys), \(place.precision.rawValue))
            ON CONFLICT (kind, dataset, version) WHERE closed_at IS NULL DO UPDATE SET keys = excluded.keys, precision = excluded.precision, seen_at = now()
            RETURNING f.found_at = f.seen_at AS is_new
            """)[0].read("is_new")
    }

    /// Closes what was found about a version.
    public func close(_ kind: IntegrityFinding.Kind, dataset: String, version: Int) async throws {
        try await write(
            """
            UPDATE daylight.integrity_finding SET closed_at = now(), keys = '{}'
            WHERE kind = \(kind.rawValue) AND dataset = \(dataset) AND version = \(Int32(version)) AND closed_at IS NULL
            """)
    }

    /// Notes that the log does not agree from a leaf on.
    ///
    /// - Returns: whether it is new.
    public func openLedgerFinding(leaf: Int) async throws -> Bool {
        let known = try await write("UPDATE daylight.integrity_finding SET seen_at = now(), leaf = \(leaf) WHERE kind = 'ledger' AND closed_at IS NULL").affectedRows
        guard known == 0 else { return false }
        try await write("INSERT INTO daylight.integrity_finding (kind, leaf) VALUES ('ledger', \(leaf))")
        return true
    }

    public func closeLedgerFindings() async throws {
        try await write("UPDATE daylight.integrity_finding SET closed_at = now() WHERE kind = 'ledger' AND closed_at IS NULL")
    }

    /// What was found and stands open, the oldest first.
    public func integrityFindings(limit: Int) async throws -> [IntegrityFinding] {
        try await write("\(Self.findings) LIMIT \(limit)").map(Self.finding)
    }

    /// How far the check has come, and what it found.
    public func integrityReport(limit: Int) async throws -> IntegrityReport {
        let rounds = try await readPooled(
            "SELECT started_at, finished_at, versions, skipped, bytes FROM published.integrity_round ORDER BY number DESC LIMIT 2"
        ).map { row in
            IntegrityRound(
                startedAt: try row.timestamp("started_at"), finishedAt: try row.timestampIfPresent("finished_at"), versions: try row.read("versions"),
                skipped: try row.read("skipped"), bytes: try row.read("bytes"))
        }
        return IntegrityReport(
            lastRound: rounds.first { $0.finishedAt != nil }, currentRound: rounds.first { $0.finishedAt == nil },
            findings: try await readPooled("\(Self.findings) LIMIT \(limit)").map(Self.finding),
            findingCount: try await readPooled("SELECT count(*) FROM published.integrity_finding")[0].read(0))
    }

    private static let findings: SQL = """
        SELECT kind, dataset, version, keys, precision, leaf, found_at, seen_at FROM published.integrity_finding ORDER BY found_at, id
        """

    private static func finding(_ row: Row) throws -> IntegrityFinding {
        IntegrityFinding(
            kind: try row.word(IntegrityFinding.Kind.self, "kind"), dataset: try row.stringIfPresent("dataset"), version: try row.integerIfPresent("version"),
            keys: try row.read("keys"), precision: try row.stringIfPresent("precision").flatMap(IntegrityFinding.Precision.init), leaf: try row.integerIfPresent("leaf"),
            foundAt: try row.timestamp("found_at"), seenAt: try row.timestamp("seen_at"))
    }
}
