internal import Model
internal import Postgres
import Synchronization

/// What is released, kept in memory so that a read needs no question about the catalogue.
///
/// Bounded; filled on demand; an entry goes when PostgreSQL says that its dataset changed (`NOTIFY daylight_change`), and all go when notifications
/// may have been missed. A release is seen by every node as soon as its notification is there. What was never announced is looked at again after a while.
public final class ReleasedDatasets: Sendable {
    private struct State {
        var datasets: [String: (value: ReleasedDataset, readAt: ContinuousClock.Instant)] = [:]
        var versions: [VersionName: (value: ReleasedVersion, readAt: ContinuousClock.Instant)] = [:]
        /// Counts notifications, so that what was read before one is not kept after it.
        var generation = 0
        /// Who takes rows out whose publicity has ended, and the datasets of which that is being done.
        var expire: (@Sendable (String) async throws -> Void)?
        var expiring: [String: Task<Void, any Error>] = [:]
    }

    private struct VersionName: Hashable {
        var dataset: String
        var number: Int
    }

    let store: Store
    private let capacity: Int
    private let state = Mutex(State())

    /// How long an entry is trusted while notifications come; without them, as long as ``Announcements/trust``.
    private static let trust = Duration.seconds(10)

    /// Where it hears of changes, and everybody else who has to.
    public let announcements: Announcements

    /// - Parameter capacity: datasets, and as many older versions, that are kept.
    public init(store: Store, capacity: Int = 1024) {
        self.store = store
        self.capacity = capacity
        announcements = Announcements(store: store)
        announcements.onNews { [weak self] news in
            switch news {
            case .mayHaveMissed, .ended: self?.forgetAll()
            case .changed(let dataset): self?.forget(dataset)
            case .entered: break
            }
        }
    }

    /// Follows notifications until the task is cancelled.
    public func run() async {
        await announcements.run()
    }

    private func forget(_ dataset: String) {
        state.withLock { state in
            state.generation += 1
            state.datasets[dataset] = nil
            for name in state.versions.keys where name.dataset == dataset { state.versions[name] = nil }
        }
    }

    private func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.datasets = [:]
            state.versions = [:]
        }
    }

    /// A dataset that is in memory; nil where it has to be asked for.
    public func known(_ id: String) -> ReleasedDataset? {
        let entry = state.withLock { $0.datasets[id] }
        guard let entry, isTrusted(entry.readAt), !entry.value.isDue else { return nil }
        return entry.value
    }

    /// A version that is in memory; nil where it has to be asked for.
    public func known(_ id: String, version number: Int) -> ReleasedVersion? {
        if let current = known(id)?.current, current.number == number { return current }
        let entry = state.withLock { $0.versions[VersionName(dataset: id, number: number)] }
        guard let entry, isTrusted(entry.readAt) else { return nil }
        return entry.value
    }

    /// A dataset that is published or was withdrawn.
    ///
    /// - Parameter fresh: asks the database even where the answer is in memory.
    /// - Returns: nil when there is none that everybody may see.
    /// - Throws: a `Problem` when the database cannot answer.
    public func dataset(_ id: String, fresh: Bool = false) async throws -> ReleasedDataset? {
        if !fresh, let known = known(id) { return known }
        let generation = state.withLock { $0.generation }, readAt = ContinuousClock.now
        guard let dataset = try await store.releasedDataset(id) else { return nil }
        if dataset.isDue { return try await afterExpiry(id) }
        keep(generation) { state in
            if state.datasets.count >= capacity, state.datasets[id] == nil { state.datasets.removeAll(keepingCapacity: true) }
            state.datasets[id] = (dataset, readAt)
        }
        return dataset
    }

    /// A version of a dataset, the current one or an older one.
    ///
    /// - Returns: nil when there is none.
    /// - Throws: a `Problem` when the database cannot answer.
    public func version(_ number: Int, of dataset: ReleasedDataset) async throws -> ReleasedVersion? {
        if let known = known(dataset.id, version: number) { return known }
        let generation = state.withLock { $0.generation }, readAt = ContinuousClock.now
        guard let version = try await store.releasedVersion(number, of: dataset) else { return nil }
        keep(generation) { state in
            if state.versions.count >= capacity { state.versions.removeAll(keepingCapacity: true) }
            state.versions[VersionName(dataset: dataset.id, number: number)] = (version, readAt)
        }
        return version
    }

    /// Has a closure called when a dataset is asked for of which rows have to leave public view by now: readers wait until they have.
    public func onExpiry(_ body: @escaping @Sendable (String) async throws -> Void) {
        state.withLock { $0.expire = body }
    }

    /// Nothing is read of a dataset whose rows' time has come until they are out, however late the job is that does it.
    private func afterExpiry(_ id: String) async throws -> ReleasedDataset? {
        let task = state.withLock { state -> Task<Void, any Error>? in
            if let running = state.expiring[id] { return running }
            guard let expire = state.expire else { return nil }
            let task = Task {
                defer { self.state.withLock { $0.expiring[id] = nil } }
                try await expire(id)
            }
            state.expiring[id] = task
            return task
        }
        try await task?.value
        guard let dataset = try await store.releasedDataset(id) else { return nil }
        if dataset.isDue {
            // Nobody here takes them out, or a standby has not heard of it yet.
            throw Problem(
                .overloaded, zh: "部分数据公示期届满，正在撤下，请稍后重试", en: "rows whose time of publicity has ended are being taken out; try again in a moment", retryAfter: 1)
        }
        return dataset
    }

    private func isTrusted(_ readAt: ContinuousClock.Instant) -> Bool {
        readAt.duration(to: .now) < (announcements.isCurrent ? Self.trust : Announcements.trust)
    }

    private func keep(_ generation: Int, _ add: (inout State) -> Void) {
        state.withLock { state in
            guard state.generation == generation else { return }
            add(&state)
        }
    }
}

extension Store {
    /// A dataset that everybody may see, or its tombstone.
    func releasedDataset(_ id: String) async throws -> ReleasedDataset? {
        let rows = try await read(
            """
            SELECT d.number, d.state, d.title_zh, d.title_en, d.current_version, v.digest, v.row_count, v.byte_count, v.schema, v.released_at, \
            d.expires_at, w.reason_zh, w.reason_en, w.reason_code, w.legal_basis, w.withdrawn_at, x.subject, x.reason_zh AS x_reason_zh, \
            x.reason_en AS x_reason_en, x.reason_code AS x_reason_code, x.legal_basis AS x_legal_basis, x.withdrawn_at AS x_withdrawn_at, \(Self.rollups), \(Self.hasWindow), \
            \(Self.corrections) \
            FROM published.dataset d LEFT JOIN published.version v ON v.dataset = d.id AND v.number = d.current_version \
            LEFT JOIN published.withdrawal w ON w.id = d.withdrawal LEFT JOIN published.withdrawal x ON x.id = v.withdrawal \
            WHERE d.id = \(id, as: .text)
            """)
        guard let row = rows.first else { return nil }
        let number = try row.integer("number")
        let isWithdrawn = try row.string("state") == "withdrawn"
        var current: ReleasedVersion?
        if !isWithdrawn, let version = try row.integerIfPresent("current_version") {
            current = try Self.releasedVersion(row, dataset: id, datasetNumber: number, number: version, tombstone: "x_")
        }
        return ReleasedDataset(
            id: id, number: number, title: try row.localized("title"), current: current, withdrawal: isWithdrawn ? try Self.tombstone(row, "") : nil,
            expiresAt: isWithdrawn ? nil : try row.timestampIfPresent("expires_at"))
    }

    /// One version of a dataset that everybody may see.
    func releasedVersion(_ number: Int, of dataset: ReleasedDataset) async throws -> ReleasedVersion? {
        let rows = try await read(
            """
            SELECT v.digest, v.row_count, v.byte_count, v.schema, v.released_at, x.subject, x.reason_zh, x.reason_en, x.reason_code, x.legal_basis, \
            x.withdrawn_at, \(Self.rollups), \(Self.hasWindow), \(Self.corrections) \
            FROM published.version v LEFT JOIN published.withdrawal x ON x.id = v.withdrawal \
            WHERE v.dataset = \(dataset.id, as: .text) AND v.number = \(number, as: .int4)
            """)
        return try rows.first.map { try Self.releasedVersion($0, dataset: dataset.id, datasetNumber: dataset.number, number: number, tombstone: "") }
    }

    /// The roll-ups that answer for a version, the smallest first.
    private static let rollups: SQL = """
        (SELECT string_agg(r.relation, ',' ORDER BY r.groups, r.relation) FROM published.rollup r WHERE r.dataset = v.dataset AND r.since <= v.number) AS rollups
        """

    /// Whether the version's profile says how long rows may be public.
    private static let hasWindow: SQL = """
        EXISTS (SELECT FROM published.profile f WHERE f.id = v.profile_id AND f.version = v.profile_version AND jsonb_typeof(f.document -> 'publicity_window') = 'object') AS has_window
        """

    /// Public corrections by row: those of the rows that were doubted last.
    private static let corrections: SQL = """
        (SELECT json_agg(json_build_array(c.key, c.total, c.open)) FROM (SELECT k.key, count(*) AS total, count(*) FILTER (WHERE k.state IN ('submitted', 'referred', 'escalated')) AS open \
        FROM published.correction k WHERE k.dataset = v.dataset GROUP BY k.key ORDER BY max(k.created_at) DESC LIMIT 10000) AS c) AS corrections
        """

    private static func corrections(_ row: Row) throws -> [String: CorrectionCount] {
        guard let text = try row.stringIfPresent("corrections") else { return [:] }
        return try JSON.decode([CorrectedRow].self, text).reduce(into: [:]) { $0[$1.key] = $1.count }
    }

    private static func releasedVersion(_ row: Row, dataset: String, datasetNumber: Int, number: Int, tombstone prefix: String) throws -> ReleasedVersion {
        ReleasedVersion(
            dataset: dataset, datasetNumber: datasetNumber, number: number, digest: try row.string("digest"), rowCount: try row.integer("row_count"),
            byteCount: try row.integer("byte_count"), schema: try row.document(TableSchema.self, "schema"), releasedAt: try row.timestamp("released_at"),
            withdrawal: try tombstone(row, prefix), isWithdrawn: try row.stringIfPresent("subject").map { $0 != "rows" } ?? false,
            hasWindow: try row.read(Bool.self, "has_window"), rollups: try row.stringIfPresent("rollups")?.split(separator: ",").map(String.init) ?? [],
            corrections: try corrections(row)
        )
    }

    /// A withdrawal's reason, from columns with this prefix; nil where there is none.
    static func tombstone(_ row: Row, _ prefix: String) throws -> Tombstone? {
        guard let zh = try row.stringIfPresent(prefix + "reason_zh") else { return nil }
        return Tombstone(
            reason: LocalizedText(zh: zh, en: try row.stringIfPresent(prefix + "reason_en")),
            reasonCode: try row.stringIfPresent(prefix + "reason_code").flatMap(Withdrawal.ReasonCode.init), legalBasis: try row.stringIfPresent(prefix + "legal_basis"),
            withdrawnAt: try row.timestamp(prefix + "withdrawn_at"))
    }
}

/// A row and its corrections: an array of its key, how many there are, and how many wait.
private struct CorrectedRow: Decodable {
    let key: String
    let count: CorrectionCount

    init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        key = try values.decode(String.self)
        count = CorrectionCount(total: try values.decode(Int.self), open: try values.decode(Int.self))
    }
}
