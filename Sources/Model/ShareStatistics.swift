/// How a department shared over some time: as the one whose data it is.
public struct ShareStatistics: Sendable, Hashable, Codable {
    /// Requests that came in the time, and what has become of them by now.
    public struct Requests: Sendable, Hashable, Codable {
        public var received: Int
        public var granted: Int
        /// Refused or dismissed, and not granted after all.
        public var refused: Int
        public var withdrawn: Int
        /// Not answered yet.
        public var open: Int
        /// Those in which the department let its own clock run out: that of the answer, or that of the first delivery.
        public var late: Int
        /// Working days from a request to its first answer: the median, and what nine of ten needed at most; nil where none was answered.
        public var medianWorkingDays: Double?
        public var p90WorkingDays: Double?

        public init(
            received: Int, granted: Int, refused: Int, withdrawn: Int, open: Int, late: Int, medianWorkingDays: Double?, p90WorkingDays: Double?
        ) {
            self.received = received
            self.granted = granted
            self.refused = refused
            self.withdrawn = withdrawn
            self.open = open
            self.late = late
            self.medianWorkingDays = medianWorkingDays
            self.p90WorkingDays = p90WorkingDays
        }
    }

    /// Deliveries that began in the time.
    public struct Deliveries: Sendable, Hashable, Codable {
        public var begun: Int
        /// Sent whole.
        public var finished: Int
        public var rows: Int
        public var bytes: Int
        public var receipts: Int
        /// Sent whole and not signed for yet.
        public var receiptsMissing: Int
        /// Whole days since the oldest of them was sent.
        public var oldestMissingDays: Int?

        public init(
            begun: Int, finished: Int, rows: Int, bytes: Int, receipts: Int, receiptsMissing: Int, oldestMissingDays: Int?
        ) {
            self.begun = begun
            self.finished = finished
            self.rows = rows
            self.bytes = bytes
            self.receipts = receipts
            self.receiptsMissing = receiptsMissing
            self.oldestMissingDays = oldestMissingDays
        }
    }

    /// Corrections of its data that came in the time, and what has become of them by now.
    public struct Corrections: Sendable, Hashable, Codable {
        public var received: Int
        public var corrected: Int
        public var upheld: Int
        public var withdrawn: Int
        public var open: Int
        /// Those in which the department let the clock of its answer run out; one that it referred in time is not among them.
        public var late: Int
        public var medianWorkingDays: Double?
        public var p90WorkingDays: Double?

        public init(
            received: Int, corrected: Int, upheld: Int, withdrawn: Int, open: Int, late: Int, medianWorkingDays: Double?, p90WorkingDays: Double?
        ) {
            self.received = received
            self.corrected = corrected
            self.upheld = upheld
            self.withdrawn = withdrawn
            self.open = open
            self.late = late
            self.medianWorkingDays = medianWorkingDays
            self.p90WorkingDays = p90WorkingDays
        }
    }

    /// A request that was refused, and why.
    public struct Refusal: Sendable, Hashable, Codable {
        public var request: String
        public var dataset: String
        /// `refuse` or `dismiss`.
        public var event: String
        public var reason: String?
        public var at: Timestamp

        public init(
            request: String, dataset: String, event: String, reason: String?, at time: Timestamp
        ) {
            self.request = request
            self.dataset = dataset
            self.event = event
            self.reason = reason
            at = time
        }
    }

    public var department: String
    public var name: LocalizedText
    public var requests: Requests
    public var deliveries: Deliveries
    public var corrections: Corrections
    /// Refusals of the requests, the oldest first, at most a hundred.
    public var refusals: [Refusal]

    public init(department: String, name: LocalizedText, requests: Requests, deliveries: Deliveries, corrections: Corrections, refusals: [Refusal]) {
        self.department = department
        self.name = name
        self.requests = requests
        self.deliveries = deliveries
        self.corrections = corrections
        self.refusals = refusals
    }
}
