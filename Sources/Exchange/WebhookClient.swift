internal import AsyncHTTPClient
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import RateLimit

/// Sends to addresses that others named.
///
/// The name is resolved here, and what is connected to is the address that was held against the rule, so that a name cannot lead elsewhere in between. Connections are kept for
/// a while (``WebhookLines``). Redirections are not followed, no proxy is asked, and of the answer only its head is looked at.
struct WebhookClient: Sendable {
    let rule: AddressRule
    /// How long all of it may take.
    let patience: Duration
    /// Requests to one URL at a time.
    var width = 8
    let lines: WebhookLines

    /// Bytes of an answer's body that are read, and for how long, so that its connection can be used again; a longer one ends with its connection.
    private static let longestBody = (bytes: 16_384, time: Duration.seconds(1))

    init(rule: AddressRule, patience: Duration, limits: WebhookLines.Limits = WebhookLines.Limits()) {
        (self.rule, self.patience) = (rule, patience)
        lines = WebhookLines(limits)
    }

    /// Names are resolved by the system, which blocks: on threads of their own, so that a slow name server holds up nothing else.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 16)
        pool.start()
        return pool
    }()

    func send(_ webhook: Webhook, to url: String) async -> WebhookReply {
        do {
            if let line = lines.line(to: url) {
                do {
                    return try await post(webhook, to: url, on: line)
                } catch where line.isUsed && Self.isStale(error) {
                    // The other side had closed what was kept. Should it have read the message nonetheless, it knows it by its identifier.
                    lines.drop(line, to: url)
                }
            }
            let line = try await open(url)
            let reply = try await post(webhook, to: url, on: line)
            lines.keep(line, to: url)
            return reply
        } catch let failure as WebhookFailure {
            return .failed(failure)
        } catch {
            return .failed(Self.failure(error))
        }
    }

    /// Resolves a URL's name, and holds its address against the rule.
    private func open(_ url: String) async throws -> WebhookLine {
        guard let parsed = URL(string: url), let scheme = parsed.scheme, let host = parsed.host, ["http", "https"].contains(scheme) else { throw WebhookFailure.unresolved }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let address = try await address(of: bare)
        if scheme == "http", !rule.isNamed(address) { throw WebhookFailure.insecure }
        return WebhookLine(host: bare, address, isPlain: scheme == "http", rule: rule, patience: limit, idle: lines.limits.idle, width: width)
    }

    private var limit: TimeAmount { .nanoseconds(Int64(patience / .nanoseconds(1))) }

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

    private func post(_ webhook: Webhook, to url: String, on line: WebhookLine) async throws -> WebhookReply {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        for (name, value) in webhook.headers { request.headers.add(name: name, value: value) }
        request.headers.add(name: "User-Agent", value: "daylight")
        request.body = .bytes(ByteBuffer(string: webhook.body))
        let answer = try await line.client.execute(request, timeout: limit)
        line.noteServed()
        await Self.finish(answer)
        return .answered(status: Int(answer.status.code), retryAfter: answer.headers.first(name: "Retry-After").flatMap { Int($0) })
    }

    /// Reads a short body to its end, since its connection is free only then. One that is longer, or does not come, is broken off with its connection.
    private static func finish(_ answer: HTTPClientResponse) async {
        let length = answer.headers.first(name: "Content-Length").flatMap { Int($0) }
        if let length, length > longestBody.bytes { return }
        guard answer.status != .noContent, length != 0 else { return await read(answer.body) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await read(answer.body) }
            group.addTask { try? await Task.sleep(for: longestBody.time) }
            await group.next()
            group.cancelAll()
        }
    }

    private static func read(_ body: HTTPClientResponse.Body) async {
        var bytes = 0, pieces = body.makeAsyncIterator()
        while bytes <= longestBody.bytes, let piece = try? await pieces.next() { bytes += piece.readableBytes }
    }

    /// Whether a connection that was kept broke before an answer came.
    private static func isStale(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .remoteConnectionClosed
        case let error as IOError: error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
        default: error is ChannelError
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
