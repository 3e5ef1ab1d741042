import Catalogue
import Foundation
import FoundationXML
import Model
import NIOCore
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing

@testable import API

@Suite(.timeLimit(.minutes(20))) struct ChangeRouteTests {
    /// A server over one released dataset, with its record of changes.
    private struct Server {
        let db: TestDatabase
        let release: TestRelease
        let api: API
        let server: HTTPServer

        static func with(beat: Duration = .seconds(15), configure: (inout API.Configuration) -> Void = { _ in }, _ body: @Sendable (Server) async throws -> Void) async throws {
            try await withTestStore { db, store in
                let release = try await db.publish(rows: [])
                let released = ReleasedDatasets(store: store)
                let feed = ChangeFeed(store: store, announcements: released.announcements, capacity: 4, beat: beat)
                var dependencies = API.Dependencies(keyLookup: { _ in nil }, unreadiness: { nil }, document: "")
                dependencies.catalogue = Catalogue(store: store, seal: try await CursorSeal.load(from: store))
                dependencies.changes = feed
                var configuration = API.Configuration()
                configuration.port = 0
                configuration.logsRequests = false
                configure(&configuration)
                let api = API(configuration: configuration, dependencies: dependencies)
                let server = api.makeServer(router: api.makeRouter(), group: MultiThreadedEventLoopGroup.singleton)
                try await server.start()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await released.run() }
                    group.addTask { await feed.run() }
                    do {
                        try await body(Server(db: db, release: release, api: api, server: server))
                        await server.shutdown(within: .seconds(5))
                    } catch {
                        await server.shutdown(within: .zero)
                        throw error
                    }
                    group.cancelAll()
                }
            }
        }

        func get(_ path: String, _ fields: String...) async throws -> RawResponse {
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
                return try await connection.response()
            }
        }

        /// Opens an event stream and has its events read.
        func follow<Result: Sendable>(_ query: String = "", _ fields: String = "", _ body: @Sendable (Events) async throws -> Result) async throws -> Result {
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET /v1/changes/events\(query) HTTP/1.0\r\nHost: h\r\n\(fields)\r\n")
                let status = try await connection.line()
                #expect(status.contains(" 200 "))
                while try await !connection.line().isEmpty {}
                return try await body(Events(connection: connection))
            }
        }
    }

    private struct Events: Sendable {
        let connection: RawConnection

        /// The next event's id and version.
        func next() async throws -> (id: Int, kind: String, version: Int?) {
            var id = 0, kind = ""
            while true {
                let line = try await connection.line()
                if line.hasPrefix("id: ") { id = Int(line.dropFirst(4)) ?? 0 }
                if line.hasPrefix("event: ") { kind = String(line.dropFirst(7)) }
                if line.hasPrefix("data: ") {
                    let data = try JSONValue(json: Data(line.dropFirst(6).utf8))
                    #expect(data["number"]?.int == id && data["kind"]?.string == kind)
                    return (id, kind, data["version"]?.int)
                }
            }
        }
    }

    private static func last(_ server: Server) async throws -> Int {
        try #require(try JSONValue(json: Data(try await server.get("/v1/changes?limit=1000").body.readableBytesView))["meta"]?["last"]?.int)
    }

    @Test func pagesLeadOnAndNothingNewIsNotSentAgain() async throws {
        try await Server.with { server in
            for version in 2...4 { try await server.release.release(version, rows: []) }
            var path: String? = "/v1/changes?limit=2&dataset=lighthouse", versions: [Int] = []
            while let page = path {
                let answer = try await server.get(page)
                #expect(answer.status == 200)
                let json = try JSONValue(json: Data(answer.body.readableBytesView))
                versions += (json["data"]?.array ?? []).compactMap { $0["version"]?.int }
                path = json["links"]?["next"]?.string
            }
            #expect(versions == [1, 2, 3, 4])
            let end = "/v1/changes?since=\(try await Self.last(server))"
            let nothing = try await server.get(end)
            #expect(nothing.text.contains("\"data\":[]"))
            #expect(try await server.get(end, "If-None-Match: \(nothing["ETag"] ?? "")").status == 304)
            try await server.release.release(5, rows: [])
            #expect(try await server.get(end, "If-None-Match: \(nothing["ETag"] ?? "")").status == 200)
        }
    }

    @Test func anEventComesSoonAfterItsRelease() async throws {
        // Nobody looks by himself for so long: it is told.
        try await Server.with(beat: .seconds(300)) { server in
            let last = try await Self.last(server)
            try await server.follow { events in
                // What was there before is not told again.
                try await Task.sleep(for: .milliseconds(300))
                let began = ContinuousClock.now
                try await server.release.release(2, rows: [])
                let event = try await events.next()
                #expect(event.id > last && event.kind == "release" && event.version == 2)
                #expect(ContinuousClock.now - began < .seconds(30))
            }
        }
    }

    @Test func aFollowerGoesOnWhereItWasAlsoBeyondWhatIsInMemory() async throws {
        try await Server.with { server in
            let last = try await Self.last(server)
            for version in 2...9 { try await server.release.release(version, rows: []) }
            try await server.follow("?since=999999", "Last-Event-ID: \(last)\r\n") { events in
                for version in 2...9 { #expect(try await events.next().version == version) }
                try await server.release.release(10, rows: [])
                #expect(try await events.next().version == 10)
            }
            let wrong = try await server.get("/v1/changes/events", "Last-Event-ID: x", "Accept-Language: en")
            #expect(wrong.status == 400 && wrong.text.contains("Last-Event-ID"))
        }
    }

    @Test func aQuietStreamHasAHeartbeatAndEndsWithTheServer() async throws {
        try await Server.with(beat: .milliseconds(50)) { server in
            try await server.follow { events in
                var beats = 0
                while beats < 3 { if try await events.connection.line() == ":" { beats += 1 } }
                let began = ContinuousClock.now
                await server.server.shutdown(within: .seconds(60))
                #expect(ContinuousClock.now - began < .seconds(30))
                _ = await events.connection.rest()
                #expect(events.connection.isAtEnd)
            }
        }
    }

    @Test func streamsAreCountedPerClientAndInAll() async throws {
        @Sendable func expectRefusal(_ server: Server, _ status: Int, _ code: ProblemCode) async throws {
            let answer = try await server.get("/v1/changes/events")
            #expect(answer.status == status && answer.text.contains(code.rawValue) && answer["Retry-After"] != nil)
        }
        try await Server.with(configure: { $0.eventStreamsPerClient = 1 }) { server in
            try await server.follow { _ in try await expectRefusal(server, 429, .tooManyStreams) }
            for _ in 0..<6000 where server.api.gate.events.count > 0 { try await Task.sleep(for: .milliseconds(10)) }
            try await server.follow { _ in }
        }
        try await Server.with(configure: { $0.eventStreams = 1 }) { server in
            try await server.follow { _ in try await expectRefusal(server, 503, .overloaded) }
        }
    }

    @Test func aReaderThatTakesNothingIsCutOff() async throws {
        try await Server.with(configure: { $0.writeTimeout = 0.3 }) { server in
            let last = try await Self.last(server)
            // More than the sockets hold between the two.
            try await server.db.database.execute("UPDATE daylight.dataset SET description = jsonb_set(description, '{title,zh}', to_jsonb(repeat('长', 5000)))")
            try await server.db.database.execute(
                "INSERT INTO daylight.change (number, kind, dataset, version) SELECT 1000 + n, 'release', 'lighthouse', n FROM generate_series(1, 4000) n")
            try await RawConnection.open(port: server.server.port) { connection in
                try await connection.send("GET /v1/changes/events?since=\(last) HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = try await connection.line()
                for _ in 0..<6000 where server.api.gate.events.count > 0 { try await Task.sleep(for: .milliseconds(10)) }
                #expect(server.api.gate.events.count == 0)
                #expect(server.api.gate.metrics.timeouts[2] == 1)
            }
        }
    }

    @Test func feedsAreAtom() async throws {
        try await Server.with { server in
            for version in 2...3 { try await server.release.release(version, rows: []) }
            try await server.release.withdraw(.version, version: 2, reason: "坏 <值> & \"引号\" \u{1}")
            let whole = try AtomDocument(try await server.get("/v1/changes.atom"))
            #expect(whole.entries.count == 4)
            #expect(whole.entries[0]["summary"]?.hasSuffix("坏 <值> & \"引号\" \u{FFFD}") == true)
            let own = try AtomDocument(try await server.get("/v1/datasets/lighthouse/changes.atom?limit=2", "Accept-Language: en"))
            #expect(own.entries.count == 2)
            #expect(own.id != whole.id)
            let next = try #require(own.links["next"])
            let older = try AtomDocument(try await server.get(next))
            #expect(older.entries.map { $0["id"] } == whole.entries.suffix(2).map { $0["id"] })
            #expect(older.id == own.id)
            try await server.release.withdraw(.dataset)
            let gone = try AtomDocument(try await server.get("/v1/datasets/lighthouse/changes.atom"))
            #expect(gone.entries.count == 5)
            #expect(gone.entries.allSatisfy { $0["title"]?.hasPrefix("lighthouse") == true })
            #expect(try await server.get("/v1/datasets/none/changes.atom").status == 404)
        }
    }
}

/// An Atom document, read by an XML parser and held against what RFC 4287 demands.
private final class AtomDocument: NSObject, XMLParserDelegate {
    private(set) var feed: [String: String] = [:]
    private(set) var entries: [[String: String]] = []
    private(set) var links: [String: String] = [:]
    private var path: [String] = []
    private var text = ""

    var id: String? { feed["id"] }

    init(_ response: RawResponse) throws {
        super.init()
        #expect(response.status == 200)
        #expect(response["Content-Type"] == "application/atom+xml; charset=utf-8")
        let parser = XMLParser(data: Data(response.body.readableBytesView))
        parser.shouldProcessNamespaces = true
        parser.delegate = self
        #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "") in \(response.text)")
        // Section 4.1.1: exactly one id, title and updated, an author; 4.1.2: the same of each entry. `self` is where the feed was read.
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        let plain = ISO8601DateFormatter()
        for element in [feed] + entries {
            #expect(element["id"]?.hasPrefix("urn:uuid:") == true)
            #expect(element["id"].flatMap { UUID(uuidString: String($0.dropFirst(9))) } != nil)
            #expect(element["title"]?.isEmpty == false)
            #expect(element["updated"].flatMap { formatter.date(from: $0) ?? plain.date(from: $0) } != nil)
            #expect(element["author/name"]?.isEmpty == false)
        }
        #expect(Set(entries.map { $0["id"] }).count == entries.count)
        #expect(links["self"] != nil)
        #expect(feed["updated"] == entries.first?["updated"])
    }

    func parser(_ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]) {
        #expect(namespaceURI == "http://www.w3.org/2005/Atom")
        path.append(name)
        text = ""
        if name == "entry" { entries.append([:]) }
        if name == "link", path.count == 2 { links[attributes["rel"] ?? ""] = attributes["href"] }
    }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        let inEntry = path.count > 1 && path[1] == "entry"
        let key = path.dropFirst(inEntry ? 2 : 1).joined(separator: "/")
        path.removeLast()
        guard !["", "author", "link", "category"].contains(key) else { return }
        if inEntry {
            #expect(entries[entries.count - 1].updateValue(text, forKey: key) == nil, "\(key) twice")
        } else {
            #expect(feed.updateValue(text, forKey: key) == nil, "\(key) twice")
        }
    }
}
