import Crypto
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOPosix
import RateLimit
import Synchronization
import Testing

@testable import API

/// A server on a free port with routes of the test's own, and connections to it byte by byte.
struct TestServer {
    let server: HTTPServer
    let api: API
    let lookups: Lookups

    /// Counts how often the database would have been asked for a key.
    final class Lookups: Sendable {
        let prefixes = Mutex<[String]>([])
    }

    /// Runs a test against a server and shuts it down afterwards.
    static func with<Result: Sendable>(
        keys: [AccessKey] = [],
        configure: (inout API.Configuration) throws -> Void = { _ in },
        routes: (Routes) -> Void = { _ in },
        hot: [any HotRoute] = [],
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        _ body: (TestServer) async throws -> Result
    ) async throws -> Result {
        var configuration = API.Configuration()
        configuration.port = 0
        configuration.logsRequests = false
        // Tests of time limits set their own; the others must not fail on a machine that stands still for a while.
        configuration.headerTimeout = 50
        try configure(&configuration)
        let lookups = Lookups()
        let records = Dictionary(uniqueKeysWithValues: keys.map { ($0.prefix, $0) })
        let dependencies = API.Dependencies(
            keyLookup: { prefix in
                lookups.prefixes.withLock { $0.append(prefix) }
                try await Task.sleep(for: .milliseconds(5))
                return records[prefix]
            },
            unreadiness: { nil },
            document: "openapi: 3.1.0\n"
        )
        let api = API(configuration: configuration, dependencies: dependencies)
        let router = Router(context: AppContext.self)
        let table = Routes(router: router, gate: api.gate)
        api.addHealthRoutes(table)
        api.addDocumentRoutes(table)
        api.addLimitsRoutes(table)
        api.addKeysRoutes(table)
        routes(table)
        let server = HTTPServer(api: api, router: router, hotRoutes: hot, group: group)
        try await server.start()
        do {
            let result = try await body(TestServer(server: server, api: api, lookups: lookups))
            await server.shutdown(within: .zero)
            return result
        } catch {
            await server.shutdown(within: .zero)
            throw error
        }
    }

    /// Opens a connection for the length of a closure.
    func connect<Result: Sendable>(port: Int? = nil, _ body: @Sendable (RawConnection) async throws -> Result) async throws -> Result {
        try await RawConnection.open(port: port ?? server.port, body)
    }

    /// One request on a connection of its own.
    @discardableResult
    func ask(_ text: String) async throws -> RawResponse {
        try await connect { connection in
            try await connection.send(text)
            return try await connection.response(toHead: text.hasPrefix("HEAD"))
        }
    }

    /// A GET with further header lines.
    @discardableResult
    func get(_ path: String, _ fields: String...) async throws -> RawResponse {
        try await ask("GET \(path) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    static let secret = "dk_tester_0123456789abcdef"

    /// A key whose text is ``secret``, or another with the same prefix.
    static func key(
        text: String = secret, scopes: [Scope] = [.read], department: String? = nil, datasets: [String] = [], networks: [String] = [], tier: String = "registered",
        expiresAt: Timestamp? = nil, revokedAt: Timestamp? = nil
    ) -> AccessKey {
        AccessKey(
            id: "00000000-0000-0000-0000-000000000001", prefix: String(text.split(separator: "_")[1]), hash: Self.sha256(text), label: "test", department: department,
            scopes: scopes, datasets: datasets, networks: networks, tier: tier, createdAt: .now, expiresAt: expiresAt, revokedAt: revokedAt
        )
    }
}

/// A client that sends exactly what it is told.
final class RawConnection: @unchecked Sendable {
    private var iterator: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()
    private(set) var isAtEnd = false

    init(inbound: NIOAsyncChannelInboundStream<ByteBuffer>, outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) {
        iterator = inbound.makeAsyncIterator()
        self.outbound = outbound
    }

    /// Opens a connection for the length of a closure.
    ///
    /// - Parameter receiveBuffer: bytes that the kernel takes ahead of the reader; nil for as many as it likes.
    static func open<Result: Sendable>(port: Int, receiveBuffer: Int? = nil, _ body: @Sendable (RawConnection) async throws -> Result) async throws -> Result {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelOption(.allowRemoteHalfClosure, value: true)
        if let receiveBuffer { bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBuffer)) }
        let channel =
            try await bootstrap
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await body(RawConnection(inbound: inbound, outbound: outbound))
        }
    }

    func send(_ text: String) async throws {
        try await outbound.write(ByteBuffer(string: text))
    }

    func send(_ bytes: ByteBuffer) async throws {
        try await outbound.write(bytes)
    }

    func closeOutput() {
        outbound.finish()
    }

    /// Reads more.
    /// - Returns: false at the end, also when the connection was reset.
    @discardableResult
    func more() async -> Bool {
        guard !isAtEnd, var piece = try? await iterator.next() else {
            isAtEnd = true
            return false
        }
        buffer.writeBuffer(&piece)
        return true
    }

    func line() async throws -> String {
        while true {
            if let end = buffer.readableBytesView.firstIndex(of: 10) {
                // CR and LF are one character.
                return String((buffer.readString(length: end - buffer.readerIndex + 1) ?? "").dropLast())
            }
            guard await more() else { throw Ended(rest: String(buffer: buffer)) }
        }
    }

    func bytes(_ count: Int) async throws -> ByteBuffer {
        while buffer.readableBytes < count {
            guard await more() else { throw Ended(rest: "\(buffer.readableBytes) bytes of \(count)") }
        }
        guard let bytes = buffer.readSlice(length: count) else { throw Ended(rest: "") }
        return bytes
    }

    /// Everything until the server closes.
    func rest() async -> ByteBuffer {
        while await more() {}
        return buffer
    }

    /// Bytes that are there and the number read and thrown away until the end.
    func discardAll() async -> Int {
        var count = buffer.readableBytes
        buffer.clear()
        while await more() {
            count += buffer.readableBytes
            buffer.clear()
        }
        return count
    }

    struct Ended: Error {
        let rest: String
    }

    func response(toHead: Bool = false) async throws -> RawResponse {
        let status = try await line()
        var response = RawResponse(statusLine: status)
        while true {
            let line = try await line()
            if line.isEmpty { break }
            let colon = try #require(line.firstIndex(of: ":"))
            response.fields.append((String(line[..<colon]), line[line.index(after: colon)...].trimmingPrefix(" ").description))
        }
        if toHead || response.status == 304 || response.status == 204 || response.status < 200 { return response }
        if response["Transfer-Encoding"] == "chunked" {
            while true {
                let size = try #require(Int(try await line(), radix: 16))
                response.chunks.append(size)
                var chunk = try await bytes(size)
                response.body.writeBuffer(&chunk)
                #expect(try await line() == "")
                if size == 0 { break }
            }
        } else if let length = response["Content-Length"].flatMap({ Int($0) }) {
            response.body = try await bytes(length)
        } else {
            response.body = await rest()
        }
        return response
    }
}

struct RawResponse: Sendable {
    var statusLine: String
    var fields: [(name: String, value: String)] = []
    var chunks: [Int] = []
    var body = ByteBuffer()

    var status: Int { Int(statusLine.split(separator: " ")[1]) ?? 0 }
    var text: String { String(buffer: body) }

    subscript(name: String) -> String? {
        fields.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The whole answer but for what differs from one request to the next.
    var stable: [String] {
        [statusLine] + fields.filter { !["date", "x-request-id"].contains($0.name.lowercased()) }.map { "\($0.name): \($0.value)" } + [text]
    }
}

extension TestServer {
    static func sha256(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

final class Produced: Sendable {
    let bytes = Mutex(0)
}
