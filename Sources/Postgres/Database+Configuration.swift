extension Database {
    /// How to reach the database, and how much of it to use.
    public struct Configuration: Sendable {
        /// A connection string or URI as libpq takes it (PostgreSQL manual, 34.1.1): several hosts, TLS and all.
        public var url: String
        /// Settings of every session (`role`, `statement_timeout`…), sent with the connection's first message, so that
        /// they cost nothing per request.
        public var sessionSettings: [(name: String, value: String)]
        /// Pipelined connections that each event loop owns. Two to four in all were best where it was measured.
        public var pipelinedConnectionsPerLoop = 1
        /// Short reads that may wait on one event loop; further ones fail as `overloaded`.
        public var maxPendingReads = 10_000
        /// Pooled connections at most.
        public var poolSize = 8
        /// Callers that may wait for a pooled connection; further ones fail as `overloaded`.
        public var maxWaiters = 1_000
        /// How long a caller waits for a pooled connection.
        public var acquireTimeout: Duration = .seconds(5)
        /// How long one attempt to connect may take, per host; whole seconds count. The URL's own `connect_timeout` wins.
        public var connectTimeout: Duration = .seconds(5)
        /// Prepared statements that a pipelined connection keeps; the least recently used one goes first.
        public var maxPreparedStatements = 256
        /// Idle pooled connections are asked whether they still live after this time.
        public var healthCheckInterval: Duration = .seconds(30)
        /// Shown in `pg_stat_activity`.
        public var applicationName = "daylight"

        public init(url: String, sessionSettings: [(String, String)] = []) {
            self.url = url
            self.sessionSettings = sessionSettings.map { (name: $0.0, value: $0.1) }
        }
    }

    /// A moment's counts, for metrics.
    public struct Statistics: Sendable, Hashable {
        /// Pooled connections that callers hold, that are idle, and callers that wait for one.
        public var poolInUse = 0
        public var poolIdle = 0
        public var poolWaiting = 0
        /// Short reads that were sent and not answered yet, and those not sent yet.
        public var pipelinedInFlight = 0
        public var pipelinedPending = 0
        /// Connections that were opened again after they broke.
        public var reconnects = 0
    }
}
