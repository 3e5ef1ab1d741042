import Foundation
import Ledger
import Logging
import Model
import Notary
import Postgres
import Publishing
import Store
import TestSupport
import Testing

/// What the law demands to be forgotten is forgotten; the log, which never held it, stays as valid as it was.
@Suite struct ErasureTests {
    private static let secret = "王小明住址保密"

    /// Tables and columns in which the text stands, anywhere in the database.
    private static func places(of text: String, _ shop: Workshop) async throws -> [String] {
        let columns = try await shop.db.database.execute(
            """
            SELECT format('%I.%I', table_schema, table_name) AS relation, quote_ident(column_name) AS column FROM information_schema.columns JOIN information_schema.tables
            USING (table_schema, table_name) WHERE table_schema IN ('daylight', 'data', 'staging') AND table_type = 'BASE TABLE'
            """
        ).map { (try $0.read(String.self, 0), try $0.read(String.self, 1)) }
        var found: [String] = []
        for (relation, column) in columns {
            let count: Int = try await shop.db.database.execute("SELECT count(*) FROM \(raw: relation) WHERE strpos(\(raw: column)::text, \(text)) > 0")[0].read(0)
            if count > 0 { found.append("\(relation).\(column)") }
        }
        return found
    }

    @Test func nothingOfTheContentRemainsAndTheLogIsAsValidAsBefore() async throws {
        try await Workshop.with(policy: .quarantine) { shop in
            let signer = try #require(NoteSigner(name: "test.example/ledger", seed: try await shop.store.secret("ledger") ?? []))
            let notary = Notary(store: shop.store, signer: signer, logger: Logger(label: "daylight.tests"))
            try await shop.publish("code,name\nA,\(Self.secret)\nB,b\n")
            // Left out of a push with its record, quoted by a finding, waiting with another.
            _ = try await shop.push("code,name,height\nA,\(Self.secret),x\nB,b,1\n")
            let waiting = try await shop.push("code,name,height\nA,\(Self.secret),7\nC,c,1\n", .upsert)
            let harmless = try await shop.push("code,name,height\nD,d,1\n", .upsert)
            let withdrawal = try await shop.publishing.withdraw(.rows, of: "lighthouse", keys: ["A"], reason: LocalizedText(zh: "个人信息"), code: .personalData, by: shop.pusher)
            try await notary.prepare()
            let before = try #require(try await shop.store.checkpoint())
            let opening = try await shop.publishing.opening(ofWithdrawal: withdrawal.id, of: "lighthouse")
            #expect(try await Self.places(of: Self.secret, shop).count >= 3)

            let erasure = try await shop.publishing.erase(withdrawal.id)
            #expect(erasure.states == 1 && erasure.quotations >= 1 && erasure.pushes == 1)
            #expect(try await Self.places(of: Self.secret, shop) == [])
            #expect(try await shop.publishing.push(waiting.push.id).push.state == .failed)
            #expect(try await shop.publishing.push(harmless.push.id).push.state == .ready)
            await expectProblem(.routeNotFound) { _ = try await shop.publishing.opening(ofWithdrawal: withdrawal.id, of: "lighthouse") }
            #expect(!opening.content.contains(Self.secret) && opening.content.contains(withdrawal.id))

            // The log goes on from the head that was signed before, and still proves the version that held the row.
            let next = try await shop.publish("code,name\nE,e\n", .upsert)
            try await notary.integrate()
            var configuration = Integrity.Configuration()
            configuration.interval = .zero
            try await Integrity(store: shop.store, configuration: configuration, logger: Logger(label: "daylight.tests")).work()
            #expect(try await notary.integrity(limit: 10).findings == [])
            #expect(try await shop.store.checkpoint()?.size ?? 0 > before.size)
            for version in 1...next.number { #expect(try await notary.proof(of: "lighthouse", version: version).extra != nil) }
            // The tombstone stays and says why, and the row stays away.
            #expect(try await shop.publishing.withdrawals(of: shop.target(), before: nil, limit: 1) == [withdrawal])
            #expect(try await shop.push("code,name\nA,\(Self.secret)\nB,b\n").codes == ["F410:1"])
            #expect(try await shop.publishing.erase(withdrawal.id).states == 0)
            await expectProblem(.invalidWithdrawal) { _ = try await shop.publishing.erase("7a1f7a10-8f2a-4a53-9a53-0d1c6f1f7a10") }
        }
    }

    @Test func aCommitmentIsOpenedByItsSaltAndContent() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push("code,name\nA,a\nB,b\n")
            let review = try await shop.pass(report)
            _ = try await shop.publishing.release(report.push.id, by: shop.pusher)
            let withdrawal = try await shop.publishing.withdraw(
                .rows, of: "lighthouse", keys: ["A"], reason: LocalizedText(zh: "误报", en: "wrong"), code: .error, legalBasis: "第十四条", by: shop.pusher)
            let leaves = try await shop.db.database.execute("SELECT entry FROM daylight.ledger_pending ORDER BY id").map { try Leaf(entry: $0.read(Bytea.self, 0).bytes) }
            let openings = [
                try await shop.publishing.opening(ofReview: review.id, of: report.push.id), try await shop.publishing.opening(ofWithdrawal: withdrawal.id, of: "lighthouse"),
            ]
            let commitments = leaves.compactMap { leaf -> Commitment? in
                switch leaf {
                case .review(let leaf): leaf.commitment
                case .withdrawal(let leaf): leaf.commitment
                default: nil
                }
            }
            #expect(openings.map(\.commitment) == commitments)
            for opening in openings {
                let salt = stride(from: 0, to: 64, by: 2).compactMap { UInt8(opening.salt.dropFirst($0).prefix(2), radix: 16) }
                #expect(HexDigest.of(salt + Array(opening.content.utf8)) == opening.commitment.digest)
            }
            #expect(openings[0].content.contains("条例第十七条") && openings[1].content.contains("误报"))
        }
    }
}
