import Foundation
import Hummingbird
import Model
import NIOCore
import RateLimit
import Testing

@testable import API

/// A client that goes on asking on one connection while it is over its limit.
@Suite(.timeLimit(.minutes(20))) struct RepeatedRefusalTests {
    private static func routes(_ routes: Routes) {
        routes.get("/who", .read) { _, context in try .json(["client": context.exchange.client.description]) }
        routes.get("/other", .read) { _, _ in Response(status: .ok) }
        routes.get("/words", .search) { _, _ in Response(status: .ok) }
        routes.get("/costly/{n}", .query, cost: { path, _ in Int(path.split(separator: "/")[1]) ?? 1 }) { _, _ in Response(status: .ok) }
    }

    /// A server on which a client may read once in a day.
    private static func once(_ configure: (inout API.Configuration) throws -> Void = { _ in }, _ body: @Sendable (TestServer) async throws -> Void) async throws {
        try await TestServer.with(
            keys: [TestServer.key()],
            configure: {
                $0.policy = try .defaults.overridden(by: ["anonymous.read=1/86400"])
                try configure(&$0)
            }, routes: Self.routes, body)
    }

    private static func get(_ path: String, _ fields: String..., on connection: RawConnection) async throws -> RawResponse {
        try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
        return try await connection.response()
    }

    /// What is said, without the id and without how long to wait.
    private static func lasting(_ response: RawResponse) -> [String] {
        response.stable.map { $0.replacing(#/urn:daylight:request:[^"]+|[0-9]+ 秒后重试|retry in [0-9]+|Retry-After: [0-9]+|;t=[0-9]+/#, with: "") }
    }

    private static func expectOwnID(_ response: RawResponse) throws -> String {
        let id = try #require(response["X-Request-Id"])
        #expect(response.text.contains("\"urn:daylight:request:\(id)\""))
        #expect(response["Content-Length"] == "\(response.body.readableBytes)")
        #expect(response["Date"]?.hasSuffix(" GMT") ?? false)
        return id
    }

    @Test func eachIsAnsweredLikeTheFirstAndCounted() async throws {
        try await Self.once { server in
            let metrics = server.api.gate.metrics, route = try #require(server.api.gate.route(method: "GET", template: "/who"))
            try await server.connect { connection in
                #expect(try await Self.get("/who", on: connection).status == 200)
                let first = try await Self.get("/who", on: connection)
                #expect(first.status == 429)
                var ids: Set = [try Self.expectOwnID(first)], bytes = first.body.readableBytes
                // Past the turn of a second, the text is another.
                for number in 0..<30 {
                    if number % 10 == 5 { try await Task.sleep(for: .milliseconds(600)) }
                    let again = try await Self.get("/who", on: connection)
                    #expect(Self.lasting(again) == Self.lasting(first))
                    let wait = try #require(again["Retry-After"])
                    #expect(again["RateLimit"] == "\"read\";r=0;t=\(wait)" && again.text.contains("\(wait) 秒后重试"))
                    ids.insert(try Self.expectOwnID(again))
                    bytes += again.body.readableBytes
                }
                #expect(ids.count == 31)
                #expect(metrics.refused[ActionClass.read.index] == 31 && route.metrics.requests[3] == 31 && route.metrics.requests[1] == 1)
                #expect(route.metrics.sums[1] > bytes && (0..<13).reduce(0) { $0 + route.metrics.buckets[$1] } == 32)
            }
        }
    }

    @Test func thoseThatComeInOneReadAreAnsweredInTheirOrder() async throws {
        try await Self.once { server in
            try await server.connect { connection in
                func text(_ number: Int) -> String {
                    let path = number % 10 < 7 ? "/who" : number % 10 == 7 ? "/words" : "/other", id = number % 3 == 0 ? "" : "X-Request-Id: r\(number)\r\n"
                    return "GET \(path) HTTP/1.1\r\nHost: h\r\n\(id)\r\n"
                }
                var ids: Set<String> = [], refused = 0
                for turn in 0..<3 {
                    // The last turn ends in the middle of a request, after which the decoder has the connection.
                    let all = (0..<90).map { text(turn * 90 + $0) }.joined(), cut = turn == 2 ? 17 : 0
                    try await connection.send(String(all.dropLast(cut)))
                    for number in turn * 90..<turn * 90 + 90 {
                        if cut > 0, number == 269 { try await connection.send(String(all.suffix(cut))) }
                        let answer = try await connection.response()
                        let isServed = number == 0 || number % 10 == 7
                        #expect(answer.status == (isServed ? 200 : 429), "\(number)")
                        if !isServed { refused += 1 }
                        if number % 3 != 0 { #expect(answer["X-Request-Id"] == "r\(number)") }
                        ids.insert(isServed ? answer["X-Request-Id"] ?? "" : try Self.expectOwnID(answer))
                    }
                }
                #expect(ids.count == 270 && server.api.gate.metrics.refused[ActionClass.read.index] == refused)
            }
        }
    }

    @Test func aRequestThatDiffersInAnythingIsTakenForWhatItIs() async throws {
        try await Self.once { server in
            try await server.connect { connection in
                _ = try await Self.get("/who", on: connection)
                for _ in 0..<3 { #expect(try await Self.get("/who", on: connection)["Content-Language"] == "zh") }
                for _ in 0..<3 {
                    let english = try await Self.get("/who", "Accept-Language: en", on: connection)
                    #expect(english.status == 429 && english["Content-Language"] == "en" && english.text.contains("over the limit for read"))
                }
                for id in ["abc", "abc", "abd", "a.longer-one"] {
                    let refused = try await Self.get("/who", "X-Request-Id: \(id)", on: connection)
                    #expect(try Self.expectOwnID(refused) == id)
                }
                #expect(try await Self.get("/other", on: connection).status == 429)
                #expect(try await Self.get("/other", on: connection).status == 429)
                #expect(try await Self.get("/words", on: connection).status == 200)
                #expect(try await Self.get("/who", on: connection).status == 429)
                #expect(try await Self.get("/nothing", on: connection).status == 429)
                #expect(try await Self.get("/who", on: connection).status == 429)
                // A key has a quota of its own.
                #expect(try await Self.get("/who", "X-API-Key: \(TestServer.secret)", on: connection).status == 200)
                #expect(try await Self.get("/who", on: connection).status == 429)
            }
        }
    }

    @Test func holdersOfKeysAreRefusedByTheirOwnQuotas() async throws {
        let other = "dk_other_0123456789abcdef"
        var second = TestServer.key(text: other, tier: "trusted")
        second.id = "00000000-0000-0000-0000-000000000002"
        try await TestServer.with(
            keys: [TestServer.key(), second], configure: { $0.policy = try .defaults.overridden(by: ["*.read=1/86400", "trusted.read=2/86400"]) }, routes: Self.routes
        ) { server in
            let metrics = server.api.gate.metrics, first = TestServer.secret
            try await server.connect { connection in
                func ask(_ key: String?, _ path: String = "/who") async throws -> RawResponse {
                    guard let key else { return try await Self.get(path, on: connection) }
                    return try await Self.get(path, path == "/who" ? "Authorization: Bearer \(key)" : "X-API-Key: \(key)", on: connection)
                }
                var refused: [String: [String]] = [:], refusals = 0
                let turns: [(String?, Int)] = [
                    (first, 200), (first, 429), (first, 429), (first, 429), (other, 200), (other, 200), (other, 429), (other, 429), (first, 429), (nil, 200), (nil, 429), (nil, 429),
                    (first, 429), (other, 429), ("dk_tester_wrongwrong", 401), (first, 429), ("nonsense", 401), (other, 429),
                ]
                for path in ["/who", "/other"] {
                    for (key, status) in turns {
                        let answer = try await ask(key, path), status = path == "/other" && status == 200 ? 429 : status
                        // Whoever guesses at keys is held to his address's quota, which is spent by then.
                        #expect(answer.status == (status == 401 ? 429 : status), "\(key ?? "nobody") \(path)")
                        guard answer.status == 429, status != 401 else { continue }
                        refusals += 1
                        let name = "\(key ?? "nobody") \(path)"
                        _ = try Self.expectOwnID(answer)
                        #expect(Self.lasting(answer) == refused[name] ?? Self.lasting(answer), "\(name)")
                        refused[name] = Self.lasting(answer)
                        #expect(answer["RateLimit-Policy"] == "\"read\";q=\(key == other ? 2 : 1);w=86400")
                    }
                }
                // Those who guess were refused twice for each path.
                #expect(metrics.refused[ActionClass.read.index] == refusals + 4)
            }
            let usage = try await server.api.gate.allowances.usage(of: TestServer.key().id)
            #expect(usage[.read].map { [$0.requests, $0.units, $0.refused] } == [14, 1, 13])
        }
    }

    @Test func aKeyThatEndsIsNoKeyAnyMore() async throws {
        let end = Timestamp(microseconds: Timestamp.now.microseconds + 1_500_000)
        try await TestServer.with(
            keys: [TestServer.key(expiresAt: end)], configure: { $0.policy = try .defaults.overridden(by: ["registered.read=1/86400"]) }, routes: Self.routes
        ) { server in
            try await server.connect { connection in
                var statuses: [Int] = []
                for _ in 0..<6000 where statuses.last != 401 {
                    statuses.append(try await Self.get("/who", "X-API-Key: \(TestServer.secret)", on: connection).status)
                    #expect(statuses.last == 401 || Timestamp.now < Timestamp(microseconds: end.microseconds + 60_000_000))
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(statuses.last == 401 && Timestamp.now >= end)
                #expect(Set(statuses.dropFirst().dropLast()).isSubset(of: [429]))
            }
        }
    }

    @Test func clientsBehindOneHopAreToldApart() async throws {
        try await Self.once({ $0.trustedHops = TrustedHops(networks: [try #require(IPNetwork("127.0.0.0/8"))]) }) { server in
            try await server.connect { connection in
                for (client, status) in [(1, 200), (1, 429), (1, 429), (2, 200), (2, 429), (1, 429), (3, 200), (2, 429), (2, 429)] {
                    let answer = try await Self.get("/who", "X-Forwarded-For: 203.0.113.\(client)", on: connection)
                    #expect(answer.status == status)
                }
            }
        }
    }

    @Test func whoHasWaitedIsServedAndChargedOnce() async throws {
        try await TestServer.with(configure: { $0.policy = try .defaults.overridden(by: ["anonymous.query=3/3"]) }, routes: Self.routes) { server in
            try await server.connect { connection in
                let start = ContinuousClock.now
                #expect(try await Self.get("/costly/3", on: connection).status == 200)
                var spent = 3
                for _ in 0..<3 {
                    // Were refusals charged, no other answer would ever come.
                    var answer = try await Self.get("/costly/2", on: connection)
                    for _ in 0..<6000 where answer.status == 429 {
                        try await Task.sleep(for: .milliseconds(10))
                        answer = try await Self.get("/costly/2", on: connection)
                    }
                    #expect(answer.status == 200)
                    spent += 2
                    // A unit comes back each second.
                    let left = try #require(answer["RateLimit"]?.firstMatch(of: #/;r=([0-9]+);/#).flatMap { Double($0.1) })
                    #expect(left <= 3 + start.duration(to: .now) / .seconds(1) - Double(spent), "\(answer.fields)")
                }
            }
        }
    }
}
