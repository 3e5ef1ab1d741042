public import Model
internal import Postgres

/// A dataset as search takes it in: what it is found by, and what it is counted by.
public struct SearchEntry: Sendable {
    public var number: Int
    public var state: Dataset.State
    /// UTF-8, one line each: title, keywords, abstract, titles of public data items.
    public var text: [UInt8]
    /// When it was released; for drafts, when it was last edited: microseconds since 1970.
    public var at: Int64
    public var rowCount: Int?
    /// How many of the metadata that may be left out are there.
    public var completeness: Int
    public var department: String
    public var theme: String?
    public var region: String?
    public var profile: String?
    /// Joined by commas.
    public var formats: String?
    public var updateCycle: String?
    public var shareType: String?
    public var openness: String?
    /// `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
    public var temporalFrom: String?
    public var temporalTo: String?
    public var audience: Audience
}

/// Which datasets changed, and from where on to ask the next time.
public struct SearchChanges: Sendable {
    /// The oldest transaction that had not ended: whatever ended before it has been told.
    public var horizon: String
    /// By number, the transaction that changed it last.
    public var changed: [Int: String]
}

/// What search needs to know besides datasets.
public struct SearchReference: Sendable {
    public var departments: [String: LocalizedText] = [:]
    public var profiles: [String: LocalizedText] = [:]
    /// Titles of codes, by list and code.
    public var codes: [String: [String: LocalizedText]] = [:]
    /// Codes above others, by list and code.
    public var parents: [String: [String: String]] = [:]

    public init() {}
}

extension Store {
    /// Where to begin to ask for changes.
    public func searchHorizon() async throws -> String {
        try await write("SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS horizon")[0].string("horizon")
    }

    /// Datasets changed by transactions from the horizon on; some may have been told before.
    ///
    /// A transaction that commits late has an old number, but it is not older than the horizon while it runs: none is ever skipped. Numbers that this
    /// server has not given out yet come from another one, by way of a backup, and say nothing.
    public func searchChanges(since horizon: String) async throws -> SearchChanges {
        let rows = try await write(
            """
            SELECT h.horizon::text, d.number, d.touched::text
            FROM (SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon, pg_snapshot_xmax(pg_current_snapshot()) AS ahead) h
            LEFT JOIN daylight.dataset d ON d.touched >= \(horizon, as: .text)::xid8 AND d.touched < h.ahead
            """)
        var changed: [Int: String] = [:]
        for row in rows {
            if let number = try row.integerIfPresent("number") { changed[number] = try row.string("touched") }
        }
        return SearchChanges(horizon: try rows[0].string("horizon"), changed: changed)
    }

    /// Datasets in the order of their numbers, in any state.
    ///
    /// - Parameters:
    ///   - after: the last number of the page before.
    ///   - limit: at most so many.
    public func searchEntries(after: Int, limit: Int) async throws -> [SearchEntry] {
        try await searchEntries("WHERE number > \(after) ORDER BY number LIMIT \(limit)")
    }

    /// Datasets by number, in any state.
    public func searchEntries(_ numbers: [Int]) async throws -> [SearchEntry] {
        try await searchEntries("WHERE number = ANY (\(numbers))")
    }

    private func searchEntries(_ condition: SQL) async throws -> [SearchEntry] {
        let rows = try await write(
            """
            SELECT number, state, search_text, (extract(epoch FROM COALESCE(released_at, updated_at)) * 1000000)::bigint AS at, row_count, completeness,
                department, theme, region, profile_id, formats, update_cycle, share_type, openness, temporal_from, temporal_to, audience
            FROM daylight.dataset \(condition)
            """)
        return try rows.map { row in
            SearchEntry(
                number: try row.read(0), state: try row.word(Dataset.State.self, "state"), text: row.bytes(2).map { Array($0) } ?? [], at: try row.read(3),
                rowCount: try row.read(4), completeness: try row.read(5), department: try row.read(6), theme: try row.read(7), region: try row.read(8),
                profile: try row.read(9), formats: try row.read(10), updateCycle: try row.read(11), shareType: try row.read(12), openness: try row.read(13),
                temporalFrom: try row.read(14), temporalTo: try row.read(15), audience: try row.word("audience")
            )
        }
    }

    /// Names and titles that search shows, and the names that it is told by.
    ///
    /// - Parameter lists: code lists that are wanted; codes that hold today.
    public func searchReference(lists: [String]) async throws -> SearchReference {
        var reference = SearchReference()
        for row in try await readPooled("SELECT uscc, name_zh, name_en FROM published.department") {
            reference.departments[try row.string("uscc")] = try row.localized("name")
        }
        let profiles = try await readPooled(
            """
            SELECT DISTINCT ON (id) id, document -> 'title' ->> 'zh' AS title_zh, document -> 'title' ->> 'en' AS title_en FROM published.profile
            ORDER BY id, version DESC
            """)
        for row in profiles { reference.profiles[try row.string("id")] = try row.localized("title") }
        let codes = try await readPooled(
            """
            SELECT list, code, title_zh, title_en, parent FROM published.code
            WHERE list = ANY (\(lists)) AND valid_from <= CURRENT_DATE AND (valid_to IS NULL OR valid_to >= CURRENT_DATE) ORDER BY list, code, valid_from
            """)
        for row in codes {
            let (list, code) = (try row.string("list"), try row.string("code"))
            reference.codes[list, default: [:]][code] = try row.localized("title")
            reference.parents[list, default: [:]][code] = try row.stringIfPresent("parent")
        }
        return reference
    }

    /// The channel on which changes of what `searchReference` reads are told.
    static let referenceChannel = "daylight_reference"

    /// Says that something may have changed: datasets, or the reference. Also once at the beginning and whenever word may have been lost.
    public func searchNotifications() -> AsyncStream<SearchNotification> {
        let notifications = writer.notifications(["daylight_change", Self.referenceChannel])
        // One unread word of each kind is enough: whoever reads it asks for all that changed.
        let (stream, continuation) = AsyncStream.makeStream(of: SearchNotification.self, bufferingPolicy: .bufferingNewest(64))
        let task = Task {
            for await notification in notifications {
                switch notification {
                case .reconnected: continuation.yield(.all)
                case .message(Self.referenceChannel, _): continuation.yield(.all)
                case .message: continuation.yield(.datasets)
                case .upToDate: break
                }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        return stream
    }
}

/// What may have changed.
public enum SearchNotification: Sendable, Hashable {
    case datasets
    case all
}

extension Store {
    /// Datasets by number, in any order; those that are gone or not to be seen are missing.
    ///
    /// - Parameter drafts: also drafts and what is closed to the public.
    public func datasetOverviews(_ numbers: [Int], drafts: Bool) async throws -> [DatasetOverview] {
        let source: SQL = drafts ? "daylight.dataset WHERE state IN ('draft', 'published')" : "published.dataset WHERE state = 'published'"
        let audience: SQL = drafts ? "audience" : "'public' AS audience"
        let sql: SQL = """
            SELECT id, number, state, description - 'schema' AS description, profile_id, profile_version, current_version, row_count, updated_at, \(audience)
            FROM \(source) AND number = ANY (\(numbers))
            """
        return try await readFound(sql, drafts: drafts).map { row in
            var overview = DatasetOverview(
                id: try row.string("id"), number: try row.integer("number"), state: try row.word(Dataset.State.self, "state"),
                description: try row.document(DatasetDescription.self, "description"), profile: try row.profileReference(),
                currentVersion: try row.integerIfPresent("current_version"), rowCount: try row.integerIfPresent("row_count"),
                updatedAt: try row.timestamp("updated_at"))
            overview.audience = try row.word("audience")
            return overview
        }
    }

    /// What is shown of datasets that the index found. The index follows the primary: a standby may not have them yet, or an older state that would be kept.
    private func readFound(_ sql: SQL, drafts: Bool) async throws -> RowSet {
        try await (drafts || configuration.readerURL != nil ? write(sql) : read(sql))
    }

    /// Titles of the public data items of datasets, by number.
    ///
    /// - Parameter drafts: also of drafts.
    public func itemTitles(_ numbers: [Int], drafts: Bool) async throws -> [Int: [String]] {
        let source: SQL = drafts ? "daylight.dataset" : "published.dataset"
        let sql: SQL = """
            SELECT d.number, ARRAY(
                SELECT x.title FROM jsonb_array_elements(CASE WHEN jsonb_typeof(d.schema -> 'fields') = 'array' THEN d.schema -> 'fields' ELSE '[]' END) WITH ORDINALITY AS f (item, place),
                    LATERAL (VALUES (1, f.item -> 'title' ->> 'zh'), (2, f.item -> 'title' ->> 'en')) AS x (language, title)
                WHERE f.item ->> 'visibility' = 'public' AND x.title <> '' ORDER BY f.place, x.language) AS titles
            FROM \(source) d WHERE d.number = ANY (\(numbers))
            """
        return try await Dictionary(readFound(sql, drafts: drafts).map { (try $0.integer("number"), try $0.read([String].self, "titles")) }) { first, _ in first }
    }

    /// The numbers of datasets; those that are none are missing.
    public func datasetNumbers(_ ids: [String]) async throws -> [Int] {
        try await write("SELECT number FROM daylight.dataset WHERE id = ANY (\(ids))").map { try $0.integer("number") }
    }
}
