import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerShutdownTests {
    private static func routes(_ routes: Routes) {
        routes.get("/slow/{ms}", .download) { _, context in
            let time = Int(try context.path("ms")) ?? 0
            return Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "begun "))
                    try await Task.sleep(for: .milliseconds(time))
                    try await writer.write(ByteBuffer(string: "ended"))
                    try await writer.finish(nil)
                }
            )
        }
    }

    @Test func runningDownloadsAreFinishedAndIdleConnectionsClosed() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            try await server.connect { idle in
                try await idle.send("GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await idle.response()
                try await server.connect { busy in
                    try await busy.send("GET /slow/10000 HTTP/1.1\r\nHost: h\r\n\r\n")
                    _ = try await busy.line()
                    async let stopped: Void = server.server.shutdown(within: .seconds(30))
                    #expect(await idle.rest().readableBytes == 0)
                    // The idle one did not have to wait for the busy one.
                    for _ in 0..<6000 where server.api.gate.metrics.connections[0] != 1 { try await Task.sleep(for: .milliseconds(10)) }
                    #expect(server.api.gate.metrics.connections[0] == 1)
                    let rest = String(buffer: await busy.rest())
                    #expect(rest.contains("begun "))
                    #expect(rest.hasSuffix("5\r\nended\r\n0\r\n\r\n"))
                    await stopped
                }
            }
        }
    }

    @Test func whatOutlastsTheGraceIsCut() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            try await server.connect { busy in
                try await busy.send("GET /slow/60000 HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await busy.line()
                let start = ContinuousClock.now
                await server.server.shutdown(within: .milliseconds(300))
                #expect(ContinuousClock.now - start < .seconds(50))
                #expect(!String(buffer: await busy.rest()).contains("ended"))
            }
        }
    }

    @Test func nobodyIsAcceptedAfterwards() async throws {
        try await TestServer.with { server in
            let port = server.server.port
            await server.server.shutdown(within: .zero)
            await #expect(throws: (any Error).self) { try await server.connect(port: port) { try await $0.response() } }
        }
    }

    @Test func noConnectionIsLeftOpen() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            try await server.connect { busy in
                try await busy.send("GET /slow/200 HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await busy.line()
                async let stopped: Void = server.server.shutdown(within: .seconds(5))
                #expect(await busy.discardAll() > 0)
                await stopped
                #expect(server.api.gate.metrics.connections[0] == 0)
            }
        }
    }
}
