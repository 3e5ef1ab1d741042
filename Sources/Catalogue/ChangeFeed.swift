import Crypto
public import Model
public import Store
import Synchronization

/// The public record of changes, for all who follow it: what is new is read once for the whole process, when PostgreSQL tells of it.
public final class ChangeFeed: Sendable {
    /// One who follows: woken when there may be something new, and now and then when there is not.
    public final class Follower: Sendable {
        /// Ends when the feed does, or with ``end()``.
        public let wakes: AsyncStream<Void>
        private let continuation: AsyncStream<Void>.Continuation

        init() {
            // Whoever is slow is woken once for all that came in the meantime.
            (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
            continuation.yield()
        }

        func wake() { continuation.yield() }

        /// Ends the following.
        public func end() { continuation.finish() }
    }

    private struct State {
        /// The newest changes; all that came after ``base`` are in it.
        var recent: [Change] = []
        var base: Int?
        var followers: [ObjectIdentifier: Follower] = [:]
        var isEnded = false
    }

    private let store: Store
    private let capacity: Int
    private let beat: Duration
    private let state = Mutex(State())
    private let needs: AsyncStream<Void>
    private let need: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - announcements: where it hears that there is something new.
    ///   - capacity: changes kept in memory for those who follow.
    ///   - beat: how often a follower is woken at least.
    public init(store: Store, announcements: Announcements, capacity: Int = 1024, beat: Duration = .seconds(15)) {
        self.store = store
        self.capacity = capacity
        self.beat = beat
        (needs, need) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        let need = need
        announcements.onNews { if $0 != .entered { need.yield() } }
    }

    /// Keeps up with what is announced until the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in self.needs { await self.catchUp() }
            }
            // What failed is tried again with the next beat.
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: self.beat)
                    self.need.yield()
                    self.wakeAll()
                }
            }
        }
        endAll()
    }

    private func catchUp() async {
        do {
            var last = state.withLock { $0.recent.last?.number ?? $0.base }
            if last == nil {
                let newest = try await store.lastChange()
                state.withLock { $0.base = newest }
                last = newest
            }
            while let after = last {
                let news = try await store.changes(after: after, limit: 500, asksPrimary: true)
                guard let newest = news.last else { return }
                state.withLock { state in
                    state.recent += news
                    let surplus = state.recent.count - capacity
                    if surplus > 0 {
                        state.base = state.recent[surplus - 1].number
                        state.recent.removeFirst(surplus)
                    }
                }
                wakeAll()
                last = news.count < 500 ? nil : newest.number
            }
        } catch {
            // The store has written down why. The next beat tries again.
        }
    }

    private func wakeAll() {
        for follower in state.withLock({ Array($0.followers.values) }) { follower.wake() }
    }

    /// Begins to follow; the caller gives it back with ``leave(_:)``.
    public func follow() -> Follower {
        let follower = Follower()
        let isEnded = state.withLock { state in
            if !state.isEnded { state.followers[ObjectIdentifier(follower)] = follower }
            return state.isEnded
        }
        if isEnded { follower.end() }
        return follower
    }

    public func leave(_ follower: Follower) {
        follower.end()
        _ = state.withLock { $0.followers.removeValue(forKey: ObjectIdentifier(follower)) }
    }

    /// Ends the following for everybody, now and in future: the process is about to stop.
    public func endAll() {
        let followers = state.withLock { state in
            state.isEnded = true
            return Array(state.followers.values)
        }
        for follower in followers { follower.end() }
    }

    /// The highest number that is known; asked for where nothing is yet.
    public func last() async throws -> Int {
        if let known = state.withLock({ $0.recent.last?.number ?? $0.base }) { return known }
        return try await store.lastChange()
    }

    /// Changes in their order, from memory where they are there.
    ///
    /// - Parameter number: only those with a higher number.
    public func recent(after number: Int, limit: Int) async throws -> [Change] {
        let known: [Change]? = state.withLock { state in
            guard let base = state.base, number >= base else { return nil }
            let first = state.recent.firstIndex { $0.number > number } ?? state.recent.endIndex
            return Array(state.recent[first...].prefix(limit))
        }
        if let known { return known }
        return try await store.changes(after: number, limit: limit, asksPrimary: true)
    }

    /// Changes in their order, from the database.
    ///
    /// - Parameters:
    ///   - number: only those with a higher number.
    ///   - dataset: only those of this dataset; nil for all.
    public func changes(after number: Int, of dataset: String? = nil, limit: Int) async throws -> [Change] {
        try await store.changes(after: number, of: dataset, limit: limit)
    }

    /// Changes, the newest first.
    ///
    /// - Parameters:
    ///   - number: only those with a lower number; nil for the newest.
    ///   - dataset: only those of this dataset; nil for all.
    public func newest(before number: Int?, of dataset: String? = nil, limit: Int) async throws -> [Change] {
        try await store.newestChanges(before: number, of: dataset, limit: limit)
    }

    /// An identifier for a feed of this installation that no other installation has: a UUID made from a value that was drawn once (RFC 9562 section 5.8).
    ///
    /// - Parameter dataset: the dataset that the feed is of; nil for all.
    public func identifier(of dataset: String?) async throws -> String {
        let seed = try await store.secret("feed") ?? []
        var bytes = Array(SHA256.hash(data: seed + Array("changes/\(dataset ?? "")".utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let ends = [0, 8, 12, 16, 20, 32].map { digits.index(digits.startIndex, offsetBy: $0) }
        return zip(ends, ends.dropFirst()).map { digits[$0..<$1] }.joined(separator: "-")
    }
}
