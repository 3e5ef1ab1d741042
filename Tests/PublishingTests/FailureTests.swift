import Model
import NIOCore
import Postgres
@testable import Publishing
import Store
import TestSupport
import Testing

/// What is left when something breaks in the middle: nothing.
@Suite struct FailureTests {
    private func start(_ shop: Workshop, idempotencyKey: String? = nil) -> (Task<PushOutcome, any Error>, AsyncThrowingStream<ByteBuffer, any Error>.Continuation) {
        let (stream, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
        var request = shop.request()
        request.idempotencyKey = idempotencyKey
        let task = Task { [request] in try await shop.publishing.receive(request, body: stream) { StoredAnswer(status: 201, body: $0.record.push.id) } }
        continuation.yield(ByteBuffer(string: "code,name\nA,a\n"))
        return (task, continuation)
    }

    private func expectFailed(_ shop: Workshop) async throws {
        try await eventually { try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'failed'") == 1 }
        #expect(try await shop.stagingTables() == 0)
        #expect(try await shop.count("SELECT count(*) FROM daylight.finding") == 0)
        #expect(try await shop.count("SELECT count(*) FROM daylight.idempotency") == 0)
        let zh: String = try await shop.db.database.execute("SELECT reason_zh FROM daylight.push WHERE state = 'failed'")[0].read(0)
        #expect(zh.contains("重新报送"))
    }

    /// The same push again, with the same Idempotency-Key.
    private func expectRetrySucceeds(_ shop: Workshop) async throws {
        var request = shop.request()
        request.idempotencyKey = "k"
        let report = try await shop.push("code,name\nA,a\n", request)
        #expect(report.push.state == .ready)
        try await shop.release(report)
        #expect(try await shop.rows(columns: "code, name") == ["A,a"])
    }

    @Test func aClientThatGoesAwayLeavesAFailedPush() async throws {
        try await Workshop.with { shop in
            let (task, continuation) = start(shop, idempotencyKey: "k")
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'receiving'") == 1 }
            struct ConnectionReset: Error {}
            continuation.finish(throwing: ConnectionReset())
            await #expect(throws: ConnectionReset.self) { try await task.value }
            try await expectFailed(shop)
            try await expectRetrySucceeds(shop)
        }
    }

    @Test func aCancelledTaskLeavesAFailedPush() async throws {
        try await Workshop.with { shop in
            let (task, continuation) = start(shop, idempotencyKey: "k")
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'receiving'") == 1 }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            continuation.finish()
            try await expectFailed(shop)
            try await expectRetrySucceeds(shop)
        }
    }

    @Test func aKilledDatabaseConnectionLeavesAFailedPush() async throws {
        try await Workshop.with { shop in
            let (task, continuation) = start(shop, idempotencyKey: "k")
            try await eventually { try await shop.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'") == 1 }
            try await shop.db.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'")
            let rows = ByteBuffer(string: String(repeating: "B,b\n", count: 30_000))
            let feeding = Task {
                while !Task.isCancelled {
                    continuation.yield(rows)
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            await #expect(throws: (any Error).self) { try await task.value }
            feeding.cancel()
            try await expectFailed(shop)
            try await expectRetrySucceeds(shop)
        }
    }

    @Test func aDeadProcessIsFoundByItsSilenceAndItsTablesGo() async throws {
        try await Workshop.with { shop in
            // What a killed process leaves: a push that nobody works on, its key, findings, and perhaps a table.
            let report = try await shop.push("code,name\nA,a\n")
            let id = report.push.id
            try await shop.db.database.execute("UPDATE daylight.push SET state = 'checking', heartbeat_at = now() - interval '1 minute' WHERE id = \(id)")
            try await shop.db.database.execute(
                "INSERT INTO daylight.idempotency (key_id, key, fingerprint, push) VALUES (\(shop.pusher.id), 'k', 'x', \(id))")
            let orphan = "p" + String(repeating: "0", count: 32)
            try await shop.db.database.execute("CREATE TABLE staging.\(identifier: orphan) ()")
            try await shop.db.database.execute("ALTER TABLE staging.\(identifier: orphan) OWNER TO daylight_writer")
            await shop.other().sweep(at: .now)
            try await expectFailed(shop)
            try await expectRetrySucceeds(shop)
        }
    }

    @Test func theRetryOfAPushWhoseProcessDiedNeedNotWaitForTheSweep() async throws {
        try await Workshop.with { shop in
            let report = try await shop.push("code,name\nA,a\n")
            try await shop.db.database.execute("UPDATE daylight.push SET state = 'receiving', heartbeat_at = now() - interval '1 minute'")
            try await shop.db.database.execute(
                "INSERT INTO daylight.idempotency (key_id, key, fingerprint, push) VALUES (\(shop.pusher.id), 'k', 'x', \(report.push.id))")
            try await expectRetrySucceeds(shop)
            #expect(try await shop.publishing.push(report.push.id).push.state == .failed)
        }
    }

    @Test func aPushThatWasTakenForDeadDoesNotComeBack() async throws {
        try await Workshop.with({ $0.heartbeat = .seconds(3600) }) { shop in
            let (task, continuation) = start(shop)
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'receiving'") == 1 }
            try await shop.db.database.execute("UPDATE daylight.push SET heartbeat_at = now() - interval '1 minute'")
            await shop.other().sweep(at: .now)
            continuation.finish()
            await expectProblem(.pushFailed) { _ = try await task.value }
            #expect(try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'failed'") == 1)
            #expect(try await shop.stagingTables() == 0)
        }
    }

    @Test func aWorkingPushGivesSignsOfLife() async throws {
        try await Workshop.with({ $0.heartbeat = .milliseconds(20) }) { shop in
            let (task, continuation) = start(shop)
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.push WHERE byte_count > 0 AND heartbeat_at > received_at") == 1 }
            continuation.finish()
            _ = try await task.value
        }
    }

    @Test func aBodyBeyondTheLimitIsRefused() async throws {
        try await Workshop.with({ $0.bodyLimit = 20 }) { shop in
            await expectProblem(.payloadTooLarge) { try await shop.push("code,name\nA,a\nB,b\nC,c\n") }
            let failed = try await shop.count("SELECT count(*) FROM daylight.push WHERE state = 'failed'")
            #expect(failed == 1)
        }
    }

    @Test func moreThanMayWaitAreAskedToComeBack() async throws {
        try await Workshop.with({
            $0.concurrentPushes = 1
            $0.waitingPushes = 1
        }) { shop in
            let (first, one) = start(shop)
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.push") == 1 }
            let (second, two) = start(shop)
            try await Task.sleep(for: .milliseconds(200))
            await expectProblem(.overloaded) { try await shop.push("code,name\nA,a\n") }
            one.finish()
            two.finish()
            for task in [first, second] {
                guard case .new(let report, _) = try await task.value else { throw Unexpected("a replay") }
                #expect(report.push.state == .ready)
            }
        }
    }

    @Test func aWrongCharsetIsRefusedWithItsPlaceAndNothingOfItLands() async throws {
        try await Workshop.with { shop in
            var request = shop.request()
            let bytes: [UInt8] = Array("code,name\nA,a\nB,".utf8) + [0xC4, 0xE3] + Array("\nC,c\n".utf8)
            let stream = AsyncThrowingStream<ByteBuffer, any Error> {
                $0.yield(ByteBuffer(bytes: bytes))
                $0.finish()
            }
            guard case .new(let report, _) = try await shop.publishing.receive(request, body: stream, answer: { StoredAnswer(status: 422, body: $0.record.push.id) })
            else { throw Unexpected("a replay") }
            #expect(report.push.state == .rejected && report.codes == ["F100:1"])
            #expect(report.findings.first?.line == 3)
            #expect(try await shop.stagingTables() == 0)
            request.charset = "no-such-charset"
            await expectProblem(.unsupportedCharset) { try await shop.push("code\nA\n", request) }
        }
    }
}
