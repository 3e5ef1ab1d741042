import Crypto
import Foundation
import Ledger
import Model

/// A leaf with what its salted digest is of, found to fit each other.
struct OpenedLeaf {
    enum Content {
        case review(Review)
        case withdrawal(Withdrawal)
        case grant(ShareGrant, Leaf.Grant.Event)
        case receipt(ReceiptStatement)
        case correction(Correction)
        /// The leaf that a sealed one stands for, and its bytes.
        case sealed(Leaf, [UInt8])
    }

    let opening: LeafOpening
    let content: Content

    /// - Throws: ``Doubt`` where salt and content do not make the leaf's digest, or the content says something else than the leaf.
    init(_ opening: LeafOpening, of leaf: Leaf) throws(Doubt) {
        guard opening.opens(leaf) else {
            throw Doubt(
                zh: "盐值与内容算不出该条目（\(leaf.kind)）中的摘要 \(leaf.commitment?.digest ?? "-")",
                en: "salt and content do not make the digest that the leaf (\(leaf.kind)) has, \(leaf.commitment?.digest ?? "-")")
        }
        let bytes = Array(opening.content.utf8)
        guard let json = try? CanonicalJSON(parsing: bytes), json.bytes == bytes, let content = try? Self.read(json, opening.content, leaf) else {
            throw Doubt(zh: "内容不是该条目（\(leaf.kind)）所应有的文档，或写法不规范", en: "the content is not the document that such a leaf (\(leaf.kind)) stands for, in its one spelling")
        }
        if let member = Self.difference(content, leaf) {
            throw Doubt(zh: "内容的 \(member) 与条目所记的不同", en: "the content has another \(member) than the leaf says")
        }
        if case .receipt = content, !Self.isSigned(json) {
            throw Doubt(zh: "回执的签名不是其公钥的签名", en: "the receipt's signature is not one of its key over its statement")
        }
        if case .sealed(let inner, _) = content {
            do { try inner.checkForm() } catch { throw Doubt(zh: "所封条目的 \(error.member)：\(error.message.zh)", en: "the leaf that was sealed is malformed: \(error.member) \(error.message.text(in: .en))") }
        }
        self.opening = opening
        self.content = content
    }

    private static func read(_ json: CanonicalJSON, _ text: String, _ leaf: Leaf) throws -> Content? {
        switch leaf {
        case .review: .review(try JSON.decode(Review.self, text))
        case .withdrawal: .withdrawal(try JSON.decode(Withdrawal.self, text))
        case .grant(let leaf): .grant(try JSON.decode(ShareGrant.self, text), leaf.event)
        case .receipt: .receipt(try JSON.decode(ReceiptStatement.self, String(decoding: json["statement"]?.bytes ?? [], as: UTF8.self)))
        case .correction: .correction(try JSON.decode(Correction.self, text))
        case .sealed: .sealed(try Leaf(entry: json.bytes), json.bytes)
        case .release, .profile, .audit, .description, .other: nil
        }
    }

    /// The member in which content and leaf contradict each other.
    private static func difference(_ content: Content, _ leaf: Leaf) -> String? {
        switch (content, leaf) {
        case (.review(let review), .review(let leaf)): return review.reviewedAt == leaf.reviewedAt ? nil : "reviewed_at"
        case (.withdrawal(let withdrawal), .withdrawal(let leaf)):
            return [
                ("id", withdrawal.id == leaf.withdrawal), ("dataset", withdrawal.dataset == leaf.dataset), ("subject", withdrawal.subject == leaf.subject),
                ("version", withdrawal.version == leaf.version), ("withdrawn_at", withdrawal.withdrawnAt == leaf.withdrawnAt),
            ].first { !$0.1 }?.0
        case (.grant(let grant, .given), .grant(let leaf)): return grant.grantedAt != leaf.recordedAt ? "granted_at" : grant.endedAt != nil ? "ended_at" : nil
        case (.grant(let grant, .ended), .grant(let leaf)): return grant.endedAt == leaf.recordedAt ? nil : "ended_at"
        case (.correction(let correction), .correction(let leaf)):
            return correction.updatedAt != leaf.recordedAt ? "updated_at" : [.corrected, .upheld].contains(correction.state) ? nil : "state"
        // Nothing else that it could have is sealed.
        case (.sealed(let inner, _), _):
            return switch inner {
            case .release, .withdrawal, .description: nil
            default: "kind"
            }
        default: return nil
        }
    }

    private static func isSigned(_ json: CanonicalJSON) -> Bool {
        guard case .string(let text)? = json["signature"], case .string(let name)? = json["public_key"], let signature = Data(base64Encoded: text), let raw = Data(base64Encoded: name),
            let statement = json["statement"], signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw)
        else { return false }
        return key.isValidSignature(signature, for: statement.bytes)
    }
}
