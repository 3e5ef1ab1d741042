internal import Foundation
public import Model

// What departments share with one another is not public: these leaves say that something was given or signed for, and when, and nothing else. Whoever has the
// document and its salt can prove that it is what the leaf stands for.
extension Leaf {
    public struct Grant: Sendable, Hashable, Codable {
        public enum Event: String, Sendable, Codable { case given, ended }

        public var event: Event
        public var recordedAt: Timestamp
        /// Salted digest of the grant as it stood then.
        public var commitment: Commitment

        public init(_ event: Event, _ grant: ShareGrant, at time: Timestamp, salt: [UInt8]) throws {
            self.event = event
            recordedAt = time
            commitment = Commitment(salt: salt, content: try CanonicalJSON(grant).bytes)
        }
    }

    public struct Receipt: Sendable, Hashable, Codable {
        public var recordedAt: Timestamp
        /// Salted digest of statement, signature and public key.
        public var commitment: Commitment

        /// - Parameter statement: the receipt's, where it is at hand as it was signed.
        public init(_ receipt: Model.Receipt, statement: CanonicalJSON? = nil, publicKey: String, salt: [UInt8]) throws {
            recordedAt = receipt.recordedAt
            let content = CanonicalJSON.object([
                "statement": try statement ?? receipt.statement.canonical, "signature": .string(receipt.signature), "public_key": .string(publicKey),
            ])
            commitment = Commitment(salt: salt, content: content.bytes)
        }
    }
}

extension ReceiptStatement {
    var canonical: CanonicalJSON { get throws { try CanonicalJSON(self) } }

    /// What is signed: the statement in the spelling of RFC 8785.
    public var signedBytes: [UInt8] { get throws { try canonical.bytes } }
}
