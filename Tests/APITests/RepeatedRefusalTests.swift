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
                // A key has a quota of its own; after it nothing on this connection is taken for plain.
                #expect(try await Self.get("/who", "X-API-Key: \(TestServer.secret)", on: connection).status == 200)
                #expect(try await Self.get("/who", on: connection).status == 429)
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
                #expect(try await Self.get("/costly/3", on: connection).status == 200)
                for _ in 0..<3 {
                    var answer = try await Self.get("/costly/2", on: connection)
                    let refused = answer
                    for _ in 0..<6000 where answer.status == 429 {
                        try await Task.sleep(for: .milliseconds(10))
                        answer = try await Self.get("/costly/2", on: connection)
                    }
                    #expect(answer.status == 200)
                    // Being refused cost nothing: as soon as two are there, they are given, and none is left.
                    if refused.status == 429 { #expect(answer["RateLimit"]?.hasPrefix("\"query\";r=0;") ?? false, "\(answer.fields)") }
                }
            }
        }
    }
}
