internal import Foundation
public import Model
internal import Postgres

extension Store {
    private static let keyColumns: SQL = "id, department, use, public_key, label, registered_at, revoked_at, reason"

    /// Keeps a department's public key.
    ///
    /// - Returns: the key; the one that there is where it was registered before.
    /// - Throws: `Problem` (`departmentNotFound`).
    public func addReceiptKey(department: String, use: ReceiptKey.Use = .receipt, publicKey: [UInt8], label: String, by key: String) async throws -> ReceiptKey {
        try await mappingErrors {
            do {
                let rows = try await writer.execute(
                    """
                    WITH added AS (
                        INSERT INTO daylight.receipt_key (department, use, public_key, label, registered_by)
                        VALUES (\(department), \(use.rawValue), \(Bytea(publicKey)), \(label), \(key)::uuid)
                        ON CONFLICT (department, public_key) DO NOTHING RETURNING \(Self.keyColumns)
                    )
                    SELECT * FROM added
                    UNION ALL SELECT \(Self.keyColumns) FROM daylight.receipt_key WHERE department = \(department) AND public_key = \(Bytea(publicKey)) LIMIT 1
                    """)
                return try Self.receiptKey(rows[0])
            } catch let error as PostgresError where error.isForeignKeyViolation {
                throw Problem(.departmentNotFound, zh: "没有这个部门：\(department.prefix(32))", en: "there is no department \(department.prefix(32))")
            }
        }
    }

    /// Ends a key; nil where there is none. One that has ended stays as it is.
    public func revokeReceiptKey(_ id: String, reason: String) async throws -> ReceiptKey? {
        guard id.isUUID else { return nil }
        return try await write(
            """
            UPDATE daylight.receipt_key SET revoked_at = coalesce(revoked_at, now()), reason = coalesce(reason, \(reason)) WHERE id = \(id) RETURNING \(Self.keyColumns)
            """
        ).first.map(Self.receiptKey)
    }

    /// One key; nil where there is none.
    public func receiptKey(_ id: String) async throws -> ReceiptKey? {
        guard id.isUUID else { return nil }
        return try await write("SELECT \(Self.keyColumns) FROM daylight.receipt_key WHERE id = \(id)").first.map(Self.receiptKey)
    }

    /// Keys of departments, the revoked ones too, the oldest first.
    public func receiptKeys(of departments: [String]) async throws -> [ReceiptKey] {
        try await write("SELECT \(Self.keyColumns) FROM daylight.receipt_key WHERE department = ANY (\(departments)) ORDER BY registered_at, id").map(Self.receiptKey)
    }

    /// All that a receipt is held against, read at once: receipts come by the thousand.
    public struct ReceiptSubject: Sendable {
        public var delivery: Delivery
        public var dataset: String
        public var provider: String
        public var receiver: String
        /// The key that is named, where there is one.
        public var key: ReceiptKey?
        /// Whether the delivery is signed for already.
        public var isReceipted: Bool
    }

    /// What a receipt is held against; nil where there is no such delivery.
    public func receiptSubject(delivery: String, key: String) async throws -> ReceiptSubject? {
        guard delivery.isUUID else { return nil }
        let key = key.isUUID ? key : nil
        return try await write(
            """
            SELECT \(Self.deliveryColumns), g.dataset, g.provider, g.receiver, k.id AS key_id, k.department, k.use, k.public_key, k.label, k.registered_at, k.revoked_at, k.reason
            FROM daylight.delivery d JOIN daylight.share_grant g ON g.id = d.grant_id
            LEFT JOIN daylight.receipt r ON r.delivery = d.id LEFT JOIN daylight.receipt_key k ON k.id = \(key)::uuid
            WHERE d.id = \(delivery)::uuid
            """
        ).first.map { row in
            let delivery = try Self.delivery(row)
            return ReceiptSubject(
                delivery: delivery, dataset: try row.read("dataset"), provider: try row.read("provider"), receiver: try row.read("receiver"),
                key: try row.read(String?.self, "key_id").map { try Self.receiptKey(row, id: $0) },
                isReceipted: delivery.receiptedAt != nil)
        }
    }

    /// Keeps a receipt and enters it into the ledger, all in one statement: receipts come by the thousand, and many commits then share one write to the disk.
    ///
    /// - Parameters:
    ///   - statement: what was signed, byte for byte.
    ///   - signature: 64 bytes.
    /// - Returns: false where the delivery has one already; nothing is kept then.
    public func addReceipt(_ receipt: Receipt, statement: [UInt8], signature: [UInt8], entry: LedgerEntry) async throws -> Bool {
        let added = try await write(
            """
            WITH added AS (
                INSERT INTO daylight.receipt (delivery, grant_id, to_version, key_id, statement, signature, received_at, recorded_at, leaf)
                VALUES (\(receipt.statement.delivery)::uuid, \(receipt.statement.grant)::uuid, \(Int32(receipt.statement.toVersion)), \(receipt.key)::uuid,
                    \(Bytea(statement)), \(Bytea(signature)), \(receipt.statement.receivedAt.instant), \(receipt.recordedAt.instant),
                    sha256('\\x00'::bytea || \(Bytea(entry.bytes))))
                ON CONFLICT (delivery) DO NOTHING RETURNING delivery, leaf
            ), entered AS (
                INSERT INTO daylight.ledger_pending (kind, dataset, version, entry)
                SELECT \(entry.kind), \(entry.dataset)::text, \(entry.version, as: .int4), \(Bytea(entry.bytes)) FROM added
            ), salted AS (
                INSERT INTO daylight.ledger_salt (subject, salt, leaf) SELECT delivery, \(entry.salt.map { Bytea($0.bytes) }), leaf FROM added
            )
            SELECT delivery FROM added
            """)
        guard !added.isEmpty else { return false }
        ledgerNews.tell(writer)
        return true
    }

    /// A delivery's receipt, with the salt of its leaf; nil where there is none.
    public func receipt(of delivery: String) async throws -> Receipt? {
        guard delivery.isUUID else { return nil }
        return try await write(
            """
            SELECT r.key_id, r.statement, r.signature, r.recorded_at, s.salt FROM daylight.receipt r LEFT JOIN daylight.ledger_salt s ON s.subject = r.delivery
            WHERE r.delivery = \(delivery)
            """
        ).first.map { row in
            let statement = try JSON.decode(ReceiptStatement.self, String(decoding: try row.read(Bytea.self, "statement").bytes, as: UTF8.self))
            return Receipt(
                statement: statement, key: try row.read("key_id"), signature: Data(try row.read(Bytea.self, "signature").bytes).base64EncodedString(),
                recordedAt: try row.timestamp("recorded_at"),
                salt: try row.read(Bytea?.self, "salt").map { $0.bytes.map { String(format: "%02x", $0) }.joined() })
        }
    }

    /// The leaf that witnesses the receipt of a delivery; nil while it has no place.
    public func leaf(ofReceipt delivery: String) async throws -> (index: Int, entry: [UInt8])? {
        try await leaf("SELECT leaf FROM daylight.receipt WHERE delivery = \(delivery)::uuid", kind: "receipt")
    }

    /// The leaf that witnesses that a grant was given; nil while it has no place.
    public func leaf(ofGrant grant: String) async throws -> (index: Int, entry: [UInt8])? {
        try await leaf("SELECT leaf FROM daylight.share_grant WHERE id = \(grant)::uuid", kind: "grant")
    }

    private func leaf(_ hash: SQL, kind: String) async throws -> (index: Int, entry: [UInt8])? {
        try await write(
            "SELECT index, entry FROM daylight.ledger_leaf WHERE kind IN ('grant', 'receipt') AND kind = \(kind) AND hash = (\(hash))"
        ).first.map { (try $0.read("index"), try $0.read(Bytea.self, "entry").bytes) }
    }

    private static func receiptKey(_ row: Row) throws -> ReceiptKey { try receiptKey(row, id: try row.read("id")) }

    private static func receiptKey(_ row: Row, id: String) throws -> ReceiptKey {
        ReceiptKey(
            id: id, department: try row.read("department"), use: try row.word("use"), publicKey: Data(try row.read(Bytea.self, "public_key").bytes).base64EncodedString(),
            label: try row.read("label"), registeredAt: try row.timestamp("registered_at"), revokedAt: try row.timestampIfPresent("revoked_at"),
            reason: try row.read("reason"))
    }
}
