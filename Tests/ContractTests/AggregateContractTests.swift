import Store
import TestSupport
import Testing

/// Aggregates of the contract's example rows, over a client that holds each answer against the contract.
@Suite struct AggregateContractTests {
    private let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    @Test func theContractsExamplesAreAnswered() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let target = try contract.target(of: "/v1/datasets/{id}/aggregate")
            for question in [
                "?group_by=station,month(observed_at)&select=count(*),avg(pm25),p95(pm25)&having=count__gte=1&sort=-avg_pm25&limit=10",
                "?group_by=prefix(station,6)&select=max(pm25),min(observed_at)", "?group_by=hour(observed_at)&pm25__gt=0", "?version=1&select=sum(pm25)", "?pm25__null=true",
                "?as_of=2999-01-01T00:00:00Z",
            ] {
                let answer = try await server.reader.get(target + question)
                #expect(answer.status == 200, "\(question): \(answer.text)")
            }
            for question in ["?select=total(pm25)", "?group_by=week(observed_at)", "?having=x=1", "?limit=0", "?sort=pm25", "?cursor=x", "?as_of=now", "?nothing=1"] {
                let answer = try await server.reader.get(target + question)
                #expect(answer.status == 400, "\(question): \(answer.text)")
            }
            #expect(try await server.reader.get(target + "?as_of=1999-01-01T00:00:00Z").status == 404)
        }
    }

    @Test func whatWouldCostTooMuchIsRefused() async throws {
        try await ContractServer.with(storage: { $0.aggregateCost = 1 }) { server in
            _ = try await server.publish(contract)
            let answer = try await server.reader.get(try contract.target(of: "/v1/datasets/{id}/aggregate") + "?group_by=station", headers: [("Accept-Language", "en")])
            #expect(answer.status == 422)
            let problem = try answer.json()
            #expect(problem["code"]?.string == "DL4011" && problem["cost_limit"]?.int == 1 && (problem["estimated_cost"]?.int ?? 0) > 1)
            #expect(problem["detail"]?.string?.contains("observed_at") == true, "\(answer.text)")
        }
    }
}
