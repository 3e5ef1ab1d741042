import Foundation
import Model
import Testing

@testable import Profiles

/// What the documents show must be what the program takes.
@Suite struct DocumentTests {
    /// The code blocks of a document that are marked ```` ```json KIND ````.
    private func blocks(_ document: String, _ kind: String) throws -> [[UInt8]] {
        let text = try String(contentsOf: projectDirectory.appending(path: "docs/\(document)"), encoding: .utf8)
        return text.components(separatedBy: "```json \(kind)\n").dropFirst().map { Array($0.components(separatedBy: "\n```")[0].utf8) }
    }

    @Test func everyCheckKindHasAnExampleThatCounts() throws {
        let checks = try blocks("profiles.md", "check").map { try InvalidDocument.decode(Check.self, from: $0) }
        #expect(Set(checks.map(\.kind)) == Set(Check.Kind.allCases))
        for check in checks {
            // A schema that has each field that the example names, of a type that fits, is enough to try its parameters.
            var list = PlaceList(at: "")
            check.validate(in: TableSchema(fields: [], primaryKey: []), at: "", &list)
            let faults = list.places.filter { $0.message.en?.hasPrefix("there is no field") != true }
            #expect(faults.isEmpty, "\(check.kind): \(faults)")
        }
    }

    @Test func everyFormulaHasAnExample() throws {
        let formulas = try blocks("profiles.md", "derived").map { try InvalidDocument.decode(Derived.self, from: $0) }
        #expect(Set(formulas.map(\.kind)) == Set(Derived.Kind.allCases))
        #expect(try blocks("profiles.md", "field").map { try InvalidDocument.decode(Field.self, from: $0) }.count == 1)
    }

    @Test func everyStepHasAnExampleThatCounts() throws {
        let steps = try blocks("mapping.md", "step").map { try InvalidDocument.decode(Mapping.Step.self, from: $0) }
        #expect(Set(steps.map(\.kind)) == Set(Mapping.Step.Kind.allCases))
        #expect(try blocks("mapping.md", "mapping").count == 1)
        let wholes = try blocks("mapping.md", "mapping").map { try InvalidDocument.decode(Mapping.self, from: $0) } + steps.map { Mapping(steps: [$0]) }
        let names = ["station_name", "region_code", "co", "amount", "temperature", "direction", "pollutant"]
        let fields = names.map { field("text", $0) } + [field("decimal(8,2)", "value"), field("datetime", "hour"), field("datetime", "sampled_at")]
        for mapping in wholes {
            let faults = mapping.validate(against: TableSchema(fields: fields, primaryKey: ["station_name"]))
            #expect(faults.isEmpty, "\(faults)")
        }
    }
}
