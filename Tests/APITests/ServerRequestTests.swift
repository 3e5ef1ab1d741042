import HTTPTypes
import Hummingbird
import Model
import NIOCore
import RateLimit
import Synchronization
import Testing

@testable import API

@Suite struct ServerRequestTests {
    private static func request(_ fields: HTTPFields, path: String = "/") -> Request {
        Request(head: HTTPRequest(method: .get, scheme: "http", authority: nil, path: path, headerFields: fields), body: RequestBody(buffer: ByteBuffer()))
    }

    @Test(arguments: [
        ("\"v1\"", true, true), ("W/\"v1\"", true, false), ("\"v2\"", false, false), ("\"v2\", \"v1\"", true, true), ("*", true, true), ("v1", false, false), ("", false, false),
        ("\"v2\" , W/\"v1\"", true, false), ("\"\"v1\"\"", false, false),
    ])
    func entityTagsAreFoundInLists(list: String, weak: Bool, strong: Bool) {
        #expect(EntityTag("v1").isNamed(in: list, weak: true) == weak)
        #expect(EntityTag("v1").isNamed(in: list, weak: false) == strong)
    }

    @Test func writesNeedAPreconditionThatHolds() throws {
        let tag = EntityTag("v1")
        func code(_ fields: HTTPFields, _ current: EntityTag?) -> ProblemCode? {
            do {
                try Self.request(fields).checkWrite(current: current)
                return nil
            } catch {
                return (error as? Problem)?.code
            }
        }
        #expect(code([:], nil) == .preconditionRequired)
        #expect(code([:], tag) == .preconditionRequired)
        #expect(code([.ifNoneMatch: "*"], nil) == nil)
        #expect(code([.ifNoneMatch: "*"], tag) == .preconditionFailed)
        #expect(code([.ifMatch: "\"v1\""], tag) == nil)
        #expect(code([.ifMatch: "W/\"v1\""], tag) == .preconditionFailed)
        #expect(code([.ifMatch: "\"v0\""], tag) == .preconditionFailed)
        #expect(code([.ifMatch: "*"], tag) == nil)
        #expect(code([.ifMatch: "*"], nil) == .preconditionFailed)
    }

    @Test func rangesNeedTheSameRepresentation() {
        let tag = EntityTag("v1")
        #expect(Self.request([:]).allowsRange(of: tag))
        #expect(Self.request([.ifRange: "\"v1\""]).allowsRange(of: tag))
        #expect(!Self.request([.ifRange: "W/\"v1\""]).allowsRange(of: tag))
        #expect(!Self.request([.ifRange: "Sun, 06 Nov 1994 08:49:37 GMT"]).allowsRange(of: tag))
    }

    @Test(arguments: [
        (nil, "a/json"), ("*/*", "a/json"), ("b/csv", "b/csv"), ("b/*", "b/csv"), ("a/json;q=0.5, b/csv", "b/csv"), ("a/json;q=0, */*", "b/csv"), ("x/y", nil),
        ("x/y, */*;q=0.1", "a/json"), ("B/CSV", "b/csv"),
    ] as [(String?, String?)])
    func mediaTypesAreNegotiated(accept: String?, chosen: String?) {
        #expect(Negotiation.choose(["a/json", "b/csv"], accept: accept.map { [$0] } ?? []) == chosen)
    }

    @Test(arguments: [
        (nil, .zh), ("en", .en), ("zh-CN,en;q=0.9", .zh), ("en;q=0.1, zh;q=0.2", .zh), ("en-US", .en), ("fr", .zh), ("en;q=0", .zh), ("", .zh), ("*", .zh),
    ] as [(String?, Language)])
    func languageIsTheBetterLikedOne(field: String?, language: Language) {
        #expect(LanguagePreference.language(field) == language)
    }

    @Test func pagesLinkToTheNextWithEverythingElseKept() {
        let links = PageLinks(Self.request([:], path: "/v1/datasets?q=%E7%A9%BA&cursor=old&limit=5"), next: "a+b/c=")
        #expect(links.own == "/v1/datasets?q=%E7%A9%BA&cursor=old&limit=5")
        #expect(links.next == "/v1/datasets?q=%E7%A9%BA&limit=5&cursor=a%2Bb%2Fc%3D")
        #expect(links.field == "</v1/datasets?q=%E7%A9%BA&limit=5&cursor=a%2Bb%2Fc%3D>; rel=\"next\"")
        #expect(PageLinks(Self.request([:], path: "/v1/datasets"), next: nil).field == nil)
    }

    @Test func pathsMatchTheirTemplates() {
        func matches(_ template: String, _ path: String) -> Bool {
            var path = path
            return path.withUTF8 { PathPattern(template).matches($0, PathPattern.count($0)) }
        }
        #expect(matches("/v1/datasets/{id}/rows/{key}", "/v1/datasets/a/rows/b"))
        #expect(!matches("/v1/datasets/{id}/rows/{key}", "/v1/datasets/a/rows"))
        #expect(!matches("/v1/datasets/{id}", "/v1/other/a"))
        #expect(matches("/v1/{id}.csv", "/v1/a.csv"))
        #expect(!matches("/v1/{id}.csv", "/v1/.csv"))
        #expect(matches("/v1/a/**", "//v1//a/b/c/") && !matches("/v1/a/**", "/v1/a/") && matches("/v1/a", "/v1/a/") && matches("/", "") && !matches("/v1/ab", "/v1/a"))
    }

    @Test func theRouteThatNamesMoreIsFound() {
        let templates = ["/", "/v1/keys/{id}", "/v1/keys/self", "/v1/{noun}/self", "/v1/keys/{id}/log", "/v1/{id}.csv", "/tile/**"]
        let routes = templates.map { Route(method: "GET", template: $0, action: .read, body: .none, metrics: RouteMetrics(method: "GET", template: $0)) }
        let index = RouteIndex(routes + [Route(method: "PUT", template: "/v1/keys/{id}", action: .apply, body: .json, metrics: RouteMetrics(method: "PUT", template: ""))])
        func found(_ path: Substring, _ method: String = "GET") -> String? { index.route(method, path)?.template }
        #expect(found("/") == "/")
        #expect(found("/v1/keys/self") == "/v1/keys/self")
        #expect(found("/v1/keys/7") == "/v1/keys/{id}")
        #expect(found("/v1/feeds/self") == "/v1/{noun}/self")
        #expect(found("/v1/keys/7/log") == "/v1/keys/{id}/log")
        #expect(found("/v1/all.csv") == "/v1/{id}.csv")
        #expect(found("/tile/entries/0.p/3") == "/tile/**")
        #expect(found("/tile") == nil && found("/v1/keys/7/log/9") == nil && found("/v1/keys/7", "PATCH") == nil)
        #expect(index.methods(at: "/v1/keys/7") == ["GET", "HEAD", "OPTIONS", "PUT"])
        #expect(index.methods(at: "/v2").isEmpty)
    }

    @Test func readinessIsAskedOnceASecond() async {
        let asked = Produced()
        let readiness = Readiness {
            asked.bytes.withLock { $0 += 1 }
            return asked.bytes.withLock { $0 } == 1 ? nil : "away"
        }
        #expect(await readiness.reason(at: 0) == nil)
        #expect(await readiness.reason(at: 999_999_999) == nil)
        #expect(await readiness.reason(at: 1_000_000_000) == "away")
        #expect(await readiness.reason(at: 1_500_000_000) == "away")
        #expect(asked.bytes.withLock { $0 } == 2)
    }

    @Test func deadlinesRunOutOneByOneAndOnce() {
        var deadlines = Deadlines()
        #expect(deadlines.next == .max)
        deadlines.attention = 30
        deadlines.watchBody(from: 0, until: 10)
        deadlines.watchWrites(from: 0, until: 20)
        #expect(deadlines.next == 10)
        #expect(deadlines.expired(at: 9) == nil)
        #expect(deadlines.expired(at: 10) == .body)
        #expect(deadlines.next == 20)
        #expect(deadlines.expired(at: 40) == .write)
        #expect(deadlines.expired(at: 40) == .attention)
        #expect(deadlines.expired(at: 40) == nil)
    }

    @Test func textIsEscapedForJSON() {
        var text = JSONText(capacity: 16)
        text.string("a\"b\\c\n\u{1}空")
        #expect(String(buffer: text.buffer) == "\"a\\\"b\\\\c\\u000a\\u0001空\"")
    }
}
