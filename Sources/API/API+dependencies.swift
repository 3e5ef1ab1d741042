public import Bulk
public import Catalogue
public import Exchange
public import Model
public import Notary
public import Publishing

extension API {
    /// Finds the record of a key by its public prefix; nil when there is none.
    public typealias KeyLookup = @Sendable (_ prefix: String) async throws -> AccessKey?

    /// What the interface stands on, given by the executable.
    public struct Dependencies: Sendable {
        /// Finds the record of a key.
        public var keyLookup: KeyLookup
        /// Why the process cannot serve at the moment (database away, schema unknown), in words for the operator; nil when it can.
        public var unreadiness: @Sendable () async -> String?
        /// Text of `openapi.yaml`, served verbatim.
        public var document: String
        /// Further measurements for the metrics page.
        public var gauges: [Gauge]
        /// The same with labels.
        public var metricFamilies: [MetricFamily] = []
        /// Rows of released versions; nil where a server is tested without them.
        public var rows: RowReader?
        /// Files of released versions; nil where a server is tested without them.
        public var bulk: Bulk?
        /// Datasets, departments and profiles; nil where a server is tested without them.
        public var catalogue: Catalogue?
        /// Whether answers that are kept still stand; nil keeps none.
        public var freshness: Freshness?
        /// How limits are shared with other processes; nil where they are this one's alone.
        public var sharedLimits: SharedLimits?
        /// The record of changes; nil where a server is tested without it. It comes with a catalogue.
        public var changes: ChangeFeed?
        /// Pushes, reviews, releases, versions, withdrawals; nil where a server is tested without them.
        public var publishing: Publishing?
        /// The ledger; nil where a server is tested without it.
        public var notary: Notary?
        /// Sharing between departments; nil where a server is tested without it. It needs `cursors`.
        public var sharing: Sharing?
        /// Remembers the calls on the exchange; nil where a server is tested without it.
        public var audit: AuditTrail?
        /// Signs the cursors of lists; nil as `publishing` is.
        public var cursors: CursorSeal?

        public init(
            keyLookup: @escaping KeyLookup,
            unreadiness: @escaping @Sendable () async -> String?,
            document: String,
            gauges: [Gauge] = []
        ) {
            self.keyLookup = keyLookup
            self.unreadiness = unreadiness
            self.document = document
            self.gauges = gauges
        }
    }

    /// A measurement that another room offers to the metrics page.
    public struct Gauge: Sendable {
        /// Name by the Prometheus conventions, such as `daylight_pool_waiting`.
        public let name: String
        /// What it is, in one line.
        public let help: String
        /// Reads it now; called once per scrape.
        public let read: @Sendable () -> Double

        public init(name: String, help: String, read: @escaping @Sendable () -> Double) {
            self.name = name
            self.help = help
            self.read = read
        }
    }
}
