import Store
import TestSupport
import Testing

/// Differences of the contract's example rows, over a client that holds each answer against the contract.
@Suite struct DifferenceContractTests {
    private let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    @Test func aReleaseCanBeLookedInto() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let dataset = try contract.target(of: "/v1/datasets/{id}")
            let all = try await server.reader.get(dataset + "/diff?limit=1&fields=pm25,remark&station__like=5%25")
            #expect(all.status == 400, "\(all.text)")
            let page = try await server.reader.get(dataset + "/diff?limit=1&fields=pm25&station__like=5%25").json()
            #expect(page["meta"]?["from"]?.int == 0 && page["meta"]?["to"]?.int == 1)
            #expect(page["data"]?[0]?["change"]?.string == "added" && page["data"]?[0]?["key"]?["station"] != nil && page["data"]?[0]?["old"] == nil)
            #expect(page["meta"]?["fields"]?[0]?["change"]?.string == "field_added")
            let rows = try await server.reader.get(dataset + "/rows?limit=1000").json()
            let summary = try await server.reader.get(dataset + "/diff/summary").json()
            #expect(summary["data"]?["added"]?.int == rows["data"]?.array?.count)
            let csv = try await server.reader.get(dataset + "/diff.csv?fields=pm25").text.split(separator: "\n")
            #expect(csv.count == (summary["data"]?["added"]?.int ?? 0) + 1 && csv.first?.hasPrefix("_change,") == true)
        }
    }

    @Test func whatWouldCostTooMuchIsRefused() async throws {
        try await ContractServer.with(storage: { $0.queryCost = 1 }) { server in
            _ = try await server.publish(contract)
            let dataset = try contract.target(of: "/v1/datasets/{id}")
            for path in ["/diff", "/diff/summary"] {
                let answer = try await server.reader.get(dataset + path, headers: [("Accept-Language", "en")])
                let problem = try answer.json()
                #expect(answer.status == 422 && problem["code"]?.string == "DL4011" && problem["detail"]?.string?.contains("diff.ndjson") == true, "\(answer.text)")
            }
            #expect(try await server.reader.get(dataset + "/diff.ndjson").status == 200)
        }
    }
}
