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

/// Requests over real PostgreSQL: clocks, races, terms, what is remembered.
@Suite(.timeLimit(.minutes(20))) struct SharingTests {
    private static let day: Int64 = 86_400_000_000

    private func later(_ days: Int64) -> Timestamp { Timestamp(microseconds: Timestamp.now.microseconds + days * Self.day) }

    @Test func whatIsSharedWithoutConditionsIsGrantedAtOnce() async throws {
        try await Desk.with(shareType: .unconditional) { desk in
            let request = try await desk.sharing.submit(try Desk.draft(), by: desk.receiver)
            #expect(request.state == .granted && request.grant != nil && request.clock?.name == .delivery)
            #expect(try await desk.sharing.inbox(of: desk.provider, limit: 10).map(\.id) == [request.id])
            let grant = try await desk.sharing.grant(try #require(request.grant), for: desk.receiver)
            #expect(try await desk.state(grant) == "code,region,height\nA,east,10.00\nB,west,20.00\nC,east,\nD,west,40.00\n")
            #expect(try await desk.sharing.request(request.id, for: desk.receiver).state == .delivering)
        }
    }

    @Test func silenceIsEscalatedAndShownAsLate() async throws {
        try await Desk.with { desk in
            let request = try await desk.sharing.submit(try Desk.draft(), by: desk.receiver)
            await desk.sharing.sweep(at: .now)
            #expect(try await desk.sharing.request(request.id, for: desk.receiver).state == .submitted)
            let due = try #require(request.clock?.dueAt)
            let after = Timestamp(microseconds: due.microseconds + 1)
            // Late from the first instant, before anybody wrote it down.
            #expect(try await desk.sharing.request(request.id, for: desk.authority, now: after).late)
            #expect(try await !desk.sharing.request(request.id, for: desk.authority, now: due).late)
            // Two nodes at once.
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { await desk.sharing.sweep(at: after) } }
            }
            let escalated = try await desk.sharing.request(request.id, for: desk.receiver)
            #expect(escalated.state == .escalated && escalated.late && escalated.actor == .authority && escalated.revision == 2)
            #expect(try await desk.sharing.inbox(of: desk.authority, limit: 10).map(\.id) == [request.id])
            #expect(try await desk.sharing.requests(ShareFilter(late: true), for: desk.authority, before: nil, limit: 10).map(\.id) == [request.id])
            // The authority's own clock stops where it runs out; the provider may still answer.
            await desk.sharing.sweep(at: later(60))
            #expect(try await desk.sharing.request(request.id, for: desk.receiver).clock == nil)
            #expect(try await desk.sharing.decide(request.id, ShareDecision(.accept), by: desk.provider).state == .granted)
        }
    }

    @Test func ofTwoAcceptancesAtOnceOneCounts() async throws {
        try await Desk.with { desk in
            let request = try await desk.sharing.submit(try Desk.draft(), by: desk.receiver)
            let outcomes = await withTaskGroup(of: ProblemCode?.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        do {
                            _ = try await desk.sharing.decide(request.id, ShareDecision(.accept), by: desk.provider)
                            return nil
                        } catch { return (error as? Problem)?.code ?? .internalError }
                    }
                }
                return await group.reduce(into: [ProblemCode?]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == nil } == 1 && outcomes.count { $0 == .shareStateConflict } == 3)
            #expect(try await desk.db.database.execute("SELECT count(*) FROM daylight.share_grant")[0].read(Int.self, 0) == 1)
        }
    }

    @Test func aTermComesToItsEndAndCanBeExtendedBefore() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(until: later(10))
            _ = try await desk.state(grant)
            var extension_ = ShareDecision(.extend)
            extension_.until = later(5)
            await expectProblem(.invalidShareRequest) { _ = try await desk.sharing.decide(grant.request, extension_, by: desk.provider) }
            extension_.until = later(30)
            _ = try await desk.sharing.decide(grant.request, extension_, by: desk.provider)
            await desk.sharing.sweep(at: later(20))
            #expect(try await desk.sharing.request(grant.request, for: desk.receiver).state == .delivering)
            await desk.sharing.sweep(at: later(31))
            let ended = try await desk.sharing.request(grant.request, for: desk.receiver)
            #expect(ended.state == .disposing && ended.actor == .receiver && ended.clock?.name == .disposal)
            await expectProblem(.grantEnded) { _ = try await desk.state(grant) }
            #expect(try await desk.sharing.decide(grant.request, ShareDecision(.confirmDisposal), by: desk.receiver).state == .ended)
        }
    }

    @Test func aProvisionalDueTimeMovesWhenTheYearIsAnnounced() async throws {
        try await Desk.with { desk in
            let now = try #require(Timestamp("2026-12-28T10:00:00+08:00"))
            let request = try await desk.sharing.submit(try Desk.draft(until: try #require(Timestamp("2027-12-01T00:00:00+08:00"))), by: desk.receiver, now: now)
            #expect(request.clock?.provisional == true && request.clock?.dueAt.description == "2027-01-11T18:00:00+08:00")
            let codes = { (code: String) in Code(code: code, title: LocalizedText(zh: "元旦")) }
            _ = try await desk.store.loadCodes(["public-holidays": ["2026", "2027", "2027-01-01", "2027-01-04"].map(codes), "make-up-workdays": ["2027-01-09"].map(codes)])
            let node = Sharing(store: desk.store, logger: Logger(label: "daylight.tests"))
            await node.sweep(at: now)
            let moved = try await desk.sharing.request(request.id, for: desk.receiver, now: now).clock
            // 29, 30, 31 December; 5 to 9 January with the made-up Saturday; 11 and 12.
            #expect(moved?.provisional == false && moved?.dueAt.description == "2027-01-12T18:00:00+08:00")
        }
    }

    @Test func whatWasNotSentWholeCannotBeSignedFor() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            let open = try await desk.sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: nil)
            let id = try #require(open.delivery?.id)
            // Nobody takes the bytes.
            await expectProblem(.invalidReceipt) { _ = try await desk.sign(id, grant, "code,region,height\n") }
            #expect(try await desk.store.delivery(id)?.finishedAt == nil)
            #expect(try await desk.sharing.request(grant.request, for: desk.receiver).state == .granted)
            let text = try await Desk.text(open)
            let receipt = try await desk.sign(id, grant, text)
            #expect(receipt.statement.rowCount == 4)
            #expect(try await desk.sign(id, grant, text) == receipt)
        }
    }

    @Test func rowsComeInPagesOfOneVersion() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "keeper"])
            var after: [String]?, codes: [String] = []
            repeat {
                let page = try await desk.sharing.rows(by: grant.id, for: desk.receiver, purpose: "x", version: 1, after: after, limit: 3)
                var text = ByteBufferAllocator().buffer(capacity: 0)
                page.writeJSON(into: &text)
                codes += try JSONValue(json: Data(text.readableBytesView)).array?.compactMap { $0["code"]?.string } ?? []
                if after == nil { try await desk.release.release(2, rows: [["D", "x", "x", nil, nil, nil]], removing: [["A"], ["C"]]) }
                after = page.next
            } while after != nil
            #expect(codes == ["A", "B", "C", "D"])
        }
    }

    @Test func theProgramsRoleCannotRewriteWhatWasAskedGivenAndSigned() async throws {
        try await withTestDatabase { db in
            let writer = try await db.open(as: .writer)
            for statement: SQL in [
                "DELETE FROM daylight.share_request", "DELETE FROM daylight.share_event", "UPDATE daylight.share_event SET note = ''", "DELETE FROM daylight.share_grant",
                "UPDATE daylight.share_grant SET terms = '{}'", "DELETE FROM daylight.delivery", "UPDATE daylight.delivery SET to_version = 1", "DELETE FROM daylight.receipt",
                "UPDATE daylight.receipt SET signature = ''", "DELETE FROM daylight.receipt_key", "UPDATE daylight.receipt_key SET public_key = ''",
                "DELETE FROM daylight.exchange_call", "UPDATE daylight.exchange_call SET purpose = ''", "DELETE FROM daylight.audit_seal", "UPDATE daylight.audit_seal SET digest = ''",
            ] { await #expect(throws: PostgresError.self, "\(statement.text)") { try await writer.execute(statement) } }
            await writer.close()
        }
    }

    @Test func grantsAndReceiptsAreEnteredIntoTheLedger() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            _ = try await desk.pull(grant)
            _ = try await desk.sharing.decide(grant.request, ShareDecision(.finish), by: desk.receiver)
            // Outside of #expect: of two closures of one type, of which one stands in a macro's argument, this compiler calls the same one twice.
            let entries = try await desk.db.database.execute("SELECT kind, entry FROM daylight.ledger_pending ORDER BY id")
            var kinds: [String] = [], texts: [String] = []
            for entry in entries {
                kinds.append(try entry.read("kind"))
                texts.append(String(decoding: try entry.read(Bytea.self, "entry").bytes, as: UTF8.self))
            }
            #expect(kinds == ["grant", "receipt", "grant"])
            // Nothing in them says who, what, or how much.
            for hidden in ["lighthouse", grant.id, grant.receiver, grant.provider, "应急"] { #expect(!texts.contains { $0.contains(hidden) }, "\(hidden)") }
            guard case .grant(let given) = try Leaf(entry: Array(texts[0].utf8)), case .grant(let ended) = try Leaf(entry: Array(texts[2].utf8)) else {
                Issue.record("not grants")
                return
            }
            #expect(given.event == .given && ended.event == .ended)
            let salt = try #require(grant.salt)
            var plain = grant
            plain.salt = nil
            let bytes = stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(Array(salt)[$0..<$0 + 2]), radix: 16) }
            #expect(try given == Leaf.Grant(.given, plain, at: grant.grantedAt, salt: bytes))
        }
    }
}
