import Foundation
import Ledger
import Logging
import Model
import Notary
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Store

/// Writers, several notaries and a killer, all at random: the log never contradicts a head that it has given out.
@Suite(.timeLimit(.minutes(20))) struct CrashTests {
    /// What became of an entry, as far as its writer knows.
    private enum Fate { case committed, rolledBack, unknown }

    private final class Fates: Sendable {
        let all = Mutex<[String: Fate]>([:])
        /// Integrations that were given up, and connections that were cut.
        let crashes = Mutex(0)
        private let start = ContinuousClock.now

        /// Enough has happened, however slow the machine is at the moment; or it stands still.
        var isOver: Bool {
            let elapsed = ContinuousClock.now - start
            if elapsed > .seconds(60) { return true }
            return elapsed > .seconds(6) && all.withLock { $0.count } >= 5000 && crashes.withLock { $0 } >= 300
        }
    }

    private struct Rolled: Error {}

    private static func write(_ store: Store, writer: Int, _ fates: Fates) async {
        var number = 0
        while !fates.isOver {
            number += 1
            let names = (0..<Int.random(in: 1...30)).map { "w\(writer).\(number).\($0)" }
            let fails = Int.random(in: 0..<8) == 0
            var fate = Fate.unknown
            do {
                try await store.transaction { connection in
                    for name in names {
                        try await connection.enter(LedgerEntry(kind: "test", bytes: Array(name.utf8)))
                        if Int.random(in: 0..<30) == 0 { try await Task.sleep(for: .milliseconds(Int.random(in: 0...6))) }
                    }
                    if fails { throw Rolled() }
                }
                fate = .committed
            } catch is Rolled {
                fate = .rolledBack
            } catch {
                // The connection went: whether the commit came through, nobody can say from here.
            }
            fates.all.withLock { for name in names { $0[name] = fate } }
        }
    }

    /// Asks for heads as a stranger does, and for the proof that each goes on from the one before.
    private static func watch(_ notary: Notary, _ fates: Fates) async -> (heads: Int, violations: [String]) {
        var last: Checkpoint?, seen = 0, violations: [String] = []
        while !fates.isOver {
            if let before = last, let proof = try? await notary.consistency(from: before.size) {
                guard let next = Checkpoint(proof.checkpoint, signedBy: NotaryTests.signer.verifier) else { return (seen, ["an unsigned head"]) }
                if !ProofCheck.isConsistent(from: (before.size, before.head), to: (next.size, next.head), proof: proof.path) {
                    violations.append("\(next.size) does not go on from \(before.size)")
                }
                if next.size > before.size { seen += 1 }
                last = next
            } else if last == nil, let note = try? await notary.checkpoint() {
                last = Checkpoint(note, signedBy: NotaryTests.signer.verifier)
            }
            try? await Task.sleep(for: .milliseconds(3))
        }
        return (seen, violations)
    }

    @Test func noHeadContradictsAnEarlierOneWhateverDies() async throws {
        try await withTestDatabase { db in
            var stores: [Store] = []
            for _ in 0..<4 { stores.append(try await db.openStore()) }
            let notaries = stores.prefix(3).map { NotaryTests.notary($0, batch: 40) }
            try await notaries[0].prepare()
            let fates = Fates()
            let watched = await withTaskGroup(of: (heads: Int, violations: [String])?.self) { group in
                for (writer, store) in stores.enumerated() {
                    group.addTask {
                        await Self.write(store, writer: writer, fates)
                        return nil
                    }
                }
                for notary in notaries {
                    group.addTask {
                        while !fates.isOver {
                            // Given up at any point, as a process that dies gives it up.
                            let attempt = Task { try? await notary.integrate() }
                            if Int.random(in: 0..<3) == 0 {
                                try? await Task.sleep(for: .microseconds(Int.random(in: 0...4000)))
                                attempt.cancel()
                                fates.crashes.withLock { $0 += 1 }
                            }
                            _ = await attempt.value
                        }
                        return nil
                    }
                }
                group.addTask {
                    while !fates.isOver {
                        try? await Task.sleep(for: .milliseconds(Int.random(in: 20...120)))
                        // One connection at a time, whatever it is doing.
                        let cut = try? await db.database.execute(
                            """
                            SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
                            WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'daylight writer' ORDER BY random() LIMIT 1) AS one
                            """)
                        if cut?.isEmpty == false { fates.crashes.withLock { $0 += 1 } }
                    }
                    return nil
                }
                group.addTask { await Self.watch(notaries[1], fates) }
                return await group.reduce(into: (heads: 0, violations: [String]())) { sum, part in
                    sum.heads += part?.heads ?? 0
                    sum.violations += part?.violations ?? []
                }
            }
            #expect(watched.violations == [])
            #expect(watched.heads > 3)
            #expect(fates.crashes.withLock { $0 } >= 300)
            // Connections that were killed while they lay idle are noticed by those who take them.
            let last = NotaryTests.notary(stores[0])
            for _ in 0..<200 { if await (try? last.integrate()) == 0, await (try? stores[0].hasPendingEntries()) == false { break } }
            try await Self.checkLog(db, fates.all.withLock { $0 })
            for store in stores { await store.close() }
        }
    }

    /// The whole log, from its leaves alone: no gap, each entry once and none that was rolled back, and each head that was ever signed.
    private static func checkLog(_ db: TestDatabase, _ fates: [String: Fate]) async throws {
        let leaves = try await db.database.execute("SELECT index, entry FROM daylight.ledger_leaf ORDER BY index").map {
            (try $0.read(Int.self, "index"), String(decoding: try $0.read(Bytea.self, "entry").bytes, as: UTF8.self))
        }
        #expect(leaves.map(\.0) == Array(0..<leaves.count))
        let entries = Set(leaves.map(\.1))
        #expect(entries.count == leaves.count)
        #expect(fates.filter { $0.value == .committed && !entries.contains($0.key) }.isEmpty)
        #expect(fates.filter { $0.value == .rolledBack && entries.contains($0.key) }.isEmpty)
        #expect(entries.isSubset(of: fates.keys))
        #expect(leaves.count >= 3000)
        var frontier = Frontier(), heads = [TreeHash.empty]
        for (_, entry) in leaves {
            frontier.append(.leaf(Array(entry.utf8)))
            heads.append(frontier.head)
        }
        let checkpoints = try await db.database.execute("SELECT size, note FROM daylight.ledger_checkpoint ORDER BY size").map {
            (size: try $0.read(Int.self, "size"), note: try $0.read(String.self, "note"))
        }
        #expect(checkpoints.last?.size == leaves.count)
        #expect(checkpoints.count > 10)
        for stored in checkpoints {
            let checkpoint = try NotaryTests.checkpoint(try #require(SignedNote(stored.note)))
            #expect(checkpoint.size == stored.size && checkpoint.head == heads[stored.size])
        }
    }
}
