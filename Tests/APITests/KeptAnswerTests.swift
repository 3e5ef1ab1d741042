import Catalogue
import Foundation
import Logging
import Model
import NIOCore
import NIOPosix
import Postgres
import RateLimit
import Store
import Synchronization
import TestSupport
import Testing

@testable import API

/// Answers given from memory: the same bytes, and never of a state that was replaced more than a second ago.
@Suite(.timeLimit(.minutes(20))) struct KeptAnswerTests {
    private struct Node {
        let store: Store
        let api: API
        let server: HTTPServer
        private let follower: Task<Void, Never>

        init(_ url: String, configure: (inout API.Configuration) -> Void = { _ in }) async throws {
            let store = Store(Store.Configuration(databaseURL: url), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: .init(label: "daylight.tests"))
            try await store.start()
            self.store = store
            let released = ReleasedDatasets(store: store)
            let seal = try await CursorSeal.load(from: store)
            var dependencies = API.Dependencies(keyLookup: { try await store.accessKey(prefix: $0) }, unreadiness: { nil }, document: "")
            dependencies.rows = RowReader(store: store, released: released, seal: seal)
            dependencies.catalogue = Catalogue(store: store, seal: seal)
            dependencies.changes = ChangeFeed(store: store, announcements: released.announcements)
            dependencies.freshness = Freshness(released)
            var configuration = API.Configuration()
            configuration.port = 0
            configuration.logsRequests = false
            configuration.policy = try configuration.policy.overridden(by: ["*.*=1000000/60"])
            configure(&configuration)
            api = API(configuration: configuration, dependencies: dependencies)
            server = api.makeServer(router: api.makeRouter(), group: MultiThreadedEventLoopGroup.singleton)
            try await server.start()
            follower = Task { await released.run() }
            guard configuration.answerCapacity > 0 else { return }
            for _ in 0..<6000 where !api.gate.answers.isOpen { try await Task.sleep(for: .milliseconds(10)) }
            #expect(api.gate.answers.isOpen)
        }

        func stop() async {
            follower.cancel()
            await server.shutdown(within: .zero)
            await store.close()
        }

        var kept: Int { api.gate.metrics.kept[0] }

        func get(_ path: String, _ fields: String...) async throws -> RawResponse {
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
                return try await connection.response()
            }
        }

        /// The same by way of the decoder: the head does not come whole.
        func getInPieces(_ path: String, _ fields: String...) async throws -> RawResponse {
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET \(path) HTT")
                try await Task.sleep(for: .milliseconds(30))
                try await connection.send("P/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
                return try await connection.response()
            }
        }

        /// Asks until the answer comes from memory.
        func warm(_ path: String) async throws -> RawResponse {
            for _ in 0..<50 {
                let before = kept
                let answer = try await get(path)
                if kept > before { return answer }
            }
            Issue.record("\(path) is not kept")
            return try await get(path)
        }
    }

    private static func withNode(_ configure: (inout API.Configuration) -> Void = { _ in }, _ body: (TestDatabase, TestRelease, Node) async throws -> Void) async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(250))
            let node = try await Node(db.url, configure: configure)
            do {
                try await body(db, release, node)
            } catch {
                await node.stop()
                throw error
            }
            await node.stop()
        }
    }

    private static let paths = [
        "/v1/datasets/lighthouse", "/v1/datasets/lighthouse/rows?limit=10&sort=-code", "/v1/datasets/lighthouse/rows/L100007", "/v1/datasets/lighthouse/schema",
        "/v1/datasets/lighthouse/aggregate?group_by=name&select=count(*)", "/v1/datasets/lighthouse/changes.atom", "/v1/changes",
    ]

    /// What an answer says, but for what is the request's own.
    private static func own(_ response: RawResponse) -> [String] { response.stable.filter { !$0.hasPrefix("RateLimit:") } }

    @Test(arguments: paths) func whatIsKeptIsWhatWasMade(_ path: String) async throws {
        try await Self.withNode { _, _, node in
            let made = try await node.get(path)
            #expect(made.status == 200 && node.kept == 0)
            let kept = try await node.warm(path)
            #expect(Self.own(kept) == Self.own(made))
            let english = try await node.get(path, "Accept-Language: en")
            #expect(english.status == 200)
            let tag = try #require(made["ETag"])
            let before = node.kept
            let same = try await node.get(path, "If-None-Match: \(tag)")
            #expect(same.status == 304 && same["ETag"] == tag && same["Content-Type"] == nil && same.body.readableBytes == 0)
            // What is about many datasets is kept for half a second only.
            if path.hasPrefix("/v1/datasets/") { #expect(node.kept == before + 1) }
            #expect(try await node.get(path, "Accept: application/x-nothing").status == 406)
            #expect(try await node.get(path, "If-None-Match: \"other\"").status == 200)
        }
    }

    @Test(arguments: paths) func whoEverAsksWithATagIsToldFromMemoryThatNothingChanged(_ path: String) async throws {
        try await Self.withNode { _, _, node in
            let made = try await node.get(path)
            let tag = try #require(made["ETag"])
            var answers = 0
            while node.kept == 0, answers < 50 {
                #expect(try await node.get(path, "If-None-Match: \(tag)").status == 304)
                answers += 1
            }
            #expect(node.kept == 1)
            // Who has nothing gets everything all the same.
            let whole = try await node.get(path)
            #expect(Self.own(whole) == Self.own(made) && whole.text == made.text)
            #expect(try await node.warm(path).text == made.text)
        }
    }

    @Test func aHeadThatComesInPiecesGetsTheSame() async throws {
        try await Self.withNode({ $0.policy[.anonymous, .query] = Limit(quota: 40, window: 100_000) }) { _, _, node in
            let path = Self.paths[1]
            let tag = try #require(try await node.get(path)["ETag"])
            let made = try await node.get(path, "If-None-Match: \(tag)")
            #expect(node.kept == 0)
            let whole = try await node.warm(path)
            let before = node.kept
            #expect(try await Self.own(node.getInPieces(path)) == Self.own(whole))
            let same = try await node.get(path, "If-None-Match: \(tag)")
            #expect(same.status == 304 && same["X-Content-Type-Options"] == nil && same["Access-Control-Allow-Origin"] == "*" && same["Vary"] == whole["Vary"])
            #expect(try await Self.own(node.getInPieces(path, "If-None-Match: \(tag)")) == Self.own(same))
            #expect(node.kept == before + 3)
            #expect(Self.own(made) == Self.own(same))
            while try await node.get(path).status == 200 {}
            let refused = try await node.get(path, "X-Request-Id: one")
            #expect(refused.status == 429 && refused["Retry-After"] != nil)
            let later = try await node.getInPieces(path, "X-Request-Id: one")
            func timeless(_ response: RawResponse) -> [String] { response.stable.map { $0.replacing(#/[0-9]+ (秒后重试)|(Retry-After: )[0-9]+|;t=[0-9]+/#, with: "") } }
            #expect(timeless(later) == timeless(refused))
        }
    }

    @Test func plainRequestsAndOthersTakeTurnsOnOneConnection() async throws {
        try await Self.withNode { _, _, node in
            let path = Self.paths[2], plain = "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n"
            let whole = try await node.warm(path)
            try await RawConnection.open(port: node.server.port) { connection in
                for text in [plain, plain + plain, plain, "GET /v1/datasets/other HTTP/1.1\r\nHost: h\r\n\r\n", plain, plain + "GET ", String(plain.dropFirst(4)), plain] {
                    try await connection.send(text)
                    for _ in 0..<(text.components(separatedBy: "HTTP/1.1").count - 1) {
                        let answer = try await connection.response()
                        #expect(answer.status == (text.contains("other") ? 404 : 200))
                        if answer.status == 200 { #expect(Self.own(answer) == Self.own(whole)) }
                    }
                }
            }
        }
    }

    /// What a client asks for ahead waits with it, not here.
    @Test func whoAsksForMoreThanHeTakesIsAnsweredAsHeTakesIt() async throws {
        try await Self.withNode { _, _, node in
            let path = "/v1/datasets/lighthouse/rows?limit=250"
            let whole = try await node.warm(path)
            #expect(whole.status == 200 && whole.body.readableBytes > 25_000)
            for isPlain in [true, false] {
                let before = node.kept, count = 1000
                try await RawConnection.open(port: node.server.port, receiveBuffer: 65_536) { connection in
                    // Behind what is not plain, all goes by the decoder.
                    if !isPlain { try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\nA_b: c\r\n\r\n") }
                    try await connection.send(String(repeating: "GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n", count: count))
                    try await Task.sleep(for: .seconds(1))
                    #expect(node.kept - before < count / 3, "\(isPlain)")
                    for _ in 0..<count + (isPlain ? 0 : 1) { #expect(try await connection.response().text == whole.text) }
                }
            }
        }
    }

    @Test func whatAKeyMaySeeAloneIsNeitherKeptNorGivenFromMemory() async throws {
        try await Self.withNode { db, _, node in
            let path = "/v1/datasets/lighthouse"
            let key = try await db.addKey([.read, .oversight])
            for _ in 0..<5 { #expect(try await node.get(path, "X-API-Key: \(key.text)")["Cache-Control"]?.hasPrefix("private") == true) }
            #expect(node.api.gate.answers.bytes == 0)
            let stranger = try await node.warm(path)
            let before = node.kept
            let insider = try await node.get(path, "X-API-Key: \(key.text)")
            #expect(node.kept == before)
            #expect(insider.text != stranger.text && !stranger.text.contains("keeper_phone"))
            #expect(try await node.get(path, "X-API-Key: nonsense").status == 401)
            let head = try await RawConnection.open(port: node.server.port) { connection in
                try await connection.send("HEAD \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await connection.response(toHead: true)
            }
            #expect(head["ETag"] == stranger["ETag"])
        }
    }

    /// The same for anybody: what a stranger is given from memory, a key is, and the other way round.
    @Test(arguments: [
        "/v1/datasets/lighthouse/rows?limit=10&sort=-code", "/v1/datasets/lighthouse/rows/L100007", "/v1/datasets/lighthouse/aggregate?group_by=name&select=count(*)",
        "/v1/datasets/lighthouse/queryables", "/v1/changes", "/v1/changes.atom",
    ]) func whereKeysAreNothingToTheRouteTheyGetWhatIsKept(_ path: String) async throws {
        func own(_ response: RawResponse) -> [String] { Self.own(response).filter { !$0.hasPrefix("RateLimit") } }
        try await Self.withNode({ for action in ActionClass.allCases { $0.policy[.registered, action] = Limit(quota: 900_000, window: 60) } }) { db, _, node in
            let key = try await db.addKey([.read, .oversight])
            let owner = try await db.addKey([.read, .push, .review], department: db.database.execute("SELECT uscc FROM daylight.department")[0].read(String.self, 0))
            let made = try await node.get(path)
            #expect(made.status == 200)
            // Where nothing is kept, each is made anew.
            let forgetful = try await Node(db.url) { $0.answerCapacity = 0 }
            for holder in [key, owner] {
                let theirs = try await forgetful.get(path, "X-API-Key: \(holder.text)")
                #expect(theirs.status == 200 && own(theirs) == own(made))
            }
            await forgetful.stop()
            // Kept for a key, given to a stranger.
            for _ in 0..<50 where node.kept == 0 { #expect(try await own(node.get(path, "Authorization: Bearer \(key.text)")) == own(made)) }
            #expect(node.kept == 1)
            #expect(try await own(node.warm(path)) == own(made))
            let before = node.kept
            let theirs = try await node.get(path, "X-API-Key: \(key.text)")
            #expect(own(theirs) == own(made) && theirs["RateLimit-Policy"] != made["RateLimit-Policy"])
            if path.hasPrefix("/v1/datasets/") { #expect(node.kept == before + 1) }
            #expect(try await node.get(path, "X-API-Key: \(key.text)", "If-None-Match: \(made["ETag"] ?? "")").status == 304)
            // A key is held against its record all the same.
            #expect(try await node.get(path, "X-API-Key: \(key.text)x").status == 401)
            #expect(try await node.get(path, "X-API-Key: dk_nobody_0123456789abcdef").status == 401)
            #expect(try await node.get(path, "X-API-Key: nonsense").status == 401)
        }
    }

    @Test func whatIsGivenFromMemoryIsChargedToTheKey() async throws {
        try await Self.withNode({ $0.policy[.registered, .query] = Limit(quota: 20, window: 100_000) }) { db, _, node in
            let path = "/v1/datasets/lighthouse/rows?limit=5", key = try await db.addKey([.read])
            var answers = 0
            while try await node.get(path, "X-API-Key: \(key.text)").status == 200 { answers += 1 }
            #expect(answers == 20 && node.kept > 15)
            #expect(try await node.api.gate.allowances.usage(of: key.id)[.query].map { [$0.requests, $0.units, $0.refused] } == [21, 20, 1])
            #expect(try await node.get(path).status == 200)
        }
    }

    @Test func memoryIsBoundedAndWhatIsAskedForOnceIsNotKept() async throws {
        try await Self.withNode({ $0.answerCapacity = 100_000 }) { _, _, node in
            for limit in 1...200 { _ = try await node.get("/v1/datasets/lighthouse/rows?limit=\(limit)") }
            #expect(node.api.gate.answers.bytes == 0)
            for limit in 1...200 { _ = try await node.warm("/v1/datasets/lighthouse/rows?limit=\(limit)") }
            let bytes = node.api.gate.answers.bytes
            #expect(bytes > 20_000 && bytes < 200_000, "\(bytes)")
        }
    }

    @Test func keptAnswersCostWhatTheyCostToMake() async throws {
        try await Self.withNode({ $0.policy[.anonymous, .query] = Limit(quota: 100, window: 100_000) }) { _, _, node in
            let path = "/v1/datasets/lighthouse/rows?limit=1000"
            var answers = 0
            while try await node.get(path).status == 200 { answers += 1 }
            #expect(answers == 10 && node.kept > 5)
        }
    }

    @Test func whoIsRefusedIsRefusedWhatIsKeptAndGetsItAgainLater() async throws {
        try await Self.withNode({ $0.policy[.anonymous, .query] = Limit(quota: 20, window: 4) }) { _, _, node in
            let path = "/v1/datasets/lighthouse/rows?limit=1000"
            try await RawConnection.open(port: node.server.port) { connection in
                func get() async throws -> RawResponse {
                    try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                    return try await connection.response()
                }
                let made = try await get()
                var served = 1, refused = 0
                for _ in 0..<12_000 where served < 5 {
                    let answer = try await get()
                    switch answer.status {
                    case 200:
                        served += 1
                        #expect(Self.own(answer) == Self.own(made))
                    case 429:
                        refused += 1
                        #expect(answer.text.contains("本次需 10 个"))
                        try await Task.sleep(for: .milliseconds(10))
                    default:
                        Issue.record("\(answer)")
                    }
                }
                #expect(served == 5 && refused > 0)
                #expect(node.api.gate.metrics.refused[ActionClass.query.index] == refused)
            }
            // The third at the latest was.
            #expect(node.kept > 0)
        }
    }

    @Test func afterAReleaseNoNodeServesTheOldStateForMoreThanASecond() async throws {
        try await Self.withNode { db, release, first in
            let second = try await Node(db.url)
            let paths = ["/v1/datasets/lighthouse/rows?limit=5&sort=-code", "/v1/datasets/lighthouse/rows/L100249", "/v1/datasets/lighthouse", "/v1/changes?dataset=lighthouse"]
            for version in 2...4 {
                for node in [first, second] { for path in paths { _ = try await node.warm(path) } }
                var row = Lighthouse.rows(250)[249]
                row[1] = "version \(version)"
                try await release.release(version, rows: [row])
                let began = ContinuousClock.now
                for node in [first, second] {
                    for path in paths {
                        let tag = "\(version)"
                        while true {
                            let asked = began.duration(to: .now)
                            let text = try await node.get(path).text
                            if text.contains("version \(tag)") || text.contains("\"current_version\":\(tag)") || text.contains("\"version\":\(tag)") { break }
                            // The old state may be given to nobody who asks a second after the release.
                            try #require(asked < .seconds(1), "\(path)")
                        }
                    }
                }
            }
            await second.stop()
        }
    }

    /// The connection that listens goes silent without being closed, as behind a firewall that forgot it.
    @Test func aNodeWhoseListenerHearsNothingStopsTrustingWhatItKept() async throws {
        try await withTestDatabase { db in
            let release = try await db.publish(rows: Lighthouse.rows(250))
            let wire = try await Wire(to: db)
            let node = try await Node(wire.url)
            let path = "/v1/datasets/lighthouse/rows/L100249"
            _ = try await node.warm(path)
            wire.cutListeners()
            try await Task.sleep(for: .milliseconds(100))
            var row = Lighthouse.rows(250)[249]
            row[1] = "version 2"
            try await release.release(2, rows: [row])
            try await Task.sleep(for: .seconds(1))
            let before = node.kept
            let fresh = try await node.get(path)
            #expect(fresh.status == 200 && fresh.text.contains("version 2"), "\(fresh.text)")
            #expect(node.kept == before && !node.api.gate.answers.isOpen)
            // 304 comes from what is known without the database, too.
            #expect(try await node.get(path, "If-None-Match: \(fresh["ETag"] ?? "")").status == 304)
            // It gives the silent connection up and hears again.
            wire.mend()
            for _ in 0..<6000 where !node.api.gate.answers.isOpen { try await Task.sleep(for: .milliseconds(10)) }
            #expect(node.api.gate.answers.isOpen)
            _ = try await node.warm(path)
            await node.stop()
            try await wire.close()
        }
    }
}

/// A Unix socket before PostgreSQL's, on which connections that listen can be silenced.
private final class Wire: Sendable {
    let url: String
    private let directory: URL
    private let listener: any Channel
    /// Whether connections that listen hear nothing.
    private let isCut: Cut

    final class Cut: Sendable { let value = Mutex(false) }

    init(to db: TestDatabase) async throws {
        let port = try await db.database.execute("SHOW port")[0].read(String.self, 0)
        let sockets = try await db.database.execute("SHOW unix_socket_directories")[0].read(String.self, 0)
        let target = "\(sockets.split(separator: ",")[0].trimmingCharacters(in: .whitespaces))/.s.PGSQL.\(port)"
        directory = FileManager.default.temporaryDirectory.appending(path: "wire-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        url = db.url.contains("://") ? db.url + (db.url.contains("?") ? "&" : "?") + "host=\(directory.path)&port=\(port)" : db.url + " host=\(directory.path) port=\(port)"
        let cut = Cut()
        isCut = cut
        let group = MultiThreadedEventLoopGroup.singleton
        listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { near in
                let wire = Line(cut: cut)
                return ClientBootstrap(group: near.eventLoop).channelInitializer { far in
                    far.pipeline.addHandler(Relay(to: near, line: wire, isFromServer: true))
                }.connect(unixDomainSocketPath: target).flatMap { far in
                    near.pipeline.addHandler(Relay(to: far, line: wire, isFromServer: false))
                }
            }
            .bind(unixDomainSocketPath: directory.appending(path: ".s.PGSQL.\(port)").path).get()
    }

    func cutListeners() { isCut.value.withLock { $0 = true } }
    func mend() { isCut.value.withLock { $0 = false } }

    func close() async throws {
        try await listener.close()
        try FileManager.default.removeItem(at: directory)
    }

    /// One connection, both ways.
    private final class Line: Sendable {
        let cut: Cut
        private let state = Mutex((listens: false, silent: false))

        init(cut: Cut) { self.cut = cut }

        func listens() { state.withLock { $0.listens = true } }

        /// What was silenced stays so.
        var isSilent: Bool {
            let isCut = cut.value.withLock { $0 }
            return state.withLock { state in
                if isCut, state.listens { state.silent = true }
                return state.silent
            }
        }
    }

    private final class Relay: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer

        private let other: any Channel
        private let line: Line
        private let isFromServer: Bool

        init(to other: any Channel, line: Line, isFromServer: Bool) {
            (self.other, self.line, self.isFromServer) = (other, line, isFromServer)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data)
            if !isFromServer, String(buffer: bytes).contains("LISTEN ") { line.listens() }
            guard !line.isSilent else { return }
            other.writeAndFlush(bytes, promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            other.close(promise: nil)
        }
    }
}
