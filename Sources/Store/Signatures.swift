internal import Foundation
public import Model
internal import Postgres

/// Whether a department's writes must be signed.
public struct SigningRule: Sendable, Hashable, Codable {
    public var department: String
    public var required: Bool
    public var setAt: Timestamp

    public init(department: String, required: Bool, setAt: Timestamp) {
        self.department = department
        self.required = required
        self.setAt = setAt
    }
}

extension Store {
    /// Takes a nonce of a key.
    ///
    /// - Returns: false where it was taken before.
    public func useNonce(_ nonce: String, of key: String) async throws -> Bool {
        try await write("INSERT INTO daylight.signature_nonce (key_id, nonce) VALUES (\(key)::uuid, \(nonce)) ON CONFLICT DO NOTHING").affectedRows == 1
    }

    /// Forgets nonces of signatures that their own time refuses by now.
    public func forgetNonces() async throws {
        try await write("DELETE FROM daylight.signature_nonce WHERE used_at < now() - interval '15 minutes'")
    }

    /// Whether a department wants its writes signed.
    public func requiresSignatures(_ department: String) async throws -> Bool {
        try await write("SELECT EXISTS (SELECT FROM daylight.signing_rule WHERE department = \(department) AND required)")[0].read(0)
    }

    /// Departments that want their writes signed, of some.
    public func signingDepartments(of departments: [String]) async throws -> Set<String> {
        Set(try await write("SELECT department FROM daylight.signing_rule WHERE department = ANY (\(departments)) AND required").map { try $0.read("department") })
    }

    /// Sets whether a department wants its writes signed.
    ///
    /// - Throws: `Problem` (`departmentNotFound`).
    public func requireSignatures(_ required: Bool, of department: String, by key: String) async throws -> SigningRule {
        try await mappingErrors {
            do {
                let row = try await writer.execute(
                    """
                    INSERT INTO daylight.signing_rule (department, required, set_by) VALUES (\(department), \(required), \(key)::uuid)
                    ON CONFLICT (department) DO UPDATE SET required = excluded.required, set_by = excluded.set_by, set_at = now()
                    RETURNING set_at
                    """)[0]
                return SigningRule(department: department, required: required, setAt: try row.timestamp("set_at"))
            } catch let error as PostgresError where error.isForeignKeyViolation {
                throw Problem(.departmentNotFound, zh: "没有这个部门：\(department.prefix(32))", en: "there is no department \(department.prefix(32))")
            }
        }
    }

    /// Keeps the signed call that began a delivery; of a file, which is asked for again and again, the first one.
    public func addDeliveryCall(_ delivery: String, key: String, base: String, signature: [UInt8]) async throws {
        try await write(
            """
            INSERT INTO daylight.delivery_call (delivery, key_id, base, signature) VALUES (\(delivery)::uuid, \(key)::uuid, \(base), \(Bytea(signature)))
            ON CONFLICT (delivery) DO NOTHING
            """)
    }

    /// The signed call that began a delivery; nil where it was not signed.
    public func deliveryCall(_ delivery: String) async throws -> (publicKey: String, base: String, signature: [UInt8])? {
        try await write(
            "SELECT k.public_key, c.base, c.signature FROM daylight.delivery_call c JOIN daylight.receipt_key k ON k.id = c.key_id WHERE c.delivery = \(delivery)::uuid"
        ).first.map { (Data(try $0.read(Bytea.self, "public_key").bytes).base64EncodedString(), try $0.read("base"), try $0.read(Bytea.self, "signature").bytes) }
    }
}
