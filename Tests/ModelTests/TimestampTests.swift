import Model
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2026-03-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"), ("2026-02-28T16:00:00Z", "2026-03-01T00:00:00+08:00"),
        ("2026-02-28T16:00:00.5Z", "2026-03-01T00:00:00.500+08:00"), ("1969-12-31T23:59:59.999999Z", "1970-01-01T07:59:59.999999+08:00"),
        ("0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00"), ("2026-03-01t00:00:00-05:30", "2026-03-01T13:30:00+08:00"),
    ])
    func timesAreWrittenInChinaStandardTime(_ text: String, _ canonical: String) throws {
        let time = try #require(Timestamp(text))
        #expect(time.description == canonical)
        #expect(Timestamp(canonical) == time)
    }

    @Test(arguments: ["2026-03-01", "2026-03-01T00:00:00", "2026-02-29T00:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T00:00:00+8", "2026-03-01T00:00:00.Z", "", "2026-03-01T00:00:00ZZ"])
    func whatIsNoTimeIsRefused(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func daysAndDatesAreInverse() throws {
        for days in stride(from: -719_162, through: 2_932_896, by: 61) {
            let date = CalendarDate(daysSince1970: days)
            #expect(date.daysSince1970 == days)
            #expect(CalendarDate(date.description) == date)
        }
        #expect(CalendarDate(daysSince1970: 0).description == "1970-01-01")
        #expect(CalendarDate("2100-02-29") == nil)
    }
}

@Suite struct VocabularyTests {
    @Test func typesAreSpelledAsTheyAreRead() throws {
        for text in ["text", "code", "integer", "decimal(20,2)", "decimal(38,38)", "decimal(1,0)", "boolean", "date", "datetime", "period", "geo_point", "json"] {
            #expect(try #require(FieldType(text)).description == text)
        }
        for text in ["decimal", "decimal(39,0)", "decimal(0,0)", "decimal(2,3)", "decimal(2, 1)", "decimal(2)", "varchar", "Text", "decimal(2,-1)"] { #expect(FieldType(text) == nil) }
    }

    /// Messages are filled by place; a hole that nothing fills would be shown to people.
    @Test(arguments: FindingCode.allCases)
    func findingsSayTheSameInBothLanguages(_ code: FindingCode) {
        let (zh, en) = code.template
        let holes = (0..<5).filter { zh.contains("{\($0)}") }
        #expect(holes == (0..<5).filter { en.contains("{\($0)}") })
        #expect(holes == Array(0..<holes.count), "holes are numbered from 0 without gaps")
        let message = code.message(holes.map { "<\($0)>" })
        #expect(!message.zh.contains("{") && message.en?.contains("{") == false)
    }

    @Test func numbersAreNeverUsedTwice() {
        #expect(Set(FindingCode.allCases.map(\.rawValue)).count == FindingCode.allCases.count)
        #expect(Set(ProblemCode.allCases.map(\.rawValue)).count == ProblemCode.allCases.count)
        #expect(ProblemCode.allCases.allSatisfy { (400...599).contains($0.status) && $0.title.en != nil })
    }

    @Test func aSchemaWithOnlyWhatItNeedsIsRead() throws {
        let json = #"{"fields": [{"name": "a", "title": {"zh": "甲"}, "type": "code", "visibility": "public"}], "primary_key": ["a"]}"#
        let schema = try JSON.decode(TableSchema.self, json)
        #expect(schema.checks.isEmpty && schema.derived.isEmpty && schema.fields[0].aliases.isEmpty && !schema.fields[0].required)
        #expect(try JSON.decode(TableSchema.self, JSON.encode(schema)) == schema)
        #expect(throws: DecodingError.self) { try JSON.decode(Field.self, #"{"name": "a", "title": {"zh": "甲"}, "type": "code"}"#) }
    }

    @Test func aConditionMayNameNoValues() throws {
        let condition = try JSON.decode(Check.Condition.self, #"{"field": "a", "present": true}"#)
        #expect(condition == Check.Condition(field: "a", present: true))
    }
}
