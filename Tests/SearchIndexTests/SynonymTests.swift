import Testing

@testable import SearchIndex

@Suite struct SynonymTests {
    @Test func otherNamesOfWhatIsTypedAreOffered() {
        let synonyms = Synonyms([["AQI", "空气质量指数", "air quality index"], ["PM2.5", "细颗粒物"], ["单独"], ["空气质量", "大气质量"]])
        #expect(synonyms.otherNames(of: " aqi ") == ["空气质量指数", "air quality index"])
        #expect(synonyms.otherNames(of: "細顆粒物") == ["PM2.5"])
        // Whole names first, then those that begin so.
        #expect(synonyms.otherNames(of: "空气质量") == ["大气质量", "AQI", "空气质量指数", "air quality index"])
        #expect(synonyms.otherNames(of: "air q") == ["AQI", "空气质量指数", "air quality index"])
        for nothing in ["", " ", "a", "单独", "质量", "空气质量指数日报"] { #expect(synonyms.otherNames(of: nothing) == [], "\(nothing)") }
    }
}
