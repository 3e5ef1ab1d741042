internal import Crypto
internal import Foundation
public import Model
internal import Store

/// A department as others share with it.
public struct SharingDepartment: Sendable, Encodable {
    public let department: Department
    /// Keys with which it signs receipts and to which its files are sealed, the revoked ones too.
    public let keys: [ReceiptKey]
    /// Whether it wants its writes signed.
    public let signaturesRequired: Bool

    private enum CodingKeys: String, CodingKey { case receiptKeys, encryptionKeys, signaturesRequired }

    public func encode(to encoder: any Encoder) throws {
        try department.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(keys.filter { $0.use == .receipt }, forKey: .receiptKeys)
        try container.encode(keys.filter { $0.use == .encryption }, forKey: .encryptionKeys)
        try container.encode(signaturesRequired, forKey: .signaturesRequired)
    }
}

extension Sharing {
    /// Departments with their keys, in the order of their codes.
    ///
    /// - Parameter after: the last code of the page before.
    public func departments(after: String?, limit: Int) async throws -> [SharingDepartment] {
        let departments = try await store.departments(after: after, limit: limit)
        let keys = Dictionary(grouping: try await store.receiptKeys(of: departments.map(\.uscc)), by: \.department)
        let signing = try await store.signingDepartments(of: departments.map(\.uscc))
        return departments.map { SharingDepartment(department: $0, keys: keys[$0.uscc] ?? [], signaturesRequired: signing.contains($0.uscc)) }
    }

    /// Registers a public key. Several may stand at once, so that a new one can be brought in before the old one is revoked; files are sealed to the newest.
    ///
    /// - Parameters:
    ///   - publicKey: 32 bytes in base64; a key for files also as age writes it, `age1…`.
    ///   - department: the key's department where it is nil.
    /// - Throws: `Problem`: `invalidReceiptKey`, `departmentNotFound`, `forbidden`.
    public func register(_ publicKey: String, use: ReceiptKey.Use = .receipt, label: String, department: String?, by member: Member) async throws -> ReceiptKey {
        var places: [Problem.Place] = []
        let department = department ?? member.key.department
        if department == nil { places.append(.init("/department", zh: "密钥不属于任何部门，请写明", en: "the access key has no department: name it")) }
        let bytes = Self.bytes(of: publicKey, use)
        if bytes == nil {
            let (zh, en) = use == .receipt ? ("Ed25519 公钥（base64）", "an Ed25519 public key: 32 bytes in base64") : ("X25519 公钥（base64 或 age1…）", "an X25519 public key: 32 bytes in base64, or age1…")
            places.append(.init("/public_key", zh: "应为 32 字节的 \(zh)", en: "must be \(en)"))
        }
        ShareText.check(label, "/label", &places, required: true)
        guard places.isEmpty, let department, let bytes else { throw Problem(.invalidReceiptKey, zh: "公钥有误", en: "the key has mistakes", places: places) }
        try Self.requireOwn(department, member)
        return try await store.addReceiptKey(department: department, use: use, publicKey: bytes, label: label, by: member.key.id)
    }

    private static func bytes(of publicKey: String, _ use: ReceiptKey.Use) -> [UInt8]? {
        if use == .encryption, let key = AgeKey(publicKey) { return key.kind == .recipient ? key.bytes : nil }
        guard let bytes = Data(base64Encoded: publicKey).map({ Array($0) }), bytes.count == 32 else { return nil }
        switch use {
        case .receipt: return (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) == nil ? nil : bytes
        // A key of low order, by which everybody could open what is sealed to it, lets nothing be sealed.
        case .encryption: return (try? AgeSealer(to: AgeKey(.recipient, bytes) ?? AgeKey.generate(), seed: [UInt8](repeating: 0, count: 32))) == nil ? nil : bytes
        }
    }

    /// Ends a public key: what it signed before stays signed.
    ///
    /// - Throws: `Problem`: `receiptKeyNotFound`, `invalidReceiptKey` without a reason, `forbidden`.
    public func revoke(key id: String, reason: String, by member: Member) async throws -> ReceiptKey {
        var places: [Problem.Place] = []
        ShareText.check(reason, "/reason", &places, required: true)
        if !places.isEmpty { throw Problem(.invalidReceiptKey, zh: "请说明理由", en: "say why", places: places) }
        guard let key = try await store.receiptKey(id) else {
            throw Problem(.receiptKeyNotFound, zh: "没有编号为 \(id.prefix(64)) 的签名公钥", en: "there is no receipt key \(id.prefix(64))")
        }
        try Self.requireOwn(key.department, member)
        return try await store.revokeReceiptKey(id, reason: reason) ?? key
    }

    private static func requireOwn(_ department: String, _ member: Member) throws {
        guard member.acts(for: department) else {
            throw Problem(.forbidden, zh: "密钥 \(member.key.prefix) 不能管理该部门的签名公钥", en: "the key \(member.key.prefix) does not keep this department's receipt keys")
        }
    }
}
