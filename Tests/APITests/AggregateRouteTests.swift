import Foundation
import Model
import NIOCore
import RateLimit
import TestSupport
import Testing

@testable import API

@Suite struct AggregateRouteTests {
    private static let base = "/v1/datasets/lighthouse/aggregate"

    @Test func groupsComeWithAllThatSaysWhatTheyAre() async throws {
        try await RowsServer.with { server in
            let address = Self.base + "?group_by=automated&select=count(*),sum(height),p95(steps)&sort=-count"
            let answer = try await server.test.get(address)
            #expect(answer.status == 200 && answer["Content-Type"] == "application/json" && answer["Daylight-Version"] == "1" && answer["Cache-Control"] == "no-cache")
            let document = try #require(try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView)) as? [String: Any])
            let groups = try #require(document["data"] as? [[String: Any]])
            #expect(groups.count == 3 && groups.compactMap { $0["count"] as? Int }.reduce(0, +) == 250)
            #expect(groups.allSatisfy { Set($0.keys) == ["automated", "count", "sum_height", "p95_steps"] })
            #expect(answer.text.firstMatch(of: /"sum_height":[0-9]+\.[0-9]{2},/) != nil)
            #expect(answer.text.hasSuffix(#""links":{"self":"\#(address)"},"meta":{"limit":100,"rollup":null,"truncated":false,"version":1}}"#))
            #expect(try await server.test.get(address, "If-None-Match: \(answer["ETag"] ?? "")").status == 304)
            let head = try await server.test.ask("HEAD \(address) HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(head.status == 200 && head["ETag"] == answer["ETag"])
            let whole = try await server.test.get(Self.base)
            #expect(whole.text.hasPrefix(#"{"data":[{"count":250}],"#))
        }
    }

    @Test func differentQuestionsHaveDifferentTags() async throws {
        try await RowsServer.with { server in
            var tags: [String?] = []
            for question in [
                "", "?limit=5", "?select=count(height)", "?group_by=name", "?group_by=name&sort=count", "?group_by=name&sort=-count", "?group_by=name&having=count__gt=1",
                "?group_by=name&having=count__gte=1", "?steps=1", "?steps=2", "?group_by=prefix(name,1)", "?group_by=prefix(name,2)", "?select=p50(steps)", "?select=p51(steps)",
            ] { tags.append(try await server.test.get(Self.base + question)["ETag"]) }
            #expect(!tags.contains(nil) && Set(tags).count == tags.count)
        }
    }

    @Test func whatIsLeftOutIsSaid() async throws {
        try await RowsServer.with { server in
            let some = try await server.test.get(Self.base + "?group_by=code&limit=250")
            #expect(some.text.contains(#""truncated":false"#))
            let fewer = try await server.test.get(Self.base + "?group_by=code&limit=249")
            #expect(fewer.text.contains(#""limit":249,"rollup":null,"truncated":true"#) && !fewer.text.contains("L100249"))
        }
    }

    @Test func aVersionOrAnInstantIsComputedAsItWas() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(20)) { server in
            let before = try await server.test.get(Self.base)
            try await server.release.release(2, rows: [], removing: [["L100003"]])
            try await server.release.setReleaseTime(version: 1, "2026-01-01T00:00:00+08:00")
            try await server.release.setReleaseTime(version: 2, "2026-02-01T00:00:00+08:00")
            var now = before
            for _ in 0..<3000 where !now.text.contains(#""count":19"#) {
                try await Task.sleep(for: .milliseconds(20))
                now = try await server.test.get(Self.base)
            }
            #expect(now["Daylight-Version"] == "2" && now["ETag"] != before["ETag"])
            let first = try await server.test.get(Self.base + "?version=1")
            #expect(first.text.contains(#""count":20"#) && first["ETag"] == before["ETag"] && first["Cache-Control"] == "public, max-age=3600")
            let then = try await server.test.get(Self.base + "?as_of=2026-01-15T00:00:00%2B08:00")
            #expect(then.text.contains(#""count":20"#) && then["ETag"] == before["ETag"] && then["Cache-Control"] == "no-cache")
            #expect(try await server.test.get(Self.base + "?as_of=2025-01-15T00:00:00%2B08:00").status == 404)
            #expect(try await server.test.get(Self.base + "?version=9").status == 404)
            #expect(try await server.test.get(Self.base + "?version=x").status == 400)
            try await server.release.withdraw(.version, version: 1)
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await server.test.get(Self.base + "?version=1").status == 410)
        }
    }

    @Test func hiddenAndMaskedFieldsAreNotThere() async throws {
        var rows = Lighthouse.rows(5)
        for index in rows.indices {
            rows[index][10] = "诸葛孔明"
            rows[index][11] = "777123.45"
            rows[index][12] = "13999998888"
        }
        try await RowsServer.with(rows: rows) { server in
            for form in ["?group_by=X", "?select=count(X)", "?select=count_distinct(X)", "?select=min(X)", "?group_by=prefix(X,3)", "?group_by=code&sort=X", "?select=sum(X)"] {
                let nobody = try await server.test.get(Self.base + form.replacing("X", with: "nobodys"), "Accept-Language: en")
                #expect(nobody.status == 400)
                for name in ["budget", "keeper_phone", "keeper"] {
                    let answer = try await server.test.get(Self.base + form.replacing("X", with: name), "Accept-Language: en")
                    #expect(answer.status == 400 && Self.problem(answer.text).replacing(name, with: "nobodys") == Self.problem(nobody.text), "\(form) \(name): \(answer.text)")
                }
            }
            for filter in ["?budget__gt=1", "?keeper_phone__like=139%25"] { #expect(try await server.test.get(Self.base + filter).status == 400) }
            // The masked spelling is what filters see, as on /rows.
            #expect(try await server.test.get(Self.base + "?keeper=%E8%AF%B8%E8%91%9B**").text.contains(#""count":5"#) == true)
            #expect(try await server.test.get(Self.base + "?keeper=%E8%AF%B8%E8%91%9B%E5%AD%94%E6%98%8E").text.contains(#""count":0"#))
        }
    }

    /// What a problem says, without what names the request; positions move with the length of a name.
    private static func problem(_ text: String) -> String {
        text.replacing(/urn:[a-z]+:[^"]*/, with: "urn").replacing(/"instance":"[^"]*"/, with: "")
    }

    @Test func aggregatesCostFiveUnitsAndOneFromARollup() async throws {
        try await RowsServer.with(configure: { $0.policy = try $0.policy.overridden(by: ["anonymous.query=10/36000"]) }) { server in
            try await server.release.declaring([Rollup(name: "automation", groupBy: ["automated"], select: ["count(*)"])]).release(2, rows: [], removing: [["L100003"]])
            let rolled = try await server.test.get(Self.base + "?version=2")
            #expect(rolled.status == 200 && rolled.text.contains(#""rollup":"automation""#) && rolled["RateLimit"]?.hasPrefix("\"query\";r=9;") == true, "\(rolled.text)")
            var answers: [RawResponse] = []
            for _ in 0..<2 { answers.append(try await server.test.get(Self.base + "?select=p95(steps)", "Accept-Language: en")) }
            #expect(answers.map(\.status) == [200, 429])
            #expect(answers[0].text.contains(#""rollup":null"#) && answers[0]["RateLimit"]?.hasPrefix("\"query\";r=4;") == true)
            #expect(answers[1].text.contains("this request costs 5"), "\(answers[1].text)")
        }
    }
}
