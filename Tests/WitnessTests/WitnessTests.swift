import Foundation
import Ledger
import Logging
import Testing
import Witness

/// What a witness answers, by the words of C2SP tlog-witness, and what is on its disk when it does.
@Suite struct WitnessTests {
    static let log = NoteSigner(name: "log.example", seed: Array(1...32))!
    static let seed: [UInt8] = Array(33...64)

    /// A log of the test's own: it may say whatever it likes.
    struct Log {
        var leaves: [TreeHash] = []
        var signer = WitnessTests.log

        init(_ count: Int) { self.init("a", count) }

        init(_ name: String, _ count: Int) { leaves = (0..<count).map { .leaf("\(name) \($0)".utf8) } }

        static func head(_ leaves: ArraySlice<TreeHash>) -> TreeHash {
            guard leaves.count > 1 else { return leaves.first ?? .empty }
            var k = 1
            while k * 2 < leaves.count { k *= 2 }
            return .node(head(leaves.prefix(k)), head(leaves.dropFirst(k)))
        }

        /// PROOF of RFC 6962 section 2.1.2.
        static func proof(_ m: Int, _ d: ArraySlice<TreeHash>, _ isWhole: Bool = true) -> [TreeHash] {
            if m == 0 { return [] }
            if m == d.count { return isWhole ? [] : [head(d)] }
            var k = 1
            while k * 2 < d.count { k *= 2 }
            return m <= k ? proof(m, d.prefix(k), isWhole) + [head(d.dropFirst(k))] : proof(m - k, d.dropFirst(k), false) + [head(d.prefix(k))]
        }

        func note(_ size: Int) throws -> SignedNote {
            try signer.sign(Checkpoint(origin: signer.verifier.name, size: size, head: Self.head(leaves.prefix(size))).text)
        }

        func request(_ old: Int, _ new: Int) throws -> String {
            ConsistencyProof(oldSize: old, path: Self.proof(old, leaves.prefix(new)), checkpoint: try note(new)).description
        }
    }

    static func with<T>(_ body: (URL) async throws -> T) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-witness-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    static func witness(_ folder: URL, logs: [NoteVerifier] = [log.verifier]) throws -> Witness {
        try Witness(
            cosigner: Cosigner(name: "witness.example/w1", seed: seed)!, rules: WitnessRules(logs: Dictionary(grouping: logs, by: \.name)), folder: folder, now: { 1_700_000_000 },
            logger: Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    static func ask(_ witness: Witness, _ request: String) async -> Witness.Answer { await witness.answer(Array(request.utf8)) }

    @Test func aGrowingLogIsSignedAtEverySize() async throws {
        try await Self.with { folder in
            let witness = try Self.witness(folder), log = Log(70)
            var old = 0
            for size in [0, 0, 1, 2, 3, 3, 8, 9, 64, 70] {
                let answer = await Self.ask(witness, try log.request(old, size))
                #expect(answer.status == 200, "\(old) to \(size): \(answer)")
                let note = try #require(SignedNote(try log.note(size).description + answer.body))
                #expect(note.cosignatures(of: [witness.verifier]).map(\.time) == [1_700_000_000])
                #expect(answer.body.hasPrefix("\u{2014} witness.example/w1 ") && answer.body.hasSuffix("\n"))
                old = size
            }
        }
    }

    @Test func everyRefusalIsTheOneThatTheProtocolNames() async throws {
        try await Self.with { folder in
            let witness = try Self.witness(folder), log = Log(20), fork = Log("b", 20)
            #expect(await Self.ask(witness, try log.request(0, 8)).status == 200)

            // 400: no request, or from more to less.
            let good = try log.request(8, 12)
            var wrong = ["", "old 8", good.replacing("old 8", with: "old 08"), good.replacing("old ", with: "size "), good.replacing("\n", with: "\r\n"), "old 8\n" + String(repeating: TreeHash.empty.base64 + "\n", count: 64) + "\n" + (try log.note(12).description)]
            wrong.append(try ConsistencyProof(oldSize: 12, path: [], checkpoint: log.note(8)).description)
            wrong.append("old 8\n\n" + (try Self.log.sign("log.example\n012\n\(TreeHash.empty.base64)\n").description))
            for request in wrong { #expect(await Self.ask(witness, request).status == 400, "\(request)") }
            #expect(await witness.answer([0xFF, 0xFE]).status == 400)

            // 404: another log. 403: not signed by its key, or by a wrong line of it.
            var other = log
            other.signer = NoteSigner(name: "other.example", seed: Array(1...32))!
            #expect(await Self.ask(witness, try other.request(8, 12)).status == 404)
            var stranger = log
            stranger.signer = NoteSigner(name: "log.example", seed: Array(2...33))!
            #expect(await Self.ask(witness, try stranger.request(8, 12)).status == 403)
            let forged = SignedNote.Signature(name: "log.example", identifier: Self.log.verifier.identifier, signature: [UInt8](repeating: 1, count: 64))
            let both = ConsistencyProof(oldSize: 8, path: Log.proof(8, log.leaves.prefix(12)), checkpoint: try log.note(12).adding([forged]))
            #expect(await Self.ask(witness, both.description).status == 403)

            // 409: from another size, with the size; the same size and another head, without.
            for old in [0, 7, 9] {
                let answer = await Self.ask(witness, try log.request(old, 12))
                #expect(answer.status == 409 && answer.contentType == "text/x.tlog.size" && answer.body == "8\n", "\(old)")
            }
            let contradiction = await Self.ask(witness, try ConsistencyProof(oldSize: 8, path: [], checkpoint: fork.note(8)).description)
            #expect(contradiction.status == 409 && contradiction.contentType != "text/x.tlog.size")

            // 422: a proof that proves nothing.
            #expect(await Self.ask(witness, try fork.request(8, 12)).status == 422)
            #expect(await Self.ask(witness, try ConsistencyProof(oldSize: 8, path: [], checkpoint: log.note(12)).description).status == 422)
            #expect(await Self.ask(witness, try ConsistencyProof(oldSize: 8, path: [.empty], checkpoint: log.note(8)).description).status == 422)

            // Nothing of that moved it. Signatures of strangers beside the log's do no harm.
            let guest = try Cosigner(name: "guest", seed: Array(3...34))!.cosign(log.note(12).text, at: 5)
            let last = ConsistencyProof(oldSize: 8, path: Log.proof(8, log.leaves.prefix(12)), checkpoint: try log.note(12).adding([guest]))
            #expect(await Self.ask(witness, last.description).status == 200)
            let fresh = try Self.witness(folder.appending(path: "fresh"))
            #expect(await Self.ask(fresh, try ConsistencyProof(oldSize: 0, path: [.empty], checkpoint: log.note(12)).description).status == 422)
            #expect(await Self.ask(fresh, try ConsistencyProof(oldSize: 0, path: [], checkpoint: Self.log.sign(Checkpoint(origin: "log.example", size: 0, head: .leaf([1])).text)).description).status == 409)
        }
    }

    @Test func whatWasSignedIsRememberedByTheNextProcess() async throws {
        try await Self.with { folder in
            let log = Log(20), fork = Log("b", 20)
            do {
                let first = try Self.witness(folder)
                #expect(await Self.ask(first, try log.request(0, 8)).status == 200)
            }
            let second = try Self.witness(folder)
            #expect(await Self.ask(second, try fork.request(0, 8)).status == 409)
            #expect(await Self.ask(second, try log.request(8, 20)).status == 200)
        }
    }

    /// A page that cannot be read is no reason to begin anew.
    @Test func aDamagedMemoryStopsTheWitness() async throws {
        for damage in ["", "log.example\n8\n", try Log("b", 8).request(0, 8), try NoteSigner(name: "log.example", seed: Array(2...33))!.sign("log.example\n0\n\(TreeHash.empty.base64)\n").description] {
            try await Self.with { folder in
                do {
                    let first = try Self.witness(folder)
                    #expect(await Self.ask(first, try Log(8).request(0, 8)).status == 200)
                }
                let page = try #require(try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil).first { $0.pathExtension == "checkpoint" })
                try damage.write(to: page, atomically: true, encoding: .utf8)
                #expect(throws: WitnessFailure.self) { try Self.witness(folder) }
            }
        }
    }

    @Test func nothingIsSignedThatCannotBeKept() async throws {
        try await Self.with { folder in
            let witness = try Self.witness(folder), log = Log(20)
            #expect(await Self.ask(witness, try log.request(0, 8)).status == 200)
            // The folder is gone: there is no disk to keep anything on.
            try FileManager.default.moveItem(at: folder, to: folder.appendingPathExtension("away"))
            let answer = await Self.ask(witness, try log.request(8, 12))
            #expect(answer.status == 500 && !answer.body.contains("\u{2014}"))
            try FileManager.default.moveItem(at: folder.appendingPathExtension("away"), to: folder)
            #expect(await Self.ask(witness, try log.request(8, 12)).status == 200)
        }
    }

    /// Requests that race from one size: one of two contradicting heads is signed, never both.
    @Test func ofContradictingHeadsOneIsSigned() async throws {
        try await Self.with { folder in
            let witness = try Self.witness(folder), logs = (0..<8).map { Log("branch \($0)", 5) }
            let signed = try await withThrowingTaskGroup(of: Int.self) { group in
                for log in logs { for size in 1...5 { group.addTask { await Self.ask(witness, try log.request(0, size)).status } } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(signed.count { $0 == 200 } == 1)
            #expect(signed.count { $0 == 409 } == 39)
        }
    }

    @Test func keysOfOneLogMayChange() async throws {
        try await Self.with { folder in
            let next = NoteSigner(name: "log.example", seed: Array(5...36))!, witness = try Self.witness(folder, logs: [Self.log.verifier, next.verifier])
            var log = Log(20)
            #expect(await Self.ask(witness, try log.request(0, 8)).status == 200)
            log.signer = next
            #expect(await Self.ask(witness, try log.request(8, 9)).status == 200)
        }
    }

    @Test func aKeyIsMadeOnceAndForItsOwnerAlone() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "daylight-key-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(throws: WitnessFailure.self) { try KeyFile.open(file, name: nil) }
        #expect(throws: WitnessFailure.self) { try KeyFile.open(file, name: "two words") }
        let made = try KeyFile.open(file, name: "w.example")
        #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int == 0o600)
        #expect(try KeyFile.open(file, name: nil).verifier == made.verifier)
        #expect(throws: WitnessFailure.self) { try KeyFile.open(file, name: "other.example") }
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file.path)
        #expect(throws: WitnessFailure.self) { try KeyFile.open(file, name: nil) }
    }
}
