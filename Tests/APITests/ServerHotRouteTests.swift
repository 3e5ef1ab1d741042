import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOPosix
import RateLimit
import Testing

@testable import API

/// Answers `/twice/{word}` with the word twice; passes on what is in capitals, late when it is `LATE`.
private struct TwiceHot: HotRoute {
    let template = "/twice/{word}"
    static let headers: HTTPFields = [.contentType: "text/plain", .eTag: "\"1\"", .cacheControl: "public, max-age=60"]

    func match(path: Substring, query: Substring?) -> HotWork? {
        guard path.hasPrefix("/twice/"), query == nil else { return nil }
        let word = String(path.dropFirst(7))
        if word == "DECLINED" { return nil }
        return HotWork { request, reply in
            if word.hasPrefix("slow") {
                request.eventLoop.scheduleTask(in: .milliseconds(20)) { reply.send(.ok, Self.headers, ByteBuffer(string: word + word)) }
            } else if word == "elsewhere" {
                NIOSingletons.posixBlockingThreadPool.submit { _ in reply.send(.ok, Self.headers, ByteBuffer(string: word + word)) }
            } else if word == "LATE" {
                request.eventLoop.scheduleTask(in: .milliseconds(5)) { reply.pass() }
            } else if word == "same" {
                reply.send(.notModified, Self.headers, ByteBuffer())
            } else {
                reply.send(.ok, Self.headers, ByteBuffer(string: word + word))
            }
        }
    }

    static func record(_ routes: Routes) {
        routes.get("/twice/{word}", .query, cost: { path, _ in path == "/twice/dear" ? 100 : 1 }) { request, context in
            let word = try context.path("word")
            if word == "same" { return Response(status: .notModified, headers: headers) }
            return Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: word + word)))
        }
    }
}

@Suite(.timeLimit(.minutes(20))) struct ServerHotRouteTests {
    @Test func bothWaysGiveTheSameBytes() async throws {
        func answers(_ hot: [any HotRoute]) async throws -> [[String]] {
            try await TestServer.with(keys: [TestServer.key()], configure: { $0.policy = try .defaults.overridden(by: ["*.*=1500/1000000", "anonymous.query=150/1000000"]) }, routes: TwiceHot.record, hot: hot) { server in
                try await server.connect { connection in
                    var answers: [[String]] = []
                    let long = String(repeating: "long", count: 500)
                    for path in ["ab", "slow", "elsewhere", "LATE", "DECLINED", "same", "dear", "dear", long, "ab?x=1"] {
                        for field in ["X-A: b", "Accept-Language: en", "X-API-Key: \(TestServer.secret)", "X-API-Key: dk_tester_wrongwrong", "Authorization: Basic eA=="] {
                            try await connection.send("GET /twice/\(path) HTTP/1.1\r\nHost: h\r\nX-Request-Id: fixed\r\n\(field)\r\n\r\n")
                            answers.append(try await connection.response().stable)
                        }
                    }
                    return answers
                }
            }
        }
        let hot = try await answers([TwiceHot()]), ordinary = try await answers([])
        #expect(hot.count == 50)
        for (hot, ordinary) in zip(hot, ordinary) {
            let same = hot.map(Self.withoutTime) == ordinary.map(Self.withoutTime)
            #expect(same, "\(hot.joined(separator: "\n").prefix(2000))\n--\n\(ordinary.joined(separator: "\n").prefix(2000))")
        }
        #expect(Set(hot.compactMap(\.first)) == ["HTTP/1.1 200 OK", "HTTP/1.1 304 Not Modified", "HTTP/1.1 429 Too Many Requests", "HTTP/1.1 401 Unauthorized"])
    }

    /// The seconds until a quota is full depend on when the test runs.
    private static func withoutTime(_ line: String) -> String {
        line.replacing(#/;t=\d+|Retry-After: \d+|\d+ 秒后|retry in \d+ s/#, with: "")
    }

    @Test func orderIsKeptBetweenHotAndOrdinaryAnswers() async throws {
        try await TestServer.with(routes: { routes in
            TwiceHot.record(routes)
            routes.get("/nap", .read) { _, _ in
                try await Task.sleep(for: .milliseconds(15))
                return Response(status: .ok)
            }
        }, hot: [TwiceHot()]) { server in
            try await server.connect { connection in
                let paths = ["/twice/slow", "/twice/a", "/nap", "/twice/b", "/twice/LATE", "/twice/elsewhere", "/twice/c", "/nap", "/nap", "/twice/slow2"]
                let requests = paths.map { "GET \($0) HTTP/1.1\r\nHost: h\r\nX-Request-Id: \($0.dropFirst().replacing("/", with: "-"))\r\n\r\n" }
                try await connection.send(requests.joined())
                for path in paths {
                    let response = try await connection.response()
                    #expect(response.status == 200)
                    #expect(response["X-Request-Id"] == String(path.dropFirst()).replacing("/", with: "-"))
                }
            }
            #expect(server.api.gate.metrics.hot[0] == 6)
        }
    }

    @Test func hotAnswersAreCountedUnderTheRouteOfRecord() async throws {
        try await TestServer.with(routes: TwiceHot.record, hot: [TwiceHot()]) { server in
            _ = try await server.get("/twice/a")
            _ = try await server.get("/twice/DECLINED")
            let route = try #require(server.api.gate.route(method: "GET", template: "/twice/{word}"))
            #expect(route.metrics.requests[1] == 2)
        }
    }

    @Test func clientThatLeavesDoesNotTroubleALateAnswer() async throws {
        try await TestServer.with(routes: TwiceHot.record, hot: [TwiceHot()]) { server in
            for _ in 0..<20 {
                try await server.connect { try await $0.send("GET /twice/slow HTTP/1.1\r\nHost: h\r\n\r\n") }
            }
            try await Task.sleep(for: .milliseconds(50))
            #expect(try await server.get("/twice/a").text == "aa")
        }
    }
}
