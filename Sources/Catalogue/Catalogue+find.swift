internal import Foundation
public import Model
internal import Store

extension Catalogue {
    /// The names of the facets, as they stand in answers.
    public static let facets = ["department", "theme", "profile", "region", "share_type"]

    /// Which loaded code list gives the titles of regions.
    private static let regionList = "divisions"
    private static let longestQuestion = 200
    private static let mostTokens = 16

    /// Finds datasets: all words must be there; the best hits come first, and newer before older.
    ///
    /// - Parameters:
    ///   - cursor: `next` of the page before; it holds for the same filter and reader only.
    ///   - limit: at most so many.
    ///   - facets: also count the values of all hits.
    /// - Throws: `Problem`: `invalidParameter` for words that hold none, `invalidCursor`.
    public func find(_ filter: DatasetFilter, as reader: Reader, cursor: String? = nil, limit: Int, facets: Bool) async throws -> DatasetPage {
        let query = try query(filter, as: reader)
        let purpose = try "datasets " + JSON.encode(filter) + " \(query.drafts as Optional)"
        let after = try cursor.map { try seal.open(DatasetHit.Place.self, $0, for: purpose) }
        // One more than asked for tells whether there is a next page.
        async let counting = store.countDatasets(query, facets: facets)
        var hits = try await store.findDatasets(query, after: after, limit: limit + 1)
        let counts = try await counting
        var next: String?
        if hits.count > limit {
            hits.removeLast(hits.count - limit)
            next = try hits.last.map { try seal.seal($0.place, for: purpose) }
        }
        return DatasetPage(
            entries: hits.map { DatasetPage.Entry(dataset: $0.record.dataset, profile: $0.record.profile, rowCount: $0.record.rowCount) },
            total: counts.total, facets: facets ? try await titled(counts.facets) : nil, next: next
        )
    }

    private func query(_ filter: DatasetFilter, as reader: Reader) throws(Problem) -> DatasetQuery {
        var query = DatasetQuery()
        if let words = filter.words {
            guard words.count <= Self.longestQuestion else {
                throw Self.invalid("q", zh: "最多 \(Self.longestQuestion) 个字符", en: "has at most \(Self.longestQuestion) characters")
            }
            let tokens = SearchFolding.tokens(SearchFolding.fold(words))
            guard !tokens.isEmpty else { throw Self.invalid("q", zh: "应含有文字或数字", en: "must hold a word or a number") }
            guard tokens.count <= Self.mostTokens else { throw Self.invalid("q", zh: "最多 \(Self.mostTokens) 个词", en: "has at most \(Self.mostTokens) words") }
            SearchFolding.add(tokens, to: &query)
        }
        query.department = filter.department
        query.theme = filter.theme
        query.profile = filter.profile
        if let region = filter.region {
            guard region.wholeMatch(of: /[1-9][0-9]{5}/) != nil else {
                throw Self.invalid("region", zh: "应为 6 位行政区划代码", en: "must be a division code of 6 digits")
            }
            // Provinces end in 0000, prefectures in 00 (GB/T 2260).
            query.region = String(region.hasSuffix("0000") ? region.prefix(2) : region.hasSuffix("00") ? region.prefix(4) : region.prefix(6))
        }
        query.shareType = filter.shareType
        if reader.seesAllDrafts, reader.datasets.isEmpty {
            query.drafts = .all
        } else if let department = reader.department, !reader.scopes.isEmpty {
            query.drafts = .department(department, datasets: reader.datasets)
        }
        return query
    }

    private func titled(_ facets: [String: [String: Int]]) async throws -> [String: [DatasetPage.FacetValue]] {
        var titles: [String: [String: LocalizedText]] = ["share_type": Self.shareTypes]
        titles["region"] = try await store.codeTitles(Self.regionList, Array((facets["region"] ?? [:]).keys))
        titles["department"] = try await store.departmentNames(Array((facets["department"] ?? [:]).keys))
        titles["profile"] = try await store.profileTitles(Array((facets["profile"] ?? [:]).keys))
        return Dictionary(
            uniqueKeysWithValues: Self.facets.map { facet in
                let values = (facets[facet] ?? [:]).map { DatasetPage.FacetValue(value: $0.key, title: titles[facet]?[$0.key], count: $0.value) }
                return (facet, values.sorted { ($1.count, $0.value) < ($0.count, $1.value) })
            }
        )
    }

    private static let shareTypes: [String: LocalizedText] = [
        ShareType.unconditional.rawValue: LocalizedText(zh: "无条件共享", en: "Shared without conditions"),
        ShareType.conditional.rawValue: LocalizedText(zh: "有条件共享", en: "Shared on conditions"),
        ShareType.notShared.rawValue: LocalizedText(zh: "不予共享", en: "Not shared"),
    ]

    static func invalid(_ parameter: String, zh: String, en: String) -> Problem {
        Problem(
            .invalidParameter, zh: "参数 \(parameter) \(zh)", en: "the parameter \(parameter) \(en)", places: [Problem.Place(parameter, zh: zh, en: en)]
        )
    }
}
