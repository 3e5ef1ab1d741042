import Foundation
import Store
import TestSupport
import Testing

@testable import API

/// `filter=` over the whole interface, seen by a client that holds every answer against the contract.
@Suite struct FilterTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private func target(_ path: String, _ filter: String, language: String? = nil) throws -> String {
        let encoded = try #require(filter.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
        return try contract.target(of: "/v1/datasets/{id}") + "\(path)?filter=\(encoded)" + (language.map { "&filter-lang=\($0)" } ?? "")
    }

    @Test func theExampleOfTheContractIsAnswered() async throws {
        let example = try #require(contract.document.at(pointer: "/components/parameters/Filter/example")?.string)
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            for path in ["/rows", "/rows.csv", "/rows.ndjson"] {
                let answer = try await server.reader.get(try target(path, example))
                #expect(answer.status == 200, "\(answer.text)")
            }
        }
    }

    @Test func whatIsWrongIsSaidWithItsPlace() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            for path in ["/rows", "/rows.csv", "/rows.ndjson"] {
                let wrong = try await server.reader.get(try target(path, "station = '灯塔' xor pm25 = 1"), headers: [("Accept-Language", "en")])
                #expect(wrong.status == 400)
                let problem = try wrong.json()
                #expect(problem["code"]?.string == "DL4001")
                #expect(problem["places"]?.array?.first?["place"]?.string == "filter:16")
                #expect(problem["detail"]?.string?.contains("character 16: expected AND, OR or the end") == true, "\(wrong.text)")
                #expect(try await server.reader.get(try target(path, "nobody = 1")).json()["code"]?.string == "DL4000")
                let language = try await server.reader.get(try target(path, "pm25 = 1", language: "sql"))
                #expect(language.status == 400)
                #expect(try language.json()["places"]?.array?.first?["place"]?.string == "filter-lang")
            }
        }
    }

    @Test func aFilterIsHeldToTheCostOfAggregates() async throws {
        try await ContractServer.with(storage: { $0.queryCost = 1 }) { server in
            _ = try await server.publish(contract)
            for (path, filter, status) in [("/rows", "pm25 * 2 > 1", 422), ("/aggregate", "pm25 > 1", 422), ("/rows", "pm25 > 1", 200)] {
                let answer = try await server.reader.get(try target(path, filter))
                #expect(answer.status == status, "\(path) \(filter): \(answer.text)")
                if status == 422 { #expect(try answer.json()["code"]?.string == "DL4011") }
            }
        }
    }

    @Test func aggregatesTakeTheSameFilters() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let all = try await server.reader.get(try target("/aggregate", "TRUE")).json()["data"]?.array?.first?["count"]?.int
            let some = try await server.reader.get(try target("/aggregate", "pm25 IS NULL OR pm25 < 1000")).json()["data"]?.array?.first?["count"]?.int
            let none = try await server.reader.get(try target("/aggregate", "pm25 > 1e9")).json()["data"]?.array?.first?["count"]?.int
            #expect((all ?? 0) > 0 && some == all && none == 0)
        }
    }

    /// One question for each operator that `/queryables` names for each field: all are answered, and none that it does not name.
    @Test func queryablesNameExactlyWhatWorks() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let answer = try await server.reader.get(try contract.target(of: "/v1/datasets/{id}") + "/queryables")
            #expect(answer.header("Content-Type") == "application/schema+json")
            let fields = try #require(try answer.json()["properties"]?.object)
            #expect(fields.count > 2)
            let literals = ["string": "\"x\"", "integer": "1", "number": "1", "boolean": "true", "date": #"{"date":"2026-03-01"}"#, "date-time": #"{"timestamp":"2026-03-01T00:00:00Z"}"#]
            let arithmetic = ["+", "-", "*", "/", "%", "div", "^"]
            let operators = ["=", "<>", "<", "<=", ">", ">=", "between", "in", "isNull", "like", "casei", "t_after", "t_during"] + arithmetic
            for (name, field) in fields {
                let named = Set((field["x-operators"]?.array ?? []).compactMap(\.string))
                let kind = field["format"]?.string ?? field["type"]?.string ?? ""
                let literal = try #require(literals[kind])
                let property = "{\"property\":\"\(name)\"}"
                for name in operators {
                    let arguments =
                        switch name {
                        case "isNull": property
                        case "between": "\(property),\(literal),\(literal)"
                        case "in": "\(property),[\(literal)]"
                        case "like": "\(property),\"x%\""
                        case "t_after": "\(property),{\"date\":\"2026-03-01\"}"
                        case "t_during": "\(property),{\"interval\":[\"2026-03-01\",\"..\"]}"
                        default: "\(property),\(literal)"
                        }
                    let filter =
                        name == "casei" ? #"{"op":"=","args":[{"op":"casei","args":[\#(property)]},"x"]}"#
                        : arithmetic.contains(name) ? #"{"op":">","args":[{"op":"\#(name)","args":[\#(property),2]},1]}"# : #"{"op":"\#(name)","args":[\#(arguments)]}"#
                    let status = try await server.reader.get(try target("/rows", filter, language: "cql2-json")).status
                    #expect(status == (named.contains(name) ? 200 : 400), "\(kind) \(filter)")
                }
            }
        }
    }

    /// A question of each declared class; what is not declared is refused.
    @Test func conformanceDeclaresWhatWorks() async throws {
        let classes: [ConformanceClass: (filter: String, language: String)] = [
            .text: ("station = 'it\\'s' AND station <> 'a\\tb'", "cql2-text"), .json: (#"{"op":"and","args":[true,{"op":"not","args":[false]}]}"#, "cql2-json"),
            .basic: ("NOT (pm25 >= 1.5E1 OR pm25 IS NULL) AND TRUE", "cql2-text"),
            .advancedComparison: ("station LIKE '5_18%' AND pm25 NOT BETWEEN 1 AND 2 AND station IN ('a')", "cql2-text"),
            .caseInsensitive: ("CASEI(station) LIKE casei('A%')", "cql2-text"),
            .temporal: ("T_DURING(observed_at, INTERVAL('2026-03-01','..')) AND T_OVERLAPS(INTERVAL(observed_at, '..'), INTERVAL('..', observed_at))", "cql2-text"),
            .propertyProperty: ("1 < pm25 AND pm25 = pm25 AND 'a' = 'a' AND 1 BETWEEN pm25 AND pm25", "cql2-text"),
            .arithmetic: ("(pm25 + 1) * 2 / pm25 - 3 % 2 > -pm25 ^ 2 div 7", "cql2-text"),
        ]
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let declared = try await server.reader.get("/v1/conformance").json()["conformsTo"]?.array?.compactMap(\.string)
            #expect(declared == ConformanceClass.allCases.map(\.uri))
            for conformance in ConformanceClass.allCases {
                let (filter, language) = try #require(classes[conformance])
                let answer = try await server.reader.get(try target("/rows", filter, language: language))
                #expect(answer.status == 200, "\(conformance): \(answer.text)")
            }
            for filter in ["ACCENTI(station) = 'a'", "S_INTERSECTS(station, POINT(1 2))", "A_CONTAINS(station, ('a'))", "ours(station) = 1"] {
                #expect(try await server.reader.get(try target("/rows", filter)).status == 400)
            }
        }
    }
}
