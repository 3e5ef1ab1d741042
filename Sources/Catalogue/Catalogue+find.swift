internal import Foundation
public import Model
internal import SearchIndex
internal import Store

extension Catalogue {
    private static let longestQuestion = 200
    private static let mostWords = 12
    private static let mostWordsSuggested = 3
    /// How often further hits are looked at, four times as many each time, where those before share their titles.
    private static let mostRoundsSuggested = 4
    /// Data items that are shown with marks.
    private static let mostItems = 10
    /// Years of which something may be known.
    private static let years = 1901...2155

    /// Finds datasets: all words must be there; the best hits come first, and newer before older.
    ///
    /// - Parameters:
    ///   - listing: what the answer is to hold besides.
    ///   - cursor: `next` of the page before; it holds for the same filter and reader only.
    ///   - limit: at most so many.
    /// - Throws: `Problem`: `invalidParameter` for words that hold none, `invalidCursor`, `overloaded` while the index is loaded.
    public func find(
        _ filter: DatasetFilter, as reader: Reader, cursor: String? = nil, limit: Int, listing: DatasetListing = DatasetListing()
    ) async throws -> DatasetPage {
        try await index.prepare()
        var query = try query(filter, drafts: try await drafts(of: reader))
        let purpose = try "datasets " + JSON.encode(filter) + " \(reader.department as Optional) \(reader.seesAllDrafts) \(reader.datasets)"
        if let after = try cursor.map({ try seal.open(Position.self, $0, for: purpose) }) {
            query.after = after.place
            query.day = after.day
        }
        // One more than asked for tells whether there is a next page.
        query.limit = limit + 1
        query.countsFacets = listing.facetLimit != nil
        query.explains = listing.explains
        let (asked, search) = (query, index.index)
        var answer = try await SearchThreads.answering.run { search.search(asked) }
        var next: String?
        if answer.hits.count > limit {
            answer.hits.removeLast(answer.hits.count - limit)
            next = try answer.hits.last.map { try seal.seal(Position(place: $0.place, day: query.day), for: purpose) }
        }
        return DatasetPage(
            entries: try await entries(answer.hits, query, listing), total: answer.total,
            facets: listing.facetLimit.map { FacetTitles(index.reference).facets(of: answer, limit: $0) }, next: next)
    }

    /// Other names of what somebody has typed so far, and departments and datasets whose names hold it.
    ///
    /// - Parameter limit: at most so many.
    /// - Throws: as ``find(_:as:cursor:limit:listing:)``.
    public func suggest(_ typed: String, as reader: Reader, limit: Int) async throws -> [Suggestion] {
        try await index.prepare()
        // Nothing has been typed yet, or no letter so far.
        guard !Question(typed, synonyms: index.index.synonyms).clauses.isEmpty else { return [] }
        var query = try query(DatasetFilter(words: typed), drafts: .none)
        query.inTitlesOnly = true
        query.limit = limit * 3
        let (asked, search) = (query, index.index)
        var (answer, departments) = try await SearchThreads.answering.run { (search.search(asked), asked.question.map(search.departments) ?? []) }
        let names = index.reference.departments
        let words = index.index.synonyms.otherNames(of: typed).prefix(Self.mostWordsSuggested).map { Suggestion.word($0) }
        var suggestions = Array(words.prefix(max(1, limit / 3)))
        suggestions += departments.prefix(max(1, limit / 3)).compactMap { code in names[code].map { Suggestion.department(code: code, name: $0) } }
        suggestions = Array(suggestions.prefix(limit))
        var seen: Set<String> = []
        for round in 1... {
            for card in try await index.cards(answer.hits.map { Int($0.place.number) }, drafts: false) where suggestions.count < limit {
                let title = card.overview.description.title
                if seen.insert(title.zh).inserted { suggestions.append(.dataset(id: card.overview.id, title: title)) }
            }
            // Many datasets share a title.
            guard round < Self.mostRoundsSuggested, suggestions.count < limit, answer.hits.count == query.limit, let last = answer.hits.last else { break }
            query.after = last.place
            query.limit *= 4
            let further = query
            answer = try await SearchThreads.answering.run { search.search(further) }
        }
        return suggestions
    }

    /// The last hit of a page, and the day on which its list was made.
    private struct Position: Codable {
        var place: Query.Place
        var day: Int32
    }

    // MARK: The question

    private func query(_ filter: DatasetFilter, drafts: Query.Drafts) throws(Problem) -> Query {
        var query = Query(day: Ranking.day(of: Timestamp.now.microseconds))
        query.drafts = drafts
        if let words = filter.words { query.question = try question(words) }
        for (facet, value) in [
            (Facet.department, filter.department), (.theme, filter.theme), (.profile, filter.profile), (.updateCycle, filter.updateCycle?.rawValue),
            (.shareType, filter.shareType?.rawValue), (.openness, filter.openness?.rawValue),
        ] {
            if let value { query.conditions.append((facet, .equals(value))) }
        }
        if let region = filter.region {
            guard region.wholeMatch(of: /[1-9][0-9]{5}/) != nil else {
                throw Self.invalid("region", zh: "应为 6 位行政区划代码", en: "must be a division code of 6 digits")
            }
            // Provinces end in 0000, prefectures in 00 (GB/T 2260).
            let beginning = String(region.hasSuffix("0000") ? region.prefix(2) : region.hasSuffix("00") ? region.prefix(4) : region.prefix(6))
            query.conditions.append((.region, .matches { $0.hasPrefix(beginning) }))
        }
        if let level = filter.regionLevel { query.conditions.append((.region, .matches { Department.Level(ofRegion: $0) == level })) }
        if let format = filter.format { query.conditions.append((.formats, .matches { $0.split(separator: ",").contains { $0 == format } })) }
        if let year = filter.year {
            guard Self.years.contains(year) else {
                throw Self.invalid(
                    "year", zh: "应为 \(Self.years.lowerBound) 到 \(Self.years.upperBound) 的年份",
                    en: "must be a year from \(Self.years.lowerBound) to \(Self.years.upperBound)")
            }
            query.year = year
        }
        return query
    }

    private func question(_ words: String) throws(Problem) -> Question {
        guard words.unicodeScalars.count <= Self.longestQuestion else {
            throw Self.invalid("q", zh: "最多 \(Self.longestQuestion) 个字符", en: "has at most \(Self.longestQuestion) characters")
        }
        let question = Question(words, synonyms: index.index.synonyms)
        guard !question.clauses.isEmpty else { throw Self.invalid("q", zh: "应含有文字或数字", en: "must hold a word or a number") }
        guard question.clauses.count <= Self.mostWords else {
            throw Self.invalid("q", zh: "最多 \(Self.mostWords) 个词", en: "has at most \(Self.mostWords) words")
        }
        return question
    }

    private func drafts(of reader: Reader) async throws -> Query.Drafts {
        if reader.seesAllDrafts, reader.datasets.isEmpty { return .all }
        guard let department = reader.department, !reader.scopes.isEmpty else { return .none }
        guard !reader.datasets.isEmpty else { return .department(department, numbers: nil) }
        return .department(department, numbers: Set(try await store.datasetNumbers(reader.datasets).map(Int32.init)))
    }

    // MARK: The answer

    private func entries(_ hits: [Answer.Hit], _ query: Query, _ listing: DatasetListing) async throws -> [DatasetPage.Entry] {
        let cards = try await index.cards(hits.map { Int($0.place.number) }, drafts: query.drafts != .none)
        let explanations = Dictionary(hits.map { (Int($0.place.number), $0) }) { first, _ in first }
        let highlighter = listing.highlights ? query.question.map { Highlighter($0) } : nil
        let items = highlighter == nil ? [:] : try await store.itemTitles(cards.map(\.overview.number), drafts: query.drafts != .none)
        return cards.map { card in
            var entry = DatasetPage.Entry(card: card)
            if let highlighter { entry.highlights = highlighter.highlights(card.overview.description, items: items[card.overview.number] ?? [], atMost: Self.mostItems) }
            if let hit = explanations[card.overview.number], let explanation = hit.explanation {
                entry.score = DatasetPage.Score(hit.place, explanation, query.question?.clauses ?? [])
            }
            return entry
        }
    }

    static func invalid(_ parameter: String, zh: String, en: String) -> Problem {
        Problem(
            .invalidParameter, zh: "参数 \(parameter) \(zh)", en: "the parameter \(parameter) \(en)", places: [Problem.Place(parameter, zh: zh, en: en)]
        )
    }
}

extension Highlighter {
    fileprivate func highlights(_ description: DatasetDescription, items: [String], atMost count: Int) -> DatasetPage.Highlights {
        DatasetPage.Highlights(
            title: (title(description.title.zh), description.title.en.flatMap(title)),
            abstract: (snippet(description.abstract.zh), description.abstract.en.flatMap(snippet)),
            keywords: description.keywords.compactMap(title), dataItems: Array(items.lazy.compactMap(title).prefix(count)))
    }
}

extension DatasetPage.Score {
    fileprivate init(_ place: Query.Place, _ explanation: Answer.Explanation, _ clauses: [Question.Clause]) {
        let names: [Level: String] = [.title: "title", .keywords: "keywords", .text: "text"]
        self.init(
            total: Int(place.score),
            words: zip(clauses, explanation.levels).map { Word(word: $0.word, field: names[$1] ?? "", points: $1.rawValue * Int(Ranking.pointsPerLevel)) },
            freshness: explanation.freshness, size: explanation.size, completeness: explanation.completeness)
    }
}
