import Model
import Store
import TestSupport
import Testing

@testable import API

/// One row through all versions, as it leaves over HTTP.
@Suite struct HistoryRouteTests {
    private static let path = "/v1/datasets/lighthouse/rows/L100001/history"
    private static let row: [String?] = ["L100001", "塔", "10.00", "5", "true", nil, nil, nil, nil, nil, "欧阳锋", "1.00", "13900001111"]

    /// Version 1 adds the row, 2 renames it, 3 changes what is hidden, 4 takes it away, 6 brings it back, 7 makes it higher.
    private static func withHistory(_ body: @Sendable (RowsServer) async throws -> Void) async throws {
        var other = row
        other[0] = "L100000"
        try await RowsServer.with(rows: [other, row]) { server in
            func changed(_ name: String, _ height: String, _ budget: String) -> [String?] {
                var row = Self.row
                (row[1], row[2], row[11]) = (name, height, budget)
                return row
            }
            try await server.release.release(2, rows: [changed("新", "10.00", "1.00")])
            try await server.release.release(3, rows: [changed("新", "10.00", "2.00")])
            try await server.release.release(4, rows: [], removing: [["L100001"]])
            try await server.release.release(5, rows: [])
            try await server.release.release(6, rows: [changed("新", "10.00", "2.00")])
            try await server.release.release(7, rows: [changed("新", "12.50", "2.00")])
            try await body(server)
        }
    }

    private static func events(_ answer: JSONValue) -> [String] {
        (answer["data"]?.array ?? []).map { "\($0["version"]?.int ?? 0) \($0["change"]?.string ?? "?")" }
    }

    @Test func eachChangeIsToldWithWhoAndWhenAndItsProof() async throws {
        try await Self.withHistory { server in
            let answer = try await server.test.get(Self.path)
            let history = try JSONValue(json: answer.text)
            #expect(Self.events(history) == ["7 changed", "6 added", "4 removed", "2 changed", "1 added"], "\(answer.text)")
            #expect(answer.text.contains(#""old":{"height":10.00},"new":{"height":12.50},"links":{"version":"/v1/datasets/lighthouse/versions/7","proof":"/v1/datasets/lighthouse/versions/7/proof","#
                + #""row_proof":"/v1/datasets/lighthouse/rows/L100001/proof?version=7"}}"#), "\(answer.text)")
            let removed = try #require(history["data"]?[2])
            #expect(removed["old"]?["name"]?.string == "新" && removed["new"] == nil && removed["links"]?["row_proof"] == nil && removed["department"]?.string?.count == 18)
            #expect(history["data"]?[4]?["new"]?["keeper"]?.string == "欧**" && history["data"]?[4]?["new"]?["budget"] == nil)
            #expect(history["data"]?[3]?["old"]?.object?.keys.sorted() == ["name"])
            #expect(try await server.test.get(Self.path, "If-None-Match: \(answer["ETag"] ?? "")").status == 304)
            #expect(try await server.test.ask("HEAD \(Self.path) HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
            for (path, status) in [("/rows/L999999/history", 404), ("/rows/L1,2/history", 404), ("/rows/L100001/history?limit=0", 400), ("/rows/L100001/history?version=1", 400)] {
                #expect(try await server.test.get("/v1/datasets/lighthouse" + path).status == status, "\(path)")
            }
        }
    }

    @Test(arguments: 1...4) func pagesJoinedAreTheWhole(limit: Int) async throws {
        try await Self.withHistory { server in
            let whole = Self.events(try JSONValue(json: try await server.test.get(Self.path).text))
            var address: String? = Self.path + "?limit=\(limit)"
            var found: [String] = [], pages = 0
            while let next = address, pages < 9 {
                let answer = try JSONValue(json: try await server.test.get(next).text)
                found += Self.events(answer)
                address = answer["links"]?["next"]?.string
                pages += 1
            }
            #expect(found == whole && address == nil)
        }
    }

    @Test func whatWasWithdrawnIsNamedAndNotShown() async throws {
        try await Self.withHistory { server in
            try await server.release.withdraw(.version, version: 2)
            try await Task.sleep(for: .milliseconds(100))
            let one = try JSONValue(json: try await server.test.get(Self.path).text)
            #expect(Self.events(one) == ["7 changed", "6 added", "4 removed", "3 changed", "1 added"])
            #expect(one["meta"]?["withdrawals"]?[0]?["subject"]?.string == "version" && one["meta"]?["withdrawals"]?[0]?["since"]?.int == 2)
            try await server.release.execute { "DELETE FROM \($0) WHERE code = 'L100001'" }
            try await server.release.withdraw(.rows, version: 7, keys: ["L100001"], reason: "涉及个人信息")
            try await Task.sleep(for: .milliseconds(100))
            let answer = try await server.test.get(Self.path)
            let gone = try JSONValue(json: answer.text)
            #expect(answer.status == 200 && Self.events(gone) == [], "\(answer.text)")
            #expect(gone["meta"]?["withdrawals"]?[0]?["subject"]?.string == "rows" && gone["meta"]?["withdrawals"]?[0]?["reason"]?["zh"]?.string == "涉及个人信息")
            #expect(!answer.text.contains("塔"))
        }
    }
}
