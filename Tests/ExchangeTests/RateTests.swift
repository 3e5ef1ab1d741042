import Foundation
import Logging
import Model
import Store
import TestSupport
import Testing

@testable import Exchange

/// The rate that a grant's terms set.
@Suite(.timeLimit(.minutes(20))) struct RateTests {
    private func granted(_ desk: Desk, _ rate: ShareRate) async throws -> ShareGrant {
        let request = try await desk.sharing.submit(try Desk.draft(["code"]), by: desk.receiver)
        var decision = ShareDecision(.accept)
        decision.rate = rate
        let accepted = try await desk.sharing.decide(request.id, decision, by: desk.provider)
        return try await desk.sharing.grant(try #require(accepted.grant), for: desk.receiver)
    }

    private func rows(_ desk: Desk, _ grant: ShareGrant) async throws -> GrantedRows {
        try await desk.sharing.rows(by: grant.id, for: desk.receiver, purpose: "测试", version: nil, after: nil, limit: 10)
    }

    @Test func callsBeyondTheRateAreRefusedWhicheverWayTheyCome() async throws {
        try await Desk.with { desk in
            let grant = try await granted(desk, ShareRate(calls: 3, seconds: 86_400))
            #expect(grant.terms.rate == ShareRate(calls: 3, seconds: 86_400))
            #expect(try await rows(desk, grant).allowances.map(\.remaining) == [2])
            _ = try await desk.state(grant)
            let last = try await desk.sharing.changes(by: grant.id, for: desk.receiver, purpose: "测试", since: nil)
            #expect(last.allowances.first.map { $0.quota == 3 && $0.remaining == 0 && $0.seconds == 86_400 && $0.reset > 86_000 } == true)
            for _ in 0..<2 {
                await expectProblem(.tooManyRequests) { _ = try await desk.state(grant) }
                await expectProblem(.tooManyRequests) { _ = try await rows(desk, grant) }
            }
        }
    }

    @Test func rowsThatWereReadCount() async throws {
        try await Desk.with { desk in
            let grant = try await granted(desk, ShareRate(rows: 6, seconds: 86_400))
            // Four rows, and four again: a read that has begun is finished.
            #expect(try await rows(desk, grant).allowances.map(\.remaining) == [6])
            #expect(try await desk.state(grant).split(separator: "\n").count == 5)
            await expectProblem(.tooManyRequests) { _ = try await rows(desk, grant) }
        }
    }

    @Test func callsAtOnceGetNoMoreThanTheRate() async throws {
        try await Desk.with { desk in
            let grant = try await granted(desk, ShareRate(calls: 5, seconds: 86_400))
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<15 {
                    group.addTask {
                        do {
                            _ = try await rows(desk, grant)
                            return true
                        } catch let problem as Problem where problem.code == .tooManyRequests {
                            return false
                        }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(allowed == 5)
        }
    }

    @Test func whatWasUsedComesBack() async throws {
        try await Desk.with { desk in
            let grant = try await granted(desk, ShareRate(calls: 2, seconds: 2))
            for _ in 0..<2 { _ = try await rows(desk, grant) }
            var left: ShareAllowance?
            for _ in 0..<600 where left == nil {
                do {
                    left = try await rows(desk, grant).allowances.first
                } catch let problem as Problem where problem.code == .tooManyRequests {
                    #expect((1...2).contains(problem.retryAfter ?? 0))
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
            let allowance = try #require(left)
            #expect(allowance.unit == .calls && (1...2).contains(allowance.reset))
        }
    }

    /// Receivers that read slowly hold the connections for deliveries; passes and pages have others.
    @Test func slowReceiversKeepNobodyFromAPage() async throws {
        let rows: [[String?]] = (0..<200).map { ["K\($0)", String(repeating: "东", count: 10_000), nil, nil, nil, nil] }
        try await Desk.with(rows: rows) { desk in
            let grant = try await desk.granted(["code", "region"])
            let store = try await desk.db.openStore { ($0.deliveryPool, $0.acquireTimeout) = (1, 1) }
            let sharing = Sharing(store: store, logger: Logger(label: "daylight.tests"))
            do {
                let slow = try #require(try await sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: nil).bytes).makeAsyncIterator()
                #expect(try await slow.next() != nil)
                let page = try await sharing.rows(by: grant.id, for: desk.receiver, purpose: "x", version: nil, after: nil, limit: 2)
                #expect(page.count == 2)
                // Another delivery is told when to come again, before its first byte.
                await expectProblem(.overloaded) {
                    _ = try await #require(try await sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: nil).bytes).makeAsyncIterator().next()
                }
                // The slow one gets all of it.
                var count = 1
                while try await slow.next() != nil { count += 1 }
                #expect(count > 4)
                #expect(try await desk.store.deliveries(of: grant.id, unreceipted: true, before: nil, limit: 10).filter { $0.finishedAt != nil }.count == 1)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    @Test func aRateThatIsNoneIsRefused() async throws {
        try await Desk.with { desk in
            for rate in [ShareRate(seconds: 60), ShareRate(calls: 0, seconds: 60), ShareRate(rows: 5, seconds: 0), ShareRate(calls: 5, seconds: 99_999_999)] {
                await expectProblem(.invalidShareRequest) { _ = try await granted(desk, rate) }
            }
        }
    }
}
