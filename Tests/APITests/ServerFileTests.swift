import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOFoundationCompat
import RateLimit
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerFileTests {
    /// A file of numbered lines, removed afterwards.
    @discardableResult
    private static func withFile<Result>(size: Int, _ body: (String, ByteBuffer) async throws -> Result) async throws -> Result {
        let path = NSTemporaryDirectory() + "daylight-\(UUID().uuidString)"
        var bytes = ByteBuffer()
        while bytes.readableBytes < size { bytes.writeString("\(bytes.readableBytes),\(String(repeating: "x", count: 4000))\n") }
        bytes = try #require(bytes.getSlice(at: 0, length: size))
        try Data(buffer: bytes).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path, bytes)
    }

    private static func slice(_ routes: Routes, _ path: String, offset: Int, length: Int, unlink: Bool = false) {
        routes.get("/file", .download) { _, _ in
            let file = try #require(FileSlice.File(path: path))
            if unlink { try FileManager.default.removeItem(atPath: path) }
            return Response(status: .ok, headers: [.contentType: "text/csv"], body: FileSlice(file: file, offset: offset, length: length).body)
        }
    }

    @Test(arguments: [(0, 3 << 20), (17, 1), (1 << 20, (2 << 20) - 5), (100, 0)])
    func sliceArrivesAsItIs(offset: Int, length: Int) async throws {
        try await Self.withFile(size: 3 << 20) { path, bytes in
            try await TestServer.with(routes: { Self.slice($0, path, offset: offset, length: length) }) { server in
                try await server.connect { connection in
                    for _ in 0..<2 {
                        try await connection.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
                        let response = try await connection.response()
                        #expect(response["Content-Length"] == "\(length)")
                        #expect(response.body == bytes.getSlice(at: offset, length: length))
                    }
                    try await connection.send("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\nGET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
                    #expect(try await connection.response(toHead: true)["Content-Length"] == "\(length)")
                    #expect(try await connection.response().status == 200)
                }
            }
        }
    }

    @Test func fileThatIsUnlinkedMeanwhileIsSentWhole() async throws {
        try await Self.withFile(size: 8 << 20) { path, bytes in
            try await TestServer.with(routes: { Self.slice($0, path, offset: 0, length: bytes.readableBytes, unlink: true) }) { server in
                let response = try await server.get("/file")
                #expect(response.body == bytes)
            }
        }
    }

    @Test func sliceBeyondTheFileEndsTheConnection() async throws {
        try await Self.withFile(size: 1000) { path, _ in
            try await TestServer.with(routes: { Self.slice($0, path, offset: 500, length: 501) }) { server in
                await #expect(throws: RawConnection.Ended.self) { try await server.get("/file") }
            }
        }
    }

    @Test func aFileEndsWhereItsTimeIsUp() async throws {
        try await Self.withFile(size: 3 << 20) { path, bytes in
            let routes: @Sendable (Routes) -> Void = { routes in
                for (name, seconds) in [("over", -1), ("later", 3600)] {
                    routes.get("/\(name)", .download) { _, _ in
                        let file = try #require(FileSlice.File(path: path))
                        return Response(
                            status: .ok, headers: [.contentType: "text/csv"],
                            body: FileSlice(file: file, offset: 5, length: bytes.readableBytes - 5, until: .now + .seconds(seconds)).body)
                    }
                }
            }
            try await TestServer.with(routes: routes) { server in
                let later = try await server.get("/later")
                #expect(later.body == bytes.getSlice(at: 5, length: bytes.readableBytes - 5))
                await #expect(throws: RawConnection.Ended.self) { try await server.get("/over") }
            }
        }
    }

    @Test func descriptorsAreClosedWhetherTheReaderStaysOrLeaves() async throws {
        @Sendable func openDescriptors(_ path: String) throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?.hasPrefix(path) ?? false
            }.count
        }
        try await Self.withFile(size: 32 << 20) { path, bytes in
            try await TestServer.with(routes: { Self.slice($0, path, offset: 0, length: bytes.readableBytes) }) { server in
                _ = try await server.get("/file")
                try await server.connect { connection in
                    try await connection.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await connection.line()
                    #expect(try openDescriptors(path) >= 1)
                }
                for _ in 0..<6000 {
                    guard try openDescriptors(path) > 0 else { break }
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try openDescriptors(path) == 0)
            }
        }
    }

    @Test func readerThatTakesNothingOfAFileIsCutOff() async throws {
        try await Self.withFile(size: 32 << 20) { path, bytes in
            try await TestServer.with(configure: { $0.writeTimeout = 0.3 }, routes: { Self.slice($0, path, offset: 0, length: bytes.readableBytes) }) { server in
                try await server.connect { connection in
                    try await connection.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await connection.line()
                    for _ in 0..<6000 where server.api.gate.metrics.timeouts[2] == 0 { try await Task.sleep(for: .milliseconds(10)) }
                    #expect(server.api.gate.metrics.timeouts[2] == 1)
                    #expect(await connection.discardAll() < bytes.readableBytes)
                }
            }
        }
    }
}
