import Bulk
import Catalogue
import Foundation
import Ledger
import Logging
import Model
import NIOCore
import NIOPosix
import Notary
import Postgres
import Publishing
import RateLimit
import Store
import TestSupport
import Testing

@testable import API

/// Rows whose time of publicity has ended leave every public surface of every node at their instant, also where the job that takes them out does not come.
@Suite(.timeLimit(.minutes(20))) struct ExpiryRouteTests {
    /// A process that serves all that is public.
    private struct Node {
        let store: Store
        let publishing: Publishing
        let bulk: Bulk
        let api: API
        let server: HTTPServer
        let directory: String
        private let followers: [Task<Void, Never>]

        init(_ url: String) async throws {
            let logger = Logger(label: "daylight.tests")
            let store = Store(Store.Configuration(databaseURL: url), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
            try await store.start()
            self.store = store
            let released = ReleasedDatasets(store: store)
            let publishing = Publishing(store: store, logger: logger)
            self.publishing = publishing
            released.onExpiry { _ = try await publishing.expire($0) }
            let seal = try await CursorSeal.load(from: store)
            directory = FileManager.default.temporaryDirectory.appending(path: "daylight-\(UUID().uuidString)").path
            let bulk = try Bulk(Bulk.Configuration(directory: directory), store: store, released: released, logger: logger)
            self.bulk = bulk
            let changes = ChangeFeed(store: store, announcements: released.announcements)
            let catalogue = Catalogue(store: store, seal: seal)
            var dependencies = API.Dependencies(keyLookup: { try await store.accessKey(prefix: $0) }, unreadiness: { nil }, document: "")
            dependencies.rows = RowReader(store: store, released: released, seal: seal)
            dependencies.catalogue = catalogue
            dependencies.changes = changes
            dependencies.freshness = Freshness(released)
            dependencies.publishing = publishing
            dependencies.cursors = seal
            dependencies.bulk = bulk
            let signer = try #require(NoteSigner(name: "test.example/ledger", seed: try await store.secret("ledger") ?? []))
            let notary = Notary(store: store, signer: signer, announcements: released.announcements, logger: logger)
            try await notary.prepare()
            dependencies.notary = notary
            var configuration = API.Configuration()
            configuration.port = 0
            configuration.logsRequests = false
            configuration.policy = try configuration.policy.overridden(by: ["*.*=1000000/60"])
            api = API(configuration: configuration, dependencies: dependencies)
            server = api.makeServer(router: api.makeRouter(), group: MultiThreadedEventLoopGroup.singleton)
            try await server.start()
            followers = [Task { await released.run() }, Task { await changes.run() }, Task { await bulk.run() }, Task { await notary.run() }]
            for _ in 0..<6000 where !api.gate.answers.isOpen { try await Task.sleep(for: .milliseconds(10)) }
        }

        func stop() async {
            for follower in followers { follower.cancel() }
            await server.shutdown(within: .zero)
            await bulk.close()
            await store.close()
            try? FileManager.default.removeItem(atPath: directory)
        }

        func get(_ path: String, _ fields: String...) async throws -> RawResponse {
            try await RawConnection.open(port: server.port) { connection in
                try await connection.send("GET \(path) HTTP/1.1\r\nHost: h\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n")
                return try await connection.response()
            }
        }
    }

    private static let party = "SecretPartyLtd"
    private static let base = "/v1/datasets/lighthouse"
    /// Surfaces that show rows, of the current version and of an older one.
    private static let current = [
        "/rows?limit=10", "/rows?filter=name%20LIKE%20'Secret%25'", "/rows/A1", "/rows.csv", "/rows.ndjson", "/data.csv", "/aggregate?group_by=name&select=count(*)",
        "/aggregate?group_by=name&select=max(until)", "/diff?from=0&to=1", "/diff.ndjson?from=0&to=2", "/diff.csv?from=0&to=1", "/rows/A1/history",
    ]
    /// The proof of a row holds the row, in base64.
    private static let proofs = ["/rows/A1/proof", "/rows/A1/proof?version=1", "/rows/A1/proof?version=2"]
    private static let files = ["/data.csv.gz", "/data.xlsx"]
    private static let older = ["/rows?version=1", "/rows/A1?version=1", "/rows.csv?version=1", "/rows.ndjson?version=1", "/aggregate?group_by=name&select=count(*)&version=1"]
    private static let olderFiles = ["/versions/1/data.csv", "/versions/1/data.csv.gz", "/versions/1/data.xlsx"]
    private static let about = [
        "", "/schema", "/versions", "/versions/1", "/versions/2", "/withdrawals", "/changes.atom", "/download", "/queryables", "/openapi.json",
        "/revisions", "/revisions/1", "/revisions/1/diff", "/diff/summary?from=1&to=2", "/diff/summary?from=0&to=3", "/diff?from=1&to=3", "/versions/1/proof", "/versions/3/proof",
    ]
    private static let everywhere = ["/v1/datasets?q=SecretPartyLtd", "/v1/changes", "/v1/changes.atom", "/v1/catalogue.csv", "/v1/catalogue.ndjson", "/v1/suggest?q=Secr", "/v1/integrity", "/v1/ledger",
        "/ledger/checkpoint",
    ]

    /// What an answer says, also where it says it in base64: leaves and rows in proofs.
    private static func says(_ answer: RawResponse, _ word: String) -> Bool {
        answer.text.contains(word)
            || answer.text.split(whereSeparator: \.isWhitespace).contains { Data(base64Encoded: String($0)).map { String(decoding: $0, as: UTF8.self).contains(word) } ?? false }
    }

    private static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编号"), type: .code, required: true, maxLength: 20, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "当事人"), type: .text, visibility: .public),
            Field(name: "until", title: LocalizedText(zh: "止"), type: .datetime, visibility: .public),
        ],
        primaryKey: ["code"], rollups: [Rollup(name: "names", groupBy: ["name"], select: ["max(until)"])])

    /// Two nodes over a dataset with two versions, whose row A1 goes when the closure has it go.
    private static func with(_ body: ([Node], TestDatabase, _ expire: (Duration) async throws -> Timestamp) async throws -> Void) async throws {
        try await withTestDatabase { db in
            let department = try await db.addDepartment()
            var description = Lighthouse.description(department: department.uscc)
            description.schema = schema
            _ = try await db.addDataset("lighthouse", department: department.uscc, description: description, schema: schema)
            try await db.database.execute(
                """
                INSERT INTO daylight.profile (id, version, document, digest)
                VALUES ('lighthouse', 1, '{"title": {"zh": "灯塔"}, "review_policy": "pre_approved_feed", "publicity_window": {"until": "until", "source": "办法"}}', 'x')
                """)
            try await db.database.execute("UPDATE daylight.dataset SET profile_id = 'lighthouse', profile_version = 1")
            let nodes = [try await Node(db.url), try await Node(db.url)]
            do {
                let key = try await db.addKey([.push, .release], department: department.uscc)
                for rows in ["A1,\(party),2099-01-01T00:00:00Z\nB1,other,\n", "A1,\(party),2099-01-01T00:00:00Z\nB1,another,\n"] {
                    let publishing = nodes[0].publishing
                    let pusher = AccessKey(
                        id: key.id, prefix: key.prefix, hash: "", label: "test", department: department.uscc, scopes: [.push, .release], datasets: [], networks: [],
                        tier: "registered", createdAt: .now, expiresAt: nil, revokedAt: nil)
                    let request = PushRequest(dataset: "lighthouse", mode: .replace, dryRun: false, key: pusher, line: "")
                    let outcome = try await publishing.receive(
                        request, body: AsyncThrowingStream { stream in
                            stream.yield(ByteBuffer(string: "code,name,until\n" + rows))
                            stream.finish()
                        }) { StoredAnswer(status: 201, body: $0.record.push.id) }
                    guard case .new(let report, _) = outcome else { return }
                    _ = try await publishing.release(report.record.push.id, by: pusher)
                }
                try await body(nodes, db) { time in
                    let instant = Timestamp(microseconds: Timestamp.now.microseconds + Int64(time / .microseconds(1)))
                    try await db.database.transaction { connection in
                        try await connection.execute("UPDATE data.d1 SET until = \(instant.description, as: .timestamptz) WHERE code = 'A1'")
                        try await connection.execute("UPDATE daylight.dataset SET expires_at = \(instant.description, as: .timestamptz)")
                        try await connection.execute("SELECT pg_notify('daylight_change', 'lighthouse')")
                    }
                    return instant
                }
            } catch {
                for node in nodes { await node.stop() }
                throw error
            }
            for node in nodes { await node.stop() }
        }
    }

    @Test func atItsInstantARowIsGoneFromEverySurfaceOfEveryNode() async throws {
        try await Self.with { nodes, db, expire in
            for node in nodes {
                for path in Self.current + Self.older + ["/versions/1/data.csv"] {
                    let answer = try await node.get(Self.base + path)
                    #expect(answer.status == 200 && answer.text.contains(Self.party), "\(path) \(answer.status)")
                    // Nobody may keep what has to go at a moment that he does not know.
                    #expect(answer["Cache-Control"]?.hasSuffix("no-cache") == true, "\(path)")
                }
                for path in Self.files + Self.olderFiles { #expect(try await node.get(Self.base + path).status == 200, "\(path)") }
                for path in Self.proofs {
                    let proof = try await node.get(Self.base + path)
                    #expect(proof.status == 200 && Self.says(proof, Self.party), "\(path) \(proof.status) \(proof.text)")
                }
            }
            // Long enough to have hot answers kept by both nodes before the instant comes.
            var instant = Timestamp.now, time = Duration.seconds(15)
            repeat {
                instant = try await expire(time)
                time = time * 2
                for node in nodes {
                    for _ in 0..<4 { for path in Self.current.prefix(3) { _ = try await node.get(Self.base + path) } }
                    #expect(node.api.gate.answers.bytes > 0)
                }
            } while Timestamp.now.microseconds + 500_000 > instant.microseconds
            while Timestamp.now < instant {
                let began = Timestamp.now
                let text = try await nodes[0].get(Self.base + "/rows/A1").text
                if Timestamp.now < instant, began < instant { #expect(text.contains(Self.party)) }
            }
            // No job runs here: the first who asks has it done, on both nodes at once.
            async let other = nodes[1].get(Self.base + "/rows?limit=10")
            let gone = try await nodes[0].get(Self.base + "/rows/A1", "Accept-Language: en")
            #expect(gone.status == 410)
            #expect(gone.text.contains("\"reason_code\":\"expired\"") && gone.text.contains("its time") == false && gone.text.contains("\"code\":\"DL4005\""), "\(gone.text)")
            #expect(try await !other.text.contains(Self.party))
            for node in nodes {
                for path in Self.current + Self.about {
                    let answer = try await node.get(Self.base + path)
                    #expect(!Self.says(answer, Self.party), "\(path)")
                    #expect(answer.status == (path == "/rows/A1" ? 410 : 200), "\(path) \(answer.status)")
                }
                // Nor is what stood beside it proven any more: its siblings' hashes would tell of it.
                for path in Self.proofs + ["/rows/B1/proof?version=1", "/rows/B1/proof?version=2"] {
                    let answer = try await node.get(Self.base + path)
                    #expect(answer.status == 410 && !Self.says(answer, Self.party), "\(path) \(answer.status)")
                }
                let rest = try await node.get(Self.base + "/rows/B1/proof")
                #expect(rest.status == 200 && Self.says(rest, "another"), "\(rest.status) \(rest.text)")
                let size = try await node.get("/ledger/checkpoint").text.split(separator: "\n")[1]
                let leaves = try await node.get("/ledger/tile/entries/000.p/\(size)")
                #expect(leaves.status == 200 && leaves.text.contains("withdrawal") && !leaves.text.contains(Self.party), "\(size)")
                for path in Self.files { #expect(try await node.get(Self.base + path)["Daylight-Version"] == "3", "\(path)") }
                for path in Self.older {
                    let answer = try await node.get(Self.base + path)
                    #expect(!answer.text.contains(Self.party), "\(path)")
                    #expect(answer.status == (path == "/rows/A1?version=1" ? 410 : 200), "\(path) \(answer.status)")
                    if answer.status == 200 { #expect(answer.text.contains("other"), "\(path)") }
                }
                for path in Self.olderFiles + ["/versions/2/data.csv"] {
                    let answer = try await node.get(Self.base + path)
                    #expect(answer.status == 410 && answer.text.contains("\"reason_code\":\"expired\""), "\(path)")
                }
                for path in Self.everywhere {
                    let answer = try await node.get(path)
                    #expect(answer.status == 200 && (path.contains("?q=") || !answer.text.contains(Self.party)), "\(path) \(answer.status) \(answer.text)")
                }
                let found = try await node.get("/v1/datasets?q=SecretPartyLtd").text
                #expect(found.contains("\"data\":[]"), "\(found)")
            }
            #expect(try await db.database.execute("SELECT count(*)::integer FROM daylight.withdrawal")[0].read(Int.self, 0) == 1)
            // The rendered files of versions that held it go too.
            for node in nodes {
                func stale() throws -> [String] {
                    try FileManager.default.contentsOfDirectory(atPath: node.directory).filter { $0.hasPrefix("lighthouse-1-") || $0.hasPrefix("lighthouse-2-") }
                }
                for _ in 0..<1200 {
                    guard try !stale().isEmpty else { break }
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(try stale() == [])
            }
        }
    }

    @Test func whatIsDueIsGivenToNobodyWhileItCannotBeTakenOut() async throws {
        try await Self.with { nodes, db, expire in
            // The tombstone cannot be written: rows cannot leave.
            try await db.database.execute("ALTER TABLE daylight.withdrawal ADD CONSTRAINT jammed CHECK (reason_code <> 'expired')")
            _ = try await expire(.zero)
            for path in Self.current + Self.older + Self.files + Self.olderFiles + Self.proofs {
                let answer = try await nodes[0].get(Self.base + path)
                #expect(answer.status >= 500 && !answer.text.contains(Self.party), "\(path) \(answer.status)")
            }
            try await db.database.execute("ALTER TABLE daylight.withdrawal DROP CONSTRAINT jammed")
            for node in nodes {
                let answer = try await node.get(Self.base + "/rows?limit=10")
                #expect(answer.status == 200 && !answer.text.contains(Self.party))
            }
        }
    }
}
