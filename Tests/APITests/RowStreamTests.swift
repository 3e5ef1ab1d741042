import Model
import NIOCore
import Store
import TestSupport
import Testing

@testable import API

/// Streams of rows, and what happens when the time is up for which they may hold a connection.
@Suite struct RowStreamTests {
    private static let base = "/v1/datasets/lighthouse/"

    @Test func linesAreTheRowsOfPages() async throws {
        try await RowsServer.with { server in
            for question in ["", "?automated=true&sort=-height", "?fields=code,steps&filter=steps%20%3E%200", "?code=none"] {
                let lines = try await server.test.get(Self.base + "rows.ndjson" + question)
                #expect(lines.status == 200 && lines["Content-Type"] == "application/x-ndjson" && lines["Daylight-Version"] == "1", "\(lines.text.prefix(300))")
                let page = try await server.test.get(Self.base + "rows" + question + (question.isEmpty ? "?" : "&") + "limit=10000").text
                let data = try #require(page.firstRange(of: "\"data\":[")).upperBound
                let end = try #require(page.firstRange(of: "],\"links\"")).lowerBound
                #expect(lines.text == (page[data..<end].isEmpty ? "" : page[data..<end].replacing("},{", with: "}\n{") + "\n"), "\(question)")
            }
            let head = try await server.test.ask("HEAD \(Self.base)rows.ndjson HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(head.status == 200 && head["Content-Disposition"]?.contains(".ndjson") == true && head["Content-Length"] == nil)
            for path in [Self.base + "rows.csv", Self.base + "data.xlsx"] {
                let head = try await server.test.ask("HEAD \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(head.status == 200 && head["Content-Length"] == nil, "\(path)")
            }
            for wrong in ["?limit=5", "?dialect=excel", "?cursor=x", "?budget=1"] {
                #expect(try await server.test.get(Self.base + "rows.ndjson" + wrong).status == 400, "\(wrong)")
            }
            #expect(try await server.test.get(Self.base + "rows.csv?limit=5").status == 400)
        }
    }

    /// Reads the head and nothing more until the stream has given its connection back.
    private static func dawdle(_ server: RowsServer, _ target: String, _ fields: String = "") async throws -> ByteBuffer {
        try await RawConnection.open(port: server.test.server.port, receiveBuffer: 16 * 1024) { connection in
            try await connection.send("GET \(target) HTTP/1.1\r\nHost: h\r\n\(fields)Connection: close\r\n\r\n")
            #expect(try await connection.line() == "HTTP/1.1 200 OK")
            while try await connection.line() != "" {}
            var (busy, wasBusy) = (1, false)
            for _ in 0..<2400 where busy > 0 {
                try await Task.sleep(for: .milliseconds(25))
                busy = try await server.release.openTransactions()
                wasBusy = wasBusy || busy > 0
            }
            #expect(wasBusy, "the client is slower than the stream")
            #expect(busy == 0, "the connection is given back")
            return await connection.rest()
        }
    }

    /// A body in chunks, and the fields behind it; nil where it is not whole.
    private static func unchunk(_ bytes: ByteBuffer) -> (body: String, trailers: [String])? {
        var (bytes, body) = (bytes, ByteBuffer())
        func line() -> String? {
            guard let end = bytes.readableBytesView.firstRange(of: Array("\r\n".utf8)) else { return nil }
            let text = bytes.readString(length: end.lowerBound - bytes.readerIndex)
            bytes.moveReaderIndex(forwardBy: 2)
            return text
        }
        while let text = line(), let size = Int(text, radix: 16) {
            guard size > 0 else {
                var trailers: [String] = []
                while let field = line(), !field.isEmpty { trailers.append(field) }
                return (String(buffer: body), trailers)
            }
            guard var chunk = bytes.readSlice(length: size), bytes.readInteger(as: UInt16.self) == 0x0D0A else { return nil }
            body.writeBuffer(&chunk)
        }
        return nil
    }

    /// Lines up to where the time was up, and where they go on.
    private static func parts(_ body: String) throws -> (lines: [Substring], next: String?) {
        var lines = body.split(separator: "\n")
        guard let last = lines.last, last.hasPrefix("{\"$problem\":{\"type\":\"/problems/DL9005\"") else { return (lines, nil) }
        lines.removeLast()
        return (lines, try #require(try JSONValue(json: String(last))["$problem"]?["links"]?["next"]?.string))
    }

    /// All lines, from the first that a slow client got to the last.
    static func lines(_ server: RowsServer, slowly target: String, version: Int = 1, meanwhile: () async throws -> Void = {}) async throws -> [Substring] {
        var (lines, next) = try parts(try #require(unchunk(try await dawdle(server, target))).body)
        #expect(next != nil)
        try await meanwhile()
        var refusals = 0
        while let target = next {
            let answer = try await server.test.get(target)
            // On a machine that is busy elsewhere, time may be up before the first row.
            if answer.status == 503, refusals < 5 {
                refusals += 1
                continue
            }
            try #require(answer.status == 200 && answer["Daylight-Version"] == "\(version)", "\(answer.text.prefix(300))")
            let more = try parts(answer.text)
            lines += more.lines
            next = more.next
        }
        return lines
    }

    /// Their keys.
    private static func codes(_ server: RowsServer, slowly target: String, meanwhile: () async throws -> Void = {}) async throws -> [Substring] {
        try await lines(server, slowly: target, meanwhile: meanwhile).map { $0.dropFirst(#"{"code":""#.count).prefix { $0 != "\"" } }
    }

    @Test func aSlowClientGoesOnWhereItsTimeWasUp() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(80_000), storage: { $0.streamLimit = 4 }) { server in
            let rows = Lighthouse.rows(80_000)
            let some = rows.filter { $0[4] != nil }.map { Substring($0[0] ?? "") }
            #expect(try await Self.codes(server, slowly: Self.base + "rows.ndjson?automated__null=false") == some, "nothing twice, nothing missing")
            // By name, descending, missing ones last; the key decides in the same direction.
            let sorted = rows.map { (name: $0[1], code: $0[0] ?? "") }.sorted { a, b in
                guard let left = a.name, let right = b.name else { return a.name == nil && b.name == nil ? b.code < a.code : b.name == nil }
                return left == right ? b.code < a.code : right.utf8.lexicographicallyPrecedes(left.utf8)
            }
            #expect(try await Self.codes(server, slowly: Self.base + "rows.ndjson?sort=-name") == sorted.map { Substring($0.code) }, "nothing twice, nothing missing")
            let csv = try #require(Self.unchunk(try await Self.dawdle(server, Self.base + "rows.csv", "TE: trailers\r\n")))
            var (body, cursor) = (csv.body, csv.trailers.first { $0.hasPrefix("Daylight-Next-Cursor: ") }?.dropFirst("Daylight-Next-Cursor: ".count))
            // One cursor serves all forms of the same question, and no other.
            #expect(try await server.test.get(Self.base + "rows?cursor=\(cursor ?? "")").status == 200)
            #expect(try await server.test.get(Self.base + "rows.ndjson?steps__gt=1&cursor=\(cursor ?? "")").text.contains("DL4003"))
            #expect(cursor != nil)
            while let text = cursor {
                let more = try await server.test.connect { connection in
                    try await connection.send("GET \(Self.base)rows.csv?cursor=\(text) HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: close\r\n\r\n")
                    var head = ""
                    while case let line = try await connection.line(), line != "" { head += line + "\n" }
                    #expect(head.contains("header=absent") && head.contains("Trailer: Daylight-Next-Cursor"))
                    return try #require(Self.unchunk(await connection.rest()))
                }
                body += more.body
                cursor = more.trailers.first { $0.hasPrefix("Daylight-Next-Cursor: ") }?.dropFirst("Daylight-Next-Cursor: ".count)
            }
            #expect(body == (try await server.test.get(Self.base + "data.csv").text), "the parts joined are the whole")
            // Without a word about trailers, what is not whole does not look whole.
            #expect(Self.unchunk(try await Self.dawdle(server, Self.base + "rows.csv")) == nil)
        }
    }

    @Test func aStreamEndsSoonAfterRowsHaveToLeave() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(80_000), storage: { $0.expiryGrace = 0.5 }) { server in
            try await server.release.haveRowsLeave(in: 8)
            let began = ContinuousClock.now, body = try #require(Self.unchunk(try await Self.dawdle(server, Self.base + "rows.ndjson"))).body
            let (lines, next) = try Self.parts(body)
            #expect(next != nil && !lines.isEmpty && lines.count < 80_000, "it says where to go on")
            #expect(ContinuousClock.now - began < .seconds(90), "and not when a stream's own time is up")
        }
    }

    @Test func aStreamGoesOnInItsVersion() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(60_000), storage: { $0.streamLimit = 3 }) { server in
            let all = Lighthouse.rows(60_000).map { Substring($0[0] ?? "") }
            let codes = try await Self.codes(server, slowly: Self.base + "rows.ndjson") {
                try await server.release.release(2, rows: [], removing: [[String(try #require(all.last))], [String(all[all.count / 2])]])
            }
            #expect(codes == all)
        }
    }

    @Test func theFirstByteDoesNotWaitForTheLast() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(60_000)) { server in
            for path in ["rows.csv", "rows.ndjson"] {
                let first = try await server.test.get(Self.base + path).chunks.first ?? 0
                #expect((1..<64 * 1024).contains(first), "\(path): \(first)")
            }
        }
    }
}
