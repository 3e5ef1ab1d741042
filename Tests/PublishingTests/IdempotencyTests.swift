import Crypto
import Foundation
import Model
import NIOCore
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@Suite struct IdempotencyTests {
    static let csv = "code,name\nA,a\n"

    static func request(_ shop: Workshop, key: String = "k1", csv: String? = nil, line: String? = nil) -> PushRequest {
        var request = shop.request()
        request.idempotencyKey = key
        if let csv { request.contentDigest = Array(SHA256.hash(data: Data(csv.utf8))) }
        if let line { request.line = line }
        return request
    }

    static func send(_ shop: Workshop, _ request: PushRequest, _ csv: String = csv, with publishing: Publishing? = nil) async throws -> PushOutcome {
        try await (publishing ?? shop.publishing).receive(request, body: Workshop.body(csv)) { StoredAnswer(status: 201, body: "answer of \($0.record.push.id)") }
    }

    @Test(arguments: [false, true]) func aRetryGetsTheStoredAnswerAndPushesNothing(declared: Bool) async throws {
        try await Workshop.with { shop in
            let request = Self.request(shop, csv: declared ? Self.csv : nil)
            guard case .new(let report, let answer) = try await Self.send(shop, request) else { throw Unexpected("a replay") }
            try await shop.release(report)
            for _ in 1...2 {
                guard case .replayed(let push, let again) = try await Self.send(shop, request) else { throw Unexpected("pushed again") }
                #expect(push == report.push.id && again == answer)
            }
            #expect(try await shop.count("SELECT count(*) FROM daylight.push") == 1)
        }
    }

    @Test(arguments: [false, true]) func theKeyStandsForOneRequestOnly(declared: Bool) async throws {
        try await Workshop.with { shop in
            _ = try await Self.send(shop, Self.request(shop, csv: declared ? Self.csv : nil))
            let other = "code,name\nB,b\n"
            await expectProblem(.idempotencyKeyReused) { _ = try await Self.send(shop, Self.request(shop, csv: declared ? other : nil), other) }
            await expectProblem(.idempotencyKeyReused) {
                _ = try await Self.send(shop, Self.request(shop, csv: declared ? Self.csv : nil, line: "POST /v1/elsewhere"))
            }
            // Another access key has its own.
            var request = Self.request(shop)
            request.key = try await Workshop.key(shop.db, [.push], shop.department.uscc)
            guard case .new = try await Self.send(shop, request) else { throw Unexpected("a replay") }
        }
    }

    @Test func aRejectedPushIsAnAnswerThatRetriesGetToo() async throws {
        try await Workshop.with { shop in
            let bad = "code,height\nA,x\n"
            guard case .new(let report, let answer) = try await Self.send(shop, Self.request(shop), bad) else { throw Unexpected("a replay") }
            #expect(report.isRejected)
            guard case .replayed(_, let again) = try await Self.send(shop, Self.request(shop), bad) else { throw Unexpected("pushed again") }
            #expect(again == answer)
        }
    }

    @Test func theSameKeyWhileTheFirstIsStillRunningIsAConflict() async throws {
        try await Workshop.with { shop in
            let (stream, continuation) = AsyncThrowingStream<ByteBuffer, any Error>.makeStream()
            continuation.yield(ByteBuffer(string: "code,name\n"))
            let running = Task {
                try await shop.publishing.receive(Self.request(shop), body: stream) { StoredAnswer(status: 201, body: $0.record.push.id) }
            }
            try await eventually { try await shop.count("SELECT count(*) FROM daylight.idempotency") == 1 }
            await expectProblem(.idempotencyInProgress) { _ = try await Self.send(shop, Self.request(shop)) }
            continuation.yield(ByteBuffer(string: "A,a\n"))
            continuation.finish()
            guard case .new(let report, _) = try await running.value else { throw Unexpected("a replay") }
            #expect(report.push.state == .ready)
        }
    }

    @Test func aKeyIsForgottenAfterItsLifetime() async throws {
        try await Workshop.with { shop in
            _ = try await Self.send(shop, Self.request(shop))
            try await shop.db.database.execute("UPDATE daylight.idempotency SET created_at = now() - interval '25 hours'")
            guard case .new = try await Self.send(shop, Self.request(shop)) else { throw Unexpected("a replay") }
            try await shop.db.database.execute("UPDATE daylight.idempotency SET created_at = now() - interval '25 hours'")
            await shop.publishing.sweep(at: .now)
            #expect(try await shop.count("SELECT count(*) FROM daylight.idempotency") == 0)
        }
    }

    @Test func anAnswerThatTheProcessDidNotLiveToStoreIsMadeAgain() async throws {
        try await Workshop.with { shop in
            guard case .new(let report, let answer) = try await Self.send(shop, Self.request(shop)) else { throw Unexpected("a replay") }
            try await shop.db.database.execute("UPDATE daylight.idempotency SET status = NULL, body = NULL, finished_at = NULL, content = NULL")
            guard case .replayed(let push, let again) = try await Self.send(shop, Self.request(shop)) else { throw Unexpected("pushed again") }
            #expect(push == report.push.id && again == answer)
        }
    }

    @Test func contentThatIsNotWhatItsDigestSaysIsNotKept() async throws {
        try await Workshop.with { shop in
            let request = Self.request(shop, csv: "something else")
            await expectProblem(.digestMismatch) { _ = try await Self.send(shop, request) }
            let state: String = try await shop.db.database.execute("SELECT state FROM daylight.push")[0].read(0)
            #expect(state == "failed")
            #expect(try await shop.stagingTables() == 0)
            // The same key with the right content goes through.
            guard case .new = try await Self.send(shop, Self.request(shop, csv: Self.csv)) else { throw Unexpected("a replay") }
        }
    }
}

/// Waits until something holds, ten seconds at most.
func eventually(_ condition: () async throws -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    for _ in 0..<200 {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(50))
    }
    Issue.record("did not come about", sourceLocation: sourceLocation)
}
