internal import Crypto
internal import Foundation
public import Ledger
public import Model
internal import Store

extension Sharing {
    /// A grant's deliveries, newest first, for those who have a part in it.
    public func deliveries(
        of grant: String, for member: Member, unreceipted: Bool, before last: (startedAt: Timestamp, id: String)?, limit: Int, now: Timestamp = .now
    ) async throws -> [Delivery] {
        let grant = try await self.grant(grant, for: member)
        return try await store.deliveries(of: grant.id, unreceipted: unreceipted, before: last, limit: limit).map { delivery in
            var delivery = delivery
            if delivery.receiptedAt == nil, let sent = delivery.finishedAt { delivery.unreceiptedHours = Int(max(0, now.microseconds - sent.microseconds) / 3_600_000_000) }
            return delivery
        }
    }

    /// Takes a receiver's signature for a delivery in, and enters it into the ledger.
    ///
    /// - Parameters:
    ///   - statement: what was signed, as it came.
    ///   - key: the identifier of the public key.
    ///   - signature: Ed25519 over the statement in the spelling of RFC 8785, in base64.
    /// - Returns: the receipt, and whether it is a new one: a delivery has one receipt.
    /// - Throws: `Problem`: `deliveryNotFound`, `invalidReceipt`, `notYourDecision`.
    public func sign(_ statement: CanonicalJSON, key: String, signature: String, by member: Member, now: Timestamp = .now) async throws -> (receipt: Receipt, isNew: Bool) {
        let bytes = statement.bytes, stated = try Self.read(statement, bytes)
        guard let subject = try await store.receiptSubject(delivery: stated.delivery, key: key), !member.parties(subject).isEmpty else {
            throw Problem(.deliveryNotFound, zh: "没有编号为 \(stated.delivery.prefix(64)) 的交付", en: "there is no delivery \(stated.delivery.prefix(64))")
        }
        let delivery = subject.delivery
        guard member.parties(subject).contains(.receiver) else {
            throw Problem(.notYourDecision, zh: "只有收到数据的部门可以出具回执", en: "only the department that got the data signs for it")
        }
        if subject.isReceipted, let receipt = try await store.receipt(of: delivery.id) { return (receipt, false) }
        var places = Self.differences(stated, subject, now)
        let registered = subject.key
        if let registered, registered.department == subject.receiver, registered.use == .receipt {
            if let revoked = registered.revokedAt {
                places.append(.init("/key", zh: "已于 \(revoked) 撤销；请登记新公钥，用其私钥重新签名", en: "was revoked at \(revoked): register another key, and sign with that"))
            } else if !Self.isValid(signature, over: bytes, by: registered.publicKey) {
                places.append(.init("/signature", zh: "签名与公钥不符", en: "is not a signature of this statement by this key"))
            }
        } else {
            places.append(.init("/key", zh: "不是该部门现行的签名公钥", en: "is not a key of the receiving department that stands"))
        }
        if !places.isEmpty { throw Problem(.invalidReceipt, zh: "回执与交付不符", en: "the receipt does not fit the delivery", places: places) }
        var receipt = Receipt(statement: stated, key: key.lowercased(), signature: signature, recordedAt: now)
        let entry = try LedgerEntry.receipt(receipt, statement: statement, publicKey: registered?.publicKey ?? "")
        if try await store.addReceipt(receipt, statement: bytes, signature: Self.bytes(signature), entry: entry) {
            receipt.salt = entry.salt.map { $0.bytes.map { String(format: "%02x", $0) }.joined() }
            return (receipt, true)
        }
        // Another one of the same delivery was quicker.
        return (try await store.receipt(of: delivery.id) ?? receipt, false)
    }

    /// A delivery's receipt, for those who have a part in it.
    ///
    /// - Throws: `Problem`: `deliveryNotFound` where there is none.
    public func receipt(of delivery: String, for member: Member) async throws -> Receipt {
        guard let receipt = try await store.receipt(of: delivery), let grant = try await store.shareGrant(receipt.statement.grant), !member.parties(grant).isEmpty else {
            throw Problem(.deliveryNotFound, zh: "没有交付 \(delivery.prefix(64)) 的回执", en: "there is no receipt for a delivery \(delivery.prefix(64))")
        }
        return receipt
    }

    /// - Parameter bytes: those of the statement in its one spelling.
    private static func read(_ statement: CanonicalJSON, _ bytes: [UInt8]) throws -> ReceiptStatement {
        guard let stated = try? JSON.decode(ReceiptStatement.self, String(decoding: bytes, as: UTF8.self)), try stated.signedBytes == bytes else {
            throw Problem(
                .invalidReceipt, zh: "statement 的成员或写法不符；时间应写作 2026-03-02T09:00:00+08:00",
                en: "the members of the statement, or their spelling, are not those of a receipt; times are written 2026-03-02T09:00:00+08:00",
                places: [.init("/statement", zh: "不是回执的写法", en: "is not spelled as a receipt")])
        }
        return stated
    }

    private static func differences(_ stated: ReceiptStatement, _ subject: Store.ReceiptSubject, _ now: Timestamp) -> [Problem.Place] {
        let delivery = subject.delivery
        guard let digest = delivery.digest, let rows = delivery.rowCount else {
            return [.init("/statement/delivery", zh: "交付没有完成；请重新获取", en: "was never sent whole; ask for it again")]
        }
        let slack: Int64 = 300_000_000
        let tests: [(String, Bool)] = [
            ("format", stated.format == ReceiptStatement.format), ("grant", stated.grant == delivery.grant), ("delivery", stated.delivery == delivery.id),
            ("dataset", stated.dataset == subject.dataset), ("from_version", stated.fromVersion == delivery.fromVersion), ("to_version", stated.toVersion == delivery.toVersion),
            ("digest", stated.digest == digest), ("row_count", stated.rowCount == rows),
            ("received_at", stated.receivedAt.microseconds > delivery.startedAt.microseconds - slack && stated.receivedAt.microseconds < now.microseconds + slack),
        ]
        return tests.filter { !$0.1 }.map { .init("/statement/\($0.0)", zh: "与交付不符", en: "is not that of the delivery") }
    }

    private static func bytes(_ base64: String) -> [UInt8] { Data(base64Encoded: base64).map { Array($0) } ?? [] }

    private static func isValid(_ signature: String, over bytes: [UInt8], by publicKey: String) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: Self.bytes(publicKey)) else { return false }
        let signature = Self.bytes(signature)
        return signature.count == 64 && key.isValidSignature(signature, for: bytes)
    }
}
