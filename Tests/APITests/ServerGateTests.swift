import Foundation
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import RateLimit
import Synchronization
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ServerGateTests {
    private static func routes(_ routes: Routes) {
        routes.get("/who", .read) { _, context in
            try .json(["tier": context.exchange.tier.rawValue, "client": context.exchange.client.description, "id": context.requestID])
        }
        routes.get("/breaks", .read) { _, _ in throw Hidden() }
        routes.get("/conflict", .read) { _, _ in throw HTTPError(.conflict, message: "already there") }
        routes.post("/push/{dataset}", .push, body: .none) { _, context in
            try context.require(.push, dataset: context.path("dataset"), department: "finance")
            return Response(status: .noContent)
        }
        routes.get("/costly/{n}", .query, cost: { path, _ in Int(path.split(separator: "/")[1]) ?? 1 }) { _, _ in Response(status: .ok) }
        routes.get("/words", .search) { request, _ in
            let query = try QueryParameters(request)
            try query.only("q", "limit")
            return try .json(["q": query.value("q") ?? "", "limit": String(query.integer("limit", in: 1...10) ?? 0)])
        }
    }

    private struct Hidden: Error, CustomStringConvertible {
        var description: String { "relation secret_table does not exist at /srv/x.swift" }
    }

    private func member(_ name: String, of response: RawResponse) throws -> String? {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(response.body.readableBytesView)) as? [String: Any])
        return object[name].map { "\($0)" }
    }

    @Test func everyAnswerCarriesIdLimitsAndSecurityFields() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            for response in [try await server.get("/who"), try await server.get("/nothing"), try await server.get("/breaks"), try await server.ask("NONSENSE\r\n\r\n")] {
                #expect(response["X-Request-Id"]?.count == 32)
                #expect(response["RateLimit-Policy"] == "\"read\";q=600;w=60")
                #expect(response["RateLimit"]?.hasPrefix("\"read\";r=") ?? false)
                #expect(response["X-Content-Type-Options"] == "nosniff")
                #expect(response["Access-Control-Allow-Origin"] == "*")
                #expect(response["Date"]?.hasSuffix(" GMT") ?? false)
            }
        }
    }

    @Test(arguments: [Language.zh, .en]) func aRefusalAtOnceSaysWhatTheOrdinaryOneSays(in language: Language) async throws {
        try await TestServer.with(configure: { $0.policy = try .defaults.overridden(by: ["anonymous.read=1/86400"]) }, routes: Self.routes) { server in
            let gate = server.api.gate
            _ = try await server.get("/who")
            // The first is a word of the message too.
            for id in ["read", "some", "some"] {
                let refused = try await server.get("/who", "Accept-Language: \(language.rawValue)", "X-Request-Id: \(id)")
                let wait = try #require(refused["Retry-After"].flatMap { Int64($0) })
                var quota = GCRA(fullAt: wait * 1_000_000_000)
                let decision = quota.spend(1, of: Limit(quota: 1, window: 86_400), at: 0)
                let loop = LoopState(MultiThreadedEventLoopGroup.singleton.next())
                let facts = RequestFacts(["accept-language": language.rawValue, "x-request-id": id], forwardedField: nil)
                let exchange = gate.open(method: "GET", facts: facts, peer: try #require(IPAddress("127.0.0.1")), loop: loop)
                let document = ProblemDocument(Gate.overLimit(decision, .read, cost: 1), exchange)
                #expect(refused.status == 429 && refused.text == String(buffer: document.body))
                for field in document.headers { #expect(refused[field.name.rawName] == field.value) }
            }
            let other = try await server.get("/who", "Accept-Language: \(language.rawValue)")
            #expect(other.text.contains("urn:daylight:request:\(try #require(other["X-Request-Id"]))"))
        }
    }

    @Test func callersRequestIdIsTakenWhenItIsSane() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            #expect(try await server.get("/who", "X-Request-Id: trace-1.2:3_4")["X-Request-Id"] == "trace-1.2:3_4")
            for bad in ["a b", "a\"b", "", String(repeating: "x", count: 129)] {
                #expect(try await server.get("/who", "X-Request-Id: \(bad)")["X-Request-Id"]?.count == 32)
            }
            let missing = try await server.get("/nothing", "X-Request-Id: abc")
            #expect(try member("instance", of: missing) == "urn:daylight:request:abc")
        }
    }

    @Test func problemsComeInTheLanguageAskedFor() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            let zh = try await server.get("/nothing"), en = try await server.get("/nothing", "Accept-Language: fr, en-GB;q=0.8, zh;q=0.5")
            #expect(try member("title", of: zh) == "没有这个地址")
            #expect(try member("title", of: en) == "No such address")
            #expect(try member("status", of: en) == "404")
            #expect(try member("type", of: en) == "/problems/DL1006")
            #expect(zh["Content-Language"] == "zh")
            #expect(en["Content-Language"] == "en")
        }
    }

    @Test func methodsThatARouteLacksAreRefusedNamingThoseThatItHas() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            let wrong = try await server.ask("DELETE /who HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(wrong.status == 405)
            #expect(wrong["Allow"] == "GET, HEAD, OPTIONS")
            #expect(try await server.get("/push/x")["Allow"] == "OPTIONS, POST")
            #expect(try await server.ask("BREW /who HTTP/1.1\r\nHost: h\r\n\r\n").status == 400)
            #expect(try await server.ask("TRACE /who HTTP/1.1\r\nHost: h\r\n\r\n").status == 405)
            let options = try await server.ask("OPTIONS /who HTTP/1.1\r\nHost: h\r\nOrigin: https://example.org\r\nAccess-Control-Request-Method: GET\r\n\r\n")
            #expect(options.status == 204)
            #expect(options["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS")
            #expect(options["Allow"] == "GET, HEAD, OPTIONS")
            #expect(options["Content-Length"] == nil)
            #expect(try await server.ask("OPTIONS /nothing HTTP/1.1\r\nHost: h\r\n\r\n").status == 404)
        }
    }

    @Test func nothingInternalLeaves() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            let response = try await server.get("/breaks")
            #expect(response.status == 500)
            #expect(!response.text.contains("secret_table"))
            #expect(!response.text.contains("swift"))
            #expect(try member("code", of: response) == "DL9000")
            #expect(try await server.get("/conflict")["Content-Type"] == "application/problem+json")
        }
    }

    @Test func unknownAndInvalidParametersNameTheirPlace() async throws {
        try await TestServer.with(routes: Self.routes) { server in
            #expect(try await server.get("/words?q=%E7%A9%BA%E6%B0%94+a%2Bb&limit=3").text == "{\"limit\":\"3\",\"q\":\"空气 a+b\"}")
            let unknown = try await server.get("/words?limt=3", "Accept-Language: en")
            #expect(unknown.status == 400)
            #expect(unknown.text.contains("\"places\":[{\"place\":\"limt\",\"message\":{\"zh\":\"没有这个参数\",\"en\":\"no such parameter\"}}]"))
            #expect(unknown.text.contains("q, limit"))
            for query in ["limit=0", "limit=11", "limit=x", "limit=1&limit=2", "q=%ff", "q=%zz", "q=%4"] {
                #expect(try await server.get("/words?\(query)").status == 400)
            }
        }
    }

    @Test func quotaIsCountedDownAndThenRefused() async throws {
        try await TestServer.with(configure: { $0.policy[.anonymous, .query] = Limit(quota: 10, window: 10_000) }, routes: Self.routes) { server in
            #expect(try await server.get("/costly/3")["RateLimit"] == "\"query\";r=7;t=3000")
            let refused = try await server.get("/costly/8", "Accept-Language: en")
            #expect(refused.status == 429)
            #expect(refused["RateLimit-Policy"] == "\"query\";q=10;w=10000")
            let retry = try #require(refused["Retry-After"].flatMap { Int($0) })
            #expect((900...1000).contains(retry))
            #expect(refused["RateLimit"] == "\"query\";r=7;t=\(retry)")
            #expect(try member("type", of: refused) == "https://iana.org/assignments/http-problem-types#quota-exceeded")
            #expect(refused.text.contains("\"violated-policies\":[\"query\"]"))
            // Another class of action has a quota of its own.
            #expect(try await server.get("/who").status == 200)
            let metrics = server.api.gate.metrics.exposition()
            #expect(metrics.contains("daylight_http_rate_limited_total{class=\"query\"} 1\n"))
            #expect(metrics.contains("daylight_http_requests_total{method=\"GET\",route=\"/costly/{n}\",status=\"4xx\"} 1\n"))
        }
    }

    @Test func keysAreTakenFromEitherFieldAndRemembered() async throws {
        try await TestServer.with(keys: [TestServer.key(tier: "department")], routes: Self.routes) { server in
            let began = ContinuousClock.now
            #expect(try member("tier", of: try await server.get("/who", "Authorization: Bearer \(TestServer.secret)")) == "department")
            #expect(try member("tier", of: try await server.get("/who", "X-API-Key: \(TestServer.secret)")) == "department")
            #expect(try member("tier", of: try await server.get("/who")) == "anonymous")
            // On a busy machine what is remembered may be too old by then.
            let isFresh = ContinuousClock.now - began < .seconds(5)
            let lookups = server.lookups.prefixes.withLock { $0 }
            #expect(isFresh ? lookups == ["tester"] : Set(lookups) == ["tester"])
            let own = try await server.get("/v1/keys/self", "X-API-Key: \(TestServer.secret)")
            #expect(try member("prefix", of: own) == "tester")
            #expect(!own.text.contains(TestServer.sha256(TestServer.secret)))
        }
    }

    @Test func wrongKeysAreRefusedAndCostSomething() async throws {
        try await TestServer.with(keys: [TestServer.key()], configure: { $0.policy[.anonymous, .read] = Limit(quota: 8, window: 1000) }, routes: Self.routes) { server in
            for credential in ["dk_tester_ffffffffffffffff", "dk_nobody_ffffffffffffffff", "dk_nobody_ffffffffffffffff", "rubbish", "dk_tester", "dk_tester_short", ""] {
                let response = try await server.get("/who", "X-API-Key: \(credential)")
                #expect(response.status == 401)
                #expect(response["WWW-Authenticate"]?.hasPrefix("Bearer realm=\"daylight\"") ?? false)
            }
            #expect(server.lookups.prefixes.withLock { $0 } == ["tester", "nobody"])
            #expect(try await server.get("/who").status == 200)
            #expect(try await server.get("/who", "X-API-Key: rubbish").status == 429)
        }
    }

    @Test func expiredRevokedAndMisplacedKeysAreRefused() async throws {
        let past = Timestamp(microseconds: 1_000_000), future = Timestamp(microseconds: Timestamp.now.microseconds + 3_600_000_000)
        for (key, status) in [
            (TestServer.key(expiresAt: past), 401), (TestServer.key(revokedAt: past), 401), (TestServer.key(networks: ["10.0.0.0/8"]), 403),
            (TestServer.key(networks: ["10.0.0.0/8", "127.0.0.0/8"], expiresAt: future), 200),
        ] {
            try await TestServer.with(keys: [key], routes: Self.routes) { server in
                let response = try await server.get("/who", "X-API-Key: \(TestServer.secret)")
                #expect(response.status == status)
            }
        }
    }

    @Test func denialSaysWhichScopeWasMissing() async throws {
        func push(_ key: AccessKey?, _ dataset: String = "budget-2024") async throws -> RawResponse {
            try await TestServer.with(keys: key.map { [$0] } ?? [], routes: Self.routes) { server in
                let field = key == nil ? "X-A: b" : "X-API-Key: \(TestServer.secret)"
                return try await server.ask("POST /push/\(dataset) HTTP/1.1\r\nHost: h\r\nAccept-Language: en\r\nContent-Length: 0\r\n\(field)\r\n\r\n")
            }
        }
        let nobody = try await push(nil)
        #expect(nobody.status == 401)
        #expect(try member("missing_scope", of: nobody) == "push")
        let reader = try await push(TestServer.key(scopes: [.read, .review]))
        #expect(reader.status == 403)
        #expect(try member("missing_scope", of: reader) == "push")
        #expect(try await push(TestServer.key(scopes: [.push], datasets: ["other"])).status == 403)
        #expect(try await push(TestServer.key(scopes: [.push], department: "water")).status == 403)
        #expect(try await push(TestServer.key(scopes: [.push], department: "finance", datasets: ["budget-2024"])).status == 204)
        #expect(try await push(TestServer.key(scopes: [.push])).status == 204)
    }

    @Test func clientBehindATrustedHopIsTheClient() async throws {
        let field = "X-Forwarded-For: 203.0.113.9, 198.51.100.7"
        try await TestServer.with(configure: { $0.trustedHops = TrustedHops(networks: [try #require(IPNetwork("127.0.0.0/8"))]) }, routes: Self.routes) { server in
            let named = try await server.get("/who", field), otherwise = try await server.get("/who", "Forwarded: for=198.51.100.7")
            #expect(try member("client", of: named) == "198.51.100.7")
            #expect(try member("client", of: otherwise) == "127.0.0.1")
        }
        try await TestServer.with(routes: Self.routes) { server in
            let response = try await server.get("/who", field)
            #expect(try member("client", of: response) == "127.0.0.1")
        }
    }

    @Test func downloadsAtOnceAreCounted() async throws {
        try await TestServer.with(configure: { $0.downloadsPerClient = 2 }, routes: { routes in
            routes.get("/long", .download) { _, _ in
                Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        try await writer.write(ByteBuffer(string: "begun"))
                        try await Task.sleep(for: .seconds(30))
                    }
                )
            }
        }) { server in
            let text = "GET /long HTTP/1.1\r\nHost: h\r\n\r\n"
            try await server.connect { first in
                try await first.send(text)
                _ = try await first.line()
                try await server.connect { second in
                    try await second.send(text)
                    _ = try await second.line()
                    let third = try await server.ask(text)
                    #expect(third.status == 429)
                    #expect(third.text.contains("DL1018"))
                    #expect(third["Retry-After"] != nil)
                    #expect(try await server.ask("HEAD /long HTTP/1.1\r\nHost: h\r\n\r\n").status == 200)
                }
                // The place of the one who left is free again.
                var status = 429
                for _ in 0..<6000 where status == 429 {
                    status = try await server.connect { connection in
                        try await connection.send(text)
                        try await Task.sleep(for: .milliseconds(10))
                        return Int(try await connection.line().split(separator: " ")[1]) ?? 0
                    }
                }
                #expect(status == 200)
            }
        }
    }

    @Test func ownRoutesAnswer() async throws {
        try await TestServer.with { server in
            #expect(try await server.get("/health/live").text == "{\"status\":\"live\"}")
            #expect(try await server.get("/health/ready").status == 200)
            let document = try await server.get("/openapi.yaml")
            #expect(document.text == "openapi: 3.1.0\n")
            let tag = try #require(document["ETag"])
            #expect(try await server.get("/openapi.yaml", "If-None-Match: \(tag)").status == 304)
            #expect(try await server.get("/v1/limits").text.contains("{\"action\":\"read\",\"quota\":600,\"window_seconds\":60}"))
            #expect(try await server.get("/v1/keys/self").status == 401)
        }
    }

    @Test func metricsStandOnTheirOwnPort() async throws {
        try await TestServer.with(configure: { $0.adminPort = 0 }, routes: Self.routes) { server in
            _ = try await server.get("/who")
            let port = try #require(server.server.adminPort)
            let response = try await server.connect(port: port) { connection in
                try await connection.send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await connection.response()
            }
            #expect(response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(response.text.contains("daylight_http_requests_total{method=\"GET\",route=\"/who\",status=\"2xx\"} 1\n"))
            #expect(response.text.contains("daylight_http_request_duration_seconds_bucket{method=\"GET\",route=\"/who\",le=\"+Inf\"} 1\n"))
            #expect(try await server.get("/metrics").status == 404)
            #expect(try await server.connect(port: port) { connection in
                try await connection.send("GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await connection.response().status
            } == 200)
        }
    }
}
