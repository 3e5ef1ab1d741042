import Foundation
import TestSupport
import Testing

/// The validator that every answer is held against refuses what it should: otherwise the other tests here prove nothing.
@Suite struct JSONSchemaTests {
    static let cases: [(schema: String, good: [String], bad: [String])] = [
        (#"{"type": "integer"}"#, ["1", "-7", "1.0"], ["1.5", "\"1\"", "true", "null"]),
        (#"{"type": ["string", "null"]}"#, ["\"\"", "null"], ["1", "[]"]),
        (#"{"enum": ["a", 1]}"#, ["\"a\"", "1"], ["\"b\"", "2"]),
        (#"{"const": {"a": [1]}}"#, [#"{"a": [1]}"#], [#"{"a": [2]}"#]),
        (#"{"required": ["a"], "properties": {"a": {"type": "string"}}}"#, [#"{"a": "x", "b": 1}"#], ["{}", #"{"a": 1}"#]),
        (#"{"properties": {"a": {}}, "additionalProperties": false}"#, ["{}", #"{"a": 1}"#], [#"{"b": 1}"#]),
        (#"{"additionalProperties": {"type": "integer"}}"#, [#"{"b": 1}"#], [#"{"b": "x"}"#]),
        (#"{"propertyNames": {"maxLength": 1}}"#, [#"{"b": 1}"#], [#"{"bb": 1}"#]),
        (#"{"minProperties": 1}"#, [#"{"b": 1}"#], ["{}"]),
        (#"{"items": {"type": "string"}, "minItems": 1, "maxItems": 2, "uniqueItems": true}"#, [#"["a"]"#, #"["a","b"]"#], ["[]", "[1]", #"["a","a"]"#, #"["a","b","c"]"#]),
        (#"{"minLength": 2, "maxLength": 3}"#, ["\"数据\"", "\"abc\""], ["\"a\"", "\"abcd\""]),
        (#"{"pattern": "^[0-9]{2}$"}"#, ["\"12\""], ["\"1\"", "\"123\"", "\"12a\""]),
        (#"{"minimum": 1, "maximum": 2}"#, ["1", "1.5", "2"], ["0.999", "2.001"]),
        (#"{"exclusiveMinimum": 0}"#, ["0.1"], ["0", "-1"]),
        (#"{"format": "date"}"#, ["\"2026-03-01\""], ["\"2026-13-01\"", "\"2026-3-1\""]),
        (#"{"format": "date-time"}"#, ["\"2026-03-01T00:00:00+08:00\"", "\"2026-03-01T00:00:00.123Z\""], ["\"2026-03-01T00:00:00\"", "\"2026-03-01 00:00:00Z\""]),
        (#"{"format": "uuid"}"#, ["\"5f0c5d0e-8f2a-4a53-9a53-0d1c6f1f7a10\""], ["\"5f0c5d0e\""]),
        (#"{"oneOf": [{"type": "string"}, {"minLength": 3}]}"#, ["\"a\"", "1"], ["\"abc\""]),
        (#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, ["null"], ["1"]),
        (#"{"allOf": [{"minimum": 1}, {"maximum": 2}]}"#, ["1"], ["0", "3"]),
        (#"{"not": {"type": "string"}}"#, ["1"], ["\"a\""]),
        (##"{"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}"##, ["null"], ["1"]),
        (#"{"items": false}"#, ["[]"], ["[1]"]),
    ]

    @Test(arguments: cases.indices) func keywordsAllowAndRefuse(_ index: Int) throws {
        let (text, good, bad) = Self.cases[index]
        let schema = JSONSchema(try JSONValue(json: text))
        #expect(schema.unknownKeywords().isEmpty)
        for value in good { #expect(schema.violations(of: try JSONValue(json: value)).isEmpty, "\(text) must allow \(value)") }
        for value in bad { #expect(!schema.violations(of: try JSONValue(json: value)).isEmpty, "\(text) must refuse \(value)") }
    }

    @Test func unknownKeywordsFormatsAndReferencesAreRefused() throws {
        for text in [#"{"contains": {}}"#, #"{"format": "hostname"}"#, ##"{"$ref": "#/nowhere"}"##, #"{"pattern": "("}"#] {
            let schema = JSONSchema(try JSONValue(json: text))
            #expect(!schema.unknownKeywords().isEmpty, "\(text) must not pass unseen")
            #expect(!schema.violations(of: .string("")).isEmpty, "\(text) must not let a value pass")
        }
    }

    @Test func violationsNameThePlace() throws {
        let schema = JSONSchema(try JSONValue(json: #"{"properties": {"a": {"items": {"type": "string"}}}}"#))
        let violations = schema.violations(of: try JSONValue(json: #"{"a": ["x", 1]}"#))
        #expect(violations.map(\.place) == ["/a/1"])
    }

    @Test func yamlIsReadAsJSON() throws {
        let value = try JSONValue(yaml: "a: 1\nb: '1'\nc: [true, null, x, 1.50]\nd: 2026-03-01\n")
        #expect(value == (try JSONValue(json: #"{"a": 1, "b": "1", "c": [true, null, "x", 1.50], "d": "2026-03-01"}"#)))
        #expect(throws: (any Error).self) { try JSONValue(yaml: "a: 1\na: 2\n") }
    }
}
