public import Model
internal import Postgres

/// What a dataset is found by. Catalogue makes both parts, here and for queries, by the same folding.
public struct SearchText: Sendable, Hashable {
    /// Folded title, keywords and abstract, one line each.
    public var text: String
    /// Words, characters and pairs of characters of the text.
    public var lexemes: [String]

    public init(text: String, lexemes: [String]) {
        self.text = text
        self.lexemes = lexemes
    }
}

/// What datasets are asked for.
public struct DatasetQuery: Sendable, Hashable {
    /// What the hits are weighed by: where in the search text each stands; folded.
    public var words: [String] = []
    /// All must be in the search text as they stand; folded.
    public var phrases: [String] = []
    /// All must be among the dataset's lexemes; the second kind as beginnings of words.
    public var lexemes: [String] = []
    public var prefixes: [String] = []
    public var department: String?
    public var theme: String?
    public var profile: String?
    /// The beginning of the region's code: all that lies in it.
    public var region: String?
    public var shareType: ShareType?
    /// Whose drafts are seen besides what is published; nil for nobody's.
    public var drafts: Drafts?

    public enum Drafts: Sendable, Hashable {
        case all
        /// This department's; of these datasets only, where any are named.
        case department(String, datasets: [String])
    }

    public init() {}
}

/// One hit, and what its place in the list depends on.
public struct DatasetHit: Sendable {
    public var record: DatasetRecord
    /// Greater where the words stand in the title or the keywords; 0 without words.
    public var score: Int
    /// When it was released; for drafts, when it was last edited.
    public var at: Timestamp

    public var place: Place { Place(score: score, at: at.microseconds, id: record.id) }

    /// The last hit of a page, after which the next one goes on.
    public struct Place: Sendable, Hashable, Codable {
        public var score: Int
        /// Microseconds since 1970.
        public var at: Int64
        public var id: String
    }
}

/// How many of the hits have each value, by facet (`department`, `theme`, `profile`, `region`, `share_type`).
public struct DatasetCounts: Sendable, Hashable {
    public var total: Int
    public var facets: [String: [String: Int]]
}

extension Store {
    /// Datasets, best hits first, newer before older.
    ///
    /// - Parameters:
    ///   - after: the last hit of the page before.
    ///   - limit: at most so many.
    public func findDatasets(_ query: DatasetQuery, after: DatasetHit.Place? = nil, limit: Int) async throws -> [DatasetHit] {
        let source = DatasetSource(query)
        let score = query.words.isEmpty ? "0" : query.words.map(Self.score).joined(separator: " + " as SQL)
        var page: SQL = ""
        if let after {
            let at = Instant(microsecondsSinceEpoch: after.at)
            let later: SQL = "(h.at < \(at) OR (h.at = \(at) AND h.id > \(after.id, as: .text)))"
            page = query.words.isEmpty ? "WHERE h.at <= \(at) AND \(later)" : "WHERE h.score < \(after.score) OR (h.score = \(after.score) AND \(later))"
        }
        // Without words the inner select keeps its index order: the outer one adds no sort of its own.
        let order: SQL = query.words.isEmpty ? "h.at DESC, h.id" : "h.score DESC, h.at DESC, h.id"
        let rows = try await source.run(
            on: self,
            """
            SELECT h.*, NULL::jsonb AS mapping, 0 AS mapping_revision
            FROM (SELECT d.number, d.id, d.state, d.revision, d.description, d.schema, d.profile_id, d.profile_version, d.current_version, d.row_count,
                      d.released_at, d.created_at, d.updated_at, \(source.time) AS at, \(score) AS score
                  FROM \(source.table) d WHERE \(source.condition)) h
            \(page) ORDER BY \(order) LIMIT \(limit)
            """
        )
        return try rows.map { DatasetHit(record: try Self.datasetRecord($0), score: try $0.integer("score"), at: try $0.timestamp("at")) }
    }

    /// How many datasets a query has, exactly.
    ///
    /// - Parameter facets: also how many have each value.
    public func countDatasets(_ query: DatasetQuery, facets: Bool) async throws -> DatasetCounts {
        let source = DatasetSource(query)
        guard facets else {
            let rows = try await source.run(on: self, "SELECT count(*) AS total FROM \(source.table) d WHERE \(source.condition)")
            return DatasetCounts(total: try rows[0].integer("total"), facets: [:])
        }
        let rows = try await source.run(
            on: self,
            """
            SELECT CASE GROUPING(d.department, d.theme, d.profile_id, d.region, d.share_type)
                    WHEN 15 THEN 'department' WHEN 23 THEN 'theme' WHEN 27 THEN 'profile' WHEN 29 THEN 'region' WHEN 30 THEN 'share_type' ELSE '' END AS facet,
                COALESCE(d.department, d.theme, d.profile_id, d.region, d.share_type) AS value, count(*) AS count
            FROM \(source.table) d WHERE \(source.condition)
            GROUP BY GROUPING SETS ((), (d.department), (d.theme), (d.profile_id), (d.region), (d.share_type))
            """
        )
        var counts = DatasetCounts(total: 0, facets: [:])
        for row in rows {
            let facet = try row.string("facet")
            if facet.isEmpty {
                counts.total = try row.integer("count")
            } else if let value = try row.stringIfPresent("value") {
                counts.facets[facet, default: [:]][value] = try row.integer("count")
            }
        }
        return counts
    }

    /// 4 for a word in the title, 2 in the keywords, 1 in the abstract.
    private static func score(_ word: String) -> SQL {
        """
        CASE WHEN position(\(word, as: .text) IN split_part(d.search_text, E'\\n', 1)) > 0 THEN 4
             WHEN position(\(word, as: .text) IN split_part(d.search_text, E'\\n', 2)) > 0 THEN 2 ELSE 1 END
        """
    }
}

/// Where datasets are looked for: the published view as the public reader, or, for those who see drafts, the table itself.
private struct DatasetSource {
    let table: SQL
    let condition: SQL
    let time: SQL
    private let seesDrafts: Bool

    init(_ query: DatasetQuery) {
        var conditions: [SQL] = []
        switch query.drafts {
        case nil: conditions.append("d.state = 'published'")
        case .all?: conditions.append("d.state IN ('draft', 'published')")
        case .department(let department, let datasets)?:
            let own: SQL = datasets.isEmpty ? "" : " AND d.id = ANY (\(datasets))"
            conditions.append("(d.state = 'published' OR (d.state = 'draft' AND d.department = \(department, as: .text)\(own)))")
        }
        seesDrafts = query.drafts != nil
        table = seesDrafts ? "daylight.dataset" : "published.dataset"
        time = seesDrafts ? "COALESCE(d.released_at, d.updated_at)" : "d.released_at"
        if !query.lexemes.isEmpty || !query.prefixes.isEmpty {
            let terms = query.lexemes.map(Self.quoted) + query.prefixes.map { Self.quoted($0) + ":*" }
            conditions.append("d.search @@ \(terms.joined(separator: " & "), as: .text)::tsquery")
        }
        // Pairs of characters may all be there without the phrase.
        for phrase in query.phrases { conditions.append("position(\(phrase, as: .text) IN d.search_text) > 0") }
        if let department = query.department { conditions.append("d.department = \(department, as: .text)") }
        if let theme = query.theme { conditions.append("d.theme = \(theme, as: .text)") }
        if let profile = query.profile { conditions.append("d.profile_id = \(profile, as: .text)") }
        if let region = query.region { conditions.append("starts_with(d.region, \(region, as: .text))") }
        if let shareType = query.shareType { conditions.append("d.share_type = \(shareType.rawValue, as: .text)") }
        condition = conditions.joined(separator: " AND " as SQL)
    }

    func run(on store: Store, _ sql: SQL) async throws -> RowSet {
        seesDrafts ? try await store.write(sql) : try await store.readPooled(sql)
    }

    /// A lexeme as it is written in a tsquery (PostgreSQL manual, 8.11.2).
    private static func quoted(_ lexeme: String) -> String {
        "'" + lexeme.replacing("\\", with: "\\\\").replacing("'", with: "''") + "'"
    }
}
