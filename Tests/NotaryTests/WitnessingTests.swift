import Foundation
import Ledger
import Logging
import Model
import Postgres
import Store
import Synchronization
import TestSupport
import Testing
import Witness

@testable import Notary

/// Real witnesses beside a real log, without the network between them.
@Suite(.timeLimit(.minutes(20))) struct WitnessingTests {
    /// Witnesses by the addresses under which they are asked, each with a folder of its own.
    private final class Circle: Sendable {
        let folder = FileManager.default.temporaryDirectory.appending(path: "daylight-circle-\(UUID().uuidString)")
        let witnesses: [String: Witness]
        let asked = Mutex<[String: Int]>([:])

        init(_ count: Int) throws {
            let rules = WitnessRules(logs: [NotaryTests.signer.verifier.name: [NotaryTests.signer.verifier]])
            var witnesses: [String: Witness] = [:]
            for number in 0..<count {
                let cosigner = try #require(Cosigner(name: "w\(number).example", seed: [UInt8](repeating: UInt8(number + 1), count: 32)))
                let quiet = Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })
                witnesses["https://w\(number).example"] = try Witness(cosigner: cosigner, rules: rules, folder: folder.appending(path: "\(number)"), logger: quiet)
            }
            self.witnesses = witnesses
        }

        deinit { try? FileManager.default.removeItem(at: folder) }

        var addresses: [WitnessAddress] { witnesses.map { WitnessAddress(verifier: $1.verifier, url: $0) }.sorted { $0.url < $1.url } }

        /// - Parameter away: addresses that give no answer.
        func witnessing(quorum: Int, and others: [WitnessAddress] = [], away: @escaping @Sendable (String) -> Bool = { _ in false }) -> Witnessing {
            var configuration = Witnessing.Configuration()
            configuration.pace = .milliseconds(30)
            configuration.courtesy = .milliseconds(300)
            configuration.longestPause = .milliseconds(200)
            return Witnessing(addresses + others, quorum: quorum, configuration: configuration, logger: Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() })) { url, body in
                let address = String(url.dropLast("/add-checkpoint".count))
                self.asked.withLock { $0[address, default: 0] += 1 }
                guard let witness = self.witnesses[address], !away(address) else { throw URLError(.cannotConnectToHost) }
                let answer = await witness.answer(Array(body.utf8))
                return WitnessReply(status: answer.status, contentType: String(answer.contentType.prefix { $0 != ";" }), body: answer.body)
            }
        }
    }

    private static func notary(_ store: Store, _ witnessing: Witnessing) -> Notary {
        var configuration = Notary.Configuration()
        configuration.pause = .milliseconds(5)
        configuration.beat = .milliseconds(50)
        configuration.measuring = .milliseconds(50)
        return Notary(store: store, signer: NotaryTests.signer, witnessing: witnessing, configuration: configuration, logger: Logger(label: "tests", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    /// Waits for something within a time that a busy machine keeps.
    private static func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
        let end = ContinuousClock.now + .seconds(90)
        while ContinuousClock.now < end {
            if try await condition() { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return false
    }

    @Test func headsAreCosignedByAllThatAnswerAndOneThatDoesNotHoldsNobodyUp() async throws {
        try await withTestStore { db, store in
            let circle = try Circle(2), silent = WitnessAddress(verifier: try #require(Cosigner(name: "silent.example", seed: Array(40...71))).verifier, url: "https://silent.example")
            let witnessing = circle.witnessing(quorum: 2, and: [silent]), notary = Self.notary(store, witnessing), keys = circle.addresses.map(\.verifier)
            try await notary.prepare()
            #expect(try await notary.status().witnesses.map(\.state) == [.unasked, .unasked, .unasked])
            let running = Task { await notary.run() }
            for size in [40, 300, 301] {
                try await NotaryTests.enter(size - (try await notary.status().size), db)
                let reached = try await Self.eventually { try await notary.cosignedCheckpoint().flatMap { Checkpoint(text: $0.text) }?.size == size }
                #expect(reached, "\(size)")
                let note = try await notary.checkpoint()
                #expect(Checkpoint(note, signedBy: NotaryTests.signer.verifier)?.size == size)
                #expect(Set(note.cosignatures(of: keys).map(\.witness)) == Set(keys))
            }
            let status = try await notary.status()
            #expect(status.quorum == 2 && status.cosigned?.size == 301 && status.cosigned?.cosignatures == 2)
            #expect(status.witnesses.map(\.state) == [.unreachable, .agreeing, .agreeing] && status.witnesses[0].reason == .noAnswer && status.witnesses[1].cosignedSize == 301)
            #expect(try await Self.eventually { notary.figures?.cosignedSize == 301 })
            let figures = try #require(notary.figures)
            #expect(figures.size == 301 && figures.pending == 0 && figures.leavesIntegrated == 301 && (figures.cosignatures["w0.example"] ?? 0) >= 3)
            // A head that stays is not signed again and again, nor is one asked at once who does not answer.
            let asked = circle.asked.withLock { $0 }
            try await Task.sleep(for: .milliseconds(500))
            let later = circle.asked.withLock { $0 }
            #expect(later["https://w0.example"] == asked["https://w0.example"])
            #expect(later["https://silent.example", default: 0] - asked["https://silent.example", default: 0] < 9)
            running.cancel()
            await running.value
        }
    }

    @Test func aProofStandsUnderTheHeadThatWitnessesSigned() async throws {
        try await withTestStore { db, store in
            let circle = try Circle(1), isAway = Mutex(false)
            let notary = Self.notary(store, circle.witnessing(quorum: 1) { _ in isAway.withLock { $0 } }), keys = circle.addresses.map(\.verifier)
            let release = try await db.publish(rows: Lighthouse.rows(20))
            try await notary.prepare()
            let running = Task { await notary.run() }
            #expect(try await Self.eventually { try await notary.cosignedCheckpoint().flatMap { Checkpoint(text: $0.text) }?.size == 1 })
            isAway.withLock { $0 = true }
            try await NotaryTests.enter(5, db)
            #expect(try await Self.eventually { try await notary.status().size == 6 })
            let old = try await notary.proof(of: release.dataset, version: 1)
            #expect(Checkpoint(text: old.checkpoint.text)?.size == 1 && old.checkpoint.cosignatures(of: keys).count == 1)
            #expect(try await notary.checkpoint().cosignatures(of: keys).isEmpty)
            isAway.withLock { $0 = false }
            #expect(try await Self.eventually { try await notary.cosignedCheckpoint().flatMap { Checkpoint(text: $0.text) }?.size == 6 })
            let new = try await notary.proof(of: release.dataset, version: 1), checkpoint = try NotaryTests.checkpoint(new.checkpoint), entry = try #require(new.extra)
            #expect(checkpoint.size == 6 && ProofCheck.includes(.leaf(entry), at: new.index, size: 6, proof: new.path, head: checkpoint.head))
            running.cancel()
            await running.value
        }
    }

    /// Several processes on one database: one of them asks, and when it goes another does.
    @Test func oneOfSeveralProcessesAsks() async throws {
        try await withTestStore { db, store in
            let circle = try Circle(1), one = Self.notary(store, circle.witnessing(quorum: 1)), two = Self.notary(store, circle.witnessing(quorum: 1))
            try await one.prepare()
            let first = Task { await one.run() }
            #expect(try await Self.eventually { try await one.cosignedCheckpoint() != nil })
            let second = Task { await two.run() }
            try await NotaryTests.enter(3, db)
            #expect(try await Self.eventually { try await two.cosignedCheckpoint().flatMap { Checkpoint(text: $0.text) }?.size == 3 })
            first.cancel()
            await first.value
            try await NotaryTests.enter(3, db)
            #expect(try await Self.eventually { try await two.cosignedCheckpoint().flatMap { Checkpoint(text: $0.text) }?.size == 6 })
            second.cancel()
            await second.value
        }
    }

    /// Lines in the database that do not hold are not passed on: they would make the whole note wrong.
    @Test func aWrongLineIsNotServed() async throws {
        try await withTestStore { db, store in
            let circle = try Circle(1), notary = Self.notary(store, circle.witnessing(quorum: 1))
            try await notary.prepare()
            let key = circle.addresses[0].verifier, wrong = SignedNote.Signature(name: key.name, identifier: key.identifier, signature: [UInt8](repeating: 7, count: 72))
            try await store.add(cosignature: "\(wrong)", of: "\(key)", size: 0, at: .now)
            #expect(try await notary.checkpoint().signatures.count == 1)
            #expect(try await notary.cosignedCheckpoint() == nil)
            #expect(try await notary.status().cosigned == nil)
        }
    }

    @Test func answersComeToWhatTheProtocolSays() throws {
        let cosigner = try #require(Cosigner(name: "w", seed: Array(1...32))), other = try #require(Cosigner(name: "v", seed: Array(2...33)))
        let note = try NotaryTests.signer.sign(Checkpoint(origin: NotaryTests.signer.verifier.name, size: 9, head: .leaf([1])).text)
        let line = try cosigner.cosign(note.text, at: 5), stranger = try other.cosign(note.text, at: 5), stale = try cosigner.cosign("a\n1\n\(TreeHash.empty.base64)\n", at: 5)
        func outcome(_ status: Int, _ body: String, _ type: String = "text/plain", known: Int = 4) -> WitnessDialogue.Outcome {
            var dialogue = WitnessDialogue(witness: cosigner.verifier, note: note, size: 9, known: known)
            return dialogue.take(WitnessReply(status: status, contentType: type, body: body))
        }
        guard case .cosigned(let cosignature) = outcome(200, "\(stranger)\n\(line)\n") else { throw Unexpected("not signed") }
        #expect(cosignature.time == 5 && cosignature.line == line)
        for body in ["", "\(stranger)\n", "\(stale)\n", "\(line)x\n", "\(line)\n\(stale)\n", try "\(cosigner.cosign(note.text, at: 0))\n"] { #expect(outcome(200, body) == .failed(.invalidAnswer), "\(body)") }
        #expect(outcome(409, "7\n", "text/x.tlog.size") == .ask(from: 7))
        #expect(outcome(409, "0\n", "text/x.tlog.size") == .ask(from: 0))
        #expect(outcome(409, "10\n", "text/x.tlog.size") == .failed(.largerHead))
        for body in ["7", "07\n", "-1\n", "\n", "4\n"] { #expect(outcome(409, body, "text/x.tlog.size") == .failed(.invalidAnswer), "\(body)") }
        #expect(outcome(409, "9\n", known: 9) == .failed(.otherHead) && outcome(422, "") == .failed(.inconsistent))
        #expect(outcome(404, "") == .failed(.unknownLog) && outcome(403, "") == .failed(.unknownKey))
        #expect(outcome(429, "") == .failed(.overloaded) && outcome(503, "") == .failed(.overloaded) && outcome(302, "") == .failed(.invalidAnswer))
        #expect(WitnessDialogue(witness: cosigner.verifier, note: note, size: 9, known: 12).known == 9)

        var circling = WitnessDialogue(witness: cosigner.verifier, note: note, size: 9, known: 0)
        let answers = (1...5).map { circling.take(WitnessReply(status: 409, contentType: "text/x.tlog.size", body: "\($0)\n")) }
        #expect(answers.prefix(3).allSatisfy { if case .ask = $0 { true } else { false } } && answers[3] == .failed(.invalidAnswer))
    }

    @Test func whoDoesNotSignIsAskedEverMoreSeldom() {
        var patience = WitnessPatience()
        let start = ContinuousClock.now
        #expect(patience.isTrusted && patience.isOver(at: start + .milliseconds(1)))
        var pauses: [Int] = []
        for _ in 0..<12 {
            patience.failed(.noAnswer, retryAfter: nil, at: start, longest: .seconds(300), chance: 0.5)
            pauses.append((0...400).first { patience.isOver(at: start + .seconds($0)) } ?? -1)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300] && !patience.isTrusted)
        patience.failed(.overloaded, retryAfter: 900, at: start, longest: .seconds(300), chance: 0.5)
        #expect(!patience.isOver(at: start + .seconds(899)) && patience.isOver(at: start + .seconds(900)))
        patience.succeeded()
        #expect(patience.isTrusted)
    }

    @Test func addressesAreReadInTheirForm() throws {
        let cosigner = try #require(Cosigner(name: "w", seed: Array(1...32)))
        #expect(WitnessAddress("\(cosigner.verifier)  https://w.example/x/")?.url == "https://w.example/x")
        for text in ["", "\(cosigner.verifier)", "\(cosigner.verifier) w.example", "\(NotaryTests.signer.verifier) https://w.example", "x https://w.example", "\(cosigner.verifier) https://a b"] {
            #expect(WitnessAddress(text) == nil, "\(text)")
        }
    }
}
