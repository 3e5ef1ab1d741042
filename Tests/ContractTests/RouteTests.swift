import API
import Foundation
import Hummingbird
import NIOHTTP1
import TestSupport
import Testing

/// The router and the contract have the same routes.
@Suite struct RouteTests {
    @Test func routerAndContractHaveTheSameRoutes() async throws {
        let contract = try Contract.daylight.get()
        try await ContractServer.with { server in
            let routes = server.api.makeRouter().routes.filter { $0.method != .head }.map { "\($0.method.rawValue) \($0.path)".replacing("/**", with: "/{path}") }
            let documented = contract.operations.map { "\($0.method) \($0.path)" }
            #expect(Set(documented).subtracting(routes).isEmpty, "documented, and no route")
            #expect(Set(routes).subtracting(documented).isEmpty, "a route, and not documented")
            #expect(routes.count == Set(routes).count)
        }
    }

    @Test func othersMethodsAreRefusedAndThoseAllowedAreNamed() async throws {
        let contract = try Contract.daylight.get()
        try await ContractServer.with { server in
            for path in Set(contract.operations.map(\.path)) {
                let documented = Set(contract.operations.filter { $0.path == path }.map(\.method))
                let answer = try await server.reader.send(documented.contains("DELETE") ? .PUT : .DELETE, try contract.target(of: path))
                #expect(answer.status == 405)
                let allowed = Set((answer.header("Allow") ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
                #expect(allowed == documented.union(["OPTIONS"]).union(documented.contains("GET") ? ["HEAD"] : []), "\(path)")
            }
        }
    }
}
