import API
import Foundation
import Ledger
import Model
import NIOHTTP1
import Notary
import Postgres
import Store
import TestSupport
import Testing

/// Leaves by their place: what opens them is for those who may know, and for nobody else.
@Suite struct LedgerLeafRouteTests {
    let contract: Contract

    init() throws { contract = try Contract.daylight.get() }

    /// All openings that a client is given, in small pages.
    private func openings(_ client: ContractClient, limit: Int = 2) async throws -> [LeafOpening] {
        struct Page: Decodable {
            struct Links: Decodable { var next: String? }
            var data: [LeafOpening]
            var links: Links
        }
        var found: [LeafOpening] = [], next: String? = "/v1/ledger/openings?limit=\(limit)"
        for _ in 0..<1000 {
            guard let path = next else { break }
            let answer = try await client.get(path)
            try #require(answer.status == 200, "\(answer.text)")
            let page = try JSON.decode(Page.self, answer.text)
            found += page.data
            next = page.links.next
        }
        return found
    }

    @Test func leavesAreOpenedToThoseWhoMayKnow() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract), dataset = try contract.target(of: "/v1/datasets/{id}")
            let withdrawn = try await server.pusher.send(
                .POST, dataset + "/withdrawals", json: #"{"subject":"rows","keys":["511800051,2026-03-02T08:00:00%2B08:00"],"reason":{"zh":"测试"},"reason_code":"personal_data"}"#)
            #expect(withdrawn.status == 201, "\(withdrawn.text)")
            // The grant is another one now than when it was given; and then it ends.
            let grant = try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]), request = try #require(published.shared["7d0f4a7e-51a1-4a43-8f3b-2a6f3a1b9c10"])
            let extended = try await server.pusher.send(.POST, "/v1/exchange/requests/\(request)/decisions", json: #"{"decision":"extend","until":"2029-12-31T00:00:00+08:00"}"#)
            #expect(extended.status == 200, "\(extended.text)")
            let ended = try await server.pusher.send(.POST, "/v1/exchange/requests/\(request)/decisions", json: #"{"decision":"revoke","note":"不再需要"}"#)
            #expect(ended.status == 200, "\(ended.text)")
            try await server.api.dependencies.notary?.integrate()
            let leaves = try await server.store.ledgerEntries(0..<1000).map { try Leaf(entry: $0) }
            for leaf in leaves { #expect(throws: Never.self) { try leaf.checkForm() } }
            let stranger = server.reader.with(key: try await server.database.addKey([.read, .push, .exchange], department: try await server.database.addDepartment(9).uscc).text)
            let developer = server.reader.with(key: try await server.database.addKey([.read]).text)
            let kinds: [(ContractClient, [String])] = [
                (server.authority, ["correction", "grant", "grant", "receipt", "review", "withdrawal"]), (server.receiver, ["correction", "grant", "grant", "receipt"]),
                (server.pusher, ["correction", "grant", "grant", "receipt", "review", "withdrawal"]), (server.reviewer, ["review", "withdrawal"]), (stranger, []), (developer, []),
            ]
            for (number, (client, expected)) in kinds.enumerated() {
                let found = try await openings(client)
                #expect(found.map(\.kind).sorted() == expected, "\(number)")
                #expect(found.map(\.index) == found.map(\.index).sorted())
                for opening in found {
                    #expect(opening.opens(leaves[opening.index]))
                    let one = try await client.get("/v1/ledger/leaves/\(opening.index)/opening")
                    #expect(try one.status == 200 && JSON.decode(LeafOpening.self, one.text) == opening)
                }
                for index in leaves.indices where !found.contains(where: { $0.index == index }) {
                    #expect(try await client.get("/v1/ledger/leaves/\(index)/opening").status == 404)
                }
            }
            let all = try await openings(server.authority, limit: 1000)
            let given = try #require(all.first { $0.kind == "grant" }), later = try JSON.decode(ShareGrant.self, given.content)
            #expect(later.id == grant && !later.terms.until.description.hasPrefix("2029") && later.endedAt == nil)
            #expect(try await openings(server.authority, limit: 1000) == openings(server.authority, limit: 1))
            #expect(try await server.authority.get("/v1/ledger/openings?from=\(leaves.count)").json()["data"]?.array?.isEmpty == true)
            #expect(try await server.reader.get("/v1/ledger/openings").status == 401)
            #expect(try await server.reader.get("/v1/ledger/leaves/0/opening").status == 401)
            #expect(try await server.authority.get("/v1/ledger/openings?limit=0").status == 400)

            // Everybody gets the proof; what opens a leaf goes with its salt.
            let verifier = try #require(NoteVerifier(try await server.reader.get("/ledger/key").text.trimmingCharacters(in: .whitespacesAndNewlines)))
            for index in leaves.indices {
                let proof = try #require(InclusionProof(try await server.reader.get("/v1/ledger/leaves/\(index)/proof").text))
                let head = try #require(Checkpoint(proof.checkpoint, signedBy: verifier)), entry = try #require(proof.extra)
                #expect(ProofCheck.includes(.leaf(entry), at: index, size: head.size, proof: proof.path, head: head.head) && proof.index == index)
            }
            for index in ["\(leaves.count)", "9007199254740991", "x", "-1"] { #expect(try await server.reader.get("/v1/ledger/leaves/\(index)/proof").status == 404) }
            let withdrawal = try #require(all.first { $0.kind == "withdrawal" })
            _ = try await server.store.erase(withdrawal: try #require(try withdrawn.json()["id"]?.string), reason: LocalizedText(zh: "删除"))
            #expect(try await server.pusher.get("/v1/ledger/leaves/\(withdrawal.index)/opening").status == 404)
            // The correction of the row went with it.
            #expect(try await openings(server.pusher).map(\.kind).sorted() == ["grant", "grant", "receipt", "review"])
        }
    }
}
