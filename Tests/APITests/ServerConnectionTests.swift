import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOPosix
import RateLimit
import Synchronization
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerConnectionTests {
    private static func plain(_ text: String) -> Response {
        Response(status: .ok, headers: [.contentType: "text/plain"], body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private static func testRoutes(_ routes: Routes) {
        routes.get("/hello", .read) { _, _ in plain("hello") }
        routes.get("/slow/{ms}", .read) { _, context in
            try await Task.sleep(for: .milliseconds(Int(context.path("ms")) ?? 0))
            return plain("slow")
        }
        routes.get("/chunks/{count}", .read) { _, context in
            let count = Int(try context.path("count")) ?? 0
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    for index in 0..<count {
                        try await writer.write(ByteBuffer(string: "part\(index) "))
                        await Task.yield()
                    }
                    try await writer.finish(nil)
                }
            )
        }
        routes.get("/short", .read) { _, _ in
            Response(
                status: .ok,
                body: ResponseBody(contentLength: 10) { writer in
                    try await writer.write(ByteBuffer(string: "four"))
                    try await writer.finish(nil)
                }
            )
        }
        routes.get("/breaks", .read) { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "begun"))
                    throw CancellationError()
                }
            )
        }
        routes.post("/count", .push, body: .stream) { request, _ in
            var count = 0
            var sum = 0
            for try await part in request.body {
                count += part.readableBytes
                sum = part.readableBytesView.reduce(sum) { ($0 &* 31 &+ Int($1)) & 0xffff_ffff }
            }
            return plain("\(count) \(sum)")
        }
        routes.post("/forbidden", .push, body: .stream) { _, context in
            try context.require(.push)
            return plain("in")
        }
    }

    @Test func oneConnectionTakesManyRequests() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                for _ in 0..<50 {
                    try await connection.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                    let response = try await connection.response()
                    #expect(response.status == 200)
                    #expect(response.text == "hello")
                }
            }
        }
    }

    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                var text = ""
                for index in 0..<300 {
                    text += index % 50 == 0 ? "GET /slow/20 HTTP/1.1\r\nHost: h\r\nX-Request-Id: r\(index)\r\n\r\n" : "GET /hello HTTP/1.1\r\nHost: h\r\nX-Request-Id: r\(index)\r\n\r\n"
                    if index % 7 == 0 { text += "POST /count HTTP/1.1\r\nHost: h\r\nX-Request-Id: p\(index)\r\nContent-Length: 3\r\n\r\nabc" }
                }
                try await connection.send(text)
                for index in 0..<300 {
                    let response = try await connection.response()
                    #expect(response["X-Request-Id"] == "r\(index)")
                    #expect(response.text == (index % 50 == 0 ? "slow" : "hello"))
                    if index % 7 == 0 {
                        let response = try await connection.response()
                        #expect(response["X-Request-Id"] == "p\(index)")
                        #expect(response.status == 429 || response.text.hasPrefix("3 "))
                    }
                }
            }
        }
    }

    @Test func headHasTheFieldsOfGetAndNoBody() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                let head = try await connection.response(toHead: true), get = try await connection.response()
                #expect(head["Content-Length"] == "5")
                #expect(head.fields.map(\.name) == get.fields.map(\.name))
                #expect(get.text == "hello")
                try await connection.send("HEAD /chunks/3 HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.response(toHead: true)["Content-Length"] == nil)
                #expect(try await connection.response().text == "hello")
            }
        }
    }

    /// Other protocols are not spoken here: the answer comes, and says that it is the last.
    @Test(arguments: ["GET /hello HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n"])
    func anUpgradeIsTheLastRequest(_ text: String) async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send(text)
                let answer = try await connection.response()
                #expect(answer["Connection"] == "close" && [200, 400, 404].contains(answer.status))
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func aClientOfHTTP1Point0GetsNoInterimAnswer() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /count HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
                #expect(try await connection.response().text.hasPrefix("3 "))
            }
        }
    }

    /// The client sends no more, and takes its answers late.
    @Test func whatWasAnsweredGoesOutOnHalfAConnection() async throws {
        let large = ByteBuffer(repeating: UInt8(ascii: "x"), count: 4 << 20)
        try await TestServer.with(routes: { $0.get("/large", .read) { _, _ in Response(status: .ok, body: .init(byteBuffer: large)) } }) { server in
            try await RawConnection.open(port: server.server.port, receiveBuffer: 65_536) { connection in
                try await connection.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
                connection.closeOutput()
                try await Task.sleep(for: .milliseconds(300))
                #expect(try await connection.response().body == large)
            }
        }
    }

    @Test func streamsWithoutALengthAreChunked() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            let response = try await server.get("/chunks/3")
            #expect(response.text == "part0 part1 part2 ")
            #expect(response["Transfer-Encoding"] == "chunked")
            #expect(response.chunks.last == 0)
            let empty = try await server.get("/chunks/0")
            #expect(empty.text == "")
            #expect(empty.chunks == [0])
            let old = try await server.ask("GET /chunks/2 HTTP/1.0\r\n\r\n")
            #expect(old["Transfer-Encoding"] == nil)
            #expect(old["Connection"] == "close")
            #expect(old.text == "part0 part1 ")
        }
    }

    @Test func answerThatIsNotWholeEndsTheConnection() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            for path in ["/short", "/breaks"] {
                await #expect(throws: RawConnection.Ended.self) { try await server.get(path) }
            }
        }
    }

    @Test func bodyOfAnyFramingArrivesWhole() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                let chunked = try await connection.response()
                try await connection.send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
                try await connection.send("cde")
                #expect(try await connection.response().text == chunked.text)
                #expect(chunked.text.hasPrefix("5 "))
            }
        }
    }

    @Test func slowHandlerHoldsTheSenderBack() async throws {
        try await TestServer.with(routes: { routes in
            routes.post("/late", .push, body: .stream) { request, _ in
                try await Task.sleep(for: .milliseconds(300))
                var count = 0
                var largest = 0
                for try await part in request.body {
                    count += part.readableBytes
                    largest = max(largest, part.readableBytes)
                    await Task.yield()
                }
                return Self.plain("\(count)")
            }
        }) { server in
            let size = 64 << 20
            try await server.connect { connection in
                try await connection.send("POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
                let piece = ByteBuffer(repeating: 7, count: 1 << 20)
                for _ in 0..<(size >> 20) { try await connection.send(piece) }
                #expect(try await connection.response().text == "\(size)")
            }
        }
    }

    @Test func slowReaderHoldsTheProducerBack() async throws {
        let produced = Produced()
        try await TestServer.with(routes: { routes in
            routes.get("/endless", .read) { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        let piece = ByteBuffer(repeating: 7, count: 256 << 10)
                        for _ in 0..<400 {
                            try await writer.write(piece)
                            produced.bytes.withLock { $0 += piece.readableBytes }
                        }
                        try await writer.finish(nil)
                    }
                )
            }
        }) { server in
            try await server.connect { connection in
                try await connection.send("GET /endless HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                _ = try await connection.line()
                try await Task.sleep(for: .milliseconds(500))
                // What the kernels on both sides hold, and one piece more; not the whole.
                #expect(produced.bytes.withLock { $0 } < 60 << 20)
                #expect(await connection.discardAll() > 400 * (256 << 10))
            }
        }
    }

    @Test func continueIsSaidOnlyWhenTheHandlerWantsTheBody() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
                let interim = try await connection.response()
                #expect(interim.status == 100)
                try await connection.send("abc")
                #expect(try await connection.response().text.hasPrefix("3 "))
            }
            try await server.connect { connection in
                try await connection.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
                let refused = try await connection.response()
                #expect(refused.status == 401)
                #expect(refused["Connection"] == "close")
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func refusalOfALargeBodyReachesASenderThatDoesNotListen() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n")
                let piece = ByteBuffer(repeating: 7, count: 1 << 20)
                for _ in 0..<4 { try await connection.send(piece) }
                let refused = try await connection.response()
                #expect(refused.status == 401)
                #expect(refused["Connection"] == "close")
            }
        }
    }

    @Test func refusalOfASmallBodyKeepsTheConnection() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
                #expect(try await connection.response().status == 401)
                try await connection.send("abcGET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.response().text == "hello")
            }
        }
    }

    @Test func connectionGoesOnAfterALeftoverAsIfNothingHadBeen() async throws {
        try await TestServer.with(configure: { $0.lingerTimeout = 4 }, routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
                #expect(try await connection.response().status == 401)
                try await connection.send("abc")
                try await Task.sleep(for: .milliseconds(4500))
                try await connection.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.response().text == "hello")
            }
            try await server.connect { connection in
                try await connection.send("POST /forbidden HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na")
                #expect(try await connection.response().status == 401)
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func bodyThatComesBeforeTheKeyIsKnownIsHeldAgainstTheRoutesLimit() async throws {
        for (size, status) in [(200_000, 200), (400_001, 413)] {
            try await TestServer.with(keys: [TestServer.key(scopes: [.push])], configure: {
                $0.jsonLimit = 1000
                $0.streamLimit = 400_000
            }, routes: Self.testRoutes) { server in
                let chunk = String(size, radix: 16) + "\r\n" + String(repeating: "x", count: size) + "\r\n0\r\n\r\n"
                let response = try await server.ask("POST /count HTTP/1.1\r\nHost: h\r\nX-API-Key: \(TestServer.secret)\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)")
                #expect(response.status == status)
            }
        }
    }

    @Test func connectionCloseIsHonoured() async throws {
        try await TestServer.with(routes: Self.testRoutes) { server in
            try await server.connect { connection in
                try await connection.send("GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                let response = try await connection.response()
                #expect(response["Connection"] == "close")
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    @Test func clientThatLeavesCancelsWhatItAskedFor() async throws {
        let produced = Produced()
        try await TestServer.with(routes: { routes in
            routes.get("/forever", .read) { _, _ in
                do {
                    try await Task.sleep(for: .seconds(30))
                } catch {
                    produced.bytes.withLock { $0 = 1 }
                }
                return Self.plain("late")
            }
        }) { server in
            try await server.connect { connection in
                try await connection.send("GET /forever HTTP/1.1\r\nHost: h\r\n\r\n")
                try await Task.sleep(for: .milliseconds(100))
            }
            for _ in 0..<6000 where produced.bytes.withLock({ $0 }) == 0 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(produced.bytes.withLock { $0 } == 1)
        }
    }

    @Test func handlersRunOnTheConnectionsLoop() async throws {
        try await TestServer.with(routes: { routes in
            routes.get("/where", .read) { _, _ in
                let before = MultiThreadedEventLoopGroup.currentEventLoop != nil
                try await Task.sleep(for: .milliseconds(1))
                return Self.plain("\(before) \(MultiThreadedEventLoopGroup.currentEventLoop != nil)")
            }
        }) { server in
            let response = try await server.get("/where")
            #expect(response.text == "true true")
        }
    }
}
