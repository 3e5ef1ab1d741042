public import Model
import Postgres

/// A sealed file as it is known: what it is of, and what it came to when it was made.
public struct SealedFileRecord: Sendable, Hashable {
    /// Names what a file is of.
    public struct Name: Sendable, Hashable {
        public let grant: String
        /// 0 for the whole state.
        public let fromVersion: Int
        public let toVersion: Int
        /// Identifier of the key that it is sealed to.
        public let key: String

        public init(grant: String, fromVersion: Int, toVersion: Int, key: String) {
            self.grant = grant
            self.fromVersion = fromVersion
            self.toVersion = toVersion
            self.key = key
        }
    }

    /// What it came to.
    public struct Made: Sendable, Hashable {
        /// SHA-256 of what is inside.
        public let digest: String
        /// SHA-256 of the file.
        public let sealedDigest: String
        public let sealedBytes: Int
        public let delivery: String
    }

    public let seed: [UInt8]
    public let made: Made?
}

extension Store {
    /// The record of a file; a new one, or one with a new seed, where there is none or where something of the dataset was withdrawn since it was begun.
    public func sealedFile(_ name: SealedFileRecord.Name, newSeed seed: [UInt8]) async throws -> SealedFileRecord {
        try await transaction { connection in
            try await connection.execute(
                """
                INSERT INTO daylight.sealed_file AS f (grant_id, from_version, to_version, key_id, seed)
                VALUES (\(name.grant)::uuid, \(Int32(name.fromVersion)), \(Int32(name.toVersion)), \(name.key)::uuid, \(Bytea(seed)))
                ON CONFLICT (grant_id, from_version, to_version, key_id) DO UPDATE
                SET seed = excluded.seed, digest = NULL, sealed_digest = NULL, sealed_bytes = NULL, delivery = NULL, begun_at = clock_timestamp()
                WHERE EXISTS (SELECT FROM daylight.withdrawal w JOIN daylight.share_grant g ON g.dataset = w.dataset WHERE g.id = f.grant_id AND w.withdrawn_at >= f.begun_at)
                """)
            return try Self.record(try await connection.execute(Self.selecting(name))[0])
        }
    }

    /// Notes what a file came to, and the delivery that it is.
    ///
    /// - Parameters:
    ///   - seed: with which it was made.
    ///   - delivery: the identifier of a new one, where this is the first making.
    /// - Returns: the record; its seed or digest is another one where other content was made meanwhile.
    public func finishSealedFile(
        _ name: SealedFileRecord.Name, seed: [UInt8], content: DeliveryCount, sealedDigest: String, sealedBytes: Int, delivery: String, at now: Timestamp
    ) async throws -> SealedFileRecord {
        try await transaction { connection in
            let record = try Self.record(try await connection.execute("\(Self.selecting(name)) FOR UPDATE")[0])
            guard record.made == nil, record.seed == seed else { return record }
            try await connection.execute(
                """
                INSERT INTO daylight.delivery (id, grant_id, from_version, to_version, started_at, digest, row_count, byte_count, finished_at)
                VALUES (\(delivery)::uuid, \(name.grant)::uuid, \(Int32(name.fromVersion)), \(Int32(name.toVersion)), \(now.instant), \(content.digest), \(content.rows),
                    \(content.bytes), clock_timestamp())
                """)
            try await connection.execute(
                """
                UPDATE daylight.sealed_file SET digest = \(content.digest), sealed_digest = \(sealedDigest), sealed_bytes = \(sealedBytes), delivery = \(delivery)::uuid
                WHERE grant_id = \(name.grant)::uuid AND from_version = \(Int32(name.fromVersion)) AND to_version = \(Int32(name.toVersion)) AND key_id = \(name.key)::uuid
                """)
            return try Self.record(try await connection.execute(Self.selecting(name))[0])
        }
    }

    /// Forgets a record whose content is no longer what is read, so that the next making begins with another seed.
    public func forgetSealedFile(_ name: SealedFileRecord.Name, seed: [UInt8]) async throws {
        try await write(
            """
            DELETE FROM daylight.sealed_file
            WHERE grant_id = \(name.grant)::uuid AND from_version = \(Int32(name.fromVersion)) AND to_version = \(Int32(name.toVersion)) AND key_id = \(name.key)::uuid
                AND seed = \(Bytea(seed))
            """)
    }

    /// Forgets records of more than a month ago.
    public func forgetSealedFiles() async throws { try await write("DELETE FROM daylight.sealed_file WHERE begun_at < now() - interval '30 days'") }

    /// A department's newest key for files that stands; nil where it has none.
    public func encryptionKey(of department: String) async throws -> ReceiptKey? {
        try await receiptKeys(of: [department]).last { $0.use == .encryption && $0.revokedAt == nil }
    }

    private static func selecting(_ name: SealedFileRecord.Name) -> SQL {
        """
        SELECT seed, digest, sealed_digest, sealed_bytes, delivery FROM daylight.sealed_file
        WHERE grant_id = \(name.grant)::uuid AND from_version = \(Int32(name.fromVersion)) AND to_version = \(Int32(name.toVersion)) AND key_id = \(name.key)::uuid
        """
    }

    private static func record(_ row: Row) throws -> SealedFileRecord {
        let made = try row.stringIfPresent("digest").map { digest in
            SealedFileRecord.Made(
                digest: digest, sealedDigest: try row.read("sealed_digest"), sealedBytes: try row.read("sealed_bytes"), delivery: try row.read("delivery"))
        }
        return SealedFileRecord(seed: try row.read(Bytea.self, "seed").bytes, made: made)
    }
}
