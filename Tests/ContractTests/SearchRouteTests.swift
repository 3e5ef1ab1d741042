import Foundation
import TestSupport
import Testing

/// Search over HTTP; the client holds every answer against the contract.
@Suite struct SearchRouteTests {
    private func query(_ parameters: [(String, String)]) -> String {
        "/v1/datasets?" + parameters.map { "\($0)=\($1.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }.joined(separator: "&")
    }

    @Test func aHitIsShownCountedAndExplained() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(try Contract.daylight.get())
            let answer = try await server.reader.get(query([("q", "空氣質量 小时"), ("facets", "true"), ("highlight", "true"), ("explain", "true")])).json()
            let hit = try #require(answer["data"]?.array?.first)
            #expect(answer["meta"]?["total"]?.int == 1)
            #expect(hit["highlights"]?["title"]?["zh"]?.string == "雅安市<em>空气质量小时</em>数据")
            #expect(hit["score"]?["words"]?.array?.map { $0["points"]?.int } == [300, 300])
            let points = ["freshness", "size", "completeness"].compactMap { hit["score"]?[$0]?.int }.reduce(600, +)
            #expect(hit["score"]?["total"]?.int == points)
            let facets = try #require(answer["meta"]?["facets"]?.object)
            #expect(facets.count == 10 && facets["region_level"]?.array?.first?["value"]?.string == "prefecture")
            #expect(facets["department"]?.array?.first?["title"]?["zh"]?.string == "雅安市生态环境局")
        }
    }

    @Test func eachFacetIsAParameter() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(try Contract.daylight.get())
            let facets = try await server.reader.get("/v1/datasets?facets=true").json()["meta"]?["facets"]?.object ?? [:]
            for (name, values) in facets {
                for value in values.array ?? [] {
                    let found = try await server.reader.get(query([(name, value["value"]?.string ?? "")])).json()
                    #expect(found["meta"]?["total"]?.int == value["count"]?.int, "\(name)")
                }
            }
            for (name, value) in [
                ("region_level", "county"), ("format", "xlsx"), ("update_cycle", "never"), ("openness", "closed"), ("year", "1950"), ("q", "没有"),
            ] {
                #expect(try await server.reader.get(query([(name, value)])).json()["meta"]?["total"]?.int == 0, "\(name)")
            }
        }
    }

    @Test func whatMakesNoSenseIsRefusedWithItsPlace() async throws {
        try await ContractServer.with { server in
            let wrong = [
                ("q", "、。"), ("q", String(repeating: "长", count: 201)), ("region_level", "village"), ("year", "1900"), ("year", "x"), ("openness", "very"),
                ("facet_limit", "0"),
                ("highlight", "yes"), ("explain", "1"), ("update_cycle", "sometimes"), ("region", "51"),
            ]
            for (name, value) in wrong {
                let answer = try await server.reader.get(query([(name, value)]))
                #expect(answer.status == 400, "\(name)=\(value)")
                #expect(try answer.json()["places"]?.array?.first?["place"]?.string == name)
            }
        }
    }

    @Test func whatIsTypedIsSuggested() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(try Contract.daylight.get())
            let typed = "雅安".addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let found = try await server.reader.get("/v1/suggest?q=\(typed)").json()["data"]?.array ?? []
            #expect(found.map { $0["kind"]?.string } == ["department", "dataset"])
            for nothing in ["/v1/suggest", "/v1/suggest?q=%20", "/v1/suggest?q=%28"] {
                #expect(try await server.reader.get(nothing).json()["data"]?.array?.isEmpty == true)
            }
            #expect(try await server.reader.get("/v1/suggest?limit=21").status == 400)
        }
    }
}
