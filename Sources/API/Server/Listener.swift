import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import RateLimit
import Synchronization

/// A listening port and the connections that came through it.
final class Listener: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isStopping = false
        var open: [ObjectIdentifier: any Channel] = [:]
    }

    private let answerer: Answerer
    private let host: String
    private let requestedPort: Int
    private let group: any EventLoopGroup
    private let loops: [ObjectIdentifier: LoopState]
    private let state = Mutex(State())

    init(answerer: Answerer, host: String, port: Int, group: any EventLoopGroup) {
        self.answerer = answerer
        self.host = host
        requestedPort = port
        self.group = group
        var loops: [ObjectIdentifier: LoopState] = [:]
        for loop in group.makeIterator() { loops[ObjectIdentifier(loop)] = LoopState(loop) }
        self.loops = loops
    }

    var port: Int { state.withLock { $0.channel?.localAddress?.port ?? 0 } }

    func start() async throws {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try self.accept(channel) }
            }
        let channel = try await bootstrap.bind(host: host, port: requestedPort).get()
        state.withLock { $0.channel = channel }
    }

    private func accept(_ channel: any Channel) throws {
        let metrics = answerer.gate.metrics
        metrics.connections.add(1, 1)
        let count: Int? = state.withLock { state in
            guard !state.isStopping else { return nil }
            state.open[ObjectIdentifier(channel)] = channel
            return state.open.count
        }
        guard let count else { throw ChannelError.ioOnClosedChannel }
        metrics.connections.add(0, 1)
        channel.closeFuture.whenComplete { _ in
            metrics.connections.add(0, -1)
            _ = self.state.withLock { $0.open.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        let pipeline = channel.pipeline.syncOperations
        guard count <= answerer.gate.configuration.connectionLimit else {
            metrics.connections.add(2, 1)
            try pipeline.addHandler(Turnstile())
            return
        }
        guard let loop = loops[ObjectIdentifier(channel.eventLoop)] else { throw ChannelError.ioOnClosedChannel }
        let connection = Connection(answerer: answerer, loop: loop, eventLoop: channel.eventLoop, peer: IPAddress(channel.remoteAddress))
        var limits = NIOHTTPDecoderLimitConfiguration()
        let configuration = answerer.gate.configuration
        limits.maxHeaderFieldSize = max(configuration.headerLimit, configuration.uriLimit + 1)
        limits.maxHeaderListSize = configuration.headerLimit + configuration.uriLimit
        limits.maxHeaderFieldCount = 128
        try pipeline.addHandler(Arrival(connection))
        try pipeline.addHandler(ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)))
        try pipeline.addHandler(connection)
    }

    func shutdown(within grace: Duration) async {
        let (channel, open) = state.withLock { state in
            state.isStopping = true
            return (state.channel, Array(state.open.values))
        }
        try? await channel?.close().get()
        for connection in open {
            connection.eventLoop.execute { connection.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        }
        await waitUntilEmpty(grace)
        for connection in state.withLock({ Array($0.open.values) }) { connection.close(promise: nil) }
        await waitUntilEmpty(.seconds(1))
    }

    private func waitUntilEmpty(_ limit: Duration) async {
        let end = ContinuousClock.now + limit
        while !state.withLock({ $0.open.isEmpty }), ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(10)) }
    }
}

/// Shows the connection bytes before the decoder has made sense of them.
private final class Arrival: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let connection: Connection

    init(_ connection: Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let rest = connection.bytesCame(unwrapInboundIn(data)) { context.fireChannelRead(wrapInboundOut(rest)) }
    }
}

/// Turns a connection away when too many are open.
private final class Turnstile: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let code = ProblemCode.overloaded
        let body = "{\"type\":\"\(code.typePath)\",\"title\":\"\(code.title.zh)\",\"status\":503,\"detail\":\"连接过多，请稍后重试 / too many connections, retry later\",\"code\":\"\(code.rawValue)\"}"
        let head = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: \(body.utf8.count)\r\nRetry-After: 5\r\nConnection: close\r\n\r\n"
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: head + body))).whenComplete { _ in channel.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
}

extension IPAddress {
    /// The address of a peer, without its zone; of a socket without one, `::`.
    init(_ address: SocketAddress?) {
        let text = (address?.ipAddress ?? "").prefix { $0 != "%" }
        self = IPAddress(text) ?? .v6(high: 0, low: 0)
    }
}
