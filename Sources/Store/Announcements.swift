internal import Postgres
import Synchronization

/// What PostgreSQL tells of changes (`NOTIFY daylight_change`), heard on one connection for the whole process and passed on to everybody in it.
public final class Announcements: Sendable {
    /// What is heard.
    public enum News: Sendable, Hashable {
        /// Readers see something else of this dataset now.
        case changed(dataset: String)
        /// Something may have been missed; what is kept has to be read anew.
        case mayHaveMissed
        /// Nothing will be heard any more.
        case ended
    }

    private let store: Store
    private let listeners = Mutex<[@Sendable (News) -> Void]>([])

    public init(store: Store) {
        self.store = store
    }

    /// Has a closure called with all that is heard from now on, in its order. It must not wait.
    public func onNews(_ body: @escaping @Sendable (News) -> Void) {
        listeners.withLock { $0.append(body) }
    }

    /// Listens until the task is cancelled.
    public func run() async {
        for await notification in store.writer.notifications(["daylight_change"]) {
            switch notification {
            case .reconnected: tell(.mayHaveMissed)
            case .message(_, let dataset): tell(.changed(dataset: dataset))
            }
        }
        tell(.ended)
    }

    private func tell(_ news: News) {
        for listener in listeners.withLock({ $0 }) { listener(news) }
    }
}
