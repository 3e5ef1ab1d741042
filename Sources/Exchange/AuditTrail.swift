public import Logging
public import Model
public import Store
internal import Synchronization

/// Takes down calls on the exchange and writes them to PostgreSQL, several at a time.
///
/// A call is handed over when it has been answered, without waiting. While PostgreSQL cannot be reached they are kept, up to a bound; how many were lost beyond it is an entry too.
/// What gives granted data away is written down before, by whoever gives it.
public final class AuditTrail: Sendable {
    private struct State {
        var waiting: [AuditEntry] = []
        /// Refused calls of strangers since the last writing: where in `waiting` they are counted.
        var strangers: [String: Int] = [:]
        var lost = 0
        var isWriting = false
    }

    private let store: Store
    private let logger: Logger
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: entries that wait at most.
    public init(store: Store, logger: Logger, capacity: Int = 100_000) {
        self.store = store
        self.logger = logger
        self.capacity = capacity
    }

    /// Takes a call down. Calls without a key that are alike become one entry until the next writing, so that strangers cannot fill the audit.
    public func take(_ entry: AuditEntry) {
        state.withLock { state in
            if entry.key == nil {
                let name = "\(entry.operation) \(entry.status ?? 0) \(entry.code ?? "")"
                if let place = state.strangers[name] {
                    state.waiting[place].calls += 1
                    return
                }
                if state.waiting.count < capacity { state.strangers[name] = state.waiting.count }
            }
            guard state.waiting.count < capacity else {
                state.lost += entry.calls
                return
            }
            state.waiting.append(entry)
        }
    }

    /// Writes what waits, until the task is cancelled, and once more then.
    public func run() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(250))
            await write()
        }
        await Task { await write() }.value
    }

    /// Writes what waits.
    public func write() async {
        let batch: [AuditEntry]? = state.withLock { state in
            guard !state.isWriting, !state.waiting.isEmpty || state.lost > 0 else { return nil }
            var batch = state.waiting
            if state.lost > 0 { batch.append(AuditEntry(request: "-", stage: .ended, operation: "lost", calls: state.lost)) }
            (state.waiting, state.strangers, state.lost, state.isWriting) = ([], [:], 0, true)
            return batch
        }
        guard let batch else { return }
        do {
            for start in stride(from: 0, to: batch.count, by: 1000) { try await store.add(calls: Array(batch[start..<min(start + 1000, batch.count)])) }
            state.withLock { $0.isWriting = false }
        } catch {
            logger.warning("calls on the exchange could not be written down; trying again", metadata: ["error": "\(error)", "calls": "\(batch.count)"])
            // A part may have been written: an entry that stands twice is better than one that is missing.
            state.withLock { state in
                let room = max(0, capacity - state.waiting.count)
                state.lost += batch.dropFirst(room).reduce(0) { $0 + $1.calls }
                state.waiting += batch.prefix(room)
                state.isWriting = false
            }
        }
    }
}
