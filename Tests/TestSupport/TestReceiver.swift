internal import NIOConcurrencyHelpers
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// A server that takes webhooks and answers what it is told to.
public final class TestReceiver: Sendable {
    public struct Request: Sendable {
        /// By lower-case name.
        public let headers: [String: String]
        public let body: String

        public func header(_ name: String) -> String { headers[name.lowercased()] ?? "" }
    }

    public enum Answer: Sendable, Hashable {
        case status(Int)
        /// A redirection.
        case elsewhere(String)
        /// Nothing, ever.
        case silence
        /// 200, and a body without an end.
        case endless
    }

    fileprivate struct State {
        var requests: [Request] = []
        var answer = Answer.status(200)
        var connections = 0
        var open: [ObjectIdentifier: any Channel] = [:]
    }

    fileprivate let state = NIOLockedValueBox(State())
    private let listener: NIOLockedValueBox<(any Channel)?> = NIOLockedValueBox(nil)
    public let port: Int

    /// - Parameter port: 0 for any that is free.
    public init(host: String = "127.0.0.1", port: Int = 0) async throws {
        let state = state
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                state.withLockedValue { state in
                    state.connections += 1
                    state.open[ObjectIdentifier(channel)] = channel
                }
                channel.closeFuture.whenComplete { _ in state.withLockedValue { $0.open[ObjectIdentifier(channel)] = nil } }
                return channel.pipeline.configureHTTPServerPipeline().flatMap {
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Taking(state)) }
                }
            }
            .bind(host: host, port: port).get()
        self.port = channel.localAddress?.port ?? 0
        listener.withLockedValue { $0 = channel }
    }

    public var url: String { "http://127.0.0.1:\(port)/hook" }

    /// What came so far.
    public var requests: [Request] { state.withLockedValue { $0.requests } }

    /// Connections that were made so far.
    public var connections: Int { state.withLockedValue { $0.connections } }

    /// Connections that are open now.
    public var openConnections: Int { state.withLockedValue { $0.open.count } }

    /// Closes all connections, and goes on listening.
    public func closeConnections() async { for channel in state.withLockedValue({ Array($0.open.values) }) { try? await channel.close() } }

    public func answer(_ answer: Answer) { state.withLockedValue { $0.answer = answer } }

    public func close() async {
        guard let channel = listener.withLockedValue({ $0.take() }) else { return }
        try? await channel.close()
    }

    private final class Taking: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let state: NIOLockedValueBox<State>
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ state: NIOLockedValueBox<State>) { self.state = state }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, "")
            case .body(let buffer): body += String(buffer: buffer)
            case .end: take(context)
            }
        }

        private func take(_ context: ChannelHandlerContext) {
            guard let head else { return }
            let request = Request(headers: Dictionary(head.headers.map { ($0.name.lowercased(), $0.value) }) { $0 + ", " + $1 }, body: body)
            let answer = state.withLockedValue { state in
                state.requests.append(request)
                return state.answer
            }
            var fields: HTTPHeaders = ["Content-Length": "0"]
            let status: HTTPResponseStatus
            switch answer {
            case .silence: return
            case .endless:
                context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: ["Transfer-Encoding": "chunked"]))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "no end")))), promise: nil)
                return
            case .status(let code): status = HTTPResponseStatus(statusCode: code)
            case .elsewhere(let url):
                status = .found
                fields.add(name: "Location", value: url)
            }
            context.write(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: status, headers: fields))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
