import Crypto
import Foundation
import Logging
import Model
import NIOCore
import NIOPosix
import Postgres
@testable import Publishing
import Store
import TestSupport
import Testing

/// A database with one department, its dataset, and a key for each of those who work on it.
struct Workshop: Sendable {
    let db: TestDatabase
    let store: Store
    let publishing: Publishing
    let department: Department
    let pusher: AccessKey
    let reviewer: AccessKey
    let dataset: String
    let number: Int

    /// A lighthouse with three public fields and a hidden one: enough to see what happens to rows.
    static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, required: true, maxLength: 20, visibility: .public),
            Field(name: "name", title: LocalizedText(zh: "名称"), type: .text, visibility: .public),
            Field(name: "height", title: LocalizedText(zh: "塔高"), type: .decimal(precision: 8, scale: 2), visibility: .public),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .integer, visibility: .department),
        ],
        primaryKey: ["code"], indexes: [["height"]])

    static func with(
        schema: TableSchema = Workshop.schema, policy: PushPolicy = .strict, mapping: Mapping? = nil, reviewPolicy: String? = nil, window: PublicityWindow? = nil,
        _ configure: (inout Publishing.Configuration) -> Void = { _ in }, _ body: (Workshop) async throws -> Void
    ) async throws {
        // Every workshop holds a dozen connections, and the server has a hundred for all who test.
        try await Self.gate.enter()
        defer { Self.gate.leave() }
        try await withTestDatabase { db in
            let department = try await db.addDepartment()
            var description = Lighthouse.description(department: department.uscc)
            description.schema = schema
            description.pushPolicy = policy
            let number = try await db.addDataset("lighthouse", department: department.uscc, description: description, schema: schema, mapping: mapping)
            if reviewPolicy != nil || window != nil {
                try await db.database.execute(
                    """
                    INSERT INTO daylight.profile (id, version, document, digest)
                    VALUES ('lighthouse', 1, jsonb_build_object('review_policy', \(reviewPolicy ?? "each_version", as: .text),
                        'publicity_window', \(try window.map { JSONB(try JSON.encode($0)) })), 'x')
                    """)
                try await db.database.execute("UPDATE daylight.dataset SET profile_id = 'lighthouse', profile_version = 1")
            }
            let store = Self.store(db)
            try await store.start()
            var configuration = Publishing.Configuration()
            configure(&configuration)
            let workshop = Workshop(
                db: db, store: store, publishing: Publishing(store: store, configuration: configuration, logger: Self.logger), department: department,
                pusher: try await Self.key(db, [.push, .release], department.uscc), reviewer: try await Self.key(db, [.review], nil), dataset: "lighthouse",
                number: number)
            do {
                try await body(workshop)
                await store.close()
            } catch {
                await store.close()
                throw error
            }
        }
    }

    private static let gate = Slots(capacity: 3, waiting: .max, refusal: Problem(.overloaded, zh: "满", en: "full"))
    static let logger = Logger(label: "daylight.tests")

    static func store(_ db: TestDatabase) -> Store {
        var configuration = Store.Configuration(databaseURL: db.url)
        configuration.writerPool = 12
        configuration.readerPool = 2
        return Store(configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton, logger: logger)
    }

    /// Another process on the same database.
    func other(_ configure: (inout Publishing.Configuration) -> Void = { _ in }) -> Publishing {
        var configuration = publishing.configuration
        configure(&configuration)
        return Publishing(store: store, configuration: configuration, logger: Self.logger)
    }

    static func key(_ db: TestDatabase, _ scopes: [Scope], _ department: String?) async throws -> AccessKey {
        let key = try await db.addKey(scopes, department: department)
        return AccessKey(
            id: key.id, prefix: key.prefix, hash: "", label: "test", department: department, scopes: scopes, datasets: [], networks: [], tier: "registered",
            createdAt: .now, expiresAt: nil, revokedAt: nil)
    }
}

extension Workshop {
    func request(_ mode: PushMode = .replace, dryRun: Bool = false) -> PushRequest {
        PushRequest(dataset: dataset, mode: mode, dryRun: dryRun, key: pusher, line: "POST /v1/datasets/\(dataset)/pushes?mode=\(mode.rawValue)")
    }

    @discardableResult
    func push(_ csv: String, _ mode: PushMode = .replace, dryRun: Bool = false, with publishing: Publishing? = nil) async throws -> PushReport {
        try await push(csv, request(mode, dryRun: dryRun), with: publishing)
    }

    @discardableResult
    func push(_ csv: String, _ request: PushRequest, with publishing: Publishing? = nil) async throws -> PushReport {
        let outcome = try await (publishing ?? self.publishing).receive(request, body: Self.body(csv)) { StoredAnswer(status: 201, body: $0.record.push.id) }
        guard case .new(let report, _) = outcome else { throw Unexpected("a replay") }
        return report
    }

    /// The body in pieces that end anywhere.
    static func body(_ csv: String, piece: Int = 7) -> AsyncThrowingStream<ByteBuffer, any Error> {
        AsyncThrowingStream { stream in
            let bytes = Array(csv.utf8)
            for start in stride(from: 0, to: bytes.count, by: piece) { stream.yield(ByteBuffer(bytes: bytes[start..<min(start + piece, bytes.count)])) }
            stream.finish()
        }
    }

    @discardableResult
    func pass(_ report: PushReport) async throws -> Review {
        try await publishing.review(
            report.record.push.id, decision: .pass, legalBasis: "条例第十七条", note: nil, digest: report.record.push.digest ?? "", by: reviewer)
    }

    @discardableResult
    func release(_ report: PushReport) async throws -> Version {
        try await pass(report)
        guard case .released(_, let version) = try await publishing.release(report.record.push.id, by: pusher) else { throw Unexpected("no release") }
        return version
    }

    /// Pushes, passes and releases.
    @discardableResult
    func publish(_ csv: String, _ mode: PushMode = .replace) async throws -> Version {
        try await release(push(csv, mode))
    }

    /// What everybody sees of a version, read as the public reader's role, as lines of `code,name,height`.
    func rows(version: Int? = nil, columns: String = "code, name, height") async throws -> [String] {
        let reader = try await db.open(as: .reader)
        let condition = version.map { "_since <= \($0) AND (_until IS NULL OR _until > \($0))" } ?? "_until IS NULL"
        let rows: [String]
        do {
            rows = try await reader.execute("SELECT concat_ws(',', \(raw: columns)) FROM published.d\(raw: String(number)) WHERE \(raw: condition) ORDER BY code")
                .map { try $0.read(0) }
        } catch {
            await reader.close()
            throw error
        }
        await reader.close()
        return rows
    }

    /// The dataset, as publishing sees it.
    func target() async throws -> PushTarget { try await publishing.target("lighthouse") }

    /// One number.
    func count(_ sql: SQL) async throws -> Int {
        try await db.database.execute(sql)[0].read(0)
    }

    func stagingTables() async throws -> Int {
        try await count("SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r'")
    }

    static func sha256(_ text: String) -> String { hexadecimal(SHA256.hash(data: Data(text.utf8))) }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String { bytes.map { String(format: "%02x", $0) }.joined() }
}

extension PushReport {
    var push: Push { record.push }
    /// `F401:2` for two findings of F401, in order of the codes.
    var codes: [String] { counts.map { "\($0.code.rawValue)\($0.severity == .warning ? "w" : ""):\($0.count)" } }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Expects a problem of this code.
func expectProblem(_ code: ProblemCode, sourceLocation: SourceLocation = #_sourceLocation, _ work: () async throws -> Void) async {
    do {
        try await work()
        Issue.record("no problem", sourceLocation: sourceLocation)
    } catch let problem as Problem {
        #expect(problem.code == code, "\(problem.detail.en ?? "")", sourceLocation: sourceLocation)
    } catch {
        Issue.record(error, sourceLocation: sourceLocation)
    }
}
