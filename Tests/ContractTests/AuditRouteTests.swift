import API
import AsyncHTTPClient
import Exchange
import Foundation
import Ledger
import Model
import NIOCore
import NIOHTTP1
import Notary
import Postgres
import TestSupport
import Testing

/// The audit and the figures over HTTP: every call is there, refused ones too, and each reads its part.
@Suite struct AuditRouteTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    private func head(_ server: ContractServer, of department: String) async throws -> ContractClient {
        server.reader.with(key: try await server.database.addKey([.audit], department: department).text)
    }

    @Test func everyCallIsWrittenDownAlsoTheRefusedOnes() async throws {
        try await ContractServer.with { server in
            let published = try await server.publish(contract)
            let grant = try #require(published.shared["c1b7a2d4-93f0-4a4e-9c57-0e6f1d2b3a45"]), own = "/v1/exchange/grants/\(grant)"
            let before = try await server.database.database.execute("SELECT coalesce(max(number), 0) FROM daylight.exchange_call")[0].read(Int.self, 0)
            let page = try await server.receiver.get(own + "/rows", headers: [ContractServer.purpose])
            let data = try await server.receiver.get(own + "/data.csv", headers: [ContractServer.purpose])
            _ = try await server.receiver.get(own + "/rows")
            _ = try await server.pusher.get(own + "/data.csv", headers: [ContractServer.purpose])
            _ = try await server.reader.get(own)
            _ = try await server.reader.get(own)
            _ = try await server.receiver.send(.POST, "/v1/corrections", json: #"{"dataset":"yaan-air-hourly"}"#)
            _ = try await server.reader.send(.POST, "/v1/corrections", json: #"{"dataset":"yaan-air-hourly"}"#)
            await server.api.dependencies.audit?.write()
            let rows = try await server.database.database.execute(
                "SELECT stage, path, status, code, row_count, byte_count, purpose, department, calls, request FROM daylight.exchange_call WHERE number > \(before) ORDER BY stage, number")
            var told: [String] = []
            for row in rows {
                let stage: String = try row.read("stage"), path: String? = try row.read("path"), status: Int? = try row.read("status"), code: String? = try row.read("code")
                let count: Int? = try row.read("row_count"), calls: Int = try row.read("calls")
                told.append("\(stage) \(path ?? "-") \(status ?? 0) \(code ?? "-") \(count ?? -1) \(calls)")
            }
            #expect(told.sorted() == [
                "begun data 0 - -1 1", "begun rows 0 - 1 1", "ended - 200 - 1 1", "ended - 200 - 1 1", "ended - 400 DL1003 -1 1", "ended - 400 DL5012 -1 1", "ended - 401 DL1004 -1 2",
                "ended - 403 DL5005 -1 1",
            ])
            // Both stages of a call are one request; what came is as long as was sent.
            func stages(_ answer: ContractResponse) throws -> [Row] { try rows.filter { try $0.read(String.self, "request") == answer.header("X-Request-Id") } }
            let (paged, downloaded) = (try stages(page), try stages(data))
            #expect(paged.count == 2 && downloaded.count == 2)
            #expect(try downloaded[1].read(Int.self, "byte_count") == data.body.count && downloaded[1].read(String.self, "purpose") == "测试")
            #expect(try downloaded[1].read(String.self, "department") == ContractServer.receivingDepartment)

            // Heads see their part: the receiver its calls, the provider those on what it gave.
            let receiving = try await head(server, of: ContractServer.receivingDepartment), providing = try await head(server, of: ContractServer.department)
            for client in [receiving, providing, server.authority] {
                let listed = try await client.get("/v1/exchange/audit?grant=\(grant)&limit=2").json()
                #expect(listed["data"]?.array?.count == 2)
                let next = try #require(listed["links"]?["next"]?.string)
                #expect(try await client.get(next).json()["data"]?.array?.isEmpty == false)
            }
            let refused = try await receiving.get("/v1/exchange/audit?refused=true&department=\(ContractServer.receivingDepartment)").json()["data"]?.array ?? []
            #expect(!refused.isEmpty && refused.allSatisfy { $0["department"]?.string == ContractServer.receivingDepartment && $0["status"]?.int ?? 0 >= 400 })
            #expect(try await receiving.get("/v1/exchange/audit?department=\(ContractServer.department)&until=2000-01-01T00:00:00Z").json()["data"]?.array?.isEmpty == true)
            #expect(try await receiving.get("/v1/exchange/audit?since=yesterday").status == 400)
            for path in ["/v1/exchange/audit", "/v1/exchange/audit/seals", "/v1/exchange/audit/seals/1"] { #expect(try await server.receiver.get(path).status == 403, "\(path)") }
            let record = "/v1/exchange/audit/records/yaan-air-hourly/511800051,2026-03-02T08:00:00%2B08:00"
            let accesses = try await providing.get(record).json()["data"]?.array ?? []
            #expect(accesses.count >= 3 && accesses.allSatisfy { $0["grant"]?.string == grant && $0["purpose"]?.string == "测试" })
            #expect(try await receiving.get(record).status == 404)
            #expect(try await providing.get("/v1/exchange/audit/records/yaan-air-hourly/x").status == 404)

            // What each exports hashes to what the ledger has.
            let seal = try #require(try await server.api.dependencies.sharing?.sealAudit(isForced: true))
            try await server.api.dependencies.notary?.integrate()
            let path = "/v1/exchange/audit/seals/\(seal.number)"
            let proof = try #require(InclusionProof(try await providing.get(path + "/proof").text)?.extra)
            guard case .audit(let leaf) = try Leaf(entry: proof) else {
                Issue.record("not an audit")
                return
            }
            for client in [receiving, providing, server.authority] {
                let lines = try AuditExport(try await client.get(path + "/entries").text)
                #expect(lines.digest == leaf.seal.digest && lines.shown + lines.hidden == leaf.seal.count)
                #expect((lines.hidden == 0) == (client.key == server.authority.key))
                // The hashes in the table are those of the entries, and make the same digest.
                let table = try await client.get(path + "/entries.csv").text.split(separator: "\n")
                var digest = AuditDigest()
                for line in table.dropFirst() { digest.add(hash: try #require(HexDigest.bytes(String(line.suffix(64))))) }
                #expect(digest.text == leaf.seal.digest && table.count == leaf.seal.count + 1 && table[0].hasPrefix("number,at,") && table[0].hasSuffix(",nonce,hash"))
                #expect(table.dropFirst().count { $0.hasPrefix(",") } == lines.hidden)
                if lines.hidden == 0 { #expect(table.contains { $0.contains(",测试,rows,") }, "\(table)") }
            }
        }
    }

    @Test func figuresAreForTheAuthorityAndForEachDepartmentItsOwn() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let all = try await server.authority.get("/v1/exchange/statistics").json()
            #expect(all["data"]?.array?.compactMap { $0["department"]?.string } == [ContractServer.department])
            let figure = try #require(all["data"]?.array?.first)
            #expect(figure["requests"]?["received"]?.int == 1 && figure["requests"]?["granted"]?.int == 1 && figure["deliveries"]?["receipts"]?.int == 1)
            #expect(try await server.receiver.get("/v1/exchange/statistics").json()["data"]?.array?.isEmpty == true)
            #expect(try await server.receiver.get("/v1/exchange/statistics?department=\(ContractServer.department)").status == 403)
            #expect(try await server.authority.get("/v1/exchange/statistics?from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z").status == 400)
            let month = String(Timestamp.now.description.prefix(7))
            #expect(try await server.pusher.get("/v1/exchange/report?month=\(month)").json()["data"]?.array?.count == 1)
            let csv = try await server.authority.get("/v1/exchange/report.csv?month=\(month)").text.split(separator: "\n")
            #expect(csv.count == 2 && csv[0].split(separator: ",").count == csv[1].split(separator: ",", omittingEmptySubsequences: false).count)
            #expect(csv[1].hasPrefix("\(ContractServer.department),雅安市生态环境局,1,1,0,0,0,0,0.0,0.0,"))
            for wrong in ["2026", "2026-13", "26-01", "2026-1"] { #expect(try await server.authority.get("/v1/exchange/report?month=\(wrong)").status == 400, "\(wrong)") }
        }
    }
}
