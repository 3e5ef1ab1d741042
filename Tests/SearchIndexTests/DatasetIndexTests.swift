import Foundation
import Testing

@testable import SearchIndex

@Suite struct DatasetIndexTests {
    private static let today: Int32 = 20_500
    private static let synonyms = Synonyms([["扶贫", "衔接推进乡村振兴"], ["AQI", "空气质量指数", "air quality index"], ["停车场", "停车地点"]])

    private static func document(_ number: Int32, _ dice: inout Dice) -> Document {
        let titles = Titles.all
        let title = dice.pick(titles)
        let text = [
            title, String(dice.pick(titles).prefix(6)) + "，开放数据", "本数据提供" + title + "与" + dice.pick(titles) + "。",
            "名称 " + dice.pick(["地址", "経度", "Amount 金额"]),
        ]
        let first = 2010 + dice.roll(10)
        return Document(
            number: number, isDraft: dice.roll(5) == 0, text: Array(text.joined(separator: "\n").utf8),
            at: Int64(20_000 + dice.roll(40)) * Ranking.microsecondsPerDay,
            rowCount: dice.roll(3) == 0 ? nil : dice.roll(100_000), completeness: dice.roll(13), years: dice.roll(3) == 0 ? nil : first...first + dice.roll(5),
            values: [
                .department: "office \(dice.roll(4))", .theme: dice.pick(["财政", "环保"]), .region: dice.pick(["510000", "511800", "511802"]),
                .formats: dice.pick(["csv", "csv,json"]), .updateCycle: dice.pick(["daily", "yearly", "never"]), .shareType: "unconditional",
            ])
    }

    /// A part of a title as somebody would type it.
    private static func words(_ dice: inout Dice) -> String {
        func part() -> String {
            let title = Array(dice.pick(Titles.all).filter { $0 != "\n" })
            let length = min(title.count, 1 + dice.roll(5))
            let start = dice.roll(title.count - length + 1)
            return String(title[start..<start + length])
        }
        switch dice.roll(6) {
        case 0: return part() + " " + part()
        case 1: return dice.pick(["数据", "扶贫", "aqi", "空气质量指数", "a", "局", "空气质量", "本数据提供", "年扶贫资", "名称 地址", "开放 数据 提供"])
        default: return part()
        }
    }

    private static func query(_ dice: inout Dice) -> Query {
        var query = Query(day: today)
        let question = Question(words(&dice), synonyms: synonyms)
        if !question.clauses.isEmpty { query.question = question }
        if dice.roll(4) == 0 { query.conditions.append((.theme, .equals(dice.pick(["财政", "没有"])))) }
        if dice.roll(4) == 0 { query.conditions.append((.region, .matches { $0.hasPrefix("5118") })) }
        if dice.roll(5) == 0 { query.year = 2012 + dice.roll(6) }
        query.inTitlesOnly = dice.roll(8) == 0
        query.drafts = dice.pick([.none, .none, .all, .department("office 1", numbers: nil), .department("office 2", numbers: [1, 2, 3, 4, 5, 6, 7, 8])])
        query.limit = 1 + dice.roll(7)
        query.countsFacets = true
        query.explains = true
        return query
    }

    private static func check(_ index: DatasetIndex, _ oracle: Oracle, _ query: Query, _ place: SourceLocation = #_sourceLocation) {
        let expected = oracle.hits(query)
        let documents = expected.map(\.document)
        var page = query
        var seen: [Query.Place] = []
        for _ in 0..<4 {
            let answer = index.search(page)
            #expect(answer.total == expected.count, "\(query.question as Optional)", sourceLocation: place)
            for facet in Facet.allCases {
                let counts = Dictionary(uniqueKeysWithValues: answer.counts[facet, default: []].map { ($0.value, $0.count) })
                #expect(counts == Oracle.counts(documents, facet), "\(facet) of \(query)", sourceLocation: place)
            }
            #expect(Dictionary(uniqueKeysWithValues: answer.years.map { ($0.year, $0.count) }) == Oracle.years(documents), sourceLocation: place)
            for hit in answer.hits {
                let levels = query.question?.clauses.map { oracle.documents[hit.place.number].flatMap { [clause = $0] in oracle.level(clause, $0) } } ?? []
                #expect(hit.explanation?.levels == levels, sourceLocation: place)
            }
            seen += answer.hits.map(\.place)
            guard answer.hits.count == query.limit, let last = seen.last else { break }
            page.after = last
        }
        #expect(
            seen == Array(expected.map(\.place).prefix(seen.count)) && seen.count == min(expected.count, max(seen.count, query.limit)), sourceLocation: place)
    }

    @Test(arguments: [1, 2, 3]) func answersAsIfEveryDocumentWereLookedAt(seed: Int) {
        var dice = Dice(UInt64(seed))
        let index = DatasetIndex()
        index.setSynonyms(Self.synonyms)
        var oracle = Oracle(departments: ["office 0": "财政局", "office 1": "生态环境局 Environment", "office 2": "數據局"])
        index.setDepartments(oracle.departments)
        for round in 0..<40 {
            var builder = index.makeBuilder()
            let size = round == 0 ? 300 : 1 + dice.roll(30)
            for _ in 0..<size {
                let document = Self.document(Int32(1 + dice.roll(600)), &dice)
                builder.add(document)
                oracle.put(document)
            }
            let gone = (0..<dice.roll(4)).map { _ in Int32(1 + dice.roll(600)) }.filter { !builder.numbers.contains($0) }
            for number in gone { oracle.remove(number) }
            index.apply(builder, removing: gone)
            if round.isMultiple(of: 3) { _ = index.merge() }
            #expect(index.count == oracle.documents.count)
            for _ in 0..<10 { Self.check(index, oracle, Self.query(&dice)) }
        }
        var merges = 0
        while index.merge(), merges < 20 { merges += 1 }
        var answered = 0
        for _ in 0..<60 {
            let query = Self.query(&dice)
            Self.check(index, oracle, query)
            if index.search(query).total > 0 { answered += 1 }
        }
        #expect(answered > 20, "questions that find nothing prove little")
    }

    @Test func yearsThatCannotBeToldApartAreNone() {
        var columns = Columns()
        let pools = Pools()
        for years in [1850...1860, 2200...2300, 1890...1905, 2150...2300, 1800...2400, 1901...2155] {
            columns.append(Document(number: 1, isDraft: false, text: [], at: 0, years: years, values: [:]), pools: pools)
        }
        #expect(columns.firstYears == [0, 0, 1, 250, 1, 1] && columns.lastYears == [0, 0, 5, 255, 255, 255])
    }

    @Test func whatChangesDuringAMergeIsNotLost() async {
        var dice = Dice(9)
        let index = DatasetIndex()
        var oracle = Oracle()
        for round in 0..<24 {
            var builder = index.makeBuilder()
            for number in 0..<40 {
                let document = Self.document(Int32(round * 40 + number), &dice)
                builder.add(document)
                oracle.put(document)
            }
            index.apply(builder)
        }
        let merging = Task.detached { while index.merge() {} }
        for _ in 0..<200 {
            var builder = index.makeBuilder()
            let document = Self.document(Int32(dice.roll(960)), &dice)
            builder.add(document)
            oracle.put(document)
            let gone = Int32(dice.roll(960))
            if gone != document.number { oracle.remove(gone) }
            index.apply(builder, removing: gone == document.number ? [] : [gone])
        }
        await merging.value
        #expect(index.count == oracle.documents.count)
        for _ in 0..<60 { Self.check(index, oracle, Self.query(&dice)) }
    }

    @Test func aWordInMostDocumentsIsWrittenAsBitsAndStillExact() {
        var dice = Dice(4)
        let index = DatasetIndex()
        var oracle = Oracle()
        var builder = index.makeBuilder()
        for number in 0..<2_500 {
            let document = Self.document(Int32(number), &dice)
            builder.add(document)
            oracle.put(document)
        }
        index.apply(builder)
        for words in ["数据", "提供", "开放数据", "本数据", "名", "开放 提供"] {
            var query = Query(day: Self.today)
            query.question = Question(words, synonyms: Synonyms())
            query.countsFacets = true
            query.explains = true
            query.limit = 100
            for _ in 0..<2 { Self.check(index, oracle, query) }
        }
        #expect(index.search(Query(day: Self.today)).total == oracle.hits(Query(day: Self.today)).count)
    }

    @Test func smallSegmentsAreMergedAndWastefulOnesCleared() {
        #expect(MergeChoice.choose([(5, 5), (6, 6)]) == nil)
        #expect(MergeChoice.choose(Array(repeating: (5, 5), count: 8)) == Array(0..<8))
        #expect(MergeChoice.choose([(65_536, 65_536), (1_000, 400)]) == [1])
        #expect(MergeChoice.choose([(65_536, 40_000)]) == nil)
        // No more than has room in one.
        let large = MergeChoice.choose(Array(repeating: (20_000, 20_000), count: 9))
        #expect(large?.count == 3)
    }
}
