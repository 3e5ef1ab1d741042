import Foundation
import Postgres
import TestSupport
import Testing

/// Tests that stop and start a server, on a cluster of their own.
@Suite(.serialized) struct RestartTests {
    @Test func recoversAfterAServerRestart() async throws {
        guard let cluster = try await Cluster.make() else {
            print("SKIPPED recoversAfterAServerRestart: there is no initdb on this machine")
            return
        }
        do {
            try await cluster.start()
            try await restart(cluster)
        } catch {
            await cluster.remove()
            throw error
        }
        await cluster.remove()
    }

    private func restart(_ cluster: Cluster) async throws {
        try await TestDatabase.with(url: cluster.url) {
            $0.acquireTimeout = .seconds(20)
        } _: { test in
            var arrivals = test.database.notifications(["restart"]).makeAsyncIterator()
            #expect(await arrivals.next() == .reconnected)
            let held = Task { try await test.database.execute("SELECT pg_sleep(60)") }
            let reads = Task {
                var failures = 0
                while !Task.isCancelled {
                    do { _ = try await test.database.read("SELECT 1") } catch {
                        #expect((error as? PostgresError)?.isTemporary == true || Task.isCancelled)
                        failures += 1
                        try? await Task.sleep(for: .milliseconds(10))
                    }
                }
                return failures
            }
            try await Task.sleep(for: .milliseconds(300))
            try await cluster.stop()
            let error = await #expect(throws: PostgresError.self) { try await held.value }
            #expect(error?.isConnectionFailure == true)
            // A caller that comes while the server is away waits for it.
            let waiting = Task { try await test.database.execute("SELECT 42").first!.read(Int.self, 0) }
            try await Task.sleep(for: .milliseconds(500))
            try await cluster.start()
            #expect(try await waiting.value == 42)
            try await eventually("all loops read again") {
                for _ in 0..<10 { if (try? await test.database.read("SELECT 1")) == nil { return false } }
                return true
            }
            #expect(await arrivals.next() == .reconnected)
            reads.cancel()
            #expect(await reads.value > 0)
            #expect(test.database.statistics.reconnects > 0)
        }
    }
}
