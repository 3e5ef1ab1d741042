import Catalogue
import Foundation
import Model
import Postgres
import Store
import TestSupport
import Testing

@Suite struct FindingDatasetsTests {
    private func words(_ text: String) -> DatasetFilter { DatasetFilter(words: text) }

    private func shelve(_ desk: Desk) async throws {
        try await desk.publish("air") { d in
            d.title = LocalizedText(zh: "雅安市空气质量小时数据", en: "Hourly Air Quality of Ya'an")
            d.abstract = LocalizedText(zh: "全市国控空气自动监测站小时浓度，含ＰＭ２．５。")
            d.keywords = ["空气质量", "monitoring"]
            d.theme = "生态环保"
            d.region = "511800"
        }
        try await desk.publish("water") { d in
            d.title = LocalizedText(zh: "地表水水质监测", en: "Surface water")
            d.abstract = LocalizedText(zh: "断面水质；同期天空气象观测，质量受控。")
            d.keywords = ["水"]
            d.theme = "生态环保"
            d.region = "511802"
        }
        try await desk.publish("budget") { d in
            d.title = LocalizedText(zh: "县级预决算", en: "Budgets")
            d.abstract = LocalizedText(zh: "预算与决算，不含空气质量专项。")
            d.keywords = ["预算"]
            d.theme = "财政"
            d.region = "130631"
        }
    }

    @Test func wordsInTheMiddleOfASentenceAreFound() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            #expect(try await desk.ids(words("监测站")) == ["air"])
            #expect(try await desk.ids(words("水质")) == ["water"])
            // Pairs 空气 and 气质 and 质量 stand apart in the water's abstract too; the phrase does not.
            #expect(try await desk.ids(words("空气质量")) == ["air", "budget"])
            #expect(try await desk.ids(words("没有")) == [])
        }
    }

    @Test func singleCharactersMixedScriptsAndWidthsAreFound() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            #expect(try await desk.ids(words("水")) == ["water"])
            #expect(try await desk.ids(words("PM2.5")) == ["air"])
            #expect(try await desk.ids(words("ｐｍ２．５ 空气")) == ["air"])
            #expect(try await desk.ids(words("QUALITY")) == ["air"])
            #expect(try await desk.ids(words("qual hour")) == ["air"])
            #expect(try await desk.ids(words("空气hourly")) == ["air"])
            #expect(try await desk.ids(words("预算 空气")) == ["budget"])
        }
    }

    @Test func quotesAndOperatorsAreOnlyText() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            for text in ["'", "a' | 'b", "!air", "air:*", "a\\'", "%", "_", "预算' & '", "<->", "((("] {
                do { _ = try await desk.ids(words(text)) } catch let problem as Problem { #expect(problem.code == .invalidParameter, "\(text)") }
            }
            #expect(try await desk.ids(words("ya'an")) == ["air"])
        }
    }

    @Test func hitsInTheTitleComeFirst() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            try await desk.db.release(again: "budget", seconds: 100)
            let hits = try await desk.catalogue.find(words("空气质量"), as: .anonymous, limit: 10)
            #expect(hits.entries.map(\.id) == ["air", "budget"])
            #expect(hits.total == 2)
        }
    }

    @Test func filtersNarrowAndARegionTakesInWhatLiesInIt() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            #expect(try await Set(desk.ids(DatasetFilter(region: "510000"))) == ["air", "water"])
            #expect(try await Set(desk.ids(DatasetFilter(region: "511800"))) == ["air", "water"])
            #expect(try await desk.ids(DatasetFilter(region: "511802")) == ["water"])
            #expect(try await desk.ids(DatasetFilter(theme: "财政")) == ["budget"])
            #expect(try await desk.ids(DatasetFilter(words: "空气", department: TestDatabase.creditCode(9))) == [])
            #expect(try await desk.ids(DatasetFilter(shareType: .notShared)) == [])
            let problem = await #expect(throws: Problem.self) { try await desk.ids(DatasetFilter(region: "51%")) }
            #expect(problem?.code == .invalidParameter)
        }
    }

    @Test func facetsCountAllHitsExactly() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            _ = try await desk.store.loadCodes(["divisions": [Code(code: "511800", title: LocalizedText(zh: "雅安市"))]])
            let page = try await desk.catalogue.find(DatasetFilter(), as: .anonymous, limit: 1, listing: DatasetListing(facetLimit: 100))
            #expect(page.total == 3)
            let counts = try #require(page.facets)
            #expect(counts.map(\.name) == Catalogue.facets)
            let facets = Dictionary(uniqueKeysWithValues: counts.map { ($0.name, $0.values) })
            #expect(facets["theme"]?.map(\.value) == ["生态环保", "财政"])
            #expect(facets["theme"]?.map(\.count) == [2, 1])
            #expect(facets["region"]?.first { $0.value == "511800" }?.title?.zh == "雅安市")
            #expect(facets["department"]?.first?.title?.zh == desk.office.name.zh)
            #expect(facets["profile"] == [])
            #expect(facets["share_type"]?.first?.count == 3)
            #expect(facets["format"]?.map(\.value) == ["csv", "json"])
            #expect(facets["region_level"]?.map(\.value) == ["county", "prefecture"] && facets["region_level"]?.map(\.count) == [2, 1])
            #expect(facets["openness"]?.first?.count == 3 && facets["update_cycle"]?.first?.count == 3)
            let cut = try await desk.catalogue.find(DatasetFilter(), as: .anonymous, limit: 1, listing: DatasetListing(facetLimit: 1))
            #expect(cut.facets?.first { $0.name == "theme" }?.isCut == true && cut.facets?.first { $0.name == "theme" }?.values.count == 1)
        }
    }

    @Test func everyPageFollowsTheLastWithoutGapsOrRepeats() async throws {
        try await Desk.with { desk in
            for number in 0..<23 {
                let id = "set-\(number)"
                try await desk.publish(id) { $0.title = LocalizedText(zh: number.isMultiple(of: 3) ? "灯塔\(number)号" : "航标\(number)号") }
                // Several at one instant, so that the identifier has to decide.
                try await desk.db.release(again: id, seconds: number / 4)
            }
            for filter in [DatasetFilter(), DatasetFilter(words: "灯塔")] {
                var seen: [String] = []
                var cursor: String?
                repeat {
                    let page = try await desk.catalogue.find(filter, as: .anonymous, cursor: cursor, limit: 4)
                    #expect(page.total == 23)
                    seen += page.entries.map(\.id)
                    cursor = page.next
                } while cursor != nil && seen.count < 100
                #expect(seen.count == 23 && Set(seen).count == 23)
                #expect(try await seen == desk.ids(filter))
            }
        }
    }

    @Test func aCursorHoldsForItsQuestionOnly() async throws {
        try await Desk.with { desk in
            try await shelve(desk)
            let page = try await desk.catalogue.find(DatasetFilter(), as: .anonymous, limit: 1)
            let cursor = try #require(page.next)
            let other = await #expect(throws: Problem.self) {
                try await desk.catalogue.find(DatasetFilter(theme: "财政"), as: .anonymous, cursor: cursor, limit: 1)
            }
            #expect(other?.code == .invalidCursor)
            let reader = Reader(scopes: [.oversight])
            let another = await #expect(throws: Problem.self) {
                try await desk.catalogue.find(DatasetFilter(), as: reader, cursor: cursor, limit: 1)
            }
            #expect(another?.code == .invalidCursor)
        }
    }

    @Test func draftsAreSeenByTheirDepartmentAndByReviewersOnly() async throws {
        try await Desk.with { desk in
            _ = try await desk.catalogue.create("draft", desk.description, by: desk.key)
            let own = Reader(key: desk.key)
            let other = Reader(department: TestDatabase.creditCode(2), scopes: [.push])
            let limited = Reader(department: desk.office.uscc, scopes: [.push], datasets: ["something-else"])
            for (reader, sees) in [
                (Reader.anonymous, false), (own, true), (other, false), (limited, false), (Reader(scopes: [.read]), false), (Reader(scopes: [.review]), true),
                (Reader(scopes: [.oversight]), true),
            ] {
                #expect(try await desk.ids(DatasetFilter(words: "灯塔"), as: reader) == (sees ? ["draft"] : []))
                let count = try await desk.catalogue.find(DatasetFilter(), as: reader, limit: 5, listing: DatasetListing(facetLimit: 100))
                #expect(count.total == (sees ? 1 : 0))
                if sees {
                    #expect(try await desk.catalogue.dataset("draft", as: reader).id == "draft")
                } else {
                    let hidden = await #expect(throws: Problem.self) { try await desk.catalogue.dataset("draft", as: reader) }
                    let missing = await #expect(throws: Problem.self) { try await desk.catalogue.dataset("never-was", as: reader) }
                    #expect(hidden == missing)
                }
            }
        }
    }

    @Test func fieldsThatAreNotPublicAreNamedToTheDepartmentOnly() async throws {
        try await Desk.with { desk in
            try await desk.publish("lighthouse")
            let record = try await desk.catalogue.dataset("lighthouse", as: .anonymous)
            let seen = try JSON.encode(desk.catalogue.visibleDescription(of: record, to: .anonymous))
            #expect(!seen.contains("keeper_phone") && !seen.contains("budget") && seen.contains("height"))
            let own = desk.catalogue.visibleDescription(of: record, to: Reader(key: desk.key))
            #expect(own.schema == Lighthouse.schema)
        }
    }

    @Test func rulesThatNameHiddenFieldsAndWhatMaskedValuesMayBeAreToldToTheDepartmentOnly() async throws {
        var schema = Lighthouse.schema
        func add(_ name: String, _ type: FieldType) { schema.fields.append(Field(name: name, title: LocalizedText(zh: name), type: type, visibility: .public)) }
        for name in ["width", "slope", "cost_share"] { add(name, .decimal(precision: 8, scale: 2)) }
        schema.derived = [
            Derived(kind: .percentage, field: "slope", inputs: ["part": "height", "base": "width"]),
            Derived(kind: .percentage, field: "cost_share", inputs: ["part": "height", "base": "budget"]),
        ]
        schema.rollups = [Rollup(name: "by_season", groupBy: ["season"], select: ["count(*)"])]
        let keeper = try #require(schema.fields.firstIndex { $0.name == "keeper" })
        schema.fields[keeper].values = ["张三", "李四"]
        schema.fields.append(
            Field(name: "badge", title: LocalizedText(zh: "证号"), type: .code, pattern: "7[0-9]{9}", maxLength: 10, visibility: .public, mask: .lastFour, sensitivity: .personal))
        let whole = schema
        try await Desk.with { desk in
            try await desk.publish("lighthouse") { $0.schema = whole }
            let record = try await desk.catalogue.dataset("lighthouse", as: .anonymous)
            let revision = try await desk.catalogue.revision(1, of: "lighthouse", as: .anonymous)
            for description in [desk.catalogue.visibleDescription(of: record, to: .anonymous), revision.description] {
                let seen = try #require(description.schema)
                #expect(seen.derived == [whole.derived[0]] && seen.rollups == whole.rollups)
                #expect(seen.field("keeper")?.values == nil && seen.field("badge")?.pattern == nil && seen.field("badge")?.maxLength == 10)
                #expect(seen.field("height")?.minimum == "0", "what is shown as it is keeps its bounds")
                let text = try JSON.encode(seen)
                for hidden in ["budget", "李四", "7[0-9]"] { #expect(!text.contains(hidden), "\(hidden)") }
            }
            #expect(desk.catalogue.visibleDescription(of: record, to: Reader(key: desk.key)).schema == whole)
            #expect(try await desk.catalogue.revision(1, of: "lighthouse", as: Reader(key: desk.key)).description.schema == whole)
        }
    }

    @Test func whereNothingIsHiddenMasksStillHideWhatValuesMayBe() {
        func field(_ name: String, mask: Mask? = nil) -> Field {
            var field = Field(name: name, title: LocalizedText(zh: name), type: .code, visibility: .public, mask: mask)
            (field.values, field.minimum, field.maximum, field.pattern) = (["a"], "b", "c", "d")
            return field
        }
        var rule = Check(kind: .pattern, field: "masked"), other = Check(kind: .pattern, field: "shown")
        (rule.pattern, other.pattern) = ("d", "d")
        let whole = TableSchema(
            fields: [field("code"), field("shown"), field("masked", mask: .phone)], primaryKey: ["code"], checks: [rule, other],
            derived: [Derived(kind: .waterClass, field: "masked", inputs: ["ph": "shown"]), Derived(kind: .waterClass, field: "shown", inputs: ["ph": "code"])])
        let part = whole.publicPart
        #expect(Array(part.fields.prefix(2)) == Array(whole.fields.prefix(2)) && part.primaryKey == ["code"])
        #expect(part.fields[2] == Field(name: "masked", title: LocalizedText(zh: "masked"), type: .code, visibility: .public, mask: .phone))
        #expect(part.checks == [other] && part.derived == [whole.derived[1]])
    }

    @Test func aWithdrawnDatasetIsGoneWithItsReason() async throws {
        try await Desk.with { desk in
            try await desk.publish("lighthouse")
            try await desk.db.database.execute(
                """
                WITH w AS (INSERT INTO daylight.withdrawal (dataset, subject, reason_zh, reason_en) VALUES ('lighthouse', 'dataset', '数据有误', 'wrong data') RETURNING id)
                UPDATE daylight.dataset SET state = 'withdrawn', withdrawal = (SELECT id FROM w) WHERE id = 'lighthouse'
                """
            )
            let problem = try #require(await #expect(throws: Problem.self) { try await desk.catalogue.dataset("lighthouse", as: .anonymous) })
            #expect(problem.code == .datasetWithdrawn)
            #expect(problem.detail.zh.contains("数据有误") && problem.detail.en?.contains("wrong data") == true)
            #expect(try await desk.ids(DatasetFilter()) == [])
            let edit = await #expect(throws: Problem.self) { try await desk.catalogue.ownDataset("lighthouse", of: desk.key) }
            #expect(edit?.code == .datasetWithdrawn)
        }
    }
}

extension TestDatabase {
    fileprivate func release(again id: String, seconds: Int) async throws {
        try await database.execute(
            """
            UPDATE daylight.dataset SET released_at = '2026-02-01T00:00:00Z'::timestamptz + make_interval(secs => \(seconds)) WHERE id = \(id, as: .text)
            """
        )
    }
}
