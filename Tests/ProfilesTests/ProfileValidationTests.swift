import Foundation
import Model
import Testing

@testable import Profiles

@Suite struct ProfileValidationTests {
    private func places(_ document: [UInt8]) -> [String] {
        do {
            _ = try Profile(json: document)
            return []
        } catch {
            for place in error.places {
                #expect(!place.message.zh.isEmpty && place.message.en?.isEmpty == false)
                #expect(!"\(place.message)".contains("Swift.") && !"\(place.message)".contains("CodingKeys"), "nothing of the codec's own words")
            }
            return error.places.map(\.place)
        }
    }

    @Test(arguments: ProfileFault.all)
    func everyFaultIsReportedAtItsPlace(_ fault: ProfileFault) throws {
        let found = places(try fault.applied(to: try json("Tests/Fixtures/profiles/lighthouse.json")))
        for place in fault.places { #expect(found.contains(place), "found \(found)") }
    }

    @Test func manyFaultsAreReportedAtOnce() throws {
        var document = try json("Tests/Fixtures/profiles/lighthouse.json")
        for fault in [
            ProfileFault("/schema/fields/1/max_length", "0"), ProfileFault("/schema/primary_key/-", "\"keeper_phone\""), ProfileFault("/version", "0"),
            ProfileFault("/schema/checks/0/later", "\"gone_on\""), ProfileFault("/schema/fields/13/values", "[\"W\", \"W\"]"),
        ] { document = try fault.applied(to: document) }
        #expect(Set(places(document)) == ["/version", "/schema/fields/1/max_length", "/schema/fields/13/values/1", "/schema/primary_key/2", "/schema/checks/0/later"])
    }

    @Test func fieldsThatCannotBeReadAreReportedOneByOne() throws {
        var document = try json("Tests/Fixtures/profiles/lighthouse.json")
        for fault in [
            ProfileFault("/schema/fields/1/visibility", nil), ProfileFault("/schema/fields/4/type", "\"string\""), ProfileFault("/schema/fields/7/visibility", nil),
            ProfileFault("/schema/checks/3/kind", "\"sql\""),
        ] { document = try fault.applied(to: document) }
        #expect(Set(places(document)).isSuperset(of: ["/schema/fields/1/visibility", "/schema/fields/4/type", "/schema/fields/7/visibility", "/schema/checks/3/kind"]))
    }

    @Test func brokenJSONNamesLineAndCharacter() {
        #expect(throws: InvalidDocument(places: [Problem.Place("", zh: "第 2 行第 9 个字符处不是有效的 JSON", en: "line 2, character 9: not valid JSON")])) {
            try Profile(json: Array("{\n  \"标题\": }".utf8))
        }
        #expect(places(Array("[]".utf8)) == [""])
        #expect(places([]) == [""])
    }

    @Test func tooManyFieldsAreRefused() throws {
        let fields = (0...500).map { field("text", "f\($0)") }
        #expect(TableSchema(fields: fields, primaryKey: ["f0"]).validate().map(\.place) == ["/fields"])
        #expect(TableSchema(fields: Array(fields.dropLast()), primaryKey: ["f0"]).validate().isEmpty)
    }

    @Test(arguments: ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"])
    func columnsOfTheDatabasesOwnAreNoFields(_ name: String) {
        let places = TableSchema(fields: [field("code", "id"), field("text", name)], primaryKey: ["id"]).validate()
        #expect(places.map(\.place) == ["/fields/1/name"])
        #expect(places.first?.message.en?.contains("the database's own") == true)
    }

    @Test func namesWithMarksOfPointersAreEscaped() throws {
        let document = try ProfileFault("/mappings/dcat/a~1b~0c", "\"x\"").applied(to: try json("Tests/Fixtures/profiles/lighthouse.json"))
        #expect(places(document).contains("/mappings/dcat/a~1b~0c"))
    }

    /// The meta-schema is for other people's tools; it must say the same as the validator, as far as it can see.
    @Test func theMetaSchemaAndTheValidatorAgree() throws {
        let good = try ["Tests/Fixtures/profiles/lighthouse.json"].map(json) + shippedProfiles().map { try json("schema/profiles/\($0).json") }
        let bad = try ProfileFault.all.map { try $0.applied(to: good[0]) }
        guard let verdicts = try MetaSchema.verdicts(on: good + bad) else {
            print("skipped: python3 with jsonschema is not installed, so the meta-schema was not tried")
            return
        }
        for (document, accepted) in zip(good, verdicts) { #expect(accepted, "\(String(decoding: document.prefix(60), as: UTF8.self))") }
        for (fault, accepted) in zip(ProfileFault.all, verdicts.dropFirst(good.count)) {
            #expect(accepted == !fault.isStructural, "\(fault.testDescription): the meta-schema \(accepted ? "accepts" : "refuses") it")
        }
    }

    @Test func theMetaSchemaKnowsEveryKindAndItsParameters() throws {
        let tree = try #require(try JSONSerialization.jsonObject(with: Data(try json("schema/profiles/profile.schema.json"))) as? [String: Any])
        let definitions = try #require(tree["$defs"] as? [String: Any])
        let variants = try #require((definitions["check"] as? [String: Any])?["oneOf"] as? [[String: Any]])
        var known: [String: Set<String>] = [:]
        for variant in variants {
            let properties = try #require(variant["properties"] as? [String: Any])
            let kind = try #require((properties["kind"] as? [String: Any])?["const"] as? String)
            known[kind] = Set(properties.keys).subtracting(["kind", "severity", "when"])
            let needed = Set(try #require(variant["required"] as? [String])).subtracting(["kind"])
            #expect(needed == Set(Check.parameters(of: try #require(Check.Kind(rawValue: kind))).needed), "\(kind)")
        }
        for kind in Check.Kind.allCases {
            let (needed, optional) = Check.parameters(of: kind)
            #expect(known[kind.rawValue] == Set(needed + optional).subtracting(["when"]), "\(kind)")
        }
        let formulas = try #require((definitions["derived"] as? [String: Any])?["oneOf"] as? [[String: Any]])
        let kinds = formulas.compactMap { (($0["properties"] as? [String: Any])?["kind"] as? [String: Any])?["const"] as? String }
        #expect(Set(kinds) == Set(Derived.Kind.allCases.map(\.rawValue)))
    }
}

/// Asks Python's jsonschema.
enum MetaSchema {
    private static let script = """
        json, sys = __import__("json"), __import__("sys")
        from jsonschema import Draft202012Validator
        work = json.load(open(sys.argv[1], encoding="utf-8"))
        schema = json.load(open(sys.argv[2], encoding="utf-8"))
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema)
        print(json.dumps([validator.is_valid(document) for document in work]))
        """

    /// - Returns: whether each document is valid, nil where the tool is not there.
    static func verdicts(on documents: [[UInt8]]) throws -> [Bool]? {
        guard try run(["-c", "import jsonschema"]) != nil else { return nil }
        let file = FileManager.default.temporaryDirectory.appending(path: "profiles-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        let trees = try documents.map { try JSONSerialization.jsonObject(with: Data($0)) }
        try JSONSerialization.data(withJSONObject: trees).write(to: file)
        let schema = projectDirectory.appending(path: "schema/profiles/profile.schema.json").path
        guard let output = try run(["-c", script, file.path, schema]) else { throw CocoaError(.executableRuntimeMismatch) }
        return try JSONDecoder().decode([Bool].self, from: output)
    }

    private static func run(_ arguments: [String]) throws -> Data? {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? data : nil
    }
}
