import Foundation
import Model
import TestSupport
import Testing

@testable import API

/// `as_of` on everything that reads rows: the version that was current at an instant, as if it had been named.
@Suite struct AsOfRouteTests {
    private static let base = "/v1/datasets/lighthouse/"

    /// Three versions of five rows, released on the first days of three months: the second removes L100001, the third renames L100002.
    private static func withVersions(hot: Bool = true, _ body: @Sendable (RowsServer) async throws -> Void) async throws {
        let rows = Lighthouse.rows(5)
        try await RowsServer.with(rows: rows, hot: hot) { server in
            try await server.release.release(2, rows: [], removing: [["L100001"]])
            var changed = rows[2]
            changed[1] = "改名"
            try await server.release.release(3, rows: [changed])
            for (number, month) in [(1, "01"), (2, "02"), (3, "03")] {
                try await server.release.setReleaseTime(version: number, "2026-\(month)-01T00:00:00+08:00")
            }
            try await body(server)
        }
    }

    private static func version(_ text: String) -> Int? { text.firstMatch(of: /"version":([0-9]+)/).flatMap { Int($0.1) } }

    @Test(arguments: [true, false]) func anInstantNamesTheVersionThatWasCurrentThen(hot: Bool) async throws {
        try await Self.withVersions(hot: hot) { server in
            for (instant, number) in [
                ("2026-01-01T00:00:00%2B08:00", 1), ("2026-01-31T23:59:59.999999%2B08:00", 1), ("2026-01-31T16:00:00Z", 2), ("2026-02-01T00:00:00+08:00", 2),
                ("2026-02-28T16:00:00Z", 3), ("2099-01-01T00:00:00Z", 3),
            ] {
                let rows = try await server.test.get(Self.base + "rows?limit=10&as_of=\(instant)")
                let named = try await server.test.get(Self.base + "rows?limit=10&version=\(number)")
                #expect(rows.status == 200 && Self.version(rows.text) == number, "\(instant)")
                #expect(rows["ETag"] == named["ETag"], "\(instant)")
                #expect(rows["Cache-Control"] == "no-cache")
                #expect(rows.text.contains("L100001") == (number == 1) && rows.text.contains("改名") == (number == 3), "\(instant)")
                let again = try await server.test.get(Self.base + "rows?limit=10&as_of=\(instant)", "If-None-Match: \(rows["ETag"] ?? "")")
                #expect(again.status == 304)

                let csv = try await server.test.get(Self.base + "rows.csv?as_of=\(instant)")
                #expect(csv.text == (try await server.test.get(Self.base + "rows.csv?version=\(number)").text) && csv["Daylight-Version"] == String(number))
                let file = try await server.test.get(Self.base + "data.csv?as_of=\(instant)")
                #expect(file.text == (try await server.test.get(Self.base + "versions/\(number)/data.csv").text) && file["Daylight-Version"] == String(number))
                let packed = try await server.test.get(Self.base + "data.csv.gz?as_of=\(instant)")
                #expect(packed.status == 200 && packed["Daylight-Version"] == String(number))

                let row = try await server.test.get(Self.base + "rows/L100002?as_of=\(instant)")
                #expect(row.text == (try await server.test.get(Self.base + "rows/L100002?version=\(number)").text) && Self.version(row.text) == number)
                #expect(row.text.contains("改名") == (number == 3))
                #expect(try await server.test.get(Self.base + "rows/L100001?as_of=\(instant)").status == (number == 1 ? 200 : 404))
            }
        }
    }

    @Test func beforeTheFirstVersionThereIsNone() async throws {
        try await Self.withVersions { server in
            for path in ["rows", "rows/L100002", "rows.csv", "data.csv", "data.csv.gz"] {
                let answer = try await server.test.get(Self.base + path + "?as_of=2025-12-31T23:59:59.999999%2B08:00")
                #expect(answer.status == 404 && answer.text.contains("DL2008"), "\(path): \(answer.text)")
            }
            let elsewhere = try await server.test.get("/v1/datasets/nothing/rows?as_of=2026-01-01T00:00:00Z")
            #expect(elsewhere.status == 404 && elsewhere.text.contains("DL2000"))
        }
    }

    @Test func whatIsNoInstantOrNotAloneIsRefused() async throws {
        try await Self.withVersions { server in
            for path in ["rows", "rows/L100002", "rows.csv", "data.csv", "data.csv.gz"] {
                for question in ["?as_of=2026-01-01", "?as_of=", "?as_of=2026-01-01T00:00:00Z&version=1", "?as_of=2026-01-01T00:00:00Z&as_of=2026-01-01T00:00:00Z"] {
                    let answer = try await server.test.get(Self.base + path + question)
                    #expect(answer.status == 400, "\(path)\(question): \(answer.text)")
                }
            }
            #expect(try await server.test.get(Self.base + "versions/1/data.csv?as_of=2026-01-01T00:00:00Z").status == 400)
            #expect(try await server.test.get(Self.base + "rows/L100002?version=x").status == 400)
        }
    }

    @Test func pagesOfAnInstantStayWithTheirVersion() async throws {
        try await Self.withVersions { server in
            var address: String? = Self.base + "rows?as_of=2026-02-10T00:00:00Z&limit=2&fields=code"
            var codes = ""
            var rounds = 0
            while let next = address, rounds < 9 {
                rounds += 1
                let page = try await server.test.get(next)
                #expect(page.status == 200 && Self.version(page.text) == 2, "\(page.text)")
                codes += page.text.matches(of: /"code":"([^"]+)"/).map { $0.1 + " " }.joined()
                address = page["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
                #expect(address?.contains("as_of") != true)
            }
            #expect(codes == "L100000 L100002 L100003 L100004 ")
        }
    }

    @Test func aWithdrawnVersionStaysWithdrawn() async throws {
        try await Self.withVersions { server in
            try await server.release.withdraw(.version, version: 2)
            try await Task.sleep(for: .milliseconds(100))
            for path in ["rows", "rows/L100002", "rows.csv", "data.csv"] {
                #expect(try await server.test.get(Self.base + path + "?as_of=2026-02-10T00:00:00Z").status == 410, "\(path)")
            }
            #expect(try await server.test.get(Self.base + "rows?as_of=2026-01-10T00:00:00Z").status == 200)
        }
    }
}
