internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RateLimit

/// Sends to addresses that others named.
///
/// The name is resolved here, and what is connected to is the address that was held against the rule, so that a name cannot lead elsewhere in between. Redirections are
/// not followed, no proxy is asked, and of the answer nothing is read but its head.
struct WebhookClient: Sendable {
    let rule: AddressRule
    /// How long all of it may take.
    let patience: Duration

    /// Names are resolved by the system, which blocks: on threads of their own, so that a slow name server holds up nothing else.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 16)
        pool.start()
        return pool
    }()

    func send(_ webhook: Webhook, to url: String) async -> WebhookReply {
        do {
            guard let parsed = URL(string: url), let scheme = parsed.scheme, let host = parsed.host, ["http", "https"].contains(scheme) else { throw WebhookFailure.unresolved }
            let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
            let address = try await address(of: bare)
            if scheme == "http", !rule.isNamed(address) { throw WebhookFailure.insecure }
            return try await post(webhook, url, host: bare, address)
        } catch let failure as WebhookFailure {
            return .failed(failure)
        } catch {
            return .failed(Self.failure(error))
        }
    }

    /// The first address of a host that may be connected to.
    private func address(of host: String) async throws -> IPAddress {
        let found = try await Self.threads.runIfActive { Self.resolve(host) }
        guard !found.isEmpty else { throw WebhookFailure.unresolved }
        guard let address = found.first(where: rule.permits) else { throw WebhookFailure.addressRefused }
        return address
    }

    private static func resolve(_ host: String) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [IPAddress] = []
        var next = list
        while let info = next?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
                let name = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                // One with a zone (fe80::1%eth0) is link-local, and none of ours.
                if let address = IPAddress(name), !addresses.contains(address) { addresses.append(address) }
            }
            next = info.ai_next
        }
        return addresses
    }

    private func post(_ webhook: Webhook, _ url: String, host: String, _ address: IPAddress) async throws -> WebhookReply {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        let limit = TimeAmount.nanoseconds(Int64(patience / .nanoseconds(1)))
        configuration.timeout = .init(connect: limit, read: limit)
        configuration.dnsOverride = [host: address.description]
        // Whatever the client makes of the address, the connection itself is held against the rule, too.
        configuration = rule.guarding(configuration, isPlain: url.hasPrefix("http:"))
        let client = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
        do {
            var request = HTTPClientRequest(url: url)
            request.method = .POST
            for (name, value) in webhook.headers { request.headers.add(name: name, value: value) }
            request.headers.add(name: "User-Agent", value: "daylight")
            request.body = .bytes(ByteBuffer(string: webhook.body))
            let answer = try await client.execute(request, timeout: limit)
            let reply = WebhookReply.answered(status: Int(answer.status.code), retryAfter: answer.headers.first(name: "Retry-After").flatMap { Int($0) })
            try? await client.shutdown()
            return reply
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    private static func failure(_ error: any Error) -> WebhookFailure {
        if let failure = error as? WebhookFailure { return failure }
        if error is AddressRefused { return .addressRefused }
        if let error = error as? HTTPClientError {
            let late: [HTTPClientError] = [.deadlineExceeded, .readTimeout, .connectTimeout, .writeTimeout, .getConnectionFromPoolTimeout, .cancelled]
            return late.contains(error) ? .timeout : error == .tlsHandshakeTimeout ? .tls : .unreachable
        }
        if error is CancellationError { return .timeout }
        if error is HTTPParserError { return .malformed }
        return String(reflecting: type(of: error)).contains("SSL") ? .tls : .unreachable
    }
}
