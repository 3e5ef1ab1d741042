import Foundation
import TestSupport
import Testing

/// The contract of one dataset: it is OpenAPI 3.1 as far as its structure goes, and real answers are true to it.
@Suite struct DatasetContractTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private func document(_ server: ContractServer) async throws -> JSONValue {
        _ = try await server.publish(contract)
        let answer = try await server.reader.get(try contract.target(of: "/v1/datasets/{id}") + "/openapi.json")
        try #require(answer.status == 200, "\(answer.text)")
        return try answer.json()
    }

    @Test func itIsAnOpenAPIDocument() async throws {
        try await ContractServer.with { server in
            let document = try await document(server)
            #expect(document["openapi"]?.string == "3.1.0")
            #expect(Set((document.object ?? [:]).keys) == ["openapi", "info", "servers", "paths", "components"])
            let paths = try #require(document["paths"]?.object)
            #expect(paths.count >= 5)
            var names: [String] = []
            for (path, item) in paths {
                #expect(path.hasPrefix("/v1/datasets/") && !path.contains("{id}"))
                let operation = try #require(item["get"])
                names.append(try #require(operation["operationId"]?.string))
                let parameters = try (operation["parameters"]?.array ?? []).map { try #require(resolved($0, in: document)) }
                #expect(Set(parameters.compactMap { $0["name"]?.string }).count == parameters.count, "\(path)")
                for parameter in parameters {
                    #expect(["query", "path"].contains(parameter["in"]?.string) && parameter["schema"]?.object != nil, "\(parameter)")
                    #expect(parameter["in"]?.string != "path" || parameter["required"]?.bool == true)
                }
                let inPath = path.matches(of: /\{([a-z]+)\}/).map { String($0.output.1) }
                #expect(inPath == parameters.filter { $0["in"]?.string == "path" }.compactMap { $0["name"]?.string })
                let responses = try #require(operation["responses"]?.object)
                #expect(responses["200"]?["content"] != nil)
                for (status, response) in responses {
                    #expect(Int(status).map { (200..<600).contains($0) } == true)
                    #expect(resolved(response, in: document)?["description"]?.string?.isEmpty == false)
                }
            }
            #expect(Set(names).count == names.count)
            for (name, schema) in document.at(pointer: "/components/schemas")?.object ?? [:] {
                #expect(JSONSchema(schema, in: document).unknownKeywords().isEmpty, "\(name)")
            }
            for section in ["parameters", "responses", "schemas"] {
                for name in (document.at(pointer: "/components/\(section)")?.object ?? [:]).keys { #expect(name.wholeMatch(of: /[a-zA-Z0-9._-]+/) != nil) }
            }
        }
    }

    private func resolved(_ value: JSONValue, in document: JSONValue) -> JSONValue? {
        guard let reference = value["$ref"]?.string else { return value }
        return document.at(pointer: String(reference.dropFirst()))
    }

    @Test func answersAreTrueToIt() async throws {
        try await ContractServer.with { server in
            let document = try await document(server)
            let base = try contract.target(of: "/v1/datasets/{id}")
            func schema(of path: String) throws -> JSONSchema {
                let media = try #require(document["paths"]?[path]?["get"]?["responses"]?["200"]?["content"]?["application/json"]?["schema"])
                return JSONSchema(media, in: document)
            }
            let page = try await server.reader.get(base + "/rows")
            #expect(try schema(of: base + "/rows").violations(of: page.json()).isEmpty, "\(page.text)")
            let part = try await server.reader.get(base + "/rows?fields=pm25")
            #expect(try schema(of: base + "/rows").violations(of: part.json()).isEmpty)
            let row = try await server.reader.get(try contract.target(of: "/v1/datasets/{id}/rows/{key}"))
            #expect(try schema(of: base + "/rows/{key}").violations(of: row.json()).isEmpty, "\(row.text)")
            let groups = try await server.reader.get(base + "/aggregate?group_by=pm25&select=count(*)")
            #expect(try schema(of: base + "/aggregate").violations(of: groups.json()).isEmpty, "\(groups.text)")
            for path in ["/data.xlsx", "/queryables"] { #expect(try await server.reader.get(base + path).status == 200) }
            let lines = try await server.reader.get(base + "/rows.ndjson").text.split(separator: "\n")
            let one = JSONSchema(try #require(document.at(pointer: "/components/schemas/Row")), in: document)
            #expect(!lines.isEmpty)
            for line in lines { #expect(try one.violations(of: JSONValue(json: String(line))).isEmpty, "\(line)") }
            // What is not so is seen.
            #expect(try !schema(of: base + "/rows").violations(of: JSONValue(json: Data(#"{"data":[{"pm25":"much"}],"meta":{"version":1,"limit":1},"links":{"self":""}}"#.utf8))).isEmpty)
            let header = try await server.reader.get(base + "/rows.csv").text.split(separator: "\n").first.map { $0.split(separator: ",").map(String.init) }
            #expect(Set(header ?? []) == Set(try #require(document.at(pointer: "/components/schemas/Row/properties")?.object).keys))
        }
    }

    @Test func everyParameterIsTaken() async throws {
        try await ContractServer.with { server in
            let document = try await document(server)
            let examples = [
                "string": "x", "integer": "1", "number": "1.5", "boolean": "true", "date": "2026-03-01", "date-time": "2026-03-01T00:00:00Z",
            ]
            for (path, item) in document["paths"]?.object ?? [:] where ["/rows", "/rows.csv", "/rows.ndjson", "/aggregate"].contains(where: path.hasSuffix) {
                for reference in item["get"]?["parameters"]?.array ?? [] {
                    let parameter = try #require(resolved(reference, in: document))
                    let (name, schema) = (try #require(parameter["name"]?.string), try #require(parameter["schema"]?["items"] ?? parameter["schema"]))
                    let value: String
                    switch name {
                    case "cursor": continue
                    case "filter": value = "TRUE"
                    case "sort" where path.hasSuffix("/aggregate"): value = "count"
                    case "fields", "sort", "group_by": value = "pm25"
                    case "select": value = "count(*)"
                    case "having": value = "count__gte=0"
                    case "as_of": value = "2999-01-01T00:00:00Z"
                    default: value = schema["enum"]?.array?.first?.string ?? examples[schema["format"]?.string ?? ""] ?? examples[schema["type"]?.string ?? ""] ?? "1"
                    }
                    let answer = try await server.reader.get("\(path)?\(name)=\(value)")
                    #expect(answer.status == 200, "\(path)?\(name)=\(value): \(answer.text.prefix(300))")
                }
            }
        }
    }
}
