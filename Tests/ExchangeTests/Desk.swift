import Crypto
import Foundation
import Ledger
import Logging
import Model
import NIOCore
import NIOPosix
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// A database with a released dataset, the department that provides it, one that asks for it, and the data authority.
struct Desk: Sendable {
    let db: TestDatabase
    let store: Store
    let sharing: Sharing
    let release: TestRelease
    let provider: Member
    let receiver: Member
    let authority: Member
    let signer = Curve25519.Signing.PrivateKey()

    /// Fields for everybody, one that is masked for the public, one for departments, one for nobody.
    static let schema = TableSchema(
        fields: [
            Field(name: "code", title: LocalizedText(zh: "编码"), type: .code, required: true, visibility: .public),
            Field(name: "region", title: LocalizedText(zh: "区域"), type: .text, visibility: .public),
            Field(name: "keeper", title: LocalizedText(zh: "守塔人"), type: .text, visibility: .public, mask: .name, sensitivity: .personal),
            Field(name: "height", title: LocalizedText(zh: "塔高"), type: .decimal(precision: 8, scale: 2), visibility: .public),
            Field(name: "budget", title: LocalizedText(zh: "预算"), type: .integer, visibility: .department),
            Field(name: "secret", title: LocalizedText(zh: "机密"), type: .text, visibility: .private),
        ],
        primaryKey: ["code"])

    static let rows: [[String?]] = [
        ["A", "east", "张三丰", "10.00", "100", "s1"], ["B", "west", "李四", "20.00", "200", "s2"], ["C", "east", "王五", nil, "300", "s3"],
        ["D", "west", "赵六", "40.00", nil, "s4"],
    ]

    static func with(
        shareType: ShareType = .conditional, schema: TableSchema = Desk.schema, rows: [[String?]] = Desk.rows, _ configure: (inout Sharing.Configuration) throws -> Void = { _ in },
        isolation: isolated (any Actor)? = #isolation, _ body: (Desk) async throws -> Void
    ) async throws {
        try await withTestStore { db, store in
            let provider = try await db.addDepartment(1), receiver = try await db.addDepartment(2)
            let release = try await db.publish(schema: schema, rows: rows)
            try await db.database.execute(
                "UPDATE daylight.dataset SET department = \(provider.uscc), description = description || jsonb_build_object('share_type', \(shareType.rawValue, as: .text))")
            // The program's own tables are the writer's.
            try await db.database.execute("ALTER TABLE data.\(identifier: "d\(release.number)") OWNER TO daylight_writer")
            try await db.database.execute("ALTER VIEW published.\(identifier: "d\(release.number)") OWNER TO daylight_writer")
            var configuration = Sharing.Configuration()
            try configure(&configuration)
            let desk = Desk(
                db: db, store: store, sharing: Sharing(store: store, configuration: configuration, logger: Logger(label: "daylight.tests")), release: release,
                provider: try await member(db, [.exchange, .release], provider.uscc), receiver: try await member(db, [.exchange], receiver.uscc),
                authority: try await member(db, [.oversight], nil))
            try await body(desk)
        }
    }

    static func member(_ db: TestDatabase, _ scopes: [Scope], _ department: String?, datasets: [String] = []) async throws -> Member {
        let key = try await db.addKey(scopes, department: department, datasets: datasets)
        return try #require(Member(AccessKey(
            id: key.id, prefix: key.prefix, hash: "", label: "test", department: department, scopes: scopes, datasets: datasets, networks: [], tier: "registered",
            createdAt: .now, expiresAt: nil, revokedAt: nil)))
    }

    static func draft(_ fields: [String] = ["code", "region", "height"], filter: String? = nil, until: Timestamp = Desk.nextYear) throws -> ShareDraft {
        var members: [String: JSONValue] = [
            "dataset": .string("lighthouse"), "fields": .array(fields.map(JSONValue.string)), "purpose": .string("应急"), "legal_basis": .string("某法"),
            "scenario": .string("调度"), "method": .string("pull"), "until": .string(until.description),
        ]
        if let filter { members["filter"] = .string(filter) }
        return try JSON.decode(ShareDraft.self, String(decoding: try JSONEncoder().encode(members), as: UTF8.self))
    }

    static var nextYear: Timestamp { Timestamp(microseconds: Timestamp.now.microseconds + 365 * 86_400_000_000) }

    /// A grant of these fields and rows.
    func granted(_ fields: [String] = ["code", "region", "height"], filter: String? = nil, until: Timestamp = Desk.nextYear) async throws -> ShareGrant {
        let request = try await sharing.submit(try Self.draft(fields, filter: filter, until: until), by: receiver)
        let accepted = request.state == .granted ? request : try await sharing.decide(request.id, ShareDecision(.accept), by: provider)
        return try await sharing.grant(try #require(accepted.grant), for: receiver)
    }

    /// All that a delivery sent.
    static func text(_ open: OpenDelivery) async throws -> String {
        var text = ByteBuffer()
        if let bytes = open.bytes { for try await var buffer in bytes { text.writeBuffer(&buffer) } }
        return String(buffer: text)
    }

    func state(_ grant: ShareGrant, as member: Member? = nil) async throws -> String {
        try await Self.text(try await sharing.state(by: grant.id, for: member ?? receiver, purpose: "测试", version: nil))
    }

    /// What is new since the last receipt; signed for unless it is lost.
    func pull(_ grant: ShareGrant, losing isLost: Bool = false) async throws -> String {
        let open = try await sharing.changes(by: grant.id, for: receiver, purpose: "测试", since: nil)
        let text = try await Self.text(open)
        if let delivery = open.delivery, !isLost { _ = try await sign(delivery.id, grant, text) }
        return text
    }

    /// Signs for a delivery.
    func sign(_ id: String, _ grant: ShareGrant, _ text: String) async throws -> Receipt {
        let key = try await sharing.register(signer.publicKey.rawRepresentation.base64EncodedString(), label: "test", department: nil, by: receiver)
        let delivery = try #require(try await store.delivery(id))
        let statement = ReceiptStatement(
            grant: grant.id, delivery: id, dataset: grant.dataset, fromVersion: delivery.fromVersion, toVersion: delivery.toVersion,
            digest: SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined(), rowCount: text.split(separator: "\n").count - 1, receivedAt: .now)
        let bytes = try statement.signedBytes
        return try await sharing.sign(
            try CanonicalJSON(parsing: bytes), key: key.id, signature: try signer.signature(for: bytes).base64EncodedString(), by: receiver
        ).receipt
    }
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
