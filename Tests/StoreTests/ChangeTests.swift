import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import Store

/// The record of changes: its order is the order of commits, whatever began first.
@Suite(.timeLimit(.minutes(20))) struct ChangeTests {
    private func lighthouse(_ db: TestDatabase, _ store: Store) async throws -> TestRelease {
        let release = try await db.publish(rows: [])
        #expect(try await store.changes(after: 0, limit: 10).map(\.version) == [1])
        return release
    }

    /// Waits until a condition holds.
    private func wait(until condition: () async throws -> Bool) async throws {
        for _ in 0..<6000 {
            guard try await !condition() else { break }
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await condition())
    }

    @Test func aTransactionThatCommitsLateIsNotSkipped() async throws {
        try await withTestStore { db, store in
            let release = try await lighthouse(db, store)
            let first = try await store.lastChange()
            let writer = try await db.open(as: .writer)
            try await writer.transaction { late in
                try await late.record(.release(version: 2), of: release.dataset)
                try await writer.transaction { early in try await early.record(.release(version: 3), of: release.dataset) }
                let seen = try await store.changes(after: first, limit: 10)
                #expect(seen.map(\.version) == [3])
                try await late.record(.description(revision: 7), of: release.dataset)
            }
            let early = try #require(try await store.changes(after: first, limit: 1).first)
            #expect(early.version == 3)
            let rest = try await store.changes(after: early.number, limit: 10)
            #expect(rest.map(\.version) == [2, nil])
            #expect(rest.map(\.revision) == [nil, 7])
            #expect(try await store.newestChanges(before: nil, limit: 2).map(\.number) == rest.map(\.number).reversed())
            #expect(try await store.newestChanges(before: early.number, limit: 10).map(\.version) == [1])
            await writer.close()
        }
    }

    /// The number is taken and the commit has not come through: the moment in which a later number must not be given to anybody.
    @Test func nobodyPassesOneThatIsInTheMiddleOfItsCommit() async throws {
        try await withTestStore { db, store in
            let release = try await lighthouse(db, store)
            let first = try await store.lastChange()
            let writer = try await db.open(as: .writer)
            let dataset = release.dataset
            let other = try await writer.transaction { held in
                try await held.record(.release(version: 2), of: dataset)
                try await held.execute("SET CONSTRAINTS ALL IMMEDIATE")
                let other = Task {
                    try await writer.transaction { try await $0.record(.release(version: 3), of: dataset) }
                }
                try await wait {
                    try await db.database.execute(
                        "SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 6877 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    ).count == 1
                }
                #expect(try await store.changes(after: first, limit: 10).isEmpty)
                return other
            }
            _ = try await other.value
            #expect(try await store.changes(after: first, limit: 10).map(\.version) == [2, 3])
            await writer.close()
        }
    }

    @Test func aReaderBesideManyWritersSeesEachOnceAndInOrder() async throws {
        try await withTestStore { db, store in
            let release = try await lighthouse(db, store)
            let first = try await store.lastChange(), dataset = release.dataset
            let writer = try await db.open(as: .writer)
            let seen = try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for step in 0..<15 {
                            try await writer.transaction { connection in
                                try await connection.record(.release(version: 100 * (task + 1) + step), of: dataset)
                                try await Task.sleep(for: .milliseconds((task * 7 + step * 5) % 13))
                            }
                        }
                    }
                }
                var last = first, seen: [Int] = []
                while seen.count < 60, !Task.isCancelled {
                    for change in try await store.changes(after: last, limit: 7) {
                        #expect(change.number > last)
                        last = change.number
                        seen.append(change.version ?? 0)
                    }
                }
                try await group.waitForAll()
                return seen
            }
            #expect(Set(seen) == Set((1...4).flatMap { task in (0..<15).map { 100 * task + $0 } }))
            for task in 1...4 { #expect(seen.filter { $0 / 100 == task } == seen.filter { $0 / 100 == task }.sorted()) }
            await writer.close()
        }
    }

    @Test func draftsAreNotToldOfAndWithdrawnOnesHaveNoTitle() async throws {
        try await withTestStore { db, store in
            let release = try await lighthouse(db, store)
            try await db.addDataset("draft", department: TestDatabase.creditCode(1))
            let writer = try await db.open(as: .writer)
            try await writer.transaction { try await $0.record(.description(revision: 2), of: "draft") }
            #expect(try await store.changes(after: 0, limit: 10).map(\.dataset) == [release.dataset])
            #expect(try await store.changes(after: 0, of: "draft", limit: 10).isEmpty)
            #expect(try await store.changes(after: 0, limit: 10)[0].title != nil)
            try await release.withdraw(.dataset, reason: "数据有误")
            let changes = try await store.changes(after: 0, of: release.dataset, limit: 10)
            #expect(changes.map(\.kind) == [.release, .withdrawal])
            #expect(changes.allSatisfy { $0.title == nil })
            #expect(changes[1].withdrawal?.subject == .dataset)
            #expect(changes[1].withdrawal?.reason.zh == "数据有误")
            await writer.close()
        }
    }
}
