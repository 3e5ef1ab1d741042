import Crypto
import Foundation
import Ledger
import Model
import NIOCore
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// Keys for receipts that end while something is still to be signed for.
@Suite(.timeLimit(.minutes(20))) struct ReceiptKeyTests {
    private struct Signer {
        let key: Curve25519.Signing.PrivateKey
        let id: String

        init(_ desk: Desk) async throws {
            key = Curve25519.Signing.PrivateKey()
            id = try await desk.sharing.register(key.publicKey.rawRepresentation.base64EncodedString(), label: "test", department: nil, by: desk.receiver).id
        }

        func sign(_ delivery: String, _ text: String, _ desk: Desk) async throws -> (receipt: Receipt, isNew: Bool) {
            let sent = try #require(try await desk.store.delivery(delivery))
            let statement = ReceiptStatement(
                grant: sent.grant, delivery: delivery, dataset: "lighthouse", fromVersion: sent.fromVersion, toVersion: sent.toVersion,
                digest: SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined(), rowCount: text.split(separator: "\n").count - 1, receivedAt: .now)
            let bytes = try statement.signedBytes
            return try await desk.sharing.sign(try CanonicalJSON(parsing: bytes), key: id, signature: try key.signature(for: bytes).base64EncodedString(), by: desk.receiver)
        }
    }

    @Test func aReceiptThatIsOwedIsSignedWithAnotherKeyWhereTheFirstWasRevoked() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(), old = try await Signer(desk)
            func changes() async throws -> OpenDelivery { try await desk.sharing.changes(by: grant.id, for: desk.receiver, purpose: "测试", since: nil) }
            // One is signed for while the key stands.
            let first = try await changes(), firstText = try await Desk.text(first), firstID = try #require(first.delivery?.id)
            let receipt = try await old.sign(firstID, firstText, desk).receipt

            // The key is revoked in the middle of the next one: what has begun comes whole, and is owed.
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "100", "s1"]])
            let open = try await changes(), delivery = try #require(open.delivery?.id)
            var bytes = try #require(open.bytes?.makeAsyncIterator()), text = ByteBuffer()
            if var piece = try await bytes.next() { text.writeBuffer(&piece) }
            _ = try await desk.sharing.revoke(key: old.id, reason: "私钥遗失", by: desk.receiver)
            while var piece = try await bytes.next() { text.writeBuffer(&piece) }
            let came = String(buffer: text)
            #expect(came == "_change,code,region,height\nchanged,A,east,11.00\n")
            let sent = try #require(try await desk.store.delivery(delivery))
            #expect(sent.finishedAt != nil && sent.receiptedAt == nil)

            // What is signed with it says what to do.
            do {
                _ = try await old.sign(delivery, came, desk)
                Issue.record("a revoked key signed")
            } catch let problem as Problem {
                let place = try #require(problem.places.first)
                #expect(problem.code == .invalidReceipt && problem.places.count == 1 && place.place == "/key")
                #expect(place.message.en?.contains("was revoked at") == true && place.message.en?.contains("register another key") == true && place.message.zh.contains("撤销"), "\(place)")
            }
            #expect(try await desk.sharing.deliveries(of: grant.id, for: desk.provider, unreceipted: true, before: nil, limit: 10).map(\.id) == [delivery])
            // Nothing moved: the cursor stands where it was signed for.
            let again = try await changes()
            #expect(again.fromVersion == 1)
            #expect(try await Desk.text(again) == came)

            // Another key: accepted, for the delivery as it was.
            let new = try await Signer(desk), signed = try await new.sign(delivery, came, desk)
            #expect(signed.isNew && signed.receipt.key == new.id)
            let after = try #require(try await desk.store.delivery(delivery))
            #expect(after.startedAt == sent.startedAt && after.finishedAt == sent.finishedAt && after.digest == sent.digest && after.rowCount == 1 && after.receiptedAt != nil)
            #expect(try await changes().delivery == nil)
            // The receipt by the key that has ended is what it was, also when it is sent once more.
            #expect(try await desk.sharing.receipt(of: firstID, for: desk.provider) == receipt)
            let repeated = try await old.sign(firstID, firstText, desk)
            #expect(!repeated.isNew && repeated.receipt == receipt && receipt.key == old.id)
            let keys = try await desk.store.receiptKeys(of: [grant.receiver])
            #expect(keys.map(\.id) == [old.id, new.id] && keys[0].reason == "私钥遗失" && keys[0].revokedAt != nil && keys[1].revokedAt == nil)
        }
    }
}
