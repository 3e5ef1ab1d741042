import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit
import Synchronization
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerLimitsTests {
    private static func expect(_ response: RawResponse, _ code: ProblemCode) {
        #expect(response.status == code.status)
        #expect(response["Content-Type"] == "application/problem+json")
        #expect(response.text.contains("\"code\":\"\(code.rawValue)\""))
        #expect(response["X-Request-Id"] != nil)
        #expect(response["RateLimit"] != nil)
    }

    private static func routes(_ routes: Routes) {
        routes.post("/json", .push, body: .json) { request, context in
            try .json(try await request.json([String: Int].self, context))
        }
        routes.post("/stream", .push, body: .stream) { request, _ in
            var count = 0
            for try await part in request.body { count += part.readableBytes }
            return try .json(["count": count])
        }
    }

    @Test func longAddressesAreRefused() async throws {
        try await TestServer.with { server in
            let long = String(repeating: "a", count: 9000)
            Self.expect(try await server.get("/\(long)"), .uriTooLong)
            Self.expect(try await server.get("/\(long)\(long)\(long)"), .uriTooLong)
        }
    }

    @Test func largeHeadersAreRefused() async throws {
        try await TestServer.with { server in
            let long = String(repeating: "a", count: 9000)
            Self.expect(try await server.get("/", "X-A: \(long)", "X-B: \(long)", "X-C: \(long)"), .headersTooLarge)
            Self.expect(try await server.get("/", "X-A: \(long)\(long)"), .headersTooLarge)
            let many = (0..<200).map { "X-\($0): 1\r\n" }.joined()
            Self.expect(try await server.ask("GET / HTTP/1.1\r\nHost: h\r\n\(many)\r\n"), .headersTooLarge)
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nBad Header: 1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        "POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func malformedRequestsAreToldSo(_ text: String) async throws {
        try await TestServer.with(routes: Self.routes) { server in
            try await server.connect { connection in
                try await connection.send(text)
                let response = try await connection.response()
                Self.expect(response, .malformedRequest)
                #expect(response["Connection"] == "close")
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    /// Who types `?q=灯塔` is told how it is written.
    @Test func anAddressThatIsNotASCIIIsToldItsSpelling() async throws {
        try await TestServer.with { server in
            let response = try await server.ask("GET /v1/datasets?q=灯塔 HTTP/1.1\r\nHost: h\r\n\r\n")
            Self.expect(response, .malformedRequest)
            #expect(response.text.contains("百分号编码"), "\(response.text)")
            Self.expect(try await server.ask("GET / HTTP/1.1\r\nHost: h\r\nBad Header: 灯\r\n\r\n"), .malformedRequest)
        }
    }

    @Test func refusalReachesASenderWhoGoesOnWithRubbish() async throws {
        try await TestServer.with { server in
            try await server.connect { connection in
                try await connection.send("RUBBISH\r\n\r\n")
                for _ in 0..<20 {
                    try? await connection.send(String(repeating: "x", count: 10_000))
                    try await Task.sleep(for: .milliseconds(5))
                }
                Self.expect(try await connection.response(), .malformedRequest)
            }
        }
    }

    @Test func malformedRequestAfterAGoodOneDoesNotSpoilItsAnswer() async throws {
        try await TestServer.with { server in
            try await server.connect { connection in
                try await connection.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\nRUBBISH\r\n\r\n")
                #expect(try await connection.response().status == 200)
                Self.expect(try await connection.response(), .malformedRequest)
            }
        }
    }

    /// Whatever was asked for ahead of it: a request that waits, or more answers than the client takes at once.
    @Test func whatIsMalformedIsSaidOnceAllThatCameBeforeItIsAnswered() async throws {
        let large = ByteBuffer(repeating: UInt8(ascii: " "), count: 10_000)
        try await TestServer.with(routes: { routes in
            routes.get("/slow", .read) { _, _ in
                try await Task.sleep(for: .milliseconds(100))
                return try .json(["slow": 1])
            }
            routes.get("/large", .read) { _, _ in Response(status: .ok, body: .init(byteBuffer: large)) }
        }) { server in
            for (path, count) in [("/slow", 3), ("/large", 200)] {
                // The plainest kind is read ahead of the decoder.
                for field in ["", "A_b: c\r\n"] {
                    try await server.connect { connection in
                        try await connection.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: h\r\n\(field)\r\n", count: count) + "RUBBISH\r\n\r\n")
                        for _ in 0..<count { #expect(try await connection.response().status == 200) }
                        Self.expect(try await connection.response(), .malformedRequest)
                        #expect(await connection.rest().readableBytes == 0)
                    }
                }
            }
        }
    }

    @Test func largeBodiesAreRefusedWhetherAnnouncedOrNot() async throws {
        try await TestServer.with(configure: {
            $0.jsonLimit = 1000
            $0.streamLimit = 5000
        }, routes: Self.routes) { server in
            let body = String(repeating: " ", count: 1001)
            Self.expect(try await server.ask("POST /json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 1001\r\n\r\n\(body)"), .payloadTooLarge)
            Self.expect(
                try await server.ask("POST /json HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n\(body)\r\n0\r\n\r\n"), .payloadTooLarge)
            let piece = "3e8\r\n" + String(repeating: "x", count: 1000) + "\r\n"
            let five = String(repeating: piece, count: 5)
            #expect(try await server.ask("POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(five)0\r\n\r\n").text == "{\"count\":5000}")
            Self.expect(try await server.ask("POST /stream HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n\(five)\(piece)0\r\n\r\n"), .payloadTooLarge)
        }
    }

    @Test func jsonBodiesAreTakenAsJSONOnlyAndFaultsNameTheirPlace() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            func post(_ body: String, _ type: String = "application/json") async throws -> RawResponse {
                try await server.ask("POST /json HTTP/1.1\r\nHost: h\r\nAccept-Language: en\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            }
            #expect(try await post("{\"a\":1}").text == "{\"a\":1}")
            #expect(try await post("{\"a\":1}", "application/merge-patch+json; charset=utf-8").status == 200)
            Self.expect(try await post("a=1", "application/x-www-form-urlencoded"), .unsupportedMediaType)
            let wrong = try await post("{\"a\":\"one\"}")
            Self.expect(wrong, .invalidJSON)
            #expect(wrong.text.contains("\"place\":\"/a\"") && wrong.text.contains("wrong type, expected a number"))
            Self.expect(try await post("{\"a\":"), .invalidJSON)
            Self.expect(try await post(""), .invalidJSON)
        }
    }

    @Test func slowHeadIsToldSoAndClosed() async throws {
        try await TestServer.with(configure: { $0.headerTimeout = 3 }) { server in
            // What is sent after the server has closed resets the connection, and with it the answer: on a machine that stands still for so long, again.
            var answer: RawResponse?
            for _ in 0..<5 where answer == nil {
                answer = try await server.connect { connection in
                    for byte in "GET / HT" { try? await connection.send(String(byte)) }
                    guard let answer = try? await connection.response() else { return nil }
                    #expect(await connection.rest().readableBytes == 0)
                    return answer
                }
            }
            Self.expect(try #require(answer), .requestTimeout)
        }
    }

    @Test func idleConnectionsAreClosedInSilence() async throws {
        try await TestServer.with(configure: { $0.headerTimeout = 0.2 }) { server in
            let rest = try await server.connect { await $0.rest() }
            #expect(rest.readableBytes == 0)
        }
        try await TestServer.with(configure: { $0.idleTimeout = 0.3 }) { server in
            try await server.connect { connection in
                try await connection.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.response().status == 200)
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func slowBodyIsToldSoAndClosed() async throws {
        try await TestServer.with(configure: {
            $0.bodyInterval = 0.3
            $0.bodyProgress = 100
        }, routes: Self.routes) { server in
            try await server.connect { connection in
                try await connection.send("POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n")
                for _ in 0..<6 {
                    try? await connection.send("x")
                    try await Task.sleep(for: .milliseconds(60))
                }
                let response = try await connection.response()
                Self.expect(response, .requestTimeout)
                #expect(response["Connection"] == "close")
            }
        }
    }

    @Test func bodyThatGetsOnIsNotCut() async throws {
        try await TestServer.with(configure: {
            $0.bodyInterval = 4
            $0.bodyProgress = 10
        }, routes: Self.routes) { server in
            try await server.connect { connection in
                try await connection.send("POST /stream HTTP/1.1\r\nHost: h\r\nContent-Length: 200\r\n\r\n")
                for _ in 0..<10 {
                    try await connection.send(String(repeating: "x", count: 20))
                    try await Task.sleep(for: .milliseconds(450))
                }
                #expect(try await connection.response().text == "{\"count\":200}")
            }
        }
    }

    @Test func readerThatTakesNothingIsCutOff() async throws {
        let ended = Produced()
        try await TestServer.with(configure: { $0.writeTimeout = 0.3 }, routes: { routes in
            routes.get("/endless", .read) { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        do {
                            let piece = ByteBuffer(repeating: 7, count: 1 << 20)
                            while true { try await writer.write(piece) }
                        } catch {
                            ended.bytes.withLock { $0 = 1 }
                            throw error
                        }
                    }
                )
            }
        }) { server in
            try await server.connect { connection in
                try await connection.send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await connection.line()
                for _ in 0..<6000 where ended.bytes.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(10)) }
                #expect(ended.bytes.withLock { $0 } == 1)
            }
            #expect(server.api.gate.metrics.timeouts[2] == 1)
        }
    }

    @Test func connectionsBeyondTheLimitAreTurnedAway() async throws {
        try await TestServer.with(configure: { $0.connectionLimit = 1 }) { server in
            try await server.connect { first in
                try await first.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await first.response().status == 200)
                try await server.connect { second in
                    let response = try await second.response()
                    #expect(response.status == 503)
                    #expect(response["Retry-After"] == "5")
                    #expect(response["Content-Type"] == "application/problem+json")
                }
            }
        }
    }
}
