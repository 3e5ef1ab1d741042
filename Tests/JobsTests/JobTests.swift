import Foundation
import Jobs
import Logging
import NIOPosix
import Postgres
import Store
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(20))) struct JobTests {
    private static let logger = Logger(label: "daylight.tests")

    private static func with(_ body: (Store, TestDatabase) async throws -> Void) async throws {
        try await withTestDatabase { db in
            let store = Store(Store.Configuration(databaseURL: db.url), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            try await store.start()
            do { try await body(store, db) } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    private final class Tally: Sendable {
        let began = Atomic<Int>(0), ended = Atomic<Int>(0), inside = Atomic<Int>(0), most = Atomic<Int>(0)
    }

    private static func name() -> String { UUID().uuidString }

    @Test func aLeaseIsHeldByOneUntilItRunsOutOrIsGivenBack() async throws {
        try await Self.with { store, db in
            let (a, b) = (Self.name(), Self.name())
            #expect(try await store.hold(job: "tide", as: a, for: .seconds(60)))
            #expect(try await store.hold(job: "tide", as: a, for: .seconds(60)))
            #expect(try await !store.hold(job: "tide", as: b, for: .seconds(60)))
            #expect(try await store.hold(job: "fog", as: b, for: .seconds(60)))
            try await store.release(job: "tide", from: b)
            #expect(try await !store.hold(job: "tide", as: b, for: .seconds(60)))
            try await store.release(job: "tide", from: a)
            #expect(try await store.hold(job: "tide", as: b, for: .seconds(60)))
            // Whoever died with it holds the others up no longer than that.
            try await db.database.execute("UPDATE daylight.job SET held_until = now() - interval '1 second' WHERE name = 'tide'")
            #expect(try await store.hold(job: "tide", as: a, for: .seconds(60)))
        }
    }

    @Test func ofManyNodesOneAtATimeDoesTheWork() async throws {
        try await Self.with { store, _ in
            let tally = Tally()
            let job = Job("tide", every: .milliseconds(20)) {
                tally.most.max(tally.inside.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                try await Task.sleep(for: .milliseconds(10))
                tally.inside.subtract(1, ordering: .relaxed)
                if tally.ended.add(1, ordering: .relaxed).newValue == 2 { throw CocoaError(.featureUnsupported) }
            }
            let nodes = (0..<3).map { _ in
                let name = Self.name()
                return Task { await job.run(on: store, as: name, logger: Self.logger) }
            }
            for _ in 0..<3000 where tally.ended.load(ordering: .relaxed) < 5 { try await Task.sleep(for: .milliseconds(20)) }
            for node in nodes { node.cancel() }
            for node in nodes { await node.value }
            // What failed once went on, and nobody did it beside somebody else.
            #expect(tally.ended.load(ordering: .relaxed) >= 5)
            #expect(tally.most.load(ordering: .relaxed) == 1)
            // Each gave the lease back.
            #expect(try await store.hold(job: "tide", as: Self.name(), for: .seconds(1)))
        }
    }

    @Test func whoLosesTheLeaseStopsWorking() async throws {
        try await Self.with { store, db in
            let tally = Tally()
            let job = Job("tide", every: .milliseconds(20), lease: .milliseconds(300)) {
                tally.began.add(1, ordering: .relaxed)
                do { try await Task.sleep(for: .seconds(60)) } catch {
                    tally.ended.add(1, ordering: .relaxed)
                    throw error
                }
            }
            let node = Task { await job.run(on: store, as: Self.name(), logger: Self.logger) }
            for _ in 0..<6000 where tally.began.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(10)) }
            try await db.database.execute("UPDATE daylight.job SET holder = \(Self.name())::uuid, held_until = now() + interval '1 hour' WHERE name = 'tide'")
            for _ in 0..<6000 where tally.ended.load(ordering: .relaxed) == 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(tally.ended.load(ordering: .relaxed) == 1)
            node.cancel()
            await node.value
        }
    }
}
