import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Postgres
import RateLimit
import Store
import Synchronization
import TestSupport
import Testing

@testable import API

/// Two servers on one database: what they let through together.
@Suite(.timeLimit(.minutes(20)), .serialized) struct SharedLimitsTests {
    private struct Node {
        let store: Store
        let api: API
        let server: HTTPServer

        init(_ db: TestDatabase, _ policy: [String], settlements: Settlements) async throws {
            let store = try await db.openStore()
            self.store = store
            var dependencies = API.Dependencies(keyLookup: { try await store.accessKey(prefix: $0) }, unreadiness: { nil }, document: "")
            let id = UUID().uuidString.lowercased()
            dependencies.sharedLimits = API.SharedLimits(
                beat: { try await store.nodeLives(id) }, leave: { try await store.nodeLeaves(id) },
                settle: {
                    settlements.count.withLock { $0 += 1 }
                    return try await store.settle($0)
                }, sweep: { try await store.sweepSharedLimits() },
                add: { try await store.add($0.map { KeyUsage(keyID: $0.keyID, action: $0.action, requests: $0.requests, units: $0.units, refused: $0.refused) }) },
                usage: { try await store.usage(ofKey: $0).map { API.Usage(keyID: $0.keyID, action: $0.action, requests: $0.requests, units: $0.units, refused: $0.refused) } })
            var configuration = API.Configuration()
            configuration.port = 0
            configuration.logsRequests = false
            configuration.policy = try Policy.defaults.overridden(by: policy)
            api = API(configuration: configuration, dependencies: dependencies)
            server = api.makeServer(router: api.makeRouter(), group: MultiThreadedEventLoopGroup.singleton)
            try await server.start()
        }

        func stop() async {
            await server.shutdown(within: .zero)
            await store.close()
        }

        var url: String { "http://127.0.0.1:\(server.port)" }
    }

    private final class Settlements: Sendable { let count = Mutex(0) }

    private static func withNodes(_ policy: [String], _ body: (TestDatabase, Node, Node, Settlements) async throws -> Void) async throws {
        try await withTestDatabase { db in
            let settlements = Settlements()
            let first = try await Node(db, policy, settlements: settlements)
            let second = try await Node(db, policy, settlements: settlements)
            do {
                // The first one learns of the second with its next sign of life.
                for _ in 0..<3000 where first.api.gate.limiter.fleet?.nodes != 2 || second.api.gate.limiter.fleet?.isJoining != false { try await Task.sleep(for: .milliseconds(20)) }
                #expect(first.api.gate.limiter.fleet == Fleet(nodes: 2) && second.api.gate.limiter.fleet == Fleet(nodes: 2))
                try await body(db, first, second, settlements)
            } catch {
                await first.stop()
                await second.stop()
                throw error
            }
            await first.stop()
            await second.stop()
        }
    }

    /// Asks nodes as fast as they answer; on a busy machine for longer, until each has refused some.
    /// - Parameter cutOff: whether the nodes have no database: then they say so where they would refuse otherwise.
    /// - Returns: how many requests were let through, how many were refused, and for how many seconds it went on.
    private func hammer(
        _ nodes: [Node], for duration: Duration, key: String? = nil, path: String = "/v1/limits", cutOff: Bool = false
    ) async throws -> (allowed: Int, refused: Int, seconds: Double) {
        let began = ContinuousClock.now
        let counts = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for node in nodes {
                for _ in 0..<4 {
                    group.addTask {
                        var counts = (0, 0)
                        while ContinuousClock.now - began < (counts.1 < 5 ? max(duration, .seconds(60)) : duration) {
                            var request = HTTPClientRequest(url: node.url + path)
                            if let key { request.headers.add(name: "X-API-Key", value: key) }
                            let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
                            let body = try await answer.body.collect(upTo: 1 << 20)
                            switch answer.status.code {
                            case 200: counts.0 += 1
                            case 429 where !cutOff: counts.1 += 1
                            case 503 where cutOff:
                                counts.1 += 1
                                #expect(String(buffer: body).contains("DL9001") && answer.headers.first(name: "Retry-After").flatMap { Int($0) } ?? 0 > 0)
                            default: Issue.record("status \(answer.status.code)")
                            }
                        }
                        return counts
                    }
                }
            }
            return try await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
        }
        return (counts.0, counts.1, (ContinuousClock.now - began) / .seconds(1))
    }

    @Test func twoNodesTogetherLetThroughTheLimitAndATenthMoreAtMost() async throws {
        try await Self.withNodes(["anonymous.read=200/20"]) { _, first, second, settlements in
            let before = settlements.count.withLock { $0 }
            let sum = try await hammer([first, second], for: .seconds(3))
            let limit = 200 + sum.seconds * 10
            #expect(Double(sum.allowed) <= limit * 1.1, "\(sum)")
            #expect(Double(sum.allowed) >= limit * 0.9, "\(sum)")
            #expect(sum.refused > 0)
            // Not one for each request: neither for those let through nor for those refused.
            let questions = settlements.count.withLock { $0 } - before
            #expect(questions < (sum.allowed + sum.refused) / 2, "\(questions) settlements for \(sum)")
        }
    }

    /// A request that has to wait for the settlement is charged once, however often it is looked at before.
    @Test func whoHasToWaitIsChargedOnce() async throws {
        try await Self.withNodes(["anonymous.read=20/20000"]) { _, first, _, _ in
            var left: [Int] = []
            for _ in 0..<6 {
                let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: first.url + "/v1/limits"), timeout: .seconds(20))
                #expect(answer.status == .ok)
                let field = try #require(answer.headers.first(name: "RateLimit"))
                left.append(try #require(field.firstMatch(of: /;r=(\d+)/).flatMap { Int($0.1) }))
                // What was set aside for it and not used is no longer waited with.
                try await Task.sleep(for: .milliseconds(1100))
            }
            #expect(left == [19, 18, 17, 16, 15, 14])
        }
    }

    @Test func theCommonAccountTakesBackWhatWasNotUsedAndKeepsNoGreaterDebtThanItTells() async throws {
        try await withTestDatabase { db in
            let store = try await db.openStore(), limit = Limit(quota: 100, window: 1_000_000)
            func settle(_ charge: Double, _ want: Int) async throws -> Settled {
                let question = Settlement(client: ClientKey(address: try #require(IPAddress("198.51.100.7"))), tier: .anonymous, action: .read, limit: limit, charge: charge, want: want)
                return try #require(try await store.settle([question]).first)
            }
            var answer = try await settle(30, 80)
            #expect(answer.granted == 70 && (99...100).contains(answer.debt))
            answer = try await settle(-70, 0)
            #expect(answer.granted == 0 && (29...30).contains(answer.debt))
            answer = try await settle(1000, 5)
            #expect(answer.granted == 0 && (119...120).contains(answer.debt))
            // Less than nothing is nothing: it cannot be saved up.
            answer = try await settle(-500, 0)
            #expect(answer.debt == 0)
            answer = try await settle(0, 100)
            #expect(answer.granted == 100 && (99...100).contains(answer.debt))
            await store.close()
        }
    }

    @Test func aClientThatGoesFromOneNodeToTheOtherGetsNothingAnew() async throws {
        try await Self.withNodes(["anonymous.read=200/200"]) { _, first, second, _ in
            let one = try await hammer([first], for: .seconds(1))
            let other = try await hammer([second], for: .seconds(1))
            #expect(one.allowed >= 190, "\(one)")
            #expect(Double(one.allowed + other.allowed) <= (200 + one.seconds + other.seconds) * 1.1, "\(one) \(other)")
        }
    }

    @Test func withoutTheDatabaseTheNodesGoOnAndDoNotExceedTheLimit() async throws {
        try await Self.withNodes(["anonymous.read=200/20"]) { db, first, second, _ in
            let before = try await hammer([first, second], for: .seconds(1))
            try await db.cut()
            for node in [first, second] {
                for _ in 0..<3000 where node.api.gate.limiter.fleet?.isCutOff != true { try await Task.sleep(for: .milliseconds(20)) }
                #expect(node.api.gate.limiter.fleet == Fleet(nodes: 2, isCutOff: true))
            }
            // By now the client has units again: he is not told that he went over his limit.
            try await Task.sleep(for: .seconds(8))
            let after = try await hammer([first, second], for: .seconds(3), cutOff: true)
            // Half a unit a second from each node: none knows whether it alone is cut off.
            #expect(after.allowed >= 1, "\(after)")
            #expect(Double(before.allowed + after.allowed) <= (200 + (before.seconds + after.seconds + 10) * 10) * 1.1, "\(before) \(after)")
            #expect(Double(after.allowed) <= (after.seconds + 10) * 10 * 0.1 + 20, "\(after)")
        }
    }

    @Test func aKeyBehindOneAddressHasItsOwnAllowanceAndLearnsWhatItUsed() async throws {
        try await Self.withNodes(["anonymous.read=20/2000", "registered.read=60/6000"]) { db, first, second, _ in
            let key = try await db.addKey([.read])
            let strangers = try await hammer([first, second], for: .seconds(1))
            #expect((15...24).contains(strangers.allowed), "\(strangers)")
            let held = try await hammer([first, second], for: .seconds(1), key: key.text)
            #expect((50...67).contains(held.allowed), "\(held)")
            // The class of `usage` is used up; the tier of another class is not.
            let sum = try await second.api.gate.allowances.usage(of: key.id)
            let rest = try await first.api.gate.allowances.usage(of: key.id)
            #expect((sum[.read]?.units ?? 0) > 0 && (rest[.read]?.units ?? 0) > 0)
            await first.server.shutdown(within: .zero)
            await second.server.shutdown(within: .zero)
            let written = try await second.store.usage(ofKey: key.id)
            #expect(written.map(\.action) == [.read])
            #expect(written[0].units == held.allowed && written[0].refused == held.refused && written[0].requests == held.allowed + held.refused)
        }
    }

    @Test func usageIsToldByClassOverAllNodes() async throws {
        try await Self.withNodes(["registered.read=1000/100000"]) { db, first, second, _ in
            let key = try await db.addKey([.read])
            for _ in 0..<30 { _ = try await ask(first, "/v1/keys/self", key.text) }
            for _ in 0..<30 { _ = try await ask(first, "/v1/limits", key.text) }
            let usage = try await ask(second, "/v1/usage", key.text)
            let read = try #require(usage["classes"]?.array?.first { $0["action"]?.string == "read" })
            #expect(usage["prefix"]?.string == key.prefix && usage["tier"]?.string == "registered")
            #expect(read["quota"]?.int == 1000 && read["window_seconds"]?.int == 100_000)
            // What the first node has settled is known here; a twentieth of the limit it may keep to itself.
            let used = try #require(read["used"]?.int)
            #expect((11...61).contains(used), "\(used)")
            #expect(read["remaining"]?.int == 1000 - used)
        }
    }

    private func ask(_ node: Node, _ path: String, _ key: String) async throws -> JSONValue {
        var request = HTTPClientRequest(url: node.url + path)
        request.headers.add(name: "X-API-Key", value: key)
        let answer = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        return try JSONValue(json: Data(try await answer.body.collect(upTo: 1 << 20).readableBytesView))
    }
}
