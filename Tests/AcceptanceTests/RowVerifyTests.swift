import Foundation
import Ledger
import Model
import TestSupport
import Testing

@testable import daylight

/// A stranger with the proof of one row, and both verifiers, against the built server.
@Suite struct RowVerifyTests {
    @Test func aRowIsProvenOfflineAndAnythingElseIsNot() async throws {
        let folder = try VerifyTests.Folder()
        defer { try? FileManager.default.removeItem(at: folder.url) }
        try await Installation.with(environment: ["DAYLIGHT_LEDGER_NAME": "test.example/ledger"]) { site in
            try await site.describe("proven", Descriptions.own("存证", department: site.department, fields: FaultTests.fields, key: ["id"]))
            for amount in 1...2 {
                try await site.publish("proven", Data(("id,name,amount\n" + (1...700).map { "\(String(1000 + $0).dropFirst()),\"名,\($0)\",\(amount).00\n" }.joined()).utf8))
            }
            let key = try folder.keep("key", try await site.reader.get("/ledger/key").body)
            for (row, version) in [(1, 1), (256, 2), (257, 1), (700, 2)] {
                let answer = try await site.reader.get("/v1/datasets/proven/rows/\(String(1000 + row).dropFirst())/proof?version=\(version)")
                try #require(answer.status == 200, "\(answer.text)")
                let proven = try await VerifyTests.verify(["--row", folder.keep("row\(row)", answer.body), "--key", key])
                #expect(proven.status == 0, "\(proven.output)")
                for word in ["\(row),\"名,\(row)\",\(version).00", "version \(version)", "row \(row) of", site.department, "test.example/ledger"] {
                    #expect(proven.output.contains(word), "\(proven.output)")
                }
            }
            let chinese = try await Installation.run(["verify", "--row", folder.path("row257"), "--key", key], environment: ["LC_ALL": "zh_CN.UTF-8"])
            #expect(chinese.status == 0 && chinese.output.contains("已证明") && chinese.output.contains("第 257 行"), "\(chinese.output)")

            // The file's tree is the leaf's, which both proofs have.
            let data = try folder.keep("data", try await site.reader.get("/v1/datasets/proven/versions/2/data.csv").body)
            let proof = try folder.keep("proof", try await site.reader.get("/v1/datasets/proven/versions/2/proof").body)
            #expect(try await VerifyTests.verify([data, "--proof", proof, "--key", key]).status == 0)

            // Another record, another place, another version's leaf, a hash that was touched, another key.
            let text = try String(contentsOfFile: folder.path("row257"), encoding: .utf8), own = try #require(RowProof(text))
            let other = try #require(RowProof(String(contentsOfFile: folder.path("row256"), encoding: .utf8)))
            for (name, forged) in [
                "record": RowProof(record: Array("257,\"名,257\",9.00\n".utf8), index: own.index, path: own.path, release: own.release),
                "index": RowProof(record: own.record, index: own.index + 1, path: own.path, release: own.release),
                "version": RowProof(record: own.record, index: own.index, path: own.path, release: other.release),
                "hash": RowProof(record: own.record, index: own.index, path: own.path.reversed(), release: own.release),
            ] {
                let refused = try await VerifyTests.verify(["--row", folder.keep(name, forged.description), "--key", key])
                #expect(refused.status == 1 && refused.output.contains("NOT proven"), "\(name): \(refused.output)")
            }
            let stranger = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
            #expect(try await VerifyTests.verify(["--row", folder.path("row257"), "--key", stranger]).status == 1)
            #expect(try await VerifyTests.verify(["--row", folder.path("nothing"), "--key", key]).status == 2)
            #expect(try await Installation.run(["verify", "--row", folder.path("row257"), data, "--proof", proof, "--key", key], environment: [:]).status != 0)
        }
    }

    /// A keeper of a log who enters a tree that is not the file's, to prove rows of its own: the file gives it away.
    @Test func aTreeThatIsNotTheFilesIsSeen() throws {
        let folder = try VerifyTests.Folder()
        defer { try? FileManager.default.removeItem(at: folder.url) }
        let file = try folder.keep("data", "id\n1\n2\n"), signer = try #require(NoteSigner(name: "test.example/ledger", seed: Array(1...32)))
        let digest = try CanonicalFile(reading: #require(FileHandle(forReadingAtPath: file))).digest
        func verdict(_ rows: [String]) throws {
            var tree = RowTreeBuilder()
            for row in rows { Array(row.utf8).withUnsafeBytes { tree.add($0) } }
            let version = Version(
                dataset: "d", number: 1, digest: digest, rowCount: 2, added: 2, changed: 0, removed: 0, byteCount: 7, schema: Lighthouse.schema, profile: nil, department: "x", push: nil,
                releasedAt: .now, withdrawal: nil)
            let built = tree.finish(last: [])
            let entry = try LedgerEntry.release(
                version, previousDigest: nil, description: (1, Lighthouse.description(department: "x")), rowTree: (built.size, built.head)).bytes
            let checkpoint = Checkpoint(origin: signer.verifier.name, size: 1, head: .leaf(entry))
            let proof = InclusionProof(extra: entry, index: 0, path: [], checkpoint: try signer.sign(checkpoint.text))
            _ = try Verification.file(CanonicalFile(reading: #require(FileHandle(forReadingAtPath: file))), proof: proof.description, verifier: signer.verifier)
        }
        try verdict(["1\n", "2\n"])
        #expect(throws: Doubt.self) { try verdict(["1\n", "3\n"]) }
        #expect(throws: Doubt.self) { try verdict(["1\n"]) }
        #expect(throws: Doubt.self) { try verdict(["1", "2"]) }
    }
}
