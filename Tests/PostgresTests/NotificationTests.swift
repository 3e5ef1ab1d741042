import Foundation
import Postgres
import Testing

@Suite struct NotificationTests {
    @Test func deliversWhatIsCommittedAndListensAgainAfterALostConnection() async throws {
        try await TestDatabase.with { test in
            let channel = "频道 " + UUID().uuidString
            var arrivals = test.database.notifications([channel, "other"]).makeAsyncIterator()
            #expect(await arrivals.next() == .reconnected)
            try await test.database.withConnection { try await $0.notify(channel, "一") }
            #expect(await arrivals.next() == .message(channel: channel, payload: "一"))
            struct Undone: Error {}
            await #expect(throws: Undone.self) {
                try await test.database.transaction { connection in
                    try await connection.notify(channel, "undone")
                    throw Undone()
                }
            }
            try await test.database.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE application_name = \(test.schema) AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()
                """)
            #expect(await arrivals.next() == .reconnected)
            try await test.database.withConnection { try await $0.notify(channel, "二") }
            #expect(await arrivals.next() == .message(channel: channel, payload: "二"))
        }
    }

    @Test func aProofThatNothingIsOnItsWayComesAfterWhatWas() async throws {
        try await TestDatabase.with { test in
            let channel = "proof_" + test.schema
            var arrivals = test.database.notifications([channel], proof: .milliseconds(20)).makeAsyncIterator()
            #expect(await arrivals.next() == .reconnected)
            for round in 0..<20 {
                try await test.database.withConnection { try await $0.notify(channel, "\(round)") }
                let committed = ContinuousClock.now
                var isHeard = false
                while let arrival = await arrivals.next() {
                    if arrival == .message(channel: channel, payload: "\(round)") { isHeard = true }
                    // A question asked after the commit is answered after the notification.
                    if case .upToDate(let instant) = arrival, instant > committed { break }
                }
                #expect(isHeard)
            }
        }
    }

    @Test func aSlowReaderIsToldThatItMissedSomething() async throws {
        try await TestDatabase.with { test in
            let channel = "flood_" + test.schema
            var arrivals = test.database.notifications([channel]).makeAsyncIterator()
            #expect(await arrivals.next() == .reconnected)
            try await test.database.execute("SELECT count(pg_notify(\(channel, as: .text), i::text)) FROM generate_series(1, 20000) i")
            // Time for all of them to arrive, and most of them to be dropped.
            try await Task.sleep(for: .seconds(1))
            var messages = 0
            while let arrival = await arrivals.next(), arrival != .reconnected { messages += 1 }
            #expect(messages > 1_000 && messages < 20_000)
        }
    }

    @Test func dropsItsConnectionWithTheSequence() async throws {
        try await TestDatabase.with { test in
            let listeners: () async throws -> Int = {
                try await test.database.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = \(test.schema) AND query LIKE 'LISTEN%'"
                ).first!.read(0)
            }
            let task = Task {
                for await _ in test.database.notifications(["dropped"]) {}
            }
            try await eventually("it listens") { try await listeners() == 1 }
            task.cancel()
            try await eventually("it has left") { try await listeners() == 0 }
        }
    }
}
