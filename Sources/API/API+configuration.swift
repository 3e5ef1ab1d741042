public import RateLimit

extension API {
    /// What the interface is set to. Times are in seconds, sizes in bytes.
    public struct Configuration: Sendable {
        /// Address to listen on.
        public var host = "127.0.0.1"
        /// Port to listen on; 0 takes a free one.
        public var port = 8080
        /// Port for metrics and health, on the same address; nil for none, 0 takes a free one.
        public var adminPort: Int?
        /// Event loops; nil for as many as cores.
        public var eventLoops: Int?
        /// Proxies that are believed about whom they speak for.
        public var trustedHops = TrustedHops()
        /// Limits per tier and class of action.
        public var policy = Policy.defaults
        /// Quotas kept at once.
        public var limiterCapacity = 65_536
        /// Downloads that one client may have running.
        public var downloadsPerClient = 8
        /// Event streams that one client may have open, and all clients together.
        public var eventStreamsPerClient = 4
        public var eventStreams = 1000
        /// How long an event stream stays open before its client has to connect again.
        public var eventStreamLifetime = 3600.0
        /// Bytes of answers kept for being given again; 0 keeps none.
        public var answerCapacity = 64 << 20
        /// Whether each request leaves a line in the log.
        public var logsRequests = true

        /// Connections open at once; more get 503.
        public var connectionLimit = 10_000
        /// Bytes of all header fields together.
        public var headerLimit = 16 * 1024
        /// Bytes of the request target.
        public var uriLimit = 8 * 1024
        /// Bytes of a JSON body.
        public var jsonLimit = 1024 * 1024
        /// Bytes of a streamed body.
        public var streamLimit = 8 * 1024 * 1024 * 1024

        /// From connecting, or from the first byte of a later request, to the end of its head.
        public var headerTimeout = 10.0
        /// Between requests on one connection.
        public var idleTimeout = 75.0
        /// How often a body's progress is looked at.
        public var bodyInterval = 15.0
        /// Bytes that must come in each such interval while the server waits for them.
        public var bodyProgress = 1024
        /// How long a client may take nothing of an answer that waits for it.
        public var writeTimeout = 60.0
        /// How long the rest of a body that nobody wants is still taken and dropped.
        public var lingerTimeout = 5.0
        /// How long running requests may go on when the server stops.
        public var shutdownGrace = 30.0

        public init() {}
    }
}
