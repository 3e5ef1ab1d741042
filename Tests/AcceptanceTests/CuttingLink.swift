import Foundation
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A way to a server that can break: a TCP proxy that closes a connection once it has carried so many bytes back.
final class CuttingLink: Sendable {
    let port: Int
    private let channel: any Channel
    private let limit: NIOLockedValueBox<Int?>

    /// - Parameter target: the port of the server, on this machine.
    static func open(to target: Int) async throws -> CuttingLink {
        let limit = NIOLockedValueBox<Int?>(nil), cuts = NIOLockedValueBox(0)
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try await ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { inbound in
                let ahead = Relay(), back = Relay(limit: { limit.withLockedValue { $0 } }) { cuts.withLockedValue { $0 += 1 } }
                return ClientBootstrap(group: inbound.eventLoop)
                    .connectTimeout(.seconds(2))
                    .channelInitializer { outbound in
                        outbound.eventLoop.makeCompletedFuture {
                            ahead.other = outbound
                            back.other = inbound
                            try outbound.pipeline.syncOperations.addHandler(back)
                            try inbound.pipeline.syncOperations.addHandler(ahead)
                        }
                    }
                    .connect(host: "127.0.0.1", port: target).map { _ in }
                    .flatMapError { _ in inbound.close() }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return CuttingLink(channel: channel, limit: limit, cuts: cuts)
    }

    private init(channel: any Channel, limit: NIOLockedValueBox<Int?>, cuts: NIOLockedValueBox<Int>) {
        (self.channel, self.limit) = (channel, limit)
        port = channel.localAddress?.port ?? 0
        count = cuts
    }

    private let count: NIOLockedValueBox<Int>
    /// Connections that were cut.
    var cutCount: Int { count.withLockedValue { $0 } }

    /// Cuts connections from now on after so many bytes; nil lets them go on.
    func cut(after bytes: Int?) { limit.withLockedValue { $0 = bytes } }

    func close() async { try? await channel.close() }
}

/// Passes on what comes to another channel of the same event loop.
private final class Relay: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    var other: (any Channel)?
    private let limit: @Sendable () -> Int?
    private let onCut: @Sendable () -> Void
    private var passed = 0

    init(limit: @escaping @Sendable () -> Int? = { nil }, onCut: @escaping @Sendable () -> Void = {}) {
        (self.limit, self.onCut) = (limit, onCut)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        passed += buffer.readableBytes
        if let limit = limit(), passed > limit {
            onCut()
            other?.close(promise: nil)
            context.close(promise: nil)
        } else {
            other?.writeAndFlush(buffer, promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { other?.close(promise: nil) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
