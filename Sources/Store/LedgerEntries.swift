public import Model
internal import Postgres

extension Connection {
    static let ledgerChannel = "daylight_ledger"

    /// Enters what the transaction does into the ledger. Its place is given after the commit, by whoever integrates.
    func enter(_ entry: LedgerEntry) async throws {
        try await execute(
            """
            INSERT INTO daylight.ledger_pending (kind, dataset, version, entry)
            VALUES (\(entry.kind), \(entry.dataset), \(entry.version, as: .int4), \(Bytea(entry.bytes)))
            """)
        if let salt = entry.salt {
            try await execute(
                """
                INSERT INTO daylight.ledger_salt (subject, salt, leaf, content)
                VALUES (\(salt.subject)::uuid, \(Bytea(salt.bytes)), sha256('\\x00'::bytea || \(Bytea(entry.bytes))), \(salt.content.map { Bytea($0) }))
                """)
        }
        // Everybody listens; the same message of one transaction is told once.
        try await notify(Self.ledgerChannel)
    }
}

/// A version that has no leaf, with all that its leaf says.
public struct UnwitnessedVersion: Sendable {
    public var version: Version
    public var previousDigest: String?
    public var description: DatasetDescription
    public var revision: Int
}

extension Store {
    /// Enters something into the ledger in a transaction of its own.
    public func enter(_ entry: LedgerEntry) async throws {
        try await transaction { try await $0.enter(entry) }
    }

    /// The revision of a dataset's description and the description itself, as this transaction sees them.
    static func description(of dataset: String, _ connection: Connection) async throws -> (revision: Int, value: DatasetDescription) {
        let row = try await connection.execute("SELECT revision, description FROM daylight.dataset WHERE id = \(dataset)")[0]
        return (try row.read("revision"), try row.document(DatasetDescription.self, "description"))
    }
}
