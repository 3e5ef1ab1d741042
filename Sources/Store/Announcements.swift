internal import Postgres
import Synchronization

/// What PostgreSQL tells of changes (`NOTIFY daylight_change`) and of the ledger (`NOTIFY daylight_ledger`), heard on one connection for the whole process and passed on to everybody in it.
public final class Announcements: Sendable {
    /// What is heard.
    public enum News: Sendable, Hashable {
        /// Readers see something else of this dataset now.
        case changed(dataset: String)
        /// Something was entered into the ledger and waits for its place.
        case entered
        /// Something may have been missed; what is kept has to be read anew.
        case mayHaveMissed
        /// Nothing will be heard any more.
        case ended
    }

    /// How often the server is asked whether anything is on its way, and how long its answer is worth.
    private static let proof = Duration.milliseconds(200)
    /// What is kept may be this old at most, wherever nothing is heard: a reader sees no state that was replaced more than a second ago.
    static let trust = Duration.milliseconds(800)

    private let store: Store
    /// Nanoseconds from ``epoch`` to the moment up to which everything has been heard.
    private let heardUpTo = Atomic<Int64>(.min)
    private static let epoch = ContinuousClock.now
    private let listeners = Mutex<[@Sendable (News) -> Void]>([])

    public init(store: Store) {
        self.store = store
    }

    /// Has a closure called with all that is heard from now on, in its order. It must not wait.
    public func onNews(_ body: @escaping @Sendable (News) -> Void) {
        listeners.withLock { $0.append(body) }
    }

    /// Whether all that was committed up to a moment ago has been heard, so that what is kept can be trusted.
    public var isCurrent: Bool {
        let heard = heardUpTo.load(ordering: .acquiring)
        return heard != .min && Self.nanoseconds(.now) - heard < Self.trustNanoseconds
    }

    private static let trustNanoseconds = Int64(trust / .nanoseconds(1))
    private static func nanoseconds(_ instant: ContinuousClock.Instant) -> Int64 { Int64(epoch.duration(to: instant) / .nanoseconds(1)) }

    /// Listens until the task is cancelled.
    public func run() async {
        for await notification in store.writer.notifications(["daylight_change", Connection.ledgerChannel], proof: Self.proof) {
            switch notification {
            case .reconnected: tell(.mayHaveMissed)
            case .upToDate(let instant): heardUpTo.store(Self.nanoseconds(instant), ordering: .releasing)
            case .message(Connection.ledgerChannel, _): tell(.entered)
            case .message(_, let dataset): tell(.changed(dataset: dataset))
            }
        }
        heardUpTo.store(.min, ordering: .releasing)
        tell(.ended)
    }

    private func tell(_ news: News) {
        for listener in listeners.withLock({ $0 }) { listener(news) }
    }
}
