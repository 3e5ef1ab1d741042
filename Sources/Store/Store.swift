public import Logging
internal import Model
public import NIOCore
internal import Postgres

/// Everything that Daylight keeps, as PostgreSQL has it: each file of this room is one noun and its queries.
///
/// The databases behind it differ only in role: `reader` sees the published views and cannot write, `exchange` and `deliveries` see the views of grants and
/// cannot write, `writer` does what departments, reviewers and the operator do. What fails leaves as a `Problem`.
public final class Store: Sendable {
    /// What it is set to. Times are in seconds.
    public struct Configuration: Sendable {
        /// Where the primary is: a connection string or URI as libpq takes it.
        public var databaseURL: String
        /// Where reads go; the primary where it is nil.
        public var readerURL: String?
        /// Pipelined connections of each event loop, for short public reads: with two, the server works on one batch while the other travels.
        public var pipelinedConnectionsPerLoop = 2
        /// Pooled connections for longer public reads and downloads.
        public var readerPool = 8
        /// Pooled connections for all that writes.
        public var writerPool = 8
        /// Pooled connections for what is short on the exchange: passes, pages.
        public var exchangePool = 4
        /// Pooled connections for deliveries, each of which may have a slow receiver.
        public var deliveryPool = 8
        /// Longest wait for a pooled connection.
        public var acquireTimeout = 5
        /// Longest public statement; downloads are statements too, and have `downloadTimeout`.
        public var readerTimeout = 20
        public var downloadTimeout = 3600
        /// Longest time that a stream of rows holds a connection, however slow its reader is.
        public var streamLimit = 120
        /// Longest time in seconds for which rows are still read that have to leave public view meanwhile: a minute, less what may be on its way.
        public var expiryGrace = 30.0
        /// The planner's estimate up to which an aggregate or a page that no index serves is computed, in PostgreSQL's cost units: reading 8 KiB in order costs 1.
        public var queryCost = 2_000_000
        /// The estimate from which a question counts as costly. Half of the reader's pool at most works on costly questions, so that a few of them do not keep
        /// all others waiting.
        public var costlyRead = 10_000
        /// The estimate from which a stream's first row is late; its first rows are then read by themselves where that is quicker.
        public var lateCost = 5_000
        /// How many rows that are.
        public var firstRows = 500
        /// Longest time for them; then all are asked for after all.
        public var firstRowsTime = 0.25
        /// Longest time in seconds that a stream's reader waits for the first row. What stands before the rows is sent then, and what fails later breaks the stream off.
        public var openingTime = 0.05
        /// Longest wait for a lock, of either role.
        public var lockTimeout = 10
        /// Longest pause inside a transaction, of either role.
        public var idleInTransactionTimeout = 300

        public init(databaseURL: String, readerURL: String? = nil) {
            self.databaseURL = databaseURL
            self.readerURL = readerURL
        }
    }

    public let configuration: Configuration
    let reader: Database
    let writer: Database
    let exchange: Database
    let deliveries: Database
    let logger: Logger
    let costlyReads: Slots
    let ledgerNews = LedgerNews()

    /// Nothing is connected until `start()`.
    ///
    /// - Parameters:
    ///   - eventLoopGroup: owns the pipelined connections; the caller shuts it down after `close()`.
    ///   - logger: gets the words of PostgreSQL that no caller sees.
    public init(_ configuration: Configuration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        let places = max(1, configuration.readerPool / 2)
        costlyReads = Slots(
            capacity: places, waiting: places * 2,
            refusal: Problem(
                .overloaded, zh: "耗时的查询过多，请稍后重试，或缩小范围", en: "too many costly questions are being answered; narrow this one, or try again in a moment", retryAfter: 5))
        var read = Database.Configuration(
            url: configuration.readerURL ?? configuration.databaseURL,
            sessionSettings: Self.settings(configuration, role: "daylight_reader") + [
                ("default_transaction_read_only", "on"), ("statement_timeout", "\(configuration.readerTimeout)s"),
            ]
        )
        read.pipelinedConnectionsPerLoop = configuration.pipelinedConnectionsPerLoop
        read.poolSize = configuration.readerPool
        read.acquireTimeout = .seconds(configuration.acquireTimeout)
        read.applicationName = "daylight reader"
        var write = Database.Configuration(url: configuration.databaseURL, sessionSettings: Self.settings(configuration, role: "daylight_writer"))
        write.poolSize = configuration.writerPool
        write.acquireTimeout = .seconds(configuration.acquireTimeout)
        write.applicationName = "daylight writer"
        // On the primary: a grant that was taken back must not be read from a standby that has not heard of it.
        func granted(_ pool: Int, _ name: String) -> Database {
            var granted = Database.Configuration(
                url: configuration.databaseURL,
                sessionSettings: Self.settings(configuration, role: "daylight_exchange") + [("statement_timeout", "\(configuration.readerTimeout)s")])
            granted.pipelinedConnectionsPerLoop = 0
            granted.poolSize = pool
            granted.acquireTimeout = .seconds(configuration.acquireTimeout)
            granted.applicationName = name
            return Database(granted, eventLoopGroup: eventLoopGroup, logger: logger)
        }
        exchange = granted(configuration.exchangePool, "daylight exchange")
        // Of their own, so that slow receivers keep nobody from a pass or a page.
        deliveries = granted(configuration.deliveryPool, "daylight deliveries")
        reader = Database(read, eventLoopGroup: eventLoopGroup, logger: logger)
        writer = Database(write, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Opens the connections.
    ///
    /// - Throws: `Problem` (`databaseUnavailable`) when a server cannot be reached or refuses a role; the reason is in the log.
    public func start() async throws {
        try await mappingErrors {
            try await reader.start()
            try await writer.start()
            try await exchange.start()
            try await deliveries.start()
        }
    }

    /// Refuses new work, waits for what runs, closes all connections.
    public func close() async {
        await reader.close()
        await writer.close()
        await exchange.close()
        await deliveries.close()
    }

    /// Asks both servers for a sign of life.
    ///
    /// - Throws: `Problem` (`databaseUnavailable`) where one gives none within the time.
    public func ping(within limit: Duration = .seconds(2)) async throws {
        let deadline = ContinuousClock.now + limit
        try await mappingErrors {
            _ = try await reader.read("SELECT 1", deadline: deadline)
            try await writer.execute("SELECT 1", deadline: deadline)
        }
    }

    /// A moment's counts of each pool's connections, for metrics, by name.
    public var statistics: [(name: String, value: Int)] {
        [("reader", reader.statistics), ("writer", writer.statistics), ("exchange", exchange.statistics), ("deliveries", deliveries.statistics)].flatMap { role, counts in
            [
                ("\(role)_pool_in_use", counts.poolInUse), ("\(role)_pool_idle", counts.poolIdle), ("\(role)_pool_waiting", counts.poolWaiting),
                ("\(role)_pipelined_in_flight", counts.pipelinedInFlight), ("\(role)_pipelined_pending", counts.pipelinedPending),
                ("\(role)_reconnects", counts.reconnects),
            ]
        }
    }

    // All of Daylight's clocks show +08:00: with a POSIX zone, PostgreSQL writes that offset for every instant.
    private static func settings(_ configuration: Configuration, role: String) -> [(String, String)] {
        [
            ("role", role), ("TimeZone", "<+08>-08"), ("DateStyle", "ISO, YMD"), ("IntervalStyle", "iso_8601"), ("search_path", ""),
            ("lock_timeout", "\(configuration.lockTimeout)s"),
            // Rows with a value and rows without stand in a UNION ALL, one behind the other; side by side they would come in any order.
            ("enable_parallel_append", "off"),
            ("idle_in_transaction_session_timeout", "\(configuration.idleInTransactionTimeout)s"),
        ]
    }
}
