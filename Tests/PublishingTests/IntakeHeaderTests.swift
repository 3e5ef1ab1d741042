import Model
import Testing

@testable import Publishing

struct IntakeHeaderTests {
    let schema = TableSchema.of("code|行政区划代码|code|required|alias=区划码\nname|县域名称|text|required\nyear|年份|integer")

    @Test(arguments: [
        "code,name,year", "行政区划代码,县域名称,年份", "区划码,name,年份", "Code,NAME,Year", "code in English,name in English,year IN ENGLISH",
        " code ,\"name\n\",\u{3000}year\t", "\u{FEFF}code,name,year", "code;name;year", "code\tname\tyear",
    ])
    func columnsAreKnownByAnyOfTheirNames(_ header: String) throws {
        let delimiter = header.contains(";") ? ";" : header.contains("e\tn") ? "\t" : ","
        let row = ["130631", "望都县", "2016"].joined(separator: delimiter)
        let outcome = try read(header + "\n" + row + "\n", schema)
        #expect(outcome.told == [])
        #expect(outcome.rows.map { Array($0.dropFirst()) } == [["130631", "望都县", "2016"]])
    }

    @Test func allThatIsWrongIsReportedAtOnceAndNothingIsRead() throws {
        let outcome = try read("\n\nCODE,备注,year,年份,备注, \n1,2,3,4,5,6\n", schema)
        #expect(outcome.told == ["F109 3 备注", "F111 3 年份", "F111 3 备注", "F109 3 ", "F110 3 name"])
        #expect(outcome.isFatal && outcome.recordCount == 0 && outcome.rows.isEmpty)
        #expect(outcome.findings[0].message.zh.contains("备注") && outcome.findings[4].message.en?.contains("name") == true)
    }

    @Test func unlistedColumnsAreIgnoredWhereTheMappingSaysSo() throws {
        let outcome = try read("x,code,name,x,\n1,2,3,4,5\n", schema, #"{"unlisted":"ignore"}"#)
        #expect(outcome.rows == [["2", "2", "3", nil]])
        let named = try read("x,code,name,x\n1,2,3,4\n", schema, Mapping.step(#"{"kind":"ignore","fields":["x"]}"#))
        #expect(named.rows == [["2", "2", "3", nil]])
        // a column of an ignored name is not read even where a field has it
        #expect(try read("code,name,year\n1,2,3\n", schema, Mapping.step(#"{"kind":"ignore","fields":["year"]}"#)).rows == [["2", "1", "2", nil]])
    }

    @Test func aColumnOfAFieldThatAStepFillsIsUnlisted() throws {
        let constant = #"{"kind":"constant","to":"year","value":"2020"}"#
        #expect(try read("code,name,year\n1,2,3\n", schema, Mapping.step(constant)).told == ["F109 1 year"])
        #expect(try read("code,name,year\n1,2,3\n", schema, #"{"unlisted":"ignore","steps":[\#(constant)]}"#).rows == [["2", "1", "2", "2020"]])
    }

    @Test func aRequiredFieldMayComeFromAStep() throws {
        #expect(try read("code\n1\n", schema).told == ["F110 1 name"])
        #expect(try read("code\n1\n", schema, Mapping.step(#"{"kind":"constant","to":"name","value":"某县"}"#)).rows == [["2", "1", "某县", nil]])
        #expect(try read("code\n1\n", schema, Mapping.step(#"{"kind":"rename","from":"县","to":"name"}"#)).told == ["F110 1 name"])
        // a step whose column the file lacks leaves the field to the column of its name
        #expect(try read("code,name\n1,a\n", schema, Mapping.step(#"{"kind":"rename","from":"县","to":"name"}"#)).rows == [["2", "1", "a", nil]])
    }

    @Test func keyFieldsThatAreTextMayBeMissingAndAreThenEmpty() throws {
        let schema = TableSchema.of("year|年|integer\nunit|单位|code\nname|名|text", key: ["year", "unit"])
        #expect(try read("year,name\n2020,a\n", schema).rows == [["2", "2020", "", "a"]])
        #expect(try read("year,unit,name\n,,\n", schema).told == ["F200 2 year"])
        #expect(try read("unit,name\n1,2\n", schema).told == ["F110 1 year"])
    }

    @Test func filesWithoutAHeaderAreRefused() throws {
        #expect(try read("", schema).told == ["F108 1"])
        #expect(try read("\n\n", schema).told == ["F108 1"])
        #expect(try read("co\"de,name\n1,2\n", schema).told == ["F103 1"])
        let headerOnly = try read("code,name\n", schema)
        #expect(headerOnly.told == [] && headerOnly.recordCount == 0 && !headerOnly.isFatal)
    }
}
