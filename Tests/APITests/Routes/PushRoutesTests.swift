import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import Publishing
import TestSupport
import Testing

@Suite struct PushRoutesTests {
    static let csv = "code,name,budget\nA,a,1\nB,b,\n"

    @Test func aPushIsCreatedReviewedAndReleased() async throws {
        try await PublishingServer.with { server in
            let created = try await server.push(Self.csv, "?mode=replace")
            #expect(created.status == 201)
            let push = try created.json()
            let id = try #require(push["id"]?.string)
            #expect(created.header("Location") == "/v1/pushes/\(id)")
            #expect(push["state"]?.string == "ready" && push["changes"]?["added"]?.int == 2)
            let read = try await server.reviewer.get("/v1/pushes/\(id)")
            #expect(try read.json()["digest"]?.string == push["digest"]?.string)
            #expect(try await server.review(push).status == 201)
            let reviews = try await server.reviewer.get("/v1/pushes/\(id)/reviews").json()
            #expect(reviews["data"]?[0]?["decision"]?.string == "pass")
            let released = try await server.pusher.send(.POST, "/v1/pushes/\(id)/release")
            #expect(released.status == 200)
            #expect(released.header("Location") == "/v1/datasets/lighthouse/versions/1")
            #expect(try released.json()["version"]?["row_count"]?.int == 2)
            // Fields that are not public are named nowhere.
            #expect(!released.text.contains("budget"))
            let version = try await server.anonymous.get("/v1/datasets/lighthouse/versions/1")
            #expect(version.status == 200 && !version.text.contains("budget"))
            let tag = try #require(version.header("ETag"))
            #expect(try await server.anonymous.get("/v1/datasets/lighthouse/versions/1", headers: [("If-None-Match", tag)]).status == 304)
        }
    }

    @Test func theSameFileAgainAndADryRunAnswer200() async throws {
        try await PublishingServer.with { server in
            let dry = try await server.push(Self.csv, "?dry_run=true")
            #expect(dry.status == 200)
            #expect(try dry.json()["state"]?.string == "checked")
            try await server.publish(Self.csv)
            let again = try await server.push(Self.csv)
            #expect(again.status == 200)
            #expect(try again.json()["state"]?.string == "unchanged")
            #expect(try again.json()["version"]?.int == 1)
        }
    }

    @Test func aRejectedPushNamesEveryFinding() async throws {
        try await PublishingServer.with { server in
            let rejected = try await server.push("code,name,budget\nA,a,x\nA,b,7.5\n", headers: [("Accept-Language", "en")])
            #expect(rejected.status == 422)
            #expect(rejected.header("Content-Type") == "application/problem+json")
            let problem = try rejected.json()
            #expect(problem["code"]?.string == "DL3001" && problem["counts"]?["F201"]?.int == 2)
            #expect(problem["findings"]?[0]?["line"]?.int == 2 && problem["findings"]?[0]?["message"]?["en"]?.string == "not an integer")
            // Values that nobody may see are not repeated.
            #expect(!rejected.text.contains("7.5"))
            let id = try #require(problem["push"]?.string)
            let findings = try await server.pusher.get("/v1/pushes/\(id)/findings?limit=1").json()
            #expect(findings["meta"]?["total"]?.int == 2 && findings["meta"]?["by_code"]?["F201"]?.int == 2)
            let next = try #require(findings["links"]?["next"]?.string)
            #expect(try await server.pusher.get(next).json()["data"]?[0]?["line"]?.int == 3)
            let csv = try await server.pusher.get("/v1/pushes/\(id)/findings.csv")
            #expect(csv.text == "code,severity,line,field,value,message_zh,message_en\nF201,error,2,budget,,不是整数,not an integer\nF201,error,3,budget,,不是整数,not an integer\n")
            #expect(try await server.pusher.get("/v1/pushes/\(id)/findings?severity=warning").json()["data"]?[0] == nil)
        }
    }

    @Test func whatAQuarantineLeftOutComesBackAsItCame() async throws {
        try await PublishingServer.with(policy: .quarantine) { server in
            let created = try await server.push("code,name,budget\nA,a,1\nB,\"b, \"\"x\"\"\",one\n")
            #expect(created.status == 201)
            let push = try created.json()
            #expect(push["rejected_count"]?.int == 1 && push["row_count"]?.int == 1)
            let rejected = try await server.pusher.get("/v1/pushes/\(push["id"]?.string ?? "")/rejected.csv")
            #expect(rejected.text == "code,name,budget\nB,\"b, \"\"x\"\"\",one\n")
        }
    }

    @Test func headersOfAPushAreReadStrictly() async throws {
        try await PublishingServer.with { server in
            for (headers, type, query, code) in [
                ([("Content-Digest", "sha-256=:AAAA:")], "text/csv", "", "DL1020"),
                ([("Content-Digest", "sha-256")], "text/csv", "", "DL1020"),
                ([("Content-Digest", PublishingServer.digest("other"))], "text/csv", "", "DL1019"),
                ([("Content-Encoding", "br")], "text/csv", "", "DL3006"),
                ([("Idempotency-Key", "\"\"")], "text/csv", "", "DL1021"),
                ([], "application/json", "", "DL1012"),
                ([], "text/csv; charset=klingon", "", "DL3005"),
                ([], "text/csv", "?mode=merge", "DL1002"),
                ([], "text/csv", "?colour=red", "DL1001"),
            ] as [([(String, String)], String, String, String)] {
                let answer = try await server.push(Self.csv, query, headers: headers, type: type)
                #expect(try answer.json()["code"]?.string == code, "\(headers) \(type) \(query)")
            }
            #expect(try await server.push(Self.csv, headers: [("Content-Digest", PublishingServer.digest(Self.csv))]).status == 201)
            let chinese = try await server.push("code,名称\nA,灯塔\n", type: "text/csv; charset=\"utf-8\"")
            #expect(chinese.status == 201)
        }
    }

    @Test func aRetryGetsTheSameAnswer() async throws {
        try await PublishingServer.with { server in
            let headers = [("Idempotency-Key", "\"abc\""), ("Content-Digest", PublishingServer.digest(Self.csv))]
            let first = try await server.push(Self.csv, headers: headers)
            let second = try await server.push(Self.csv, headers: headers)
            #expect(first.status == 201 && second.status == 201)
            #expect(first.body == second.body && first.header("Location") == second.header("Location"))
            let other = try await server.push("code\nZ\n", headers: [("Idempotency-Key", "\"abc\"")])
            #expect(try other.json()["code"]?.string == "DL1022")
            let bad = "code\nA\nA,b\n"
            let refused = try await server.push(bad, headers: [("Idempotency-Key", "bad")])
            let again = try await server.push(bad, headers: [("Idempotency-Key", "bad")])
            #expect(refused.status == 422 && refused.body == again.body)
            #expect(again.header("Content-Type") == "application/problem+json")
        }
    }

    @Test func pushesAreForTheirDepartmentAndItsReviewers() async throws {
        try await PublishingServer.with { server in
            let push = try await server.push(Self.csv).json()
            let id = push["id"]?.string ?? ""
            #expect(try await server.push(Self.csv, as: server.anonymous).status == 401)
            // A draft of another department does not exist.
            #expect(try await server.push(Self.csv, as: server.stranger).status == 404)
            #expect(try await server.stranger.get("/v1/datasets/lighthouse/pushes").status == 404)
            #expect(try await server.anonymous.get("/v1/datasets/lighthouse/versions").status == 404)
            for path in ["", "/findings", "/findings.csv", "/rejected.csv", "/reviews"] {
                #expect(try await server.anonymous.get("/v1/pushes/\(id)\(path)").status == 401, "\(path)")
                #expect(try await server.stranger.get("/v1/pushes/\(id)\(path)").status == 404, "\(path)")
            }
            #expect(try await server.review(push, as: server.pusher).status == 403)
            #expect(try await server.stranger.send(.POST, "/v1/pushes/\(id)/release", json: "{}").status == 404)
            try await server.publish("code\nC\n")
            #expect(try await server.push(Self.csv, as: server.stranger).json()["code"]?.string == "DL2004")
            let list = try await server.pusher.get("/v1/datasets/lighthouse/pushes?limit=1").json()
            let next = try #require(list["links"]?["next"]?.string)
            #expect(try await server.pusher.get(next).json()["data"]?[0]?["id"]?.string == id)
            #expect(try await server.pusher.get(next + "x").json()["code"]?.string == "DL4003")
            #expect(try await server.pusher.get("/v1/pushes/nonsense").status == 404)
        }
    }

    @Test func reviewsAndReleasesFollowTheRules() async throws {
        try await PublishingServer.with { server in
            let push = try await server.push(Self.csv).json()
            let id = push["id"]?.string ?? ""
            #expect(try await server.pusher.send(.POST, "/v1/pushes/\(id)/release", json: "{}").json()["code"]?.string == "DL3009")
            let wrong = "{\"decision\":\"pass\",\"legal_basis\":\"x\",\"digest\":\"\(String(repeating: "0", count: 64))\"}"
            #expect(try await server.reviewer.send(.POST, "/v1/pushes/\(id)/reviews", json: wrong).json()["code"]?.string == "DL3008")
            let unknown = try await server.reviewer.send(.POST, "/v1/pushes/\(id)/reviews", json: "{\"decision\":\"maybe\"}")
            #expect(unknown.status == 400)
            #expect(try unknown.json()["places"]?[0]?["place"]?.string == "/decision")
            #expect(try unknown.json()["places"]?[0]?["message"]?["zh"]?.string == "应为以下之一：pass, refuse, refer")
            _ = try await server.review(push)
            let scheduled = try await server.pusher.send(.POST, "/v1/pushes/\(id)/release", json: "{\"at\":\"2999-01-01T00:00:00+08:00\"}")
            #expect(scheduled.status == 202)
            #expect(try scheduled.json()["push"]?["state"]?.string == "scheduled")
            _ = try await server.review(push, "refuse")
            #expect(try await server.pusher.send(.POST, "/v1/pushes/\(id)/release", json: "{}").json()["code"]?.string == "DL3002")
        }
    }

    @Test func reviewsAndWithdrawalsNameWhatThereIs() async throws {
        try await PublishingServer.with { server in
            let review = #"{"decision":"pass","legal_basis":"x","digest":"\#(String(repeating: "0", count: 64))"}"#
            let nowhere = try await server.reviewer.send(.POST, "/v1/pushes/\(UUID().uuidString)/reviews", json: review)
            #expect(nowhere.status == 404)
            let push = try await server.push(Self.csv).json()
            let baseless = #"{"decision":"pass","legal_basis":" ","digest":"\#(push["digest"]?.string ?? "")"}"#
            let refused = try await server.reviewer.send(.POST, "/v1/pushes/\(push["id"]?.string ?? "")/reviews", json: baseless)
            #expect(refused.status == 422)
            #expect(try refused.json()["code"]?.string == "DL3010")
            let dataset = #"{"subject":"dataset","reason":{"zh":"误发","en":"a mistake"}}"#
            let missing = try await server.pusher.send(.POST, "/v1/datasets/nothing/withdrawals", json: dataset)
            #expect(missing.status == 404)
            let rubbish = try await server.pusher.send(.POST, "/v1/datasets/lighthouse/withdrawals", json: #"{"subject":"everything"}"#)
            #expect(rubbish.status == 400)
        }
    }

    @Test func aKeyThatIsInUseWaits() async throws {
        try await PublishingServer.with { server in
            let (body, more) = AsyncStream<ByteBuffer>.makeStream()
            more.yield(ByteBuffer(string: "code,name\nA,a\n"))
            let path = "/v1/datasets/lighthouse/pushes", headers = [("Content-Type", "text/csv"), ("Idempotency-Key", "\"slow\"")]
            async let first = server.pusher.send(.POST, path, headers: headers, body: .stream(body, length: .unknown))
            var statuses: [Int] = []
            for _ in 0..<1200 where statuses.last != 409 {
                try await Task.sleep(for: .milliseconds(50))
                let begun = try await server.pusher.get(path)
                guard try begun.json()["data"]?[0] != nil else { continue }
                let second = try await server.push("code,name\nA,a\n", headers: [("Idempotency-Key", "\"slow\"")])
                statuses.append(second.status)
                if second.status == 409 { #expect(try second.json()["code"]?.string == "DL1023") }
            }
            #expect(statuses.last == 409, "\(statuses)")
            more.finish()
            let answer = try await first
            #expect(answer.status == 201, "\(answer.text)")
        }
    }

    @Test func withdrawalsLeaveTombstones() async throws {
        try await PublishingServer.with { server in
            try await server.publish(Self.csv)
            try await server.publish("code,name,budget\nA,a,1\nB,c,\n")
            let path = "/v1/datasets/lighthouse/withdrawals"
            let reason = "\"reason\":{\"zh\":\"有误\",\"en\":\"wrong\"}"
            #expect(try await server.stranger.send(.POST, path, json: "{\"subject\":\"dataset\",\(reason)}").status == 403)
            #expect(try await server.reviewer.send(.POST, path, json: "{\"subject\":\"dataset\",\(reason)}").status == 403)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"rows\",\"keys\":[\"Q\"],\(reason)}").status == 422)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"rows\",\"keys\":[\"B\"],\(reason)}").status == 201)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"version\",\"version\":1,\(reason)}").status == 201)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"version\",\"version\":1,\(reason)}").status == 422)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"version\",\"version\":3,\(reason)}").status == 201)
            let gone = try await server.anonymous.get("/v1/datasets/lighthouse/versions/3", headers: [("Accept-Language", "en")])
            #expect(gone.status == 410 && gone.text.contains("wrong"))
            #expect(try await server.anonymous.get("/v1/datasets/lighthouse/versions/9").status == 404)
            #expect(try await server.pusher.send(.POST, path, json: "{\"subject\":\"dataset\",\(reason)}").status == 201)
            #expect(try await server.anonymous.get("/v1/datasets/lighthouse/versions").status == 410)
            let tombstones = try await server.anonymous.get(path + "?limit=2").json()
            #expect(tombstones["data"]?[0]?["subject"]?.string == "dataset" && tombstones["data"]?[1]?["subject"]?.string == "version")
            #expect(tombstones["links"]?["next"]?.string != nil)
        }
    }

    @Test func anAnswerIsWholeEvenWhereReadingStoppedEarly() async throws {
        try await PublishingServer.with { server in
            // The header is wrong, and eight megabytes follow it. A client that writes on and reads only then still finds the whole answer.
            let rows = String(repeating: "A,a,1\n", count: 20_000)
            let key = server.pusher.key ?? ""
            let answer = try await RawConnection.open(port: server.port) { connection in
                try await connection.send(
                    """
                    POST /v1/datasets/lighthouse/pushes HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(key)\r\nContent-Type: text/csv\r
                    Transfer-Encoding: chunked\r\n\r\nd\r\nwrong,header\n\r\n
                    """)
                for _ in 0..<70 { try await connection.send("\(String(rows.utf8.count, radix: 16))\r\n\(rows)\r\n") }
                try await connection.send("0\r\n\r\n")
                return try await connection.response()
            }
            #expect(answer.status == 422)
            #expect(answer.text.contains("\"F109\":2"))
        }
    }
}
