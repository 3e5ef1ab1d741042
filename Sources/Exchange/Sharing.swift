internal import Foundation
public import Logging
public import Model
public import Store
internal import Synchronization
internal import WorkCalendar

/// Sharing between departments: requests, grants, deliveries, receipts.
public struct Sharing: Sendable {
    public struct Configuration: Sendable {
        public var clocks = ShareClocks()
        /// The longest term of a grant, in years.
        public var longestTerm = 5
        /// Where webhooks may go.
        public var addresses = AddressRule()
        /// Endpoints that a department may have.
        public var mostEndpoints = 10
        /// How many doubts of strangers may wait.
        public var corrections = Store.CorrectionLimits()
        /// Signs statements about deliveries; nil where none are given.
        public var statements: StatementSigner?
        /// Where sealed files are kept; nil for none.
        public var fileDirectory: String?
        /// Bytes of sealed files that are kept.
        public var fileCapacity = 20 << 30

        public init() {}
    }

    let store: Store
    let configuration: Configuration
    let logger: Logger
    let files: SealedFiles?
    private let days: WorkDays
    let signing = SigningRules()

    public init(store: Store, configuration: Configuration = Configuration(), logger: Logger) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        files = configuration.fileDirectory.map { SealedFiles(directory: $0, capacity: configuration.fileCapacity, logger: logger) }
        days = WorkDays(store: store)
    }

    func calendar() async throws -> WorkCalendar { try await days.calendar() }
}

/// The loaded calendar, read again after a minute.
private final class WorkDays: Sendable {
    private let store: Store
    private let kept = Mutex<(calendar: WorkCalendar, readAt: ContinuousClock.Instant)?>(nil)

    init(store: Store) { self.store = store }

    func calendar() async throws -> WorkCalendar {
        if let kept = kept.withLock({ $0 }), ContinuousClock.now - kept.readAt < .seconds(60) { return kept.calendar }
        let (years, days) = try await store.workDays()
        let calendar = WorkCalendar(
            announced: years.compactMap { year in
                guard let first = CalendarDate(year: year, month: 1, day: 1), let last = CalendarDate(year: year, month: 12, day: 31) else { return nil }
                return first.daysSince1970...last.daysSince1970
            },
            exceptions: Dictionary(days.map { ($0.day.daysSince1970, $0.isWorking) }) { $0 || $1 })
        kept.withLock { $0 = (calendar, .now) }
        return calendar
    }
}

/// On whose behalf somebody takes part in the exchange.
public struct Member: Sendable, Hashable {
    public let key: AccessKey
    /// The call that it sends, where that was signed.
    public var signed: SignedRequest?

    /// - Returns: nil for a key that has neither the scope `exchange` nor `oversight`.
    public init?(_ key: AccessKey) {
        guard key.scopes.contains(.exchange) || key.scopes.contains(.oversight) else { return nil }
        self.key = key
    }

    /// The data authority settles disputes and sees everything.
    public var isAuthority: Bool { key.scopes.contains(.oversight) }

    /// Whether it acts for a department; a key without a department acts for any.
    public func acts(for department: String) -> Bool { key.scopes.contains(.exchange) && (key.department == nil || key.department == department) }

    /// The department whose requests it sees; nil for all.
    public var view: String? { isAuthority ? nil : key.department }

    func parties(provider: String, receiver: String, dataset: String) -> Set<ShareRequest.Party> {
        guard key.datasets.isEmpty || key.datasets.contains(dataset) else { return [] }
        var parties: Set<ShareRequest.Party> = isAuthority ? [.authority] : []
        if acts(for: provider) { parties.insert(.provider) }
        if acts(for: receiver) { parties.insert(.receiver) }
        return parties
    }

    func parties(_ request: ShareRequest) -> Set<ShareRequest.Party> { parties(provider: request.provider, receiver: request.receiver, dataset: request.dataset) }

    func parties(_ subject: Store.ReceiptSubject) -> Set<ShareRequest.Party> { parties(provider: subject.provider, receiver: subject.receiver, dataset: subject.dataset) }

    func parties(_ grant: ShareGrant) -> Set<ShareRequest.Party> { parties(provider: grant.provider, receiver: grant.receiver, dataset: grant.dataset) }

    /// The department in whose name an event is written down; nil for the authority of no department.
    func department(acting party: ShareRequest.Party, _ request: ShareRequest) -> String? {
        switch party {
        case .provider: request.provider
        case .receiver: request.receiver
        case .authority: key.department
        }
    }
}

/// A new random UUID, lower case.
func newIdentifier() -> String { UUID().uuidString.lowercased() }
