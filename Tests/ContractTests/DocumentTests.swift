import Foundation
import TestSupport
import Testing

/// `openapi.yaml` says nothing that the tests cannot check, and its own examples are true to it.
@Suite struct DocumentTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    /// Every schema in the document with the place where it stands.
    private var schemas: [(place: String, schema: JSONValue)] {
        func walk(_ value: JSONValue, _ place: String) -> [(String, JSONValue)] {
            switch value {
            case .object(let members):
                members.flatMap { key, inner -> [(String, JSONValue)] in
                    key == "schema" ? [("\(place)/schema", inner)] : key == "example" || key == "schemas" ? [] : walk(inner, "\(place)/\(key)")
                }
            case .array(let items): items.enumerated().flatMap { walk($1, "\(place)/\($0)") }
            default: []
            }
        }
        let named = (contract.document.at(pointer: "/components/schemas")?.object ?? [:]).map { ("/components/schemas/\($0.key)", $0.value) }
        return walk(contract.document, "") + named
    }

    @Test func everySchemaUsesOnlyWhatTheTestsCanCheck() {
        #expect(schemas.count > 100)
        for (place, schema) in schemas {
            let unknown = JSONSchema(schema, in: contract.document).unknownKeywords()
            #expect(unknown.isEmpty, "\(place): \(unknown)")
        }
    }

    @Test func everyReferenceLeadsSomewhere() {
        func walk(_ value: JSONValue, _ place: String) {
            if let name = value["$ref"]?.string {
                #expect(contract.resolved(value) != nil, "\(place) refers to \(name)")
            }
            for (key, inner) in value.object ?? [:] { walk(inner, "\(place)/\(key)") }
            for (index, inner) in (value.array ?? []).enumerated() { walk(inner, "\(place)/\(index)") }
        }
        walk(contract.document, "")
    }

    @Test func everyComponentIsUsed() throws {
        let text = try Project.text("openapi.yaml")
        for section in ["parameters", "headers", "responses", "schemas"] {
            for name in (contract.document.at(pointer: "/components/\(section)")?.object ?? [:]).keys {
                #expect(text.contains("'#/components/\(section)/\(name)'"), "/components/\(section)/\(name) is used nowhere")
            }
        }
    }

    @Test func operationsHaveNamesOfTheirOwn() {
        let names = contract.operations.map(\.id)
        #expect(!names.contains(""))
        #expect(Set(names).count == names.count)
    }

    @Test func everyOperationHasAnExampleOfItsSuccess() {
        for operation in contract.operations {
            let examples = operation.statuses.filter { $0 < 300 }.flatMap { status in
                (contract.resolved(operation.content["responses"]?[String(status)])?["content"]?.object ?? [:]).filter { $0.key != "application/gzip" }
            }
            #expect(examples.allSatisfy { $0.value["example"] != nil || operation.statuses.contains(206) }, "\(operation.id) has no example")
        }
    }

    @Test func examplesAreValid() {
        var count = 0
        for operation in contract.operations {
            var media: [(String, JSONValue)] = (operation.content["requestBody"]?["content"]?.object ?? [:]).map { ("request \($0.key)", $0.value) }
            for status in operation.statuses {
                let response = contract.resolved(operation.content["responses"]?[String(status)])
                media += (response?["content"]?.object ?? [:]).map { ("\(status) \($0.key)", $0.value) }
            }
            for (name, media) in media {
                guard let example = media["example"], let schema = media["schema"] else { continue }
                count += 1
                let violations = JSONSchema(schema, in: contract.document).violations(of: example)
                #expect(violations.isEmpty, "\(operation.id) \(name): \(violations)")
            }
        }
        #expect(count > 300)
    }

    @Test func parameterExamplesAreValid() {
        for (name, parameter) in contract.document.at(pointer: "/components/parameters")?.object ?? [:] {
            guard let example = parameter["example"], let schema = parameter["schema"] else { continue }
            let violations = JSONSchema(schema, in: contract.document).violations(of: example)
            #expect(violations.isEmpty, "\(name): \(violations)")
        }
    }

    @Test func everyTemplateHasItsParameter() {
        for operation in contract.operations {
            let shared = contract.document["paths"]?[operation.path]?["parameters"]?.array ?? []
            let declared = (shared + (operation.content["parameters"]?.array ?? [])).compactMap(contract.resolved)
                .filter { $0["in"]?.string == "path" }.compactMap { $0["name"]?.string }
            let templates = operation.path.matches(of: /\{([a-z]+)\}/).map { String($0.output.1) }
            #expect(Set(declared) == Set(templates), "\(operation.method) \(operation.path)")
        }
    }

    @Test func everyAnswerCarriesARequestID() {
        for operation in contract.operations {
            for status in operation.statuses {
                let headers = contract.resolved(operation.content["responses"]?[String(status)])?["headers"]?.object ?? [:]
                #expect(headers["X-Request-Id"] != nil, "\(operation.id) \(status)")
            }
        }
    }

    @Test func everyErrorIsAProblemDocument() {
        for operation in contract.operations {
            for status in operation.statuses where status >= 400 {
                let content = contract.resolved(operation.content["responses"]?[String(status)])?["content"]?.object ?? [:]
                #expect(Array(content.keys) == ["application/problem+json"], "\(operation.id) \(status)")
            }
        }
    }

    /// What was documented, for `scripts/checks/coverage.py` to hold against what was seen.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["DAYLIGHT_CONTRACT_DOCUMENTED"] != nil)) func documentedPairsAreWrittenDown() throws {
        let file = try #require(ProcessInfo.processInfo.environment["DAYLIGHT_CONTRACT_DOCUMENTED"])
        let pairs = contract.operations.flatMap { operation in operation.statuses.map { "\(operation.id) \($0)" } }
        try pairs.sorted().joined(separator: "\n").appending("\n").write(toFile: file, atomically: true, encoding: .utf8)
    }
}
