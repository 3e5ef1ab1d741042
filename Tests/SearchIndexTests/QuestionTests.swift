import Testing

@testable import SearchIndex

@Suite struct QuestionTests {
    private let synonyms = Synonyms([["扶贫", "衔接推进乡村振兴"], ["AQI", "空气质量指数", "air quality index"], ["一个"]])

    private func phrase(_ text: String) -> Question.Atom { .phrase(Array(text.utf16)) }

    @Test func eachNameOfAThingFindsTheOthers() throws {
        for asked in ["aqi", "空气质量指数", "Air Quality Index"] {
            let question = Question(asked, synonyms: synonyms)
            let clause = try #require(question.clauses.first)
            #expect(question.clauses.count == 1)
            #expect(clause.alternatives.contains([.word("aqi", isPrefix: false)]) && clause.alternatives.contains([phrase("空气质量指数")]))
            #expect(clause.alternatives.contains(["air", "quality", "index"].map { .word($0, isPrefix: false) }))
        }
    }

    @Test func aNameInsideALongerRunIsReplacedThere() {
        #expect(Question("扶贫资金", synonyms: synonyms).clauses[0].alternatives == [[phrase("扶贫资金")], [phrase("衔接推进乡村振兴资金")]])
        let mixed = Question("空气质量指数日报", synonyms: synonyms).clauses[0].alternatives
        #expect(mixed.contains([phrase("日报"), .word("aqi", isPrefix: false)]))
    }

    @Test func wordsAreBeginningsButSingleLettersAreThemselves() {
        #expect(Question("qual a", synonyms: Synonyms()).clauses.map(\.alternatives) == [[[.word("qual", isPrefix: true)]], [[.word("a", isPrefix: false)]]])
        for letter in ["é", "ж", "9"] {
            #expect(Question(letter, synonyms: Synonyms()).clauses.map(\.alternatives) == [[[.word(letter, isPrefix: false)]]], "\(letter)")
        }
        #expect(Question("、。", synonyms: synonyms).clauses.isEmpty)
        #expect(Question("数据 数据", synonyms: synonyms).clauses.count == 1)
    }

    @Test func oneWordHasNoMoreThanSoManyNames() {
        let many = Synonyms([(0..<40).map { "名字\($0)号" } + ["通称"]])
        #expect(Question("通称", synonyms: many).clauses[0].alternatives.count == Question.mostAlternatives)
    }
}
