import Foundation
import Ledger
import Model
import TestSupport
import Testing

@testable import daylight

/// An exported audit of the exchange, held against the leaf that sealed it, without any network.
@Suite struct AuditVerifyTests {
    private static func entry(_ number: Int) -> AuditEntry {
        var entry = AuditEntry(number: number, request: "r\(number)", stage: .ended, operation: "GET /v1/exchange/inbox", purpose: "目的 \(number)", nonce: UUID().uuidString.lowercased())
        entry.status = 200
        return entry
    }

    private static func verify(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        let own = try await Installation.run(["verify"] + arguments, environment: ["LC_ALL": "C"])
        // Both verifiers must be of one opinion; what is missing among the arguments is another status for one than for the other.
        let other = try await Installation.run(
            ["python3", "-B", Project.file("docs/verify/audit.py").path] + arguments.filter { $0 != "--audit" }, of: URL(filePath: "/usr/bin/env"), environment: ["PYTHONIOENCODING": "utf-8"])
        #expect(own.status == other.status || (own.status > 2 && other.status == 2), "\(own.output) / \(other.output)")
        return own
    }

    @Test func anExportIsWhatWasSealedOrIsNot() async throws {
        let folder = try VerifyTests.Folder()
        defer { try? FileManager.default.removeItem(at: folder.url) }
        let signer = try #require(NoteSigner(name: "test.example/ledger", seed: Array(1...32)))
        let entries = (7...9).map(Self.entry)
        var digest = AuditDigest()
        for entry in entries { try digest.add(entry) }
        let seal = AuditSeal(number: 3, from: Timestamp(microseconds: 0), until: .now, first: 7, last: 9, count: 3, digest: digest.text)
        func proof(of entry: [UInt8]) throws -> String {
            let checkpoint = Checkpoint(origin: signer.verifier.name, size: 1, head: .leaf(entry))
            return InclusionProof(extra: entry, index: 0, path: [], checkpoint: try signer.sign(checkpoint.text)).description
        }
        let proven = try folder.keep("proof", try proof(of: LedgerEntry.audit(seal).bytes)), key = "\(signer.verifier)"
        let all = try entries.map { String(decoding: try AuditDigest.line($0), as: UTF8.self) }
        var part = all
        part[1] = String(decoding: try AuditDigest.hidden(entries[1]), as: UTF8.self)
        for (name, lines) in [("all", all), ("part", part)] {
            let verdict = try await Self.verify(["--audit", folder.keep(name, lines.joined(separator: "\n") + "\n"), "--proof", proven, "--key", key])
            #expect(verdict.status == 0 && verdict.output.contains("seal      3"), "\(verdict.output)")
        }
        // A line was changed, left out, moved, added; or the hash of another entry stands there.
        let hash = String(decoding: try AuditDigest.hidden(Self.entry(8)), as: UTF8.self)
        for (name, lines) in [
            "changed": [all[0].replacing("目的 7", with: "目的 8"), all[1], all[2]], "missing": [all[0], all[2]], "moved": [all[1], all[0], all[2]], "added": all + [all[2]],
            "other": [all[0], hash, all[2]],
        ] {
            let verdict = try await Self.verify(["--audit", folder.keep(name, lines.joined(separator: "\n") + "\n"), "--proof", proven, "--key", key])
            #expect(verdict.status == 1 && verdict.output.contains("NOT proven"), "\(name): \(verdict.output)")
        }
        #expect(try await Self.verify(["--audit", folder.keep("odd", "what\n"), "--proof", proven, "--key", key]).status == 2)
        // The leaf of something else proves no audit.
        let other = try folder.keep("other-proof", try proof(of: LedgerEntry.profile(id: "p", version: 1, json: Array("{}".utf8)).bytes))
        #expect(try await Self.verify(["--audit", folder.path("all"), "--proof", other, "--key", key]).status == 1)
        #expect(try await Self.verify(["--audit", folder.path("all"), "--key", key]).status != 0)
    }
}
