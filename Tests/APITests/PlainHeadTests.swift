import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import API

/// Heads that are read ahead of the decoder mean what the decoder takes them to mean.
struct PlainHeadTests {
    private static func read(_ text: String, limit: Int = 16_384, forwarded: String? = "x-forwarded-for") -> PlainHead? {
        PlainHead(ByteBuffer(string: text), limit: limit, forwardedField: forwarded)
    }

    private static let whole = "GET /v1/a?b=c%20d HTTP/1.1\r\n"

    @Test func whatMattersIsFound() throws {
        let head = try #require(
            Self.read(
                Self.whole + "host:h\r\nACCEPT: */*\r\nIf-None-Match: W/\"a\", \"b\"\r\nAccept-Language: en\r\nX-Request-ID: one-2\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n"
                    + "User-Agent: a b (c; d)\r\nConnection: Keep-Alive\r\n\r\n"))
        #expect(head.uri == "/v1/a?b=c%20d" && head.accept == "*/*" && head.tags == "W/\"a\", \"b\"")
        #expect(head.facts.requestID == "one-2" && head.facts.acceptLanguage == "en" && head.facts.forwarded == ["1.2.3.4, 5.6.7.8"] && head.facts.hosts == 1)
        #expect(head.names(EntityTag("a")) && head.names(EntityTag("b")) && !head.names(EntityTag("c")))
        #expect(head.facts.credentialText == nil)
        let withKey = try #require(Self.read(Self.whole + "Host: h\r\nAuthorization: Bearer dk_a_b\r\n\r\n"))
        #expect(withKey.facts.credentialText == "dk_a_b" && withKey.facts.apiKey == nil)
        #expect(try #require(Self.read(Self.whole + "x-api-key: dk_c_d\r\nHost: h\r\nAuthorization: Bearer dk_a_b\r\n\r\n")).facts.credentialText == "dk_c_d")
        let bare = try #require(Self.read(Self.whole + "Host: h\r\nX-Forwarded-For: 1.2.3.4\r\nX-Request-ID: a b\r\n\r\n", forwarded: nil))
        #expect(bare.accept == nil && bare.tags == nil && bare.facts.forwarded == [] && bare.facts.requestID == nil && !bare.names(EntityTag("a")))
    }

    @Test(arguments: [
        "", "GET ", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", "get / HTTP/1.1\r\nHost: h\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "GET /#a HTTP/1.1\r\nHost: h\r\n\r\n", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "GET /ä HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\nHost: h\n\n", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
    ]) func whatIsNotOneWholeRequestIsLeftToTheDecoder(_ text: String) {
        #expect(Self.read(text) == nil)
    }

    @Test(arguments: ["", "G", "\r\n", "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"]) func aHeadEndsWhereItEnds(_ rest: String) throws {
        let text = "GET /a HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n"
        var bytes = ByteBuffer(string: "before" + text + rest)
        bytes.moveReaderIndex(forwardBy: 6)
        let head = try #require(PlainHead(bytes, limit: 16_384, forwardedField: nil))
        #expect(head.uri == "/a" && String(buffer: head.bytes) == text && head.whole.decoded.headers.count == 2)
    }

    @Test(arguments: [
        "Host: h", "Content-Length: 0", "Transfer-Encoding: chunked", "Expect: 100-continue", "Authorization: a\r\nauthorization: b", "X-API-Key: a\r\nX-API-Key: b", "Connection: close",
        "Connection: upgrade",
        "Proxy-Connection: close", "Upgrade: h2c", "HTTP2-Settings: x", "Trailer: x", "Accept: a\r\nAccept: b", "If-None-Match: a\r\nIf-None-Match: b",
        "X-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2",
        " folded: x", "a:  two", "a: end ", "a : x", "a:", "a: ", ": x", "a_b: x", "a: \u{7F}", "a: ü", "a: b\tc", "a: b\rc", "a: b\nc", "a",
    ]) func aFieldThatIsNotPlainIsLeftToTheDecoder(_ field: String) {
        #expect(Self.read(Self.whole + "Host: h\r\n\(field)\r\n\r\n") == nil)
        #expect(Self.read(Self.whole + "\(field)\r\nHost: h\r\n\r\n") == nil)
    }

    @Test func aLongHeadIsLeftToTheDecoder() {
        func fields(_ count: Int) -> PlainHead? { Self.read(Self.whole + "Host: h\r\n" + (1..<count).map { "X-\($0): 1\r\n" }.joined() + "\r\n") }
        #expect(fields(64)?.whole.decoded.headers.count == 64 && fields(65) == nil)
        let head = Self.whole + "Host: h\r\na: \(String(repeating: "b", count: 100))\r\n\r\n"
        #expect(Self.read(head, limit: 200) != nil && Self.read(head, limit: 100) == nil)
        #expect(Self.read(Self.whole + "Host: h\r\na: \(String(repeating: "b", count: 5000))\r\n\r\n") == nil)
    }

    /// Thousands of heads that differ a little from good ones: whatever is taken here, the decoder takes for the same request, with nothing left over.
    @Test func nothingIsTakenThatTheDecoderTakesForSomethingElse() throws {
        var random = SystemRandomNumberGenerator()
        let seeds = [
            "GET /v1/datasets?q=a HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nIf-None-Match: \"a\"\r\nConnection: keep-alive\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nAccept-Language: en\r\nX-Request-Id: x\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\nX-API-Key: y\r\nRange: bytes=0-1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n", "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nUpgrade: x\r\nProxy-Connection: x\r\n\r\n",
        ]
        let pieces: [[UInt8]] = ["\r\n", "\n", "\r", " ", "\t", ":", ",", "#", "?", "\0", "\u{7F}", "Host: h\r\n", "a: b\r\n", "Connection: close\r\n", "content-length: 0\r\n", "/", "x", "Ä"].map {
            Array($0.utf8)
        }
        var taken = 0
        for _ in 0..<20_000 {
            var bytes = Array(seeds.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let start = Int.random(in: 0...bytes.count, using: &random)
                let end = min(bytes.count, start + (Bool.random(using: &random) ? 0 : Int.random(in: 0...12, using: &random)))
                bytes.replaceSubrange(start..<end, with: Bool.random(using: &random) ? pieces.randomElement(using: &random)! : [])
            }
            guard let head = PlainHead(ByteBuffer(bytes: bytes), limit: 16_384, forwardedField: "x-forwarded-for") else { continue }
            taken += 1
            let text = String(decoding: bytes, as: UTF8.self)
            let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
            try channel.writeInbound(head.bytes)
            guard case .head(let decoded) = try channel.readInbound(as: HTTPServerRequestPart.self), case .end(nil) = try channel.readInbound(as: HTTPServerRequestPart.self) else {
                Issue.record("not one request: \(text.debugDescription)")
                continue
            }
            #expect(decoded.method == .GET && decoded.version == .http1_1 && decoded.isKeepAlive && decoded.uri == head.uri, "\(text.debugDescription)")
            #expect(decoded.accept == head.accept && decoded.headers["if-none-match"] == (head.tags.map { [$0] } ?? []), "\(text.debugDescription)")
            let facts = RequestFacts(decoded.headers, forwardedField: "x-forwarded-for")
            #expect(facts == head.facts, "\(text.debugDescription)")
            let whole = head.whole.decoded
            #expect(whole.uri == decoded.uri && whole.method == decoded.method && whole.version == decoded.version, "\(text.debugDescription)")
            #expect(whole.headers.map { "\($0): \($1)" } == decoded.headers.map { "\($0): \($1)" }, "\(text.debugDescription)")
            // Nothing is held back: what comes next is a request of its own.
            try channel.writeInbound(ByteBuffer(string: "GET /next HTTP/1.1\r\nHost: h\r\n\r\n"))
            guard case .head(let next) = try channel.readInbound(as: HTTPServerRequestPart.self) else {
                Issue.record("something is held back: \(text.debugDescription)")
                continue
            }
            #expect(next.uri == "/next")
            _ = try channel.finish(acceptAlreadyClosed: true)
        }
        #expect(taken > 1000)
    }
}
