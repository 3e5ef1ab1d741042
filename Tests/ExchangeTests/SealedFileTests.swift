import Crypto
import Foundation
import Logging
import Model
import Postgres
import Publishing
import Store
import TestSupport
import Testing

@testable import Exchange

/// Sealed files over real PostgreSQL.
@Suite(.timeLimit(.minutes(20))) struct SealedFileTests {
    private static func folder() -> String { FileManager.default.temporaryDirectory.appending(path: "sealed-\(UUID().uuidString.prefix(8))").path }

    /// A desk with a folder for files and a receiver with a key.
    private func keeping(
        rows: [[String?]] = Desk.rows, isolation: isolated (any Actor)? = #isolation, _ body: (Desk, AgeKey, _ folder: String) async throws -> Void
    ) async throws {
        let folder = Self.folder(), identity = AgeKey.generate()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Desk.with(rows: rows, { $0.fileDirectory = folder }) { desk in
            _ = try await register(identity, desk)
            try await body(desk, identity, folder)
        }
    }

    private func register(_ identity: AgeKey, _ desk: Desk) async throws -> ReceiptKey {
        try await desk.sharing.register(try #require(identity.recipient).text, use: .encryption, label: "files", department: nil, by: desk.receiver)
    }

    private func file(_ grant: ShareGrant, _ desk: Desk, since: Int? = nil, version: Int? = nil, from sharing: Sharing? = nil) async throws -> SealedDelivery {
        try await (sharing ?? desk.sharing).sealedFile(by: grant.id, for: desk.receiver, purpose: "测试", since: since, version: version)
    }

    private func bytes(_ sealed: SealedDelivery) throws -> Data {
        let handle = FileHandle(fileDescriptor: sealed.file.duplicate(), closeOnDealloc: true)
        try handle.seek(toOffset: 0)
        return try handle.readToEnd() ?? Data()
    }

    private func text(_ sealed: SealedDelivery, _ identity: AgeKey) throws -> String {
        var rest = try bytes(sealed)[...], plain: [UInt8] = []
        var opener = AgeOpener { count in
            defer { rest = rest.dropFirst(count) }
            return Array(rest.prefix(count))
        }
        try opener.open(by: identity) { plain += $0 }
        return String(decoding: plain, as: UTF8.self)
    }

    @Test func theFirstFileIsEverythingAndTheNextWhatChanged() async throws {
        try await keeping { desk, identity, _ in
            let grant = try await desk.granted(["code", "height"])
            let first = try await file(grant, desk)
            let opened = try text(first, identity)
            #expect(try opened == (await desk.state(grant)) && first.fromVersion == 0)
            // The receipt is for what is inside.
            _ = try await desk.sign(first.delivery, grant, opened)
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "100", "s1"]], removing: [["B"]])
            let second = try await file(grant, desk)
            #expect(try second.fromVersion == 1 && text(second, identity) == "_change,code,height\nchanged,A,11.00\nremoved,B,\n")
            // Without a receipt it is the same file again, whatever happens in between.
            let again = try await file(grant, desk)
            #expect(again.file.digest == second.file.digest && again.delivery == second.delivery)
            let owed = try await desk.store.deliveries(of: grant.id, unreceipted: true, before: nil, limit: 10).filter { $0.fromVersion == 1 }
            #expect(owed.map(\.id) == [second.delivery])
        }
    }

    @Test func aFileThatIsGoneIsMadeAgainTheSameOnAnyServer() async throws {
        try await keeping { desk, identity, folder in
            let grant = try await desk.granted(["code", "height"])
            let first = try await file(grant, desk), content = try bytes(first)
            #expect(first.file.digest == SHA256.hash(data: content).map { String(format: "%02x", $0) }.joined())
            try FileManager.default.removeItem(atPath: folder)
            let again = try await file(grant, desk)
            #expect(try bytes(again) == content && again.delivery == first.delivery)
            var configuration = Sharing.Configuration()
            configuration.fileDirectory = folder + "-other"
            defer { try? FileManager.default.removeItem(atPath: folder + "-other") }
            let other = Sharing(store: desk.store, configuration: configuration, logger: Logger(label: "x"))
            #expect(try bytes(await file(grant, desk, from: other)) == content)
        }
    }

    @Test func manyWhoAskAtOnceGetOneFile() async throws {
        try await keeping { desk, _, folder in
            let grant = try await desk.granted(["code", "height"])
            let digests = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<12 { group.addTask { try await file(grant, desk).file.digest } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(digests.count == 1)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
            #expect(try await desk.store.deliveries(of: grant.id, unreceipted: false, before: nil, limit: 10).count == 1)
        }
    }

    @Test func whatWasWithdrawnIsNotInTheFileAnyMore() async throws {
        try await keeping { desk, identity, _ in
            let grant = try await desk.granted(["code", "height"])
            let before = try await file(grant, desk)
            #expect(try text(before, identity).contains("\nC,"))
            let publishing = Publishing(store: desk.store, logger: Logger(label: "daylight.tests"))
            _ = try await publishing.withdraw(.rows, of: "lighthouse", keys: ["C"], reason: LocalizedText(zh: "个人信息"), by: desk.provider.key)
            let after = try await file(grant, desk)
            #expect(try !text(after, identity).contains("\nC,") && after.delivery != before.delivery)
            // Other content was sealed by other keys.
            #expect(try bytes(after).prefix(200) != bytes(before).prefix(200))
        }
    }

    @Test func aKeyThatWasRevokedInTheMiddleGetsNothingMore() async throws {
        try await keeping { desk, identity, _ in
            let grant = try await desk.granted(["code", "height"])
            let half = try await file(grant, desk)
            let departments = try await desk.sharing.departments(after: nil, limit: 10)
            let key = try #require(departments.flatMap(\.keys).first { $0.use == .encryption })
            #expect(half.key == key.id)
            _ = try await desk.sharing.revoke(key: key.id, reason: "私钥遗失", by: desk.receiver)
            // Going on with the download is refused until there is another key; then it is another file, which If-Range tells.
            await expectProblem(.encryptionKeyMissing) { _ = try await file(grant, desk) }
            let next = AgeKey.generate()
            _ = try await register(next, desk)
            let whole = try await file(grant, desk)
            #expect(try whole.file.digest != half.file.digest && text(whole, next) == text(half, identity))
            #expect(throws: AgeOpener.Failure.otherKey) { try text(whole, identity) }
            // A key for files signs nothing, and a receipt's key that was revoked meanwhile signs nothing either.
            let opened = try text(whole, next)
            let signing = try await desk.sharing.register(desk.signer.publicKey.rawRepresentation.base64EncodedString(), label: "test", department: nil, by: desk.receiver)
            _ = try await desk.sharing.revoke(key: signing.id, reason: "换钥", by: desk.receiver)
            await expectProblem(.invalidReceipt) { _ = try await desk.sign(whole.delivery, grant, opened) }
        }
    }

    @Test func theDatabaseFailsOverWhileAFileIsMade() async throws {
        let rows = (0..<20_000).map { ["K\($0 + 100_000)", "east", "守塔人\($0)", "\($0 % 100).00", "1", "s"] as [String?] }
        try await keeping(rows: rows) { desk, identity, folder in
            let grant = try await desk.granted(["code", "keeper", "height"])
            for _ in 0..<5 {
                async let lost: SealedDelivery? = try? file(grant, desk)
                try await desk.db.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'daylight %'")
                _ = await lost
            }
            var sealed: SealedDelivery?
            for _ in 0..<20 where sealed == nil { sealed = try? await file(grant, desk) }
            let opened = try text(try #require(sealed), identity)
            #expect(opened.split(separator: "\n").count == 20_001)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix("making-") })
            #expect(try await desk.store.deliveries(of: grant.id, unreceipted: false, before: nil, limit: 10).count == 1)
            _ = try await desk.sign(try #require(sealed).delivery, grant, opened)
        }
    }

    @Test func aGrantThatEndedGivesNoFile() async throws {
        try await keeping { desk, _, _ in
            let grant = try await desk.granted(["code"])
            _ = try await file(grant, desk)
            _ = try await desk.sharing.decide(grant.request, ShareDecision(.revoke, note: "收回"), by: desk.provider)
            await expectProblem(.grantEnded) { _ = try await file(grant, desk) }
            await expectProblem(.notYourDecision) { _ = try await desk.sharing.sealedFile(by: grant.id, for: desk.provider, purpose: "x", since: nil, version: nil) }
        }
    }

    @Test func whatIsNotAKeyIsRefused() async throws {
        try await Desk.with { desk in
            for key in ["AA==", "age1xyz", AgeKey.generate().text, Data(count: 32).base64EncodedString()] {
                await expectProblem(.invalidReceiptKey) { _ = try await desk.sharing.register(key, use: .encryption, label: "x", department: nil, by: desk.receiver) }
            }
        }
    }
}
