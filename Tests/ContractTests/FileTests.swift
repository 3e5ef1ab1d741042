import Bulk
import Crypto
import Foundation
import NIOHTTP1
import TestSupport
import Testing

/// Files as they are listed, and the catalogue as a file.
@Suite struct FileTests {
    let contract: Contract

    init() throws {
        contract = try Contract.daylight.get()
    }

    @Test func everyListedFormIsThereAsListed() async throws {
        try await ContractServer.with { server in
            _ = try await server.publish(contract)
            let target = try contract.target(of: "/v1/datasets/{id}") + "/download"
            var formats: [String] = []
            // The gzip form's size and digest are known once it was made, which the first round does.
            for round in 0..<2 {
                let forms = try #require(try await server.reader.get(target).json()["data"]?.array)
                formats = forms.compactMap { $0["format"]?.string }
                for form in forms {
                    let answer = try await server.reader.get(try #require(form["href"]?.string))
                    #expect(answer.status == 200, "\(form)")
                    #expect(answer.header("Content-Type")?.hasPrefix(form["media_type"]?.string ?? "?") == true)
                    if let bytes = form["bytes"]?.int { #expect(answer.body.count == bytes) } else { #expect(round == 0 || form["ranges"]?.bool == false) }
                    let digest = SHA256.hash(data: answer.body).map { String(format: "%02x", $0) }.joined()
                    #expect(form["digest"]?.string.map { $0 == digest } ?? (form["bytes"] == nil), "\(form)")
                }
            }
            #expect(formats == ["csv", "csv.gz", "xlsx", "csv-excel", "ndjson"])
            #expect(try await server.reader.get(target + "?version=1").json()["meta"]?["version"]?.int == 1)
            #expect(try await server.reader.get(target + "?version=9").status == 404)
            #expect(try await server.reader.get(target + "?as_of=1999-01-01T00:00:00Z").status == 404)
        }
    }

    @Test func whatDoesNotFitIntoASheetIsRefused() async throws {
        try await ContractServer.with(bulk: { $0.workbookRows = 0 }) { server in
            _ = try await server.publish(contract)
            let dataset = try contract.target(of: "/v1/datasets/{id}")
            for path in ["/data.xlsx", "/versions/1/data.xlsx"] {
                let answer = try await server.reader.get(dataset + path)
                #expect(answer.status == 422, "\(answer.text)")
                let csv = try #require(try answer.json()["links"]?["csv"]?.string)
                #expect(try await server.reader.get(csv).status == 200)
            }
            let forms = try #require(try await server.reader.get(dataset + "/download").json()["data"]?.array)
            #expect(!forms.contains { $0["format"]?.string == "xlsx" })
        }
    }

    @Test func theCatalogueIsAFile() async throws {
        try await ContractServer.with { server in
            #expect(try await server.reader.get("/v1/catalogue.ndjson").text == "")
            _ = try await server.publish(contract)
            let dataset = try contract.target(of: "/v1/datasets/{id}")
            var draft = try #require(try contract.requestExample("putDataset").object)
            draft["title"] = .object(["zh": .string("=1+1")])
            draft["resource_code"] = nil
            let text = String(decoding: try JSONEncoder().encode(draft), as: UTF8.self)
            let created = try await server.pusher.send(.PUT, "/v1/datasets/a-draft", json: text, headers: [("If-None-Match", "*")])
            try #require(created.status == 201, "\(created.text)")

            // Drafts are nobody's business, of whoever asks.
            for client in [server.reader, server.pusher] {
                let lines = try await client.get("/v1/catalogue.ndjson").text.split(separator: "\n")
                #expect(lines.count == 1)
                #expect(try JSONValue(json: String(lines[0])) == (try await server.reader.get(dataset).json()))
                let records = try await client.get("/v1/catalogue.csv").text.split(separator: "\n")
                #expect(records.count == 2 && records[0].hasPrefix("id,title_zh,") && records[1].hasPrefix(dataset.dropFirst("/v1/datasets/".count) + ","))
            }
            let excel = try await server.reader.get("/v1/catalogue.csv?dialect=excel&formula_guard=true")
            #expect(excel.text.hasPrefix("\u{FEFF}id,") && excel.text.hasSuffix("\r\n"))
            #expect(try await server.reader.get("/v1/catalogue.csv?q=x").status == 400)
        }
    }
}
