import Foundation
import Glibc
import HTTPTypes
import Model
import NIOCore
import NIOEmbedded
import NIOHTTP1
import RateLimit
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerLogTests {
    private static let route = Route(method: "GET", template: "/v1/datasets/{id}", action: .read, body: .none, metrics: RouteMetrics(method: "GET", template: "/v1/datasets/{id}"))

    private static func exchange(_ identity: Identity = .anonymous) -> Exchange {
        let exchange = Exchange(id: "abc", startedAt: 0, client: .v4(1), method: "GET", facts: RequestFacts([:], forwardedField: nil), bodyLimit: 0)
        exchange.identity = identity
        return exchange
    }

    private static func withPipe<Result>(_ body: (_ read: CInt, _ write: CInt) async throws -> Result) async throws -> Result {
        var ends: [CInt] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { for end in ends { _ = close(end) } }
        return try await body(ends[0], ends[1])
    }

    private static func text(_ descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    @Test func lineIsJSONWithThePublicPartOfTheKeyOnly() async throws {
        try await Self.withPipe { readEnd, writeEnd in
            let log = RequestLog(isOn: true, descriptor: writeEnd)
            log.write(Self.exchange(.key(TestServer.key(tier: "department"))), Self.route, status: 200, bytes: 17, microseconds: 1234)
            log.drain()
            let text = Self.text(readEnd)
            let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            #expect(object["id"] as? String == "abc")
            #expect(object["route"] as? String == "/v1/datasets/{id}")
            #expect(object["status"] as? Int == 200)
            #expect(object["bytes"] as? Int == 17)
            #expect(object["duration_us"] as? Int == 1234)
            #expect(object["tier"] as? String == "department")
            #expect(object["key"] as? String == "tester")
            #expect(Timestamp(try #require(object["time"] as? String)) != nil)
            #expect(!text.contains("0123456789abcdef"))
        }
    }

    @Test func stuckReaderCostsLinesNotTime() async throws {
        try await Self.withPipe { readEnd, writeEnd in
            let log = RequestLog(isOn: true, descriptor: writeEnd, capacity: 200_000)
            let start = ContinuousClock.now
            for _ in 0..<3000 { log.write(Self.exchange(), Self.route, status: 200, bytes: 0, microseconds: 0) }
            #expect(ContinuousClock.now - start < .seconds(60))
            // Somebody reads again: what was kept comes, then how much was not.
            var text = ""
            _ = fcntl(readEnd, F_SETFL, O_NONBLOCK)
            for _ in 0..<60_000 where !text.hasSuffix("}\n") || !text.suffix(200).contains("log.dropped") {
                log.flush()
                try await Task.sleep(for: .milliseconds(1))
                text += Self.text(readEnd)
            }
            #expect(text.contains("{\"event\":\"log.dropped\",\"count\":"))
            let kept = text.split(separator: "\n").filter { $0.contains("\"request\"") }.count
            #expect(kept > 500)
            #expect(kept < 3000)
        }
    }

    @Test func secondsAreWrittenAsDates() {
        #expect(WallClock.httpDate(seconds: 784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        var buffer = ByteBuffer()
        WallClock.writeRFC3339(seconds: 1_709_222_399, into: &buffer)
        #expect(String(buffer: buffer) == "2024-02-29T23:59:59")
    }

    @Test func datesAreReadAsSeconds() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(WallClock.seconds(httpDate: text, now: 1_772_000_000) == 784_111_777, "\(text)")
        }
        // In 2026 no year in two digits is after 2076.
        #expect(WallClock.seconds(httpDate: "Wednesday, 01-Jan-76 00:00:00 GMT", now: 1_772_000_000) == 3_345_062_400)
        #expect(WallClock.seconds(httpDate: "Saturday, 01-Jan-77 00:00:00 GMT", now: 1_772_000_000) == 220_924_800)
        for text in ["", "GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 November 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 99999 08:49:37 GMT"] {
            #expect(WallClock.seconds(httpDate: text) == nil, "\(text)")
        }
    }

    @Test func requestIdsDoNotRepeat() {
        let loop = LoopState(EmbeddedEventLoop())
        let ids = (0..<10_000).map { _ in loop.makeRequestID() }
        #expect(Set(ids).count == ids.count)
        #expect(ids.allSatisfy { $0.count == 32 && $0.allSatisfy(\.isHexDigit) })
    }
}
