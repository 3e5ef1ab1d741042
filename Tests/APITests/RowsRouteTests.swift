import Foundation
import Model
import NIOCore
import TestSupport
import Testing

@testable import API

@Suite struct RowsRouteTests {
    private static let base = "/v1/datasets/lighthouse/rows"

    /// Addresses with what they are about, good and bad.
    private static let addresses = [
        base, base + "?limit=3", base + "?limit=3&sort=-height", base + "?automated=true&fields=code,name&limit=5", base + "?name__like=%25a%25&sort=name",
        base + "?code=nothing", base + "?height__gte=10&height__lt=20.5&sort=-height,code", base + "?version=1&limit=2", base + "?steps__in=1,2,3",
        base + "?budget=1", base + "?budgex=1", base + "?sort=keeper_phone", base + "?fields=keeper_phone", base + "?limit=0", base + "?limit=abc", base + "?cursor=x",
        base + "?steps=1.5", base + "?version=9", base + "?version=x", base + "?%zz=1", base + "?keeper=%E6%9D%8E", base + "?a=1&a=2", base + "?", base + "/",
        base + "/L100007", base + "/L100007?", base + "/L100007?x=1", base + "/none", base + "/a,b", base + "/%4C100007", base + "/%zz", base + "/",
        base + "?filter=height%20%3E%2010%20AND%20steps%20IS%20NOT%20NULL&limit=3", base + "?filter=CASEI(name)%20LIKE%20CASEI('%25A%25')&sort=-height", base + "?filter=",
        base + "?filter=budget%20%3D%201", base + "?filter=budgex%20%3D%201", base + "?filter=name%20%3D%20'%E7%81%AF&automated=true", base + "?filter-lang=sql",
        base + "?filter-lang=cql2-json&filter=%7B%22op%22:%22isNull%22,%22args%22:[%7B%22property%22:%22steps%22%7D]%7D&fields=code,steps&limit=4",
        "/v1/datasets/nothing/rows", "/v1/datasets/nothing/rows/1", "/v1/datasets/Bad%20Id/rows", "/v1/datasets/lighthouse/rows/L100007/x",
    ]

    private static let fields = [
        [], ["Accept: application/json"], ["Accept: text/html, */*;q=0.1"], ["Accept: text/csv"], ["Accept-Language: en"], ["If-None-Match: *"],
        ["If-None-Match: \"x\", W/\"y\""],
    ]

    @Test func bothWaysAnswerAlikeByteForByte() async throws {
        try await RowsServer.with(hot: true) { hot in
            try await RowsServer.with(hot: false) { cold in
                func compare(_ address: String, _ fields: [String]) async throws -> RawResponse {
                    func ask(_ server: RowsServer) async throws -> RawResponse {
                        try await server.test.ask("GET \(address) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
                    }
                    let (a, b) = (try await ask(hot), try await ask(cold))
                    #expect(Self.stable(a) == Self.stable(b), "\(address) \(fields)")
                    return a
                }
                for address in Self.addresses {
                    let first = try await compare(address, [])
                    for fields in Self.fields { _ = try await compare(address, fields) }
                    if let tag = first["ETag"] {
                        let again = try await compare(address, ["If-None-Match: \(tag)"])
                        #expect(again.status == 304, "\(address)")
                    }
                }
                #expect(hot.hotAnswers > 40)
                #expect(cold.hotAnswers == 0)
            }
        }
    }

    @Test func anyTagIsNoAnswerForARowThatIsNot() async throws {
        for hot in [true, false] {
            try await RowsServer.with(rows: Lighthouse.rows(3), hot: hot) { server in
                let absent = try await server.test.get(Self.base + "/none", "If-None-Match: *")
                let present = try await server.test.get(Self.base + "/L100001", "If-None-Match: *")
                #expect(absent.status == 404)
                #expect(present.status == 304)
            }
        }
    }

    /// An answer without what two servers can never have in common: the time, the request's id, what is left of a limit, and signatures by two databases.
    private static func stable(_ response: RawResponse) -> [String] {
        response.stable.filter { !$0.lowercased().hasPrefix("ratelimit") }.map { line in
            line.replacing(/urn:[a-z]+:[^"]*/, with: "urn").replacing(/cursor=[A-Za-z0-9_%-]+/, with: "cursor=")
        }
    }

    @Test func pagesLeadThroughAllRows() async throws {
        try await RowsServer.with { server in
            var address: String? = Self.base + "?limit=100&sort=-height&fields=code,height"
            var codes: [String] = []
            var rounds = 0
            while let next = address, rounds < 10 {
                rounds += 1
                let response = try await server.test.get(next)
                #expect(response.status == 200)
                let page = try #require(try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
                let links = try #require(page["links"] as? [String: String])
                let meta = try #require(page["meta"] as? [String: Int])
                #expect(meta == ["limit": 100, "total": 250, "version": 1])
                #expect(links["self"] == next)
                address = links["next"]
                #expect(response["Link"] == address.map { "<\($0)>; rel=\"next\"" })
                codes += try #require(page["data"] as? [[String: Any]]).compactMap { $0["code"] as? String }
            }
            #expect(rounds == 3)
            #expect(Set(codes).count == 250)
        }
    }

    @Test func aReleaseIsSeenAndPinnedPagesStay() async throws {
        try await RowsServer.with { server in
            let first = try await server.test.get(Self.base + "?limit=200&fields=code")
            let next = try #require(first["Link"]?.dropFirst().prefix { $0 != ">" })
            var row = Lighthouse.rows(1)[0]
            row[0] = "L999999"
            try await server.release.release(2, rows: [row])
            let rest = try await server.test.get(String(next))
            #expect(rest.text.contains("\"version\":1"))
            #expect(!rest.text.contains("L999999"))
            var found = 0
            for _ in 0..<3000 where found != 200 {
                try await Task.sleep(for: .milliseconds(20))
                found = try await server.test.get(Self.base + "/L999999").status
            }
            #expect(found == 200)
            let changed = try await server.test.get(Self.base + "?limit=200&fields=code", "If-None-Match: \(first["ETag"] ?? "")")
            #expect(changed.status == 200)
            #expect(changed.text.contains("\"total\":251,\"version\":2"))
        }
    }

    @Test func hiddenFieldsLeaveThroughNothing() async throws {
        let secret = "13999998888"
        var rows = Lighthouse.rows(5)
        for index in rows.indices {
            rows[index][11] = "777123.45"
            rows[index][12] = secret
            rows[index][10] = "诸葛孔明"
        }
        try await RowsServer.with(rows: rows) { server in
            for address in [
                Self.base, Self.base + "/L100001", "/v1/datasets/lighthouse/rows.csv", "/v1/datasets/lighthouse/data.csv", "/v1/datasets/lighthouse/versions/1/data.csv",
                "/v1/datasets/lighthouse/data.csv?dialect=excel", Self.base + "?budget=777123.45", Self.base + "?keeper_phone__like=139%25", Self.base + "?sort=budget",
                Self.base + "?fields=budget", "/v1/datasets/lighthouse/rows.csv?budget__gt=1", "/v1/datasets/lighthouse/rows.csv?fields=keeper_phone",
                Self.base + "?filter=budget%3D777123.45", Self.base + "?filter=CASEI(keeper_phone)%20LIKE%20'139%25'", Self.base + "?filter=height%3Cbudget",
                "/v1/datasets/lighthouse/rows.csv?filter=budget%20IS%20NOT%20NULL", Self.base + "?filter=keeper='%E8%AF%B8%E8%91%9B%E5%AD%94%E6%98%8E'",
                Self.base + "?nothing=1", Self.base + "?keeper=%E8%AF%B8%E8%91%9B%E5%AD%94%E6%98%8E",
            ] {
                let response = try await server.test.get(address)
                for word in ["777123", secret, "诸葛孔明"] { #expect(!response.text.contains(word), "\(address)") }
                if response.status == 200 { #expect(!response.text.contains("keeper_phone") && !response.text.contains("budget"), "\(address)") }
            }
            // The masked spelling is what filters see.
            #expect(try await server.test.get(Self.base + "?keeper=%E8%AF%B8%E8%91%9B**&fields=code").text.contains("L100004"))
        }
    }

    @Test func aFilterIsPartOfTheQuestion() async throws {
        try await RowsServer.with { server in
            let (all, some) = (Self.base + "?limit=20&fields=code,steps", Self.base + "?limit=20&fields=code,steps&filter=steps%20%3E%3D%200")
            let plain = try await server.test.get(some.replacing("filter=steps%20%3E%3D%200", with: "steps__gte=0"))
            let text = try await server.test.get(some)
            let json = try await server.test.get(
                all + "&filter-lang=cql2-json&filter=%7B%22op%22:%22%3E%3D%22,%22args%22:[%7B%22property%22:%22steps%22%7D,0]%7D")
            func data(_ response: RawResponse) -> Substring { response.text.prefix { $0 != "]" } }
            #expect(text.status == 200 && json.status == 200, "\(text.text.prefix(300)) \(json.text.prefix(300))")
            #expect(data(text) == data(plain) && data(json) == data(plain))
            #expect(!text.text.contains("\"total\""))
            // One question has one validator, however it is spelled; another one has another.
            #expect(text["ETag"] == plain["ETag"] && json["ETag"] == plain["ETag"])
            let other = try await server.test.get(some.replacing("%3D%200", with: "%3D%201"))
            let whole = try await server.test.get(all)
            #expect(Set([text["ETag"], other["ETag"], whole["ETag"]]).count == 3)
            // The cursor goes on with its own question only.
            let next = try #require(text["Link"]?.dropFirst().prefix { $0 != ">" })
            #expect(next.contains("filter=steps%20%3E%3D%200"))
            #expect(try await server.test.get(String(next)).status == 200)
            let stray = try await server.test.get(String(next).replacing("%3D%200", with: "%3D%201"))
            #expect(stray.status == 400 && stray.text.contains("DL4003"))
            let csv = try await server.test.get("/v1/datasets/lighthouse/rows.csv?fields=code&filter=steps%20IS%20NULL%20AND%20code%20%3C%20'L100050'&automated=true")
            let rows = Lighthouse.rows(50).filter { $0[3] == nil && $0[4] == "true" }.compactMap { $0[0] }
            #expect(csv.text.split(separator: "\n").dropFirst().map(String.init) == rows)
        }
    }
}
