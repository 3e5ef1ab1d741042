import Model
import Profiles
import Testing

@Suite struct MappingValidationTests {
    private let schema = TableSchema(
        fields: [field("code", "station"), field("datetime", "hour"), field("decimal(8,3)", "co"), field("text", "pollutant"), field("decimal(8,2)", "value"),
            field("date", "day"),
        ],
        primaryKey: ["station"])

    private func places(_ json: String) throws -> [String] {
        try InvalidDocument.decode(Mapping.self, from: Array(json.utf8)).validate(against: schema).map(\.place)
    }

    @Test func aMappingOfARealExportIsFine() throws {
        let places = try places(
            #"""
            {"charset": "UTF-8", "delimiter": ",", "repeats": {"keep": "reject"}, "steps": [
              {"kind": "ignore", "fields": ["No"]}, {"kind": "rename", "from": "CO", "to": "co"}, {"kind": "missing", "tokens": ["NA"]},
              {"kind": "compose_datetime", "to": "hour", "parts": {"year": "year", "month": "month", "day": "day", "hour": "hour"}, "offset": "+08:00"},
              {"kind": "number", "fields": ["CO"], "power": -3}, {"kind": "strip", "fields": ["station"], "suffix": "站"},
              {"kind": "clean_code", "fields": ["station"], "pad_to": 6}, {"kind": "translate", "fields": ["station"], "values": {"东四": "1003A"}},
              {"kind": "unpivot", "columns": ["SO2", "NO2"], "name_to": "pollutant", "value_to": "value"}]}
            """#)
        #expect(places == [])
    }

    @Test(arguments: [
        (#"{"steps": [{"kind": "rename", "from": "a"}]}"#, "/steps/0/to"),
        (#"{"steps": [{"kind": "rename", "from": "a", "to": "nowhere"}]}"#, "/steps/0/to"),
        (#"{"steps": [{"kind": "rename", "from": "a", "to": "co", "tokens": ["x"]}]}"#, "/steps/0/tokens"),
        (#"{"steps": [{"kind": "constant", "to": "co", "value": "1"}, {"kind": "rename", "from": "x", "to": "co"}]}"#, "/steps/1/to"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour"}]}"#, "/steps/0/parts"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "co", "parts": {"year": "y"}}]}"#, "/steps/0/to"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "parts": {"week": "w"}}]}"#, "/steps/0/parts/week"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "format": "yyyy-MM-dd HH:mm", "offset": "+8"}]}"#, "/steps/0/offset"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "format": "MM-dd HH:mm"}]}"#, "/steps/0/format"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "format": "yy-MM-dd"}]}"#, "/steps/0/format"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "format": "MM-dd", "defaults": {"year": 0}}]}"#, "/steps/0/defaults/year"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "format": "yyyy-MM-dd HH:mm"}]}"#, "/steps/0/offset"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "parts": {"year": "y", "month": "m", "day": "d"}}]}"#, "/steps/0/offset"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t"}]}"#, "/steps/0/offset"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "offset": "+08:00", "defaults": {"year": 2021}}]}"#, "/steps/0/defaults"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "hour", "parts": {"year": "y"}, "format": "yyyy", "offset": "Z"}]}"#, "/steps/0/format"),
        (#"{"steps": [{"kind": "compose_datetime", "to": "day", "from": "t", "offset": "+08:00"}]}"#, "/steps/0/format"),
        (#"{"steps": [{"kind": "unpivot", "columns": ["a", "a"], "name_to": "pollutant", "value_to": "value"}]}"#, "/steps/0/columns"),
        (#"{"steps": [{"kind": "unpivot", "columns": ["a"], "name_to": "value", "value_to": "value"}]}"#, "/steps/0/value_to"),
        (#"{"steps": [{"kind": "missing", "tokens": []}]}"#, "/steps/0/tokens"),
        (#"{"steps": [{"kind": "missing", "tokens": ["NA"], "fields": ["unheard"]}]}"#, "/steps/0/fields/0"),
        (#"{"steps": [{"kind": "number", "fields": ["co"], "thousands": "."}]}"#, "/steps/0/thousands"),
        (#"{"steps": [{"kind": "number", "fields": ["co"], "decimal": "5"}]}"#, "/steps/0/decimal"),
        (#"{"steps": [{"kind": "number", "fields": ["co"], "power": 99}]}"#, "/steps/0/power"),
        (#"{"steps": [{"kind": "clean_code", "fields": ["station"], "pad_to": 0}]}"#, "/steps/0/pad_to"),
        (#"{"steps": [{"kind": "translate", "fields": ["station"], "values": {}}]}"#, "/steps/0/values"),
        (#"{"delimiter": "|", "steps": []}"#, "/delimiter"), (#"{"charset": "", "steps": []}"#, "/charset"),
    ])
    func faultsAreNamedByPointer(_ json: String, _ place: String) throws {
        let found = try places(json)
        #expect(found.contains(place), "\(found)")
    }

    @Test func aYearlessTimeTakesItsYearFromTheDefaults() throws {
        let json = #"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "监测时间", "format": "MM-dd HH:mm", "defaults": {"year": 2021}, "offset": "+08:00"}]}"#
        #expect(try places(json) == [])
    }

    @Test func anOffsetIsEnoughForTimesInAnySpelling() throws {
        #expect(try places(#"{"steps": [{"kind": "compose_datetime", "to": "hour", "from": "t", "offset": "+08:00"}]}"#) == [])
        #expect(try places(#"{"steps": [{"kind": "compose_datetime", "to": "day", "from": "t", "format": "d.M.yyyy"}]}"#) == [], "days have none")
    }

    @Test func columnsOfSeveralYearsMayFillOneField() throws {
        #expect(try places(#"{"steps": [{"kind": "rename", "from": "一氧化碳", "to": "co"}, {"kind": "rename", "from": "CO浓度", "to": "co"}]}"#) == [])
        #expect(try places(#"{"steps": [{"kind": "rename", "from": "CO", "to": "co"}, {"kind": "rename", "from": "CO", "to": "co"}]}"#) == ["/steps/1/to"])
    }

    @Test func anUnknownStepOrMemberIsRefused() {
        #expect(throws: InvalidDocument.self) { try places(#"{"steps": [{"kind": "execute", "value": "x"}]}"#) }
        #expect(throws: InvalidDocument.self) { try places(#"{"steps": [], "script": "x"}"#) }
    }

    @Test func offsetsAreMinutesEastOfUTC() {
        #expect(["+08:00", "-03:30", "Z", "+8", "08:00", "+15:00"].map(Mapping.Step.minutes) == [480, -210, 0, nil, nil, nil])
    }
}
