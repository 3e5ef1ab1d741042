import Model
import NIOCore
import Store
import TestSupport
import Testing

@testable import API

/// Differences between versions, as they leave over HTTP.
@Suite struct DifferenceRouteTests {
    private static let base = "/v1/datasets/lighthouse/"

    /// L100000 to L100004, then: L100001 goes, L100002 is renamed, L100003's hidden budget changes, L100009 comes; in version 3 the name is what it was.
    private static func withVersions(_ body: @Sendable (RowsServer) async throws -> Void) async throws {
        let rows = Self.rows
        try await RowsServer.with(rows: rows) { server in
            var (renamed, hidden, added) = (rows[2], rows[3], rows[4])
            renamed[1] = "改,名"
            renamed[2] = "99.50"
            hidden[11] = "7.77"
            added[0] = "L100009"
            try await server.release.release(2, rows: [renamed, hidden, added], removing: [["L100001"]])
            try await server.release.release(3, rows: [rows[2]])
            try await body(server)
        }
    }

    private static let rows: [[String?]] = (0..<5).map { index in
        ["L10000\(index)", "塔\(index)", "\(10 + index).00", "\(index)", "true", nil, "2013-03-01 08:00:00+08", "2013-Q1", nil, "{\"n\": 1}", "欧阳锋", "1.00", "13900001111"]
    }

    @Test func aPageHasTheFieldsFirstAndThenTheRowsByKey() async throws {
        try await Self.withVersions { server in
            let answer = try await server.test.get(Self.base + "diff?from=1&to=2")
            #expect(answer.status == 200 && answer["Daylight-Version"] == "2", "\(answer.text)")
            #expect(answer.text == #"{"meta":{"from":1,"to":2,"limit":100,"fields":[]},"data":["#
                + #"{"change":"removed","key":{"code":"L100001"},"old":{"name":"塔1","height":11.00,"steps":1,"automated":true,"lit_on":null,"inspected_at":"2013-03-01T08:00:00+08:00","season":"2013-Q1","position":null,"lamps":{"n": 1},"keeper":"欧**"}},"#
                + #"{"change":"changed","key":{"code":"L100002"},"old":{"name":"塔2","height":12.00},"new":{"name":"改,名","height":99.50}},"#
                + #"{"change":"added","key":{"code":"L100009"},"new":{"name":"塔4","height":14.00,"steps":4,"automated":true,"lit_on":null,"inspected_at":"2013-03-01T08:00:00+08:00","season":"2013-Q1","position":null,"lamps":{"n": 1},"keeper":"欧**"}}"#
                + #"],"links":{"self":"/v1/datasets/lighthouse/diff?from=1&to=2"}}"#)
            #expect(answer["Cache-Control"] == "public, max-age=3600")
            let tag = answer["ETag"] ?? ""
            #expect(try await server.test.get(Self.base + "diff?from=1&to=2", "If-None-Match: \(tag)").status == 304)
            #expect(try await server.test.get(Self.base + "diff?from=1&to=3", "If-None-Match: \(tag)").status == 200)
            // What changed back is no change.
            let net = try await server.test.get(Self.base + "diff?from=1&to=3&fields=name").text
            #expect(!net.contains("L100002") && net.contains(#"{"change":"removed","key":{"code":"L100001"},"old":{"name":"塔1"}}"#), "\(net)")
            // Neither is what nobody may see.
            #expect(!net.contains("L100003"))
            let last = try await server.test.get(Self.base + "diff")
            #expect(last.text.contains(#""from":2,"to":3"#) && last["Cache-Control"] == "no-cache")
            #expect(try await server.test.get(Self.base + "diff?from=3&to=3").text.contains(#""data":[]"#))
        }
    }

    @Test func pagesGoOnAndBelongToTheirQuestion() async throws {
        try await Self.withVersions { server in
            var address: String? = Self.base + "diff?limit=1&from=1&to=2&fields=name"
            var keys: [Substring] = []
            while let next = address, keys.count < 9 {
                let page = try await server.test.get(next)
                try #require(page.status == 200, "\(page.text)")
                keys += page.text.matches(of: /"key":\{"code":"([^"]+)"/).map(\.1)
                address = page["Link"].map { String($0.dropFirst().prefix { $0 != ">" }) }
            }
            #expect(keys == ["L100001", "L100002", "L100009"])
            let next = try #require(try await server.test.get(Self.base + "diff?limit=1&from=1&to=2")["Link"]?.firstMatch(of: /cursor=([^>]+)>/)?.1)
            #expect(try await server.test.get(Self.base + "diff?cursor=\(next)").text.contains("L100009"), "the cursor names the versions")
            for wrong in ["diff?cursor=\(next)&to=3", "diff?from=0&cursor=\(next)", "diff?cursor=\(next)&fields=name", "diff?cursor=\(next)&steps=1", "rows?cursor=\(next)", "diff?cursor=x"] {
                #expect(try await server.test.get(Self.base + wrong).text.contains("DL4003"), "\(wrong)")
            }
        }
    }

    @Test func linesAndRecordsAreThoseOfPages() async throws {
        try await Self.withVersions { server in
            for question in ["?from=1&to=2", "?from=0&to=3", "?from=2&to=3&name__like=%25%E5%A1%94%25", "?from=1&to=3&fields=steps"] {
                let page = try await server.test.get(Self.base + "diff" + question)
                let data = try #require(page.text.firstRange(of: "\"data\":[")).upperBound
                let end = try #require(page.text.firstRange(of: "],\"links\"")).lowerBound
                let lines = try await server.test.get(Self.base + "diff.ndjson" + question)
                #expect(lines.status == 200 && lines["Content-Type"] == "application/x-ndjson", "\(lines.text)")
                let rows = lines.text.split(separator: "\n").filter { !$0.contains(#""change":"field_"#) }
                #expect(rows.joined(separator: ",") == page.text[data..<end], "\(question)")
            }
            let csv = try await server.test.get(Self.base + "diff.csv?from=1&to=2")
            #expect(csv.text == """
                _change,code.key1,name.old,name.new,height.old,height.new,steps.old,steps.new,automated.old,automated.new,lit_on.old,lit_on.new,inspected_at.old,inspected_at.new,\
                season.old,season.new,position.old,position.new,lamps.old,lamps.new,keeper.old,keeper.new
                removed,L100001,塔1,,11.00,,1,,true,,,,2013-03-01T08:00:00+08:00,,2013-Q1,,,,"{""n"": 1}",,欧**,
                changed,L100002,塔2,"改,名",12.00,99.50,,,,,,,,,,,,,,,,
                added,L100009,,塔4,,14.00,,4,,true,,,,2013-03-01T08:00:00+08:00,,2013-Q1,,,,"{""n"": 1}",,欧**

                """)
            #expect(csv["Content-Disposition"]?.contains("-1-2.csv") == true)
            let excel = try await server.test.get(Self.base + "diff.csv?from=0&to=1&dialect=excel&formula_guard=true&fields=name")
            #expect(excel.text.hasPrefix("\u{FEFF}_change,code.key1,name.new\r\nadded,L100000,塔0\r\n"), "\(excel.text)")
            let all = try await server.test.get(Self.base + "diff.ndjson?from=0&to=1&fields=name").text.split(separator: "\n")
            #expect(all.count == 11 + 5 && all[1].hasPrefix(#"{"change":"field_added","field":"name","new":{"#) && all[11] == #"{"change":"added","key":{"code":"L100000"},"new":{"name":"塔0"}}"#)
            for path in ["diff", "diff/summary", "diff.csv", "diff.ndjson"] {
                let head = try await server.test.ask("HEAD \(Self.base)\(path)?from=1&to=2 HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(head.status == 200, "\(path)")
            }
        }
    }

    @Test func theSummarySaysHowManyAndByHowMuch() async throws {
        try await Self.withVersions { server in
            let summary = try await server.test.get(Self.base + "diff/summary?from=1&to=2&fields=name,height,steps")
            #expect(summary.text == #"{"data":{"added":1,"changed":1,"fields":[{"changed":1,"field":"name"},"#
                + #"{"change":90.50,"changed":1,"field":"height","new":113.50,"old":23.00},{"change":3,"changed":0,"field":"steps","new":6,"old":3}],"removed":1},"#
                + #""links":{"self":"/v1/datasets/lighthouse/diff/summary?from=1&to=2&fields=name,height,steps"},"meta":{"from":1,"to":2}}"#)
            #expect(try await server.test.get(Self.base + "diff/summary?from=1&to=2", "If-None-Match: \(summary["ETag"] ?? "")").status == 200, "another question")
            // Only states that meet the condition are added up.
            let some = try await server.test.get(Self.base + "diff/summary?from=1&to=2&fields=height&height__gt=50").text
            #expect(some.contains(#""added":0,"changed":1"#) && some.contains(#"{"change":99.50,"changed":1,"field":"height","new":99.50,"old":0}"#), "\(some)")
            #expect(try await server.test.get(Self.base + "diff/summary?limit=3").status == 400)
        }
    }

    @Test func whatCannotBeComparedIsRefused() async throws {
        try await Self.withVersions { server in
            for (question, status) in [
                ("from=2&to=1", 400), ("from=-1", 400), ("to=0", 400), ("from=1&from=2", 400), ("to=9", 404), ("sort=name", 400), ("version=1", 400), ("as_of=2026-01-01T00:00:00Z", 400),
                ("budget=1", 400), ("fields=budget", 400), ("limit=0", 400), ("nothing=1", 400),
            ] {
                let answer = try await server.test.get(Self.base + "diff?" + question)
                #expect(answer.status == status, "\(question): \(answer.text)")
            }
            #expect(try await server.test.get(Self.base + "diff.csv?limit=3").status == 400)
            #expect(try await server.test.get("/v1/datasets/nothing/diff").status == 404)
            try await server.release.withdraw(.version, version: 2)
            try await Task.sleep(for: .milliseconds(100))
            for path in ["diff?from=1&to=2", "diff?from=2&to=3", "diff.ndjson?from=1&to=2", "diff/summary?from=2&to=3"] {
                #expect(try await server.test.get(Self.base + path).status == 410, "\(path)")
            }
            #expect(try await server.test.get(Self.base + "diff?from=1&to=3").status == 200)
        }
    }

    @Test func aSlowClientGoesOnBehindTheLastRow() async throws {
        try await RowsServer.with(rows: Lighthouse.rows(60_000), storage: { $0.streamLimit = 3 }) { server in
            try await server.release.execute { "UPDATE \($0) SET _until = 2" }
            let columns = Lighthouse.schema.fields.map(\.name).joined(separator: ", ")
            try await server.release.execute { "INSERT INTO \($0) (_since, \(columns)) SELECT 2, \(columns.replacing("name", with: "name || '.'")) FROM \($0)" }
            try await server.release.release(2, rows: [])
            let all = Lighthouse.rows(60_000).map { Substring($0[0] ?? "") }
            let lines = try await RowStreamTests.lines(server, slowly: Self.base + "diff.ndjson?from=1&to=2", version: 2)
            #expect(lines.map { $0.dropFirst(#"{"change":"changed","key":{"code":""#.count).prefix { $0 != "\"" } } == all, "nothing twice, nothing missing")
        }
    }
}
