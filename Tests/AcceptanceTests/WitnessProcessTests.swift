import Foundation
import Ledger
import NIOConcurrencyHelpers
import NIOHTTP1
import TestSupport
import Testing

/// `daylight witness` as it runs, asked by a log that cannot be trusted.
@Suite(.serialized) struct WitnessProcessTests {
    private static let log = NoteSigner(name: "log.example", seed: Array(1...32))!

    /// A tree that somebody grows on several branches at once.
    private struct Branch {
        var leaves: [TreeHash] = []

        static func head(_ leaves: ArraySlice<TreeHash>) -> TreeHash {
            guard leaves.count > 1 else { return leaves.first ?? .empty }
            let k = split(leaves.count)
            return .node(head(leaves.prefix(k)), head(leaves.dropFirst(k)))
        }

        private static func split(_ count: Int) -> Int {
            var k = 1
            while k * 2 < count { k *= 2 }
            return k
        }

        private static func proof(_ m: Int, _ d: ArraySlice<TreeHash>, _ isWhole: Bool) -> [TreeHash] {
            if m == 0 || (m == d.count && isWhole) { return [] }
            if m == d.count { return [head(d)] }
            let k = split(d.count)
            return m <= k ? proof(m, d.prefix(k), isWhole) + [head(d.dropFirst(k))] : proof(m - k, d.dropFirst(k), false) + [head(d.prefix(k))]
        }

        func note(_ size: Int) throws -> SignedNote {
            try WitnessProcessTests.log.sign(Checkpoint(origin: "log.example", size: size, head: Self.head(leaves.prefix(size))).text)
        }

        func request(_ old: Int, _ new: Int) throws -> String {
            ConsistencyProof(oldSize: old, path: Self.proof(old, leaves.prefix(new), true), checkpoint: try note(new)).description
        }
    }

    @Test func aWitnessAnswersKeepsItsKeyAndStopsInOrder() async throws {
        try await WitnessProcess.with(name: "witness.example/w1", logs: [Self.log.verifier.description]) { witness in
            let branch = Branch(leaves: (0..<9).map { .leaf([UInt8($0)]) }), verifier = try await witness.verifier
            #expect(verifier.kind == .cosignature && verifier.name == "witness.example/w1" && witness.log.contains("\(verifier)"))
            let mode = try FileManager.default.attributesOfItem(atPath: witness.folder.appending(path: "key").path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let answer = try await witness.send(.POST, "/add-checkpoint", body: branch.request(0, 5))
            #expect(answer.status == 200 && answer.type?.hasPrefix("text/plain") == true)
            #expect(SignedNote("\(try branch.note(5))\(answer.body)")?.cosignatures(of: [verifier]).count == 1)
            let conflict = try await witness.send(.POST, "/add-checkpoint", body: branch.request(0, 9))
            #expect(conflict.status == 409 && conflict.type == "text/x.tlog.size" && conflict.body == "5\n")
            #expect(try await witness.send(.GET, "/add-checkpoint").status == 405)
            #expect(try await witness.send(.POST, "/add-checkpoint", body: String(repeating: "x", count: 600_000)).status == 413)
            #expect(try await witness.send(.GET, "/v1/datasets").status == 404)

            // A second one beside it would not know what the first signs.
            let second = try await Installation.run(["witness", "--directory", witness.folder.path, "--log", Self.log.verifier.description, "--port", "0"])
            #expect(second.status != 0 && second.output.contains("used by another witness"), "\(second.output)")

            #expect(await witness.stop() == 0)
            try await witness.restart()
            #expect(try await witness.verifier == verifier)
            #expect(try await witness.send(.POST, "/add-checkpoint", body: branch.request(5, 9)).status == 200)
        }
    }

    /// Many ask for contradicting heads while the witness is killed again and again: all that it ever signed is one history.
    @Test func aWitnessThatIsKilledNeverSignsTwoHistories() async throws {
        try await WitnessProcess.with(name: "witness.example", logs: [Self.log.verifier.description]) { witness in
            let verifier = try await witness.verifier
            // Until enough has happened, however slow the machine is at the moment.
            let deadline = ContinuousClock.now + .seconds(240), done = NIOLockedValueBox((kills: 0, signatures: 0))
            @Sendable func isOver() -> Bool { ContinuousClock.now > deadline || done.withLockedValue { $0.kills >= 6 && $0.signatures >= 40 } }
            // Branches agree up to a leaf of their own, and none beyond it.
            let branches = (0..<4).map { branch in Branch(leaves: (0..<400).map { .leaf("\($0) \($0 < 40 + branch * 20 ? 0 : branch)".utf8) }) }
            var signed: [SignedNote] = []
            try await withThrowingTaskGroup(of: [SignedNote].self) { group in
                for branch in branches {
                    group.addTask {
                        var mine: [SignedNote] = [], old = 0
                        while !isOver() {
                            let new = min(400, old + Int.random(in: 0...3))
                            guard let answer = try? await witness.send(.POST, "/add-checkpoint", body: branch.request(old, new)) else {
                                try await Task.sleep(for: .milliseconds(10))
                                continue
                            }
                            switch answer.status {
                            case 200:
                                if let note = SignedNote("\(try branch.note(new))\(answer.body)") { mine.append(note) }
                                done.withLockedValue { $0.signatures += 1 }
                                old = new
                            case 409 where answer.type == "text/x.tlog.size": old = Int(answer.body.dropLast()) ?? 0
                            // Off the way that was taken: the others go on.
                            case 409, 422: try await Task.sleep(for: .milliseconds(20))
                            case 429: try await Task.sleep(for: .milliseconds(200))
                            default: Issue.record("status \(answer.status)")
                            }
                        }
                        return mine
                    }
                }
                group.addTask {
                    while !isOver() {
                        try await Task.sleep(for: .milliseconds(Int.random(in: 50...400)))
                        await witness.kill()
                        try await witness.restart()
                        done.withLockedValue { $0.kills += 1 }
                    }
                    return []
                }
                for try await part in group { signed += part }
            }
            let heads = signed.compactMap { note in note.cosignatures(of: [verifier]).isEmpty ? nil : Checkpoint(text: note.text) }
            #expect(heads.count == signed.count && heads.count >= 40, "\(heads.count) of \(signed.count)")
            // One branch holds them all.
            let single = branches.contains { branch in heads.allSatisfy { Branch.head(branch.leaves.prefix($0.size)) == $0.head } }
            #expect(single, "\(Set(heads.map(\.size)).sorted())")
        }
    }
}
