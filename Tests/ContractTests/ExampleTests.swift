import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// The contract's examples, sent as they stand: each is accepted, and each answer is what the contract says.
@Suite struct ExampleTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    @Test func theExamplesGoTheWholeWay() async throws {
        try await ContractServer.with { server in
            let dataset = try contract.target(of: "/v1/datasets/{id}")
            // No witness has signed anything yet.
            #expect(try await server.reader.get("/ledger/cosigned").status == 404)
            let published = try await server.publish(contract)
            let tag = try #require(try await server.pusher.get(dataset).header("ETag"))
            let changed = try await server.pusher.send(.PUT, dataset, json: contract.requestText("putDataset"), headers: [("If-Match", tag)])
            #expect(changed.status == 200, "\(changed.text)")
            let mapped = try await server.pusher.send(.PUT, dataset + "/mapping", json: contract.requestText("putMapping"), headers: [("If-None-Match", "*")])
            #expect(mapped.status == 200, "\(mapped.text)")
            try await everythingCanBeRead(server, published)
            #expect(try await server.reader.get("/ledger/tile/0/000").status == 404)
            #expect(try await server.reader.get("/ledger/tile/0/x001/000.p/1").status == 404)

            let withdrawn = try await server.pusher.send(.POST, dataset + "/withdrawals", json: #"{"subject":"dataset","reason":{"zh":"测试","en":"test"}}"#)
            #expect(withdrawn.status == 201, "\(withdrawn.text)")
            let opening = dataset + "/withdrawals/\(try withdrawn.json()["id"]?.string ?? "")/opening"
            #expect(try await server.pusher.get(opening).json()["commitment"]?.string?.count == 64)
            #expect(try await server.pusher.send(.HEAD, opening).status == 200)
            #expect(try await server.pusher.get(dataset + "/withdrawals/7a1f7a10-8f2a-4a53-9a53-0d1c6f1f7a10/opening").status == 404)
            #expect(try await server.reader.get(opening).status == 401)
            // What is in memory is trusted for a second where no notification comes.
            for _ in 0..<1200 {
                guard try await server.reader.get(dataset + "/rows").status != 410 else { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            let row = String(try contract.target(of: "/v1/datasets/{id}/rows/{key}").dropFirst(dataset.count))
            for path in ["", "/schema", "/queryables", "/openapi.json", "/versions", "/revisions", "/revisions/1", "/revisions/1/diff", "/rows", row, row + "/proof", row + "/history", "/aggregate", "/diff", "/diff/summary", "/diff.csv", "/diff.ndjson", "/rows.csv", "/rows.ndjson", "/download", "/data.csv", "/data.csv.gz", "/data.xlsx", "/versions/1/data.xlsx", "/versions/1", "/versions/1/proof", "/versions/1/data.csv", "/versions/1/data.csv.gz"] {
                let answer = try await server.reader.get(dataset + path)
                #expect(answer.status == 410, "\(path): \(answer.text.prefix(200))")
            }
            #expect(try await server.reader.get(dataset + "/withdrawals").json()["data"]?.array?.count == 1)
        }
    }

    /// Every GET of the contract, with the examples of its parameters; then again with the validator that it gave, and as HEAD.
    private func everythingCanBeRead(_ server: ContractServer, _ published: ContractServer.Published) async throws {
        for operation in contract.operations where operation.method == "GET" && operation.id != "getWithdrawalOpening" {
            let target = try published.target(of: operation)
            let client = operation.content["security"] == nil ? server.reader : operation.path.hasPrefix("/v1/exchange/audit") ? server.authority : operation.path.hasPrefix("/v1/exchange/") ? server.receiver : server.pusher
            let headers = contract.requiredHeaders(of: operation)
            let answer = try await client.get(target, headers: headers)
            #expect(answer.status == 200, "\(operation.id): \(answer.text.prefix(300))")
            let head = try await client.send(.HEAD, target, headers: headers)
            #expect(head.status == 200, "\(operation.id)")
            #expect(head.header("Content-Type") == answer.header("Content-Type"), "\(operation.id)")
            #expect(head.header("ETag") == answer.header("ETag"), "\(operation.id)")
            if operation.statuses.contains(304) {
                let again = try await client.get(target, headers: headers + [("If-None-Match", answer.header("ETag") ?? "*")])
                #expect(again.status == 304, "\(operation.id)")
            }
            if operation.statuses.contains(412) {
                let other = try await client.get(target, headers: headers + [("If-Match", "\"other\"")])
                #expect(other.status == 412, "\(operation.id)")
            }
            if operation.statuses.contains(206) {
                // The gzip file's length is known once it was made, which the request before has done.
                let part = try await client.get(target, headers: headers + [("Range", "bytes=0-3")])
                #expect(part.status == 206 && part.body == answer.body.prefix(4), "\(operation.id)")
                let beyond = try await client.get(target, headers: headers + [("Range", "bytes=99999999-")])
                #expect(beyond.status == 416, "\(operation.id)")
            }
        }
    }
}
