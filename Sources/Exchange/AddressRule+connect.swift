public import AsyncHTTPClient
internal import NIOCore
internal import RateLimit

/// A connection is not used: its address may not be connected to.
public struct AddressRefused: Error, Sendable {}

extension AddressRule {
    /// Holds each connection of a client against the rule, whatever its name led to: the address that was connected to, before a request is sent. Then the request
    /// fails with ``AddressRefused``.
    ///
    /// - Parameter isPlain: whether its connections are without TLS: these are for the ranges that the operator named alone.
    public func guarding(_ configuration: HTTPClient.Configuration, isPlain: Bool) -> HTTPClient.Configuration {
        var configuration = configuration
        // Else the client would connect again and again to what was refused.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        configuration.http1_1ConnectionDebugInitializer = { channel in
            guard let text = channel.remoteAddress?.ipAddress, let peer = IPAddress(text), isPlain ? isNamed(peer) : permits(peer) else {
                return channel.eventLoop.makeFailedFuture(AddressRefused())
            }
            return channel.eventLoop.makeSucceededVoidFuture()
        }
        return configuration
    }
}
