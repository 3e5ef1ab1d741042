import API
import Postgres
import RateLimit
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

    @Test func whatReadsMoreCostsMore() async throws {
        try await ContractServer.with(configure: { $0.policy = try $0.policy.overridden(by: ["anonymous.query=1000/36000"]) }) { server in
            _ = try await server.publish(contract)
            let target = try contract.target(of: "/v1/datasets/{id}/aggregate")
            func left() async throws -> (status: Int, units: Int?) {
                let answer = try await server.reader.get(target)
                return (answer.status, answer.header("RateLimit")?.firstMatch(of: /r=([0-9]+);/).flatMap { Int($0.1) })
            }
            let (before, after) = (try await left(), try await left())
            #expect(before.status == 200 && before.units == 995 && after.units == 990)
            // Rows that the planner finds ten million times dearer; who is connected does not hear of it.
            for statement: SQL in [
                "ANALYZE data.d1", "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET cpu_tuple_cost = 50000', current_database()); END $$",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
            ] { try await server.database.database.execute(statement) }
            var dear = try await left()
            // A connection that is gone is seen when it is used.
            for _ in 0..<20 where dear.status == 503 { dear = try await left() }
            let next = try await left()
            #expect(dear.status == 200 && next.status == 200)
            let cost = (dear.units ?? 0) - (next.units ?? 0)
            #expect(cost > 5 && cost <= 100, "\(cost)")
            var last = next
            for _ in 0..<200 where last.status == 200 { last = try await left() }
            #expect(last.status == 429)
        }
    }

    @Test func whatWouldCostTooMuchIsRefused() async throws {
        try await ContractServer.with(storage: { $0.queryCost = 1 }) { server in
            _ = try await server.publish(contract)
            let answer = try await server.reader.get(try contract.target(of: "/v1/datasets/{id}/aggregate") + "?group_by=station", headers: [("Accept-Language", "en")])
            #expect(answer.status == 422)
            let problem = try answer.json()
            #expect(problem["code"]?.string == "DL4011" && problem["cost_limit"]?.int == 1 && (problem["estimated_cost"]?.int ?? 0) > 1)
            #expect(problem["detail"]?.string?.contains("observed_at") == true, "\(answer.text)")
        }
    }
}
