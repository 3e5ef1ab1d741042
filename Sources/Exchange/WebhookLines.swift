internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import RateLimit
internal import Synchronization

/// Connections to one address of one URL. They are closed when the last one that uses them lets go.
final class WebhookLine: Sendable {
    let client: HTTPClient
    fileprivate let opened = ContinuousClock.now
    private let hasServed = Atomic(false)

    /// - Parameters:
    ///   - host: the URL's.
    ///   - address: what it was resolved to, and was held against the rule.
    ///   - width: requests at a time.
    init(host: String, _ address: IPAddress, isPlain: Bool, rule: AddressRule, patience: TimeAmount, idle: Duration, width: Int) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout = .init(connect: patience, read: patience)
        configuration.dnsOverride = [host: address.description]
        configuration.connectionPool.idleTimeout = .nanoseconds(Int64(idle / .nanoseconds(1)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = width
        // Whatever the client makes of the address, each connection itself is held against the rule, too.
        configuration = rule.guarding(configuration, isPlain: isPlain)
        client = HTTPClient(eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: configuration)
    }

    deinit { client.shutdown { _ in } }

    /// Whether a request was answered on it, so that a connection may be an old one that the other side has closed meanwhile.
    var isUsed: Bool { hasServed.load(ordering: .relaxed) }

    func noteServed() { hasServed.store(true, ordering: .relaxed) }
}

/// The lines that are kept, by URL. An address was held against the rule when its line was opened, and counts for as long as a line may get old; then the name is resolved anew.
final class WebhookLines: Sendable {
    struct Limits: Sendable {
        /// So long an unused line is kept.
        var idle = Duration.seconds(15)
        /// So long a line is used.
        var age = Duration.seconds(60)
        /// So many are kept; what was used longest ago goes first.
        var count = 256
    }

    let limits: Limits
    private let kept = Mutex<[String: (line: WebhookLine, used: ContinuousClock.Instant)]>([:])

    init(_ limits: Limits = Limits()) { self.limits = limits }

    /// The line to a URL; nil where a new one has to be opened.
    func line(to url: String) -> WebhookLine? {
        kept.withLock { kept in
            guard let line = kept[url]?.line else { return nil }
            guard line.opened.duration(to: .now) < limits.age else {
                kept[url] = nil
                return nil
            }
            kept[url] = (line, .now)
            return line
        }
    }

    /// Keeps a line that was opened.
    func keep(_ line: WebhookLine, to url: String) {
        kept.withLock { kept in
            if kept[url] == nil, kept.count >= limits.count, let oldest = kept.min(by: { $0.value.used < $1.value.used })?.key { kept[oldest] = nil }
            kept[url] = (line, .now)
        }
    }

    /// Lets go of a line, if it is still the one that is kept.
    func drop(_ line: WebhookLine, to url: String) { kept.withLock { if $0[url]?.line === line { $0[url] = nil } } }

    /// Lets go of lines that are idle or old, and of those to other URLs than these.
    func keep(only urls: [String]) {
        let urls = Set(urls), now = ContinuousClock.now
        kept.withLock { kept in
            kept = kept.filter { urls.contains($0.key) && $0.value.used.duration(to: now) < limits.idle && $0.value.line.opened.duration(to: now) < limits.age }
        }
    }

    /// URLs to which a line is kept.
    var urls: [String] { kept.withLock { Array($0.keys) } }

    func close() { kept.withLock { $0 = [:] } }
}
