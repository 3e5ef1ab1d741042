internal import Crypto
internal import Foundation
internal import Ledger
public import Model
internal import Store

/// What the server signs for a delivery that was sent whole: that it gave exactly these bytes to this department. Signed is its JSON in the spelling of RFC 8785.
public struct DeliveryStatement: Sendable, Hashable, Codable {
    public static let format = "daylight-delivery/1"

    /// The receiver's call, where it was signed: what proves that it asked.
    public struct Call: Sendable, Hashable, Codable {
        /// 32 bytes in base64.
        public var publicKey: String
        /// The signature base of RFC 9421.
        public var base: String
        /// 64 bytes in base64.
        public var signature: String
    }

    public var format: String
    public var delivery: String
    public var grant: String
    public var dataset: String
    public var provider: String
    public var receiver: String
    /// 0 where it is the whole state.
    public var fromVersion: Int
    public var toVersion: Int
    /// SHA-256 of the bytes that were sent, 64 hexadecimal digits.
    public var digest: String
    public var rowCount: Int
    public var byteCount: Int
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    public var call: Call?

    /// What is signed.
    public var signedBytes: [UInt8] { get throws { try CanonicalJSON(parsing: try JSON.encoder().encode(self)).bytes } }
}

/// A statement with its signature.
public struct SignedDelivery: Sendable, Hashable, Codable {
    public var statement: DeliveryStatement
    /// The server's, 32 bytes in base64; `GET /v1/exchange/statement-key` has it too.
    public var publicKey: String
    /// Ed25519 over the statement, 64 bytes in base64.
    public var signature: String

    /// Whether the signature is that key's over the statement.
    public func isValid(by key: String) -> Bool {
        guard publicKey == key, let bytes = Data(base64Encoded: key), let verifier = try? Curve25519.Signing.PublicKey(rawRepresentation: bytes),
            let signature = Data(base64Encoded: signature), let message = try? statement.signedBytes
        else { return false }
        return verifier.isValidSignature(signature, for: Data(message))
    }
}

/// The key with which a server signs statements about deliveries. It is made from the ledger's key, and is another one: what one signs, the other never does.
public struct StatementSigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey
    /// 32 bytes in base64.
    public let publicKey: String

    /// - Parameter seed: the ledger's, 32 bytes.
    /// - Returns: nil where the seed has another length.
    public init?(ledgerSeed seed: [UInt8]) {
        guard seed.count == 32 else { return nil }
        // RFC 5869: what is derived tells nothing about the seed.
        let derived = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: seed), info: Data("daylight delivery statements 1".utf8), outputByteCount: 32)
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: derived.withUnsafeBytes { Data($0) }) else { return nil }
        self.key = key
        publicKey = key.publicKey.rawRepresentation.base64EncodedString()
    }

    func sign(_ statement: DeliveryStatement) throws -> SignedDelivery {
        let signature = try key.signature(for: Data(try statement.signedBytes))
        return SignedDelivery(statement: statement, publicKey: publicKey, signature: signature.base64EncodedString())
    }
}

extension Sharing {
    /// The key with which this server signs statements; nil where it has none.
    public var statementKey: String? { configuration.statements?.publicKey }

    /// The signed statement about a delivery, for those who have a part in it.
    ///
    /// - Throws: `Problem`: `deliveryNotFound`, also where it was never sent whole.
    public func statement(of delivery: String, for member: Member) async throws -> SignedDelivery {
        guard let signer = configuration.statements, let sent = try await store.delivery(delivery), let grant = try await store.shareGrant(sent.grant), !member.parties(grant).isEmpty else {
            throw Problem(.deliveryNotFound, zh: "没有编号为 \(delivery.prefix(64)) 的交付", en: "there is no delivery \(delivery.prefix(64))")
        }
        guard let digest = sent.digest, let rows = sent.rowCount, let bytes = sent.byteCount, let finished = sent.finishedAt else {
            throw Problem(.deliveryNotFound, zh: "交付没有完成；请重新获取", en: "the delivery was never sent whole; ask for it again")
        }
        return try signer.sign(
            DeliveryStatement(
                format: DeliveryStatement.format, delivery: sent.id, grant: grant.id, dataset: grant.dataset, provider: grant.provider, receiver: grant.receiver,
                fromVersion: sent.fromVersion, toVersion: sent.toVersion, digest: digest, rowCount: rows, byteCount: bytes, startedAt: sent.startedAt, finishedAt: finished,
                call: try await store.deliveryCall(sent.id).map {
                    DeliveryStatement.Call(publicKey: $0.publicKey, base: $0.base, signature: Data($0.signature).base64EncodedString())
                }))
    }
}
