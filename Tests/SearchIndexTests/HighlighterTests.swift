import Testing

@testable import SearchIndex

@Suite struct HighlighterTests {
    private func highlighter(_ words: String) -> Highlighter {
        Highlighter(Question(words, synonyms: Synonyms([["AQI", "空气质量指数"]])))
    }

    @Test func wordsAreMarkedAsTheyStandInTheText() {
        #expect(highlighter("空气").title("雅安市空氣质量") == "雅安市<em>空氣</em>质量")
        #expect(highlighter("空气质 气质量").title("空气质量监测") == "<em>空气质量</em>监测")
        #expect(highlighter("qual").title("Air Quality, hourly") == "Air <em>Quality</em>, hourly")
        #expect(highlighter("aqi").title("空气质量指数日报") == "<em>空气质量指数</em>日报")
        #expect(highlighter("水").title("空气") == nil)
        #expect(highlighter("\u{938}\u{942}\u{91A}").title("सूची") == "<em>सूची</em>")
        #expect(highlighter("m2").title("面积㎡合计") == "面积<em>㎡</em>合计")
    }

    @Test func onlyTheMarksAreMarkup() {
        #expect(highlighter("数据").title("<script>'数据'&\"") == "&lt;script&gt;&#39;<em>数据</em>&#39;&amp;&quot;")
        #expect(highlighter("em").title("<em>") == "&lt;<em>em</em>&gt;")
    }

    @Test func aLongTextIsCutAroundTheFirstPlace() throws {
        let text = String(repeating: "前", count: 300) + "数据" + String(repeating: "𠮷", count: 300)
        let snippet = try #require(highlighter("数据").snippet(text))
        #expect(snippet.hasPrefix("…前") && snippet.hasSuffix("𠮷…") && snippet.contains("<em>数据</em>"))
        #expect(snippet.utf16.count < 180 && !snippet.contains("\u{FFFD}"))
        #expect(highlighter("数据").snippet("短数据") == "短<em>数据</em>")
    }

    @Test func placesAreInOrderAndApartForEveryTitle() {
        for title in Titles.all.prefix(1_500) {
            let word = String(title.prefix(3))
            let places = highlighter(word).places(in: title)
            for (first, second) in zip(places, places.dropFirst()) { #expect(first.upperBound < second.lowerBound) }
            #expect(places.allSatisfy { $0.upperBound <= title.utf16.count })
        }
    }
}
