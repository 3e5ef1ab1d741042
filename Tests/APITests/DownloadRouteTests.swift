import Crypto
import Foundation
import Model
import NIOCore
import TestSupport
import Testing

@testable import API

@Suite struct DownloadRouteTests {
    private static let file = "/v1/datasets/lighthouse/data.csv"

    @Test func aFileComesWithAllThatSaysWhatItIs() async throws {
        try await RowsServer.with { server in
            for round in 0..<2 {
                let response = try await server.test.get(Self.file)
                #expect(response.status == 200)
                let hash = Data(SHA256.hash(data: Data(response.body.readableBytesView)))
                #expect(response["Repr-Digest"] == "sha-256=:\(hash.base64EncodedString()):", "round \(round)")
                #expect(response["ETag"] == "\"sha256-\(hash.map { String(format: "%02x", $0) }.joined())\"")
                #expect(response["Content-Length"] == String(response.body.readableBytes))
                #expect(response["Content-Type"] == "text/csv; charset=utf-8; header=present")
                #expect(response["Content-Disposition"] == "attachment; filename=\"lighthouse.csv\"; filename*=UTF-8''%E7%81%AF%E5%A1%94%E5%90%8D%E5%BD%95.csv")
                #expect(response["Accept-Ranges"] == "bytes")
                #expect(response["Cache-Control"] == "public, no-cache")
                #expect(response["Daylight-Version"] == "1")
                let head = try await server.test.ask("HEAD \(Self.file) HTTP/1.1\r\nHost: h\r\n\r\n")
                let ignored = ["date", "x-request-id", "ratelimit"]
                #expect(
                    head.fields.filter { !ignored.contains($0.name.lowercased()) }.map { "\($0.name): \($0.value)" }.sorted()
                        == response.fields.filter { !ignored.contains($0.name.lowercased()) }.map { "\($0.name): \($0.value)" }.sorted())
            }
            // Who goes on with another file is told so before he gets the rest of this one.
            let tag = try #require(try await server.test.get(Self.file)["ETag"])
            #expect(try await server.test.get(Self.file, "If-Match: \"other\"", "Range: bytes=0-3").status == 412)
            #expect(try await server.test.get(Self.file, "If-Match: \"other\", \(tag)", "Range: bytes=0-3").status == 206)
            let version = try await server.test.get("/v1/datasets/lighthouse/versions/1/data.csv")
            #expect(version["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(version.body == (try await server.test.get(Self.file)).body)
        }
    }

    @Test func rangesAreTheirBytes() async throws {
        try await RowsServer.with { server in
            let whole = try await server.test.get(Self.file)
            let bytes = Array(whole.body.readableBytesView)
            let size = bytes.count
            let tag = whole["ETag"] ?? ""
            let parts: [(String, Range<Int>)] = [
                ("bytes=0-0", 0..<1), ("bytes=0-99", 0..<100), ("bytes=100-", 100..<size), ("bytes=-7", size - 7..<size), ("bytes=-999999999", 0..<size),
                ("bytes=5-999999999999999999999999", 5..<size), ("Bytes= 3-4", 3..<5), ("bytes=\(size - 1)-\(size - 1)", size - 1..<size),
            ]
            for (field, range) in parts {
                let response = try await server.test.get(Self.file, "Range: \(field)")
                #expect(response.status == 206, "\(field)")
                #expect(Array(response.body.readableBytesView) == Array(bytes[range]), "\(field)")
                #expect(response["Content-Range"] == "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)")
                #expect(response["Repr-Digest"] == whole["Repr-Digest"])
            }
            for field in ["bytes=\(size)-", "bytes=-0", "bytes=99999999999999999999-"] {
                let response = try await server.test.get(Self.file, "Range: \(field)")
                #expect(response.status == 416, "\(field)")
                #expect(response["Content-Range"] == "bytes */\(size)")
                #expect(response.text.contains("DL1013"))
            }
            for field in ["bytes=0-1,5-6", "bytes=4-3", "bytes=", "bytes=-", "bytes=a-b", "lines=0-1", "bytes 0-1", "bytes=1-2-3"] {
                let response = try await server.test.get(Self.file, "Range: \(field)")
                #expect(response.status == 200 && response.body.readableBytes == size, "\(field)")
            }
            #expect(try await server.test.get(Self.file, "Range: bytes=0-1", "If-Range: \(tag)").status == 206)
            for stale in ["\"other\"", "W/\(tag)", "Sat, 21 Nov 2026 00:00:00 GMT"] {
                #expect(try await server.test.get(Self.file, "Range: bytes=0-1", "If-Range: \(stale)").status == 200, "\(stale)")
            }
            #expect(try await server.test.get(Self.file, "Range: bytes=0-1", "If-None-Match: \(tag)").status == 304)
            let date = whole["Last-Modified"] ?? ""
            #expect(try await server.test.get(Self.file, "If-Modified-Since: \(date)").status == 304)
            #expect(try await server.test.get(Self.file, "If-Modified-Since: \(date)", "If-None-Match: \"x\"").status == 200)
        }
    }

    /// The three forms that a server must read (RFC 9110 section 5.6.7), sections 13.1.3 and 13.1.4 for what they say.
    @Test func datesAreHeldAgainstTheLastChange() async throws {
        try await RowsServer.with { server in
            let whole = try await server.test.get(Self.file)
            let (tag, date) = (whole["ETag"] ?? "", whole["Last-Modified"] ?? "")
            for later in ["Fri, 01 Jan 2066 00:00:00 GMT", "Friday, 01-Jan-66 00:00:00 GMT", "Fri Jan  1 00:00:00 2066", date] {
                #expect(try await server.test.get(Self.file, "If-Modified-Since: \(later)").status == 304, "\(later)")
                #expect(try await server.test.get(Self.file, "If-Unmodified-Since: \(later)").status == 200, "\(later)")
            }
            for earlier in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
                #expect(try await server.test.get(Self.file, "If-Modified-Since: \(earlier)").status == 200, "\(earlier)")
                let failed = try await server.test.get(Self.file, "If-Unmodified-Since: \(earlier)")
                #expect(failed.status == 412 && failed.text.contains("If-Unmodified-Since"), "\(earlier)")
                #expect(try await server.test.get(Self.file, "If-Unmodified-Since: \(earlier)", "If-Match: \(tag)").status == 200, "\(earlier)")
            }
            for nothing in ["yesterday", "2066-01-01", "Fri, 01 Jan 2066 00:00:00 +0800", "Fri, 01 Jan 2066 00:00:00 GMT and more", "Fri, 41 Jan 2066 00:00:00 GMT"] {
                #expect(try await server.test.get(Self.file, "If-Modified-Since: \(nothing)").status == 200, "\(nothing)")
                #expect(try await server.test.get(Self.file, "If-Unmodified-Since: \(nothing)").status == 200, "\(nothing)")
            }
        }
    }

    @Test func aRangeCanBeHadBeforeTheFileIsThere() async throws {
        try await RowsServer.with { server in
            let part = try await server.test.get(Self.file, "Range: bytes=0-3")
            #expect(part.status == 206)
            #expect(part.text == "code")
        }
    }

    @Test func gzipIsAFileOfItsOwn() async throws {
        try await RowsServer.with { server in
            let first = try await server.test.get(Self.file + ".gz")
            #expect(first.status == 200)
            #expect(first["ETag"]?.hasSuffix("-gz\"") == true)
            #expect(first["Content-Encoding"] == nil)
            let second = try await server.test.get(Self.file + ".gz")
            #expect(second.body == first.body)
            let hash = Data(SHA256.hash(data: Data(second.body.readableBytesView)))
            #expect(second["Repr-Digest"] == "sha-256=:\(hash.base64EncodedString()):")
            #expect(try await server.test.get(Self.file + ".gz", "Range: bytes=0-1").body.readableBytes == 2)
            #expect(try await server.test.get(Self.file + ".gz?dialect=excel").status == 400)
        }
    }

    @Test func excelGetsABOMAndCarriageReturns() async throws {
        try await RowsServer.with { server in
            let plain = try await server.test.get(Self.file)
            let excel = try await server.test.get(Self.file + "?dialect=excel")
            #expect(Array(excel.body.readableBytesView.prefix(3)) == [0xEF, 0xBB, 0xBF])
            #expect(excel["ETag"] != plain["ETag"])
            // Line ends within values stay: only those of records are two characters.
            let records = excel.text.ranges(of: "\r\n").count
            #expect(records == 251)
            #expect(excel.text.dropFirst().replacing("\r\n", with: "\n") == plain.text)
            // From here on it is a file like the others.
            let again = try await server.test.get(Self.file + "?dialect=excel")
            let hash = Data(SHA256.hash(data: Data(excel.body.readableBytesView)))
            #expect(again.body == excel.body && again["Repr-Digest"] == "sha-256=:\(hash.base64EncodedString()):")
            #expect(again["Content-Disposition"]?.hasSuffix(".csv") == true && again["Content-Type"] == plain["Content-Type"])
            let part = try await server.test.get(Self.file + "?dialect=excel", "Range: bytes=100-", "If-Range: \(try #require(excel["ETag"]))")
            #expect(part.status == 206 && Array(part.body.readableBytesView) == Array(excel.body.readableBytesView.dropFirst(100)))
            #expect(try await server.test.get(Self.file + "?dialect=word").status == 400)
        }
    }

    @Test func whatWasWithdrawnIsGone() async throws {
        try await RowsServer.with { server in
            try await server.release.release(2, rows: [], removing: [["L100003"]])
            try await server.release.withdraw(.rows, version: 1, keys: ["L100003"], reason: "涉及隐私")
            var status = 0
            for _ in 0..<3000 where status != 410 {
                try await Task.sleep(for: .milliseconds(20))
                status = try await server.test.get("/v1/datasets/lighthouse/versions/1/data.csv").status
            }
            #expect(status == 410)
            #expect(try await server.test.get("/v1/datasets/lighthouse/versions/1/data.csv").text.contains("涉及隐私"))
            #expect(try await server.test.get(Self.file).status == 200)
            let row = try await server.test.get("/v1/datasets/lighthouse/rows/L100003")
            #expect(row.status == 410)
            #expect(row.text.contains("DL4005"))
            try await server.release.withdraw(.dataset, reason: "停止公开")
            for _ in 0..<3000 {
                guard try await server.test.get(Self.file).status != 410 else { break }
                try await Task.sleep(for: .milliseconds(20))
            }
            for address in [Self.file, "/v1/datasets/lighthouse/rows", "/v1/datasets/lighthouse/rows.csv", "/v1/datasets/lighthouse/rows/L100001"] {
                let response = try await server.test.get(address)
                #expect(response.status == 410 && response.text.contains("停止公开"), "\(address)")
            }
        }
    }

    @Test func aStreamThatFailsIsCutOff() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(150_000)) { server in
            try await server.test.connect { connection in
                try await connection.send("GET /v1/datasets/lighthouse/rows.csv HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(try await connection.line().hasPrefix("HTTP/1.1 200"))
                try await server.release.killBackends()
                let rest = String(buffer: await connection.rest())
                #expect(rest.contains("chunked"))
                // The last chunk is what tells a whole body from a part.
                #expect(!rest.hasSuffix("0\r\n\r\n"))
            }
        }
    }
}
