import Foundation
import Ledger
import Logging
import Model
import NIOCore
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// The audit over real PostgreSQL: nothing is lost, what is sealed stays, each reads its part, and who looked at a record is found.
@Suite(.timeLimit(.minutes(20))) struct AuditTests {
    private static func call(_ operation: String = "GET /v1/exchange/inbox", key: String? = nil, department: String? = nil, status: Int = 200) -> AuditEntry {
        var entry = AuditEntry(request: UUID().uuidString, stage: .ended, operation: operation, key: key, department: department)
        entry.status = status
        return entry
    }

    private func reader(_ desk: Desk, _ scope: Scope, _ department: String?, datasets: [String] = []) async throws -> AuditReader {
        let key = try await desk.db.addKey([scope], department: department, datasets: datasets)
        return try #require(AuditReader(AccessKey(
            id: key.id, prefix: key.prefix, hash: "", label: "test", department: department, scopes: [scope], datasets: datasets, networks: [], tier: "registered", createdAt: .now,
            expiresAt: nil, revokedAt: nil)))
    }

    private func export(_ seal: AuditSeal, _ desk: Desk, _ reader: AuditReader) async throws -> String {
        var text: [UInt8] = []
        try await desk.sharing.export(seal, as: .ndjson, for: reader) { text += $0 }
        return String(decoding: text, as: UTF8.self)
    }

    @Test func callsAreWrittenDownAndStrangersCannotFillTheAudit() async throws {
        try await Desk.with { desk in
            let trail = AuditTrail(store: desk.store, logger: Logger(label: "daylight.tests"), capacity: 20)
            for _ in 0..<10 { trail.take(Self.call(key: desk.receiver.key.id, department: desk.receiver.key.department)) }
            for number in 0..<1000 { trail.take(Self.call(number % 2 == 0 ? "GET /v1/exchange/inbox" : "GET /v1/exchange/grants", status: 401)) }
            await trail.write()
            let rows = try await desk.db.database.execute("SELECT key_id IS NULL AS stranger, calls FROM daylight.exchange_call ORDER BY number")
            #expect(rows.count == 12)
            #expect(try rows.filter { try $0.read(Bool.self, "stranger") }.map { try $0.read(Int.self, "calls") } == [500, 500])
            // Beyond the bound calls are lost, and the audit says how many.
            for _ in 0..<25 { trail.take(Self.call(key: desk.receiver.key.id)) }
            await trail.write()
            let lost = try await desk.db.database.execute("SELECT calls FROM daylight.exchange_call WHERE operation = 'lost'")
            #expect(try lost.map { try $0.read(Int.self, 0) } == [5])
        }
    }

    @Test func aSealCoversEveryCallOnceWhoeverSeals() async throws {
        try await Desk.with { desk in
            let beginning = try #require(try await desk.sharing.sealAudit())
            #expect(beginning.number == 1 && beginning.count == 0 && beginning.first == nil)
            // Nothing is new, and an hour has not passed.
            #expect(try await desk.sharing.sealAudit() == nil)
            // Writers and sealers at once: each entry is in one seal.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { for _ in 0..<25 { try? await desk.store.add(calls: [Self.call(key: desk.receiver.key.id), Self.call(key: desk.provider.key.id)]) } }
                }
                for _ in 0..<3 { group.addTask { for _ in 0..<10 { _ = try? await desk.sharing.sealAudit(isForced: true) } } }
            }
            _ = try await desk.sharing.sealAudit(isForced: true)
            let seals = try await desk.store.auditSeals(before: nil, limit: 100).reversed() as [AuditSeal]
            #expect(seals.reduce(0) { $0 + $1.count } == 200)
            let authority = try await reader(desk, .oversight, nil)
            for (seal, next) in zip(seals, seals.dropFirst()) {
                #expect(next.from == seal.until && next.number == seal.number + 1)
                if let first = next.first { #expect(first > seal.last ?? 0) }
            }
            for seal in seals {
                let lines = try AuditExport(try await export(seal, desk, authority))
                #expect(lines.digest == seal.digest && lines.shown == seal.count && lines.hidden == 0)
            }
            // The ledger says the same, and nothing of who or what.
            let entries = try await desk.db.database.execute("SELECT entry FROM daylight.ledger_pending WHERE kind = 'audit' ORDER BY id")
            var told: [AuditSeal] = []
            for entry in entries {
                let bytes = try entry.read(Bytea.self, 0).bytes
                if case .audit(let leaf) = try Leaf(entry: bytes) { told.append(leaf.seal) }
                #expect(!String(decoding: bytes, as: UTF8.self).contains("exchange/inbox"))
            }
            #expect(told == seals)
        }
    }

    @Test func aQuietHourIsSealedAndALateMinuteIsNotLost() async throws {
        try await Desk.with { desk in
            _ = try await desk.sharing.sealAudit()
            // As after a night in which no server ran: what came is sealed with the time since the last seal.
            try await desk.db.database.execute("UPDATE daylight.audit_seal SET from_at = from_at - interval '3 hours', until_at = until_at - interval '3 hours'")
            let quiet = try #require(try await desk.sharing.sealAudit())
            #expect(quiet.count == 0 && quiet.until.microseconds - quiet.from.microseconds > 10_000_000_000)
            try await desk.store.add(calls: [Self.call(key: desk.receiver.key.id)])
            #expect(try await desk.sharing.sealAudit() == nil)
            try await desk.db.database.execute("UPDATE daylight.audit_seal SET from_at = from_at - interval '61 seconds', until_at = until_at - interval '61 seconds' WHERE number = 2")
            let late = try #require(try await desk.sharing.sealAudit())
            #expect(late.count == 1 && late.number == 3 && late.first == late.last)
        }
    }

    @Test func eachReadsItsPartAndTheWholeStillHashesToTheSeal() async throws {
        try await Desk.with { desk in
            let third = try await desk.db.addDepartment(3)
            let grant = try await desk.granted()
            _ = try await desk.state(grant)
            try await desk.store.add(calls: [
                Self.call(key: desk.receiver.key.id, department: desk.receiver.key.department), Self.call(key: desk.provider.key.id, department: third.uscc, status: 403),
            ])
            let seal = try #require(try await desk.sharing.sealAudit(isForced: true))
            #expect(seal.count == 3)
            // Its own call; the provider the one on what it gave; a third department its own.
            for (department, shown) in [(desk.receiver.key.department, 2), (desk.provider.key.department, 1), (third.uscc, 1)] {
                let head = try await reader(desk, .audit, department)
                let lines = try AuditExport(try await export(seal, desk, head))
                #expect(lines.digest == seal.digest && lines.shown == shown && lines.hidden == 3 - shown)
                #expect(try await desk.sharing.calls(AuditFilter(), for: head, before: nil, limit: 10).count == shown)
            }
            let authority = try await reader(desk, .oversight, nil)
            #expect(try await desk.sharing.calls(AuditFilter(isRefused: true), for: authority, before: nil, limit: 10).map(\.department) == [third.uscc])
            #expect(try await desk.sharing.calls(AuditFilter(grant: grant.id), for: authority, before: nil, limit: 10).map(\.purpose) == ["测试"])
            // A line that is altered, left out or moved is noticed.
            let text = try await export(seal, desk, authority), lines = text.split(separator: "\n").map(String.init)
            for forged in [text.replacing("测试", with: "办公"), lines.dropLast().joined(separator: "\n"), lines.reversed().joined(separator: "\n")] {
                #expect(try AuditExport(forged).digest != seal.digest)
            }
            #expect(throws: AuditExport.Malformed.self) { try AuditExport("no JSON\n") }
        }
    }

    /// Each delivery's own text says whether the row was in it.
    @Test func whoLookedAtARecordIsFoundFromWhatWasDelivered() async throws {
        try await Desk.with { desk in
            let east = try await desk.granted(["code", "height"], filter: "region = 'east'"), all = try await desk.granted(["code", "region"])
            var given: [String: [String]] = [:]
            func take(_ open: OpenDelivery) async throws {
                let text = try await Desk.text(open)
                given[try #require(open.delivery?.id)] = text.split(separator: "\n").dropFirst().map(String.init)
            }
            func everything() async throws {
                for grant in [east, all] {
                    try await take(try await desk.sharing.state(by: grant.id, for: desk.receiver, purpose: "整体", version: nil))
                    for since in 0..<(try await desk.store.servedGrant(grant.id)?.currentVersion ?? 1) {
                        try await take(try await desk.sharing.changes(by: grant.id, for: desk.receiver, purpose: "变更", since: since))
                    }
                }
            }
            try await everything()
            // A changes in a field that one grant has, B in one that neither has, C leaves the east, D goes, E comes.
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "100", "s1"], ["B", "west", "李四", "20.00", "201", "s2"], ["C", "west", "王五", nil, "300", "s3"], ["E", "east", nil, nil, nil, nil]], removing: [["D"]])
            try await everything()
            try await desk.release.release(3, rows: [["A", "east", "张三丰", "11.00", "101", "s1"]])
            try await everything()
            var after: [String]?, pages: [[String]] = []
            repeat {
                let page = try await desk.sharing.rows(by: all.id, for: desk.receiver, purpose: "翻页", version: nil, after: after, limit: 2)
                var text = ByteBufferAllocator().buffer(capacity: 0)
                page.writeJSON(into: &text)
                pages.append(try JSONValue(json: Data(text.readableBytesView)).array?.compactMap { $0["code"]?.string } ?? [])
                after = page.next
            } while after != nil
            let owner = try await reader(desk, .audit, desk.provider.key.department)
            for code in ["A", "B", "C", "D", "E", "Z"] {
                let found = try await desk.sharing.accesses(toRow: code, of: "lighthouse", for: owner, limit: 1000)
                let deliveries = Set(found.compactMap(\.delivery))
                let expected = Set(given.filter { $0.value.contains { line in line.split(separator: ",").prefix(2).contains { $0 == code } } }.keys)
                #expect(deliveries == expected, "\(code)")
                #expect(found.count { $0.delivery == nil } == pages.count { $0.contains(code) }, "\(code)")
                // Where a row went, its key alone was told.
                for access in found where access.fields == ["code"] { #expect(given[access.delivery ?? ""]?.contains { $0.hasPrefix("removed,\(code)") } == true, "\(code)") }
            }
            #expect(Set(try await desk.sharing.accesses(toRow: "A", of: "lighthouse", for: owner, limit: 1000).map(\.purpose)) == ["整体", "变更", "翻页"])
            let receiver = try await reader(desk, .audit, desk.receiver.key.department)
            await expectProblem(.datasetNotFound) { _ = try await desk.sharing.accesses(toRow: "A", of: "lighthouse", for: receiver, limit: 10) }
        }
    }
}
