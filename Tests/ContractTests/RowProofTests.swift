import API
import AsyncHTTPClient
import Foundation
import Ledger
import NIOCore
import NIOHTTP1
import Notary
import Postgres
import TestSupport
import Testing

/// Rows of a version, proven over HTTP and checked by the parts that the verifier is made of.
@Suite(.timeLimit(.minutes(20))) struct RowProofTests {
    /// A dataset of a text and a number as its key, and what its clients and its ledger do.
    private struct Site {
        let server: ContractServer
        let contract: Contract
        let dataset = "/v1/datasets/proven-rows"

        init(_ server: ContractServer) async throws {
            self.server = server
            contract = try Contract.daylight.get()
            var description = try #require(try contract.requestExample("putDataset").object)
            description["profile"] = nil
            description["resource_code"] = nil
            let fields = [("place", "text"), ("number", "integer"), ("amount", "decimal(9,2)"), ("at", "datetime")].map { name, type in
                #"{"name":"\#(name)","title":{"zh":"\#(name)"},"type":"\#(type)","visibility":"public","required":true}"#
            }
            description["schema"] = try JSONValue(json: #"{"fields":[\#(fields.joined(separator: ","))],"primary_key":["place","number"]}"#)
            let created = try await server.pusher.send(
                .PUT, dataset, json: String(decoding: try JSONEncoder().encode(description), as: UTF8.self), headers: [("If-None-Match", "*")])
            try #require(created.status == 201, "\(created.text)")
        }

        static func line(_ number: Int, _ amount: Int = 1) -> String {
            "\"地\(number < 500 ? "a,1" : "b")\",\(number),\(amount).50,2026-03-02T08:00:00+08:00\n"
        }

        func publish(_ lines: String, _ mode: String = "replace") async throws {
            let body = HTTPClientRequest.Body.bytes(ByteBuffer(string: "place,number,amount,at\n" + lines))
            let pushed = try await server.pusher.send(.POST, dataset + "/pushes?mode=\(mode)", headers: [("Content-Type", "text/csv")], body: body)
            try #require(pushed.status == 201, "\(pushed.text)")
            let push = try pushed.json(), path = "/v1/pushes/\(try #require(push["id"]?.string))"
            let review = #"{"decision":"pass","legal_basis":"条例","digest":"\#(try #require(push["digest"]?.string))"}"#
            try #require(try await server.reviewer.send(.POST, path + "/reviews", json: review).status == 201)
            let released = try await server.pusher.send(.POST, path + "/release")
            try #require(released.status == 200, "\(released.text)")
            try await server.api.dependencies.notary?.integrate()
        }

        /// A proof that holds, with its leaf.
        func proof(_ number: Int, version: Int? = nil) async throws -> (proof: RowProof, leaf: Leaf.Release, bytes: Int) {
            let answer = try await server.reader.get(address(number) + (version.map { "?version=\($0)" } ?? ""))
            try #require(answer.status == 200, "\(answer.text)")
            let proof = try #require(RowProof(answer.text))
            guard case .release(let leaf) = try Leaf(entry: proof.release.extra ?? []) else { throw Unexpected("another kind of leaf") }
            #expect(proof.leads(to: try #require(leaf.rowTree)))
            let checkpoint = try #require(Checkpoint(text: proof.release.checkpoint.text))
            #expect(
                ProofCheck.includes(.leaf(proof.release.extra ?? []), at: proof.release.index, size: checkpoint.size, proof: proof.release.path, head: checkpoint.head))
            return (proof, leaf, answer.body.count)
        }

        func address(_ number: Int) -> String { dataset + "/rows/%E5%9C%B0\(number < 500 ? "a%2C1" : "b"),\(number)/proof" }

        func withdraw(_ subject: String) async throws {
            let answer = try await server.pusher.send(.POST, dataset + "/withdrawals", json: #"{\#(subject),"reason":{"zh":"测试","en":"test"}}"#)
            try #require(answer.status == 201, "\(answer.text)")
        }

        /// What is in memory is trusted for a second where no notification comes.
        func status(_ path: String, becomes status: Int) async throws -> ContractResponse {
            var answer = try await server.reader.get(path)
            for _ in 0..<1200 where answer.status != status {
                try await Task.sleep(for: .milliseconds(50))
                answer = try await server.reader.get(path)
            }
            return answer
        }
    }

    private struct Unexpected: Error {
        let what: String
        init(_ what: String) { self.what = what }
    }

    /// Two levels of nodes above the blocks.
    @Test func everyRowOfALargeVersionIsProven() async throws {
        try await ContractServer.with { server in
            let site = try await Site(server), count = 66_000
            try await site.publish((0..<count).map { Site.line($0) }.joined())
            for index in [0, 1, 255, 256, 499, 500, 65_535, 65_536, count - 1] {
                let (proof, leaf, bytes) = try await site.proof(index)
                #expect(proof.index == index && proof.record == Array(Site.line(index).replacing("\"地b\"", with: "地b").utf8))
                #expect(leaf.version == 1 && leaf.rowTree?.size == count)
                #expect(bytes < 4096)
            }
            for (key, status) in [("%E5%9C%B0b,\(count)", 404), ("%20,1", 404), ("x", 404), ("%E5%9C%B0b,x", 404), ("%E5%9C%B0b,501?version=2", 404), ("%E5%9C%B0b,501?when=1", 400)] {
                let parts = key.split(separator: "?"), answer = try await server.reader.get(site.dataset + "/rows/\(parts[0])/proof" + (parts.count > 1 ? "?\(parts[1])" : ""))
                #expect(answer.status == status, "\(key): \(answer.text)")
            }
        }
    }

    @Test func rowsOfOlderVersionsAreProvenAsTheyWere() async throws {
        try await ContractServer.with { server in
            let site = try await Site(server)
            try await site.publish((0..<600).map { Site.line($0) }.joined())
            try await site.publish((100..<300).map { Site.line($0, 2) }.joined(), "upsert")
            try await site.publish((300..<900).map { Site.line($0, 3) }.joined())
            for (version, index, place, amount) in [(1, 150, 150, 1), (1, 599, 599, 1), (2, 99, 99, 1), (2, 299, 299, 2), (2, 300, 300, 1), (3, 300, 0, 3), (3, 899, 599, 3)] {
                let (proof, leaf, _) = try await site.proof(index, version: version)
                #expect(proof.index == place && leaf.version == version)
                #expect(String(decoding: proof.record, as: UTF8.self).contains(",\(amount).50,"), "\(version) \(index)")
            }
            #expect(try await server.reader.get(site.address(150)).status == 404)
            #expect(try await server.reader.get(site.address(899) + "?version=2").status == 404)

            try await site.withdraw(#""subject":"rows","keys":["%E5%9C%B0a%2C1,310"]"#)
            try await server.api.dependencies.notary?.integrate()
            let gone = try await site.status(site.address(400) + "?version=3", becomes: 410)
            #expect(gone.status == 410 && gone.text.contains("DL2009"), "\(gone.text)")
            let withdrawn = try await site.status(site.address(310) + "?version=4", becomes: 410)
            #expect(withdrawn.status == 410 || withdrawn.status == 404, "\(withdrawn.text)")
            let (left, leaf, _) = try await site.proof(311, version: 4)
            #expect(left.index == 10 && leaf.rowTree?.size == 599)
        }
    }

    @Test func nothingIsProvenOfWhatWasChangedOrHasNoTree() async throws {
        try await ContractServer.with { server in
            let site = try await Site(server)
            try await site.publish((0..<600).map { Site.line($0) }.joined())
            _ = try await site.proof(300)
            let number: Int = try await server.database.database.execute("SELECT number FROM daylight.dataset")[0].read(0)
            // One cell, changed behind the program's back: nothing of its block can be proven, the other blocks can.
            try await server.database.database.execute("UPDATE data.d\(raw: String(number)) SET amount = 9 WHERE number = 301")
            let changed = try await server.reader.get(site.address(300))
            #expect(changed.status == 500 && changed.text.contains("DL9000"), "\(changed.text)")
            _ = try await site.proof(1)
            // A version from before there were trees.
            try await server.database.database.execute("UPDATE daylight.ledger_leaf SET entry = convert_to(replace(convert_from(entry, 'UTF8'), 'row_tree', 'other'), 'UTF8')")
            let without = try await server.reader.get(site.address(1))
            #expect(without.status == 404 && without.text.contains("DL4013"), "\(without.text)")
        }
        try await ContractServer.with { server in
            let site = try await Site(server)
            try await site.publish((0..<3).map { Site.line($0) }.joined())
            // What is described today may not have such a key; what stands from before may.
            try await server.database.database.execute("UPDATE daylight.version SET schema = jsonb_set(schema, '{fields,0,visibility}', '\"department\"')")
            let hidden = try await server.reader.get(site.address(1))
            #expect(hidden.status == 404 && hidden.text.contains("DL4013"), "\(hidden.text)")
        }
    }
}
