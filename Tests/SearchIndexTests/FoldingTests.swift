import Testing

@testable import SearchIndex

@Suite struct FoldingTests {
    private func folded(_ text: String) -> String { String(decoding: Folding.units(text), as: UTF16.self).replacing("\0", with: " ") }

    @Test func widthsCaseAndScriptFoldTogether() {
        #expect(folded("ＰＭ２．５") == "pm2 5")
        #expect(folded("臺灣空氣品質監測資料") == folded("台湾空气品质监测资料"))
        #expect(folded("縣級預決算") == folded("县级预决算"))
        #expect(folded("QUALITY") == "quality")
        #expect(folded("㎡") == "m2")
        #expect(folded("é") == folded("e\u{301}"))
    }

    /// Of texts that are the same to Swift the units may differ, and the index holds units.
    @Test func halfWidthFormsFoldUnitByUnit() {
        for (half, full) in [("ｶﾞ", "ガ"), ("ｶﾀﾛｸﾞ", "カタログ"), ("ﾊﾟﾝ", "パン"), ("\u{FFA1}\u{FFC2}", "가"), ("e\u{301}", "é")] { #expect(Folding.units(half) == Folding.units(full)) }
    }

    @Test func foldingWhatIsFoldedChangesNothing() {
        for title in Titles.all.prefix(2_000) { #expect(folded(folded(title)) == folded(title), "\(title)") }
    }

    @Test func everyIdeographIsUnspacedAndManyAreSimplified() {
        var changed = 0
        for value in UInt16(0x4E00)...0x9FFF {
            let units = Folding.units(String(decoding: [value], as: UTF16.self))
            #expect(units.count == 1 && units.allSatisfy { Folding.kind($0) == .unspaced })
            if units != [value] { changed += 1 }
        }
        #expect(changed > 2_000)
    }

    @Test func textIsCutIntoRunsAndWords() {
        func run(_ text: String) -> Folding.Token { .run(Array(text.utf16)) }
        #expect(Folding.tokens("2024年度PM2.5，air-quality数据") == [.word("2024"), run("年度"), .word("pm2"), .word("5"), .word("air"), .word("quality"), run("数据")])
        #expect(Folding.tokens(" —！\t") == [])
        #expect(Folding.tokens("𠮷野") == [run("𠮷野")])
        #expect(Folding.tokens(String(repeating: "x", count: 100)) == [.word(String(repeating: "x", count: 64))])
    }

    @Test func bytesThatAreNoTextAreTaken() {
        for bytes in [[0xFF, 0xFE], [0xE4, 0xB8], [0xF0, 0x9F, 0x98], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]] {
            _ = bytes.withUnsafeBufferPointer { Folding.units($0) }
        }
        #expect(folded("😀数") == " 数")
    }
}
