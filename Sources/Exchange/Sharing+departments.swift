internal import Crypto
internal import Foundation
public import Model
internal import Store

/// A department as others share with it.
public struct SharingDepartment: Sendable, Encodable {
    public let department: Department
    /// Keys with which it signs receipts, the revoked ones too.
    public let keys: [ReceiptKey]
    /// Whether it wants its writes signed.
    public let signaturesRequired: Bool

    private enum CodingKeys: String, CodingKey { case receiptKeys, signaturesRequired }

    public func encode(to encoder: any Encoder) throws {
        try department.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(keys, forKey: .receiptKeys)
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

    /// Registers a public key for receipts. Several may stand at once, so that a new one can be brought in before the old one is revoked.
    ///
    /// - Parameters:
    ///   - publicKey: 32 bytes in base64.
    ///   - department: the key's department where it is nil.
    /// - Throws: `Problem`: `invalidReceiptKey`, `departmentNotFound`, `forbidden`.
    public func register(_ publicKey: String, label: String, department: String?, by member: Member) async throws -> ReceiptKey {
        var places: [Problem.Place] = []
        let department = department ?? member.key.department
        if department == nil { places.append(.init("/department", zh: "密钥不属于任何部门，请写明", en: "the access key has no department: name it")) }
        let bytes = Data(base64Encoded: publicKey).map { Array($0) } ?? []
        if bytes.count != 32 || (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)) == nil {
            places.append(.init("/public_key", zh: "应为 32 字节的 Ed25519 公钥（base64）", en: "must be an Ed25519 public key: 32 bytes in base64"))
        }
        ShareText.check(label, "/label", &places, required: true)
        guard places.isEmpty, let department else { throw Problem(.invalidReceiptKey, zh: "签名公钥有误", en: "the key has mistakes", places: places) }
        try Self.requireOwn(department, member)
        return try await store.addReceiptKey(department: department, publicKey: bytes, label: label, by: member.key.id)
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
