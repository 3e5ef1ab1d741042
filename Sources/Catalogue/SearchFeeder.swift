internal import Logging
internal import Model
internal import SearchIndex
internal import Store

/// Brings datasets from PostgreSQL into the index: all of them once, then those that changed. One catch-up runs after another.
actor SearchFeeder {
    private let store: Store
    private let index: DatasetIndex
    private let logger: Logger
    /// Transactions before it have been taken in; nil before the first load.
    private var horizon: String?
    /// What was taken in since the horizon, by number and transaction.
    private var applied: [Int: String] = [:]
    private var last: Task<[Int], any Error>?

    private static let pageSize = 4_000
    private static let logEvery = 100_000

    init(store: Store, index: DatasetIndex, logger: Logger) {
        self.store = store
        self.index = index
        self.logger = logger
    }

    /// Takes in all that had been committed when this was called.
    ///
    /// - Returns: the numbers of datasets that changed; empty after the first load.
    func catchUp() async throws -> [Int] {
        let previous = last
        let task = Task {
            _ = await previous?.result
            return try await self.step()
        }
        last = task
        return try await task.value
    }

    private func step() async throws -> [Int] {
        guard let horizon else {
            // Asked before the load: what changes meanwhile is taken in after it.
            let first = try await store.searchHorizon()
            try await load()
            self.horizon = first
            return []
        }
        let changes = try await store.searchChanges(since: horizon)
        let fresh = changes.changed.filter { applied[$0.key] != $0.value }.keys.sorted()
        for start in stride(from: 0, to: fresh.count, by: Self.pageSize) {
            try await take(Array(fresh[start..<min(start + Self.pageSize, fresh.count)]))
        }
        applied = changes.changed
        self.horizon = changes.horizon
        if !fresh.isEmpty { merge() }
        return fresh
    }

    private func take(_ numbers: [Int]) async throws {
        let entries = try await store.searchEntries(numbers).filter { $0.state != .withdrawn }
        let gone = Set(numbers).subtracting(entries.map(\.number)).map(Int32.init)
        let index = index
        try await SearchThreads.answering.run {
            var builder = index.makeBuilder()
            for entry in entries { builder.add(Document(entry)) }
            index.apply(builder, removing: gone)
        }
    }

    private func load() async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let batch = Batch(index)
        var (after, count) = (0, 0)
        while true {
            let entries = try await store.searchEntries(after: after, limit: Self.pageSize)
            guard let last = entries.last else { break }
            after = last.number
            try await SearchThreads.building.run { batch.add(entries) }
            if count / Self.logEvery != (count + entries.count) / Self.logEvery {
                logger.info("loading the search index", metadata: ["datasets": "\(count + entries.count)"])
            }
            count += entries.count
        }
        try await SearchThreads.building.run { batch.finish() }
        if count > 0 {
            logger.info("the search index is loaded", metadata: ["datasets": "\(index.count)", "seconds": "\((clock.now - start).components.seconds)"])
        }
    }

    private nonisolated func merge() {
        Task { [index] in try await SearchThreads.building.run { while index.merge() {} } }
    }

    /// Documents of a load, gathered until they fill a segment. Confined to the feeder's one load.
    private final class Batch: @unchecked Sendable {
        private let index: DatasetIndex
        private var builder: SegmentBuilder

        init(_ index: DatasetIndex) {
            self.index = index
            builder = index.makeBuilder()
        }

        func add(_ entries: [SearchEntry]) {
            for entry in entries where entry.state != .withdrawn {
                builder.add(Document(entry))
                if builder.isFull { finish() }
            }
        }

        func finish() {
            let full = builder
            builder = index.makeBuilder()
            index.apply(full)
        }
    }
}

extension Document {
    fileprivate init(_ entry: SearchEntry) {
        var values: [Facet: String] = [.department: entry.department]
        values[.theme] = entry.theme
        values[.region] = entry.region
        values[.profile] = entry.profile
        values[.formats] = entry.formats
        values[.updateCycle] = entry.updateCycle
        values[.shareType] = entry.shareType
        values[.openness] = entry.openness
        self.init(
            number: Int32(entry.number), isDraft: entry.state == .draft || entry.audience != .public, text: entry.text, at: entry.at, rowCount: entry.rowCount,
            completeness: entry.completeness, years: Self.years(entry), values: values)
    }

    /// The years covered: without an end it is the year of the last release, since a series that goes on covers what was released.
    private static func years(_ entry: SearchEntry) -> ClosedRange<Int>? {
        func year(_ date: String?) -> Int? { date.flatMap { Int($0.prefix(4)) } }
        guard let first = year(entry.temporalFrom) ?? year(entry.temporalTo) else { return nil }
        let last = year(entry.temporalTo) ?? Int(Timestamp(microseconds: entry.at).description.prefix(4)) ?? first
        return first...max(first, last)
    }
}
