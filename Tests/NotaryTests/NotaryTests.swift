import Foundation
import Ledger
import Logging
import Model
import NIOPosix
import Notary
import Postgres
import Store
import TestSupport
import Testing

/// The log over real PostgreSQL: what enters it, what is proven, and what stops it.
@Suite(.timeLimit(.minutes(20))) struct NotaryTests {
    static let signer = NoteSigner(name: "test.example/ledger", seed: Array(1...32))!

    static func notary(_ store: Store, batch: Int = 1000) -> Notary {
        var configuration = Notary.Configuration()
        configuration.batch = batch
        configuration.pause = .milliseconds(5)
        configuration.patience = .milliseconds(200)
        return Notary(store: store, signer: signer, configuration: configuration, logger: Logger(label: "daylight.tests"))
    }

    static func checkpoint(_ note: SignedNote) throws -> Checkpoint { try #require(Checkpoint(note, signedBy: signer.verifier)) }

    /// Entries by the thousand, as a transaction each would have written them.
    static func enter(_ count: Int, _ db: TestDatabase) async throws {
        try await db.database.execute(
            "INSERT INTO daylight.ledger_pending (kind, entry) SELECT 'test', convert_to('entry ' || n, 'UTF8') FROM generate_series(1, \(count)) n")
    }

    @Test func anEmptyLogHasAHeadAndItsProofsBegin() async throws {
        try await withTestStore { db, store in
            let notary = Self.notary(store)
            await #expect(throws: Problem.self) { try await notary.checkpoint() }
            try await notary.prepare()
            let first = try await Self.checkpoint(notary.checkpoint())
            #expect(first == Checkpoint(origin: "test.example/ledger", size: 0, head: .empty))
            #expect(try await notary.integrate() == 0)
            #expect(try await notary.bytes(of: Tile(.entries, index: 0, width: 1)) == nil)
            try await Self.enter(1, db)
            #expect(try await notary.integrate() == 1)
            let second = try await Self.checkpoint(notary.checkpoint())
            #expect(second.size == 1 && second.head == .leaf(Array("entry 1".utf8)))
            #expect(try await notary.consistency(from: 0).path.isEmpty)
            await #expect(throws: Problem.self) { try await notary.consistency(from: 2) }
        }
    }

    @Test func whatWasReleasedBeforeIsEnteredLateAndOnce() async throws {
        try await withTestStore { db, store in
            let release = try await db.publish(rows: Lighthouse.rows(20))
            let digest = try await release.release(2, rows: Lighthouse.rows(25))
            let notary = Self.notary(store, batch: 1)
            try await notary.prepare()
            try await notary.prepare()
            #expect(try await Self.checkpoint(notary.checkpoint()).size == 2)
            let proof = try await notary.proof(of: release.dataset, version: 2)
            let checkpoint = try Self.checkpoint(proof.checkpoint), entry = try #require(proof.extra)
            #expect(ProofCheck.includes(.leaf(entry), at: proof.index, size: checkpoint.size, proof: proof.path, head: checkpoint.head))
            guard case .release(let leaf) = try Leaf(entry: entry) else { throw Unexpected("another kind") }
            #expect(leaf.digest == digest && leaf.late == true && leaf.version == 2 && leaf.rowCount == 25)
            #expect(try await store.version(1, of: release.dataset)?.digest == leaf.previousDigest)
            await #expect(throws: Problem.self) { try await notary.proof(of: release.dataset, version: 3) }
        }
    }

    /// More than one level of full tiles, read through nothing but tile addresses, and proofs from anywhere to anywhere.
    @Test func aLargeLogIsServedInTilesAndProven() async throws {
        try await withTestStore { db, store in
            let notary = Self.notary(store, batch: 20_000), count = 66_000
            try await notary.prepare()
            try await Self.enter(count, db)
            var heads: [Int: TreeHash] = [:]
            while try await notary.integrate() > 0 {
                let checkpoint = try await Self.checkpoint(notary.checkpoint())
                heads[checkpoint.size] = checkpoint.head
            }
            var frontier = Frontier(), expected: [Int: TreeHash] = [:]
            for number in 1...count {
                frontier.append(.leaf(Array("entry \(number)".utf8)))
                if heads[number] != nil { expected[number] = frontier.head }
            }
            #expect(heads == expected && heads.count == 4)

            let last = try await notary.bytes(of: Tile(.hashes(level: 2), index: 0, width: 1))
            #expect(try await notary.bytes(of: Tile(.hashes(level: 1), index: 0)).flatMap { TreeHash(last ?? [])! == .complete(hashes($0)) ? true : nil } == true)
            #expect(try await notary.bytes(of: Tile(.hashes(level: 1), index: 1, width: 1)) != nil)
            #expect(try await notary.bytes(of: Tile(.hashes(level: 1), index: 1, width: 2)) == nil)
            #expect(try await notary.bytes(of: Tile(.hashes(level: 0), index: 257)) == nil)
            let bundle = try #require(try await notary.bytes(of: Tile(.entries, index: 257, width: 208)))
            #expect(EntryBundle.decode(bundle)?.last == Array("entry 66000".utf8))

            let newest = try await Self.checkpoint(notary.checkpoint())
            for (size, head) in heads {
                let proof = try await notary.consistency(from: size)
                #expect(ProofCheck.isConsistent(from: (size, head), to: (newest.size, newest.head), proof: proof.path))
            }
        }
    }

    private func hashes(_ bytes: [UInt8]) -> [TreeHash] { stride(from: 0, to: bytes.count, by: 32).compactMap { TreeHash(bytes[$0..<$0 + 32]) } }

    @Test func aRunningNotaryTakesInWhatIsEnteredWithinASecond() async throws {
        try await withTestStore { db, store in
            let announcements = Announcements(store: store)
            let notary = Notary(store: store, signer: Self.signer, announcements: announcements, logger: Logger(label: "daylight.tests"))
            let running = Task { await notary.run() }, listening = Task { await announcements.run() }
            for _ in 0..<6000 {
                guard (try? await notary.checkpoint()) == nil else { break }
                try await Task.sleep(for: .milliseconds(10))
            }
            for size in 1...5 {
                try await store.enter(LedgerEntry(kind: "test", bytes: [UInt8(size)]))
                let began = ContinuousClock.now
                while try await Self.checkpoint(notary.checkpoint()).size < size, ContinuousClock.now - began < .seconds(60) { try await Task.sleep(for: .milliseconds(10)) }
                // A second where the machine is its own; tests share it.
                #expect(ContinuousClock.now - began < .seconds(30))
            }
            running.cancel()
            listening.cancel()
            await running.value
            await listening.value
        }
    }

    @Test func aLogThatWasChangedIsNotSignedAgain() async throws {
        for change in [
            "UPDATE daylight.ledger_leaf SET hash = sha256('x') WHERE index = 300", "DELETE FROM daylight.ledger_leaf WHERE index = 299",
            "UPDATE daylight.ledger_node SET hash = sha256('x')", "UPDATE daylight.ledger_checkpoint SET head = sha256('x'), note = replace(note, E'\\n301\\n', E'\\n302\\n')",
        ] {
            try await withTestStore { db, store in
                let notary = Self.notary(store)
                try await Self.enter(301, db)
                try await notary.integrate()
                let before = try await notary.checkpoint()
                try await db.database.execute(SQL(raw: change))
                try await Self.enter(1, db)
                await #expect(throws: Notary.Refusal.self) { try await notary.integrate() }
                // Nothing was taken either.
                #expect(try await store.hasPendingEntries())
                if !change.contains("checkpoint") { #expect(try await notary.checkpoint() == before) }
            }
        }
    }

    @Test func aLogIsNotContinuedUnderAnotherKeyOrName() async throws {
        try await withTestStore { db, store in
            try await Self.notary(store).prepare()
            for (name, seed) in [("test.example/ledger", [UInt8](repeating: 9, count: 32)), ("other.example", Array(1...32))] {
                let other = Notary(store: store, signer: try #require(NoteSigner(name: name, seed: seed)), logger: Logger(label: "daylight.tests"))
                await #expect(throws: Notary.Refusal.anotherKey(newest: "test.example/ledger")) { try await other.prepare() }
            }
        }
    }
}

struct Unexpected: Error {
    let what: String
    init(_ what: String) { self.what = what }
}
