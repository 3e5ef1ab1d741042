import Foundation
import Model
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// Figures over a history that was made by hand: each is counted out.
@Suite(.timeLimit(.minutes(20))) struct StatisticsTests {
    private static func at(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    @Test func figuresAreThoseOfTheHistory() async throws {
        try await Desk.with({ $0.longestTerm = 100 }) { desk in
            let codes = { (code: String) in Code(code: code, title: LocalizedText(zh: "假日")) }
            _ = try await desk.store.loadCodes(["public-holidays": ["2020", "2020-03-05"].map(codes), "make-up-workdays": ["2020-03-07"].map(codes)])
            let until = try Self.at("2099-12-01T00:00:00+08:00")
            func ask(_ time: String) async throws -> String { try await desk.sharing.submit(try Desk.draft(until: until), by: desk.receiver, now: try Self.at(time)).id }
            func answer(_ id: String, _ decision: ShareDecision, _ time: String) async throws {
                _ = try await desk.sharing.decide(id, decision, by: desk.provider, now: try Self.at(time))
            }
            // Monday 2 March to Wednesday: two working days. Wednesday to the made-up Saturday, with Thursday off: two. Friday to Monday over that Saturday: two. One waits, one is withdrawn.
            let granted = try await ask("2020-03-02T09:00:00+08:00")
            try await answer(granted, ShareDecision(.accept), "2020-03-04T10:00:00+08:00")
            let refused = try await ask("2020-03-04T09:00:00+08:00")
            try await answer(refused, ShareDecision(.refuse, note: "涉密"), "2020-03-07T10:00:00+08:00")
            let slow = try await ask("2020-03-06T09:00:00+08:00")
            try await answer(slow, ShareDecision(.refuse, note: "无据"), "2020-03-16T10:00:00+08:00")
            _ = try await ask("2020-03-10T09:00:00+08:00")
            let withdrawn = try await ask("2020-03-11T09:00:00+08:00")
            _ = try await desk.sharing.decide(withdrawn, ShareDecision(.withdraw), by: desk.receiver, now: try Self.at("2020-03-12T09:00:00+08:00"))
            // Outside of the month: not counted.
            _ = try await ask("2020-04-01T00:00:00+08:00")
            try await deliverAndDoubt(desk, granted)
            // By the clock of this day all that waited since March is late.
            let (from, to) = (try Self.at("2020-03-01T00:00:00+08:00"), try Self.at("2020-04-01T00:00:00+08:00"))
            let figures = try await desk.sharing.statistics(from: from, to: to, department: nil, for: desk.authority)
            #expect(figures.map(\.department) == [desk.provider.key.department])
            let figure = try #require(figures.first)
            #expect(figure.requests.received == 5 && figure.requests.granted == 1 && figure.requests.refused == 2 && figure.requests.withdrawn == 1 && figure.requests.open == 1)
            // 2, 2 and 7 working days (7, 9, 10, 11, 12, 13 and 16 March).
            #expect(figure.requests.medianWorkingDays == 2 && figure.requests.p90WorkingDays == 6)
            #expect(figure.refusals.map(\.reason) == ["涉密", "无据"] && figure.refusals.map(\.request) == [refused, slow])
            #expect(figure.deliveries.begun == 3 && figure.deliveries.finished == 2 && figure.deliveries.receipts == 1 && figure.deliveries.receiptsMissing == 1)
            #expect(figure.deliveries.rows == 8 && figure.deliveries.bytes == 300 && figure.deliveries.oldestMissingDays ?? 0 > 0)
            #expect(figure.corrections.received == 3 && figure.corrections.upheld == 1 && figure.corrections.withdrawn == 1 && figure.corrections.open == 1)
            #expect(figure.corrections.medianWorkingDays == 1)
            #expect(try await desk.sharing.statistics(from: from, to: to, department: nil, for: desk.receiver).isEmpty)
            await expectProblem(.forbidden) { _ = try await desk.sharing.statistics(from: from, to: to, department: desk.provider.key.department, for: desk.receiver) }
            await expectProblem(.invalidParameter) { _ = try await desk.sharing.statistics(from: to, to: from, department: nil, for: desk.authority) }
        }
    }

    @Test func lateIsWhoLetItsOwnClockRunOut() async throws {
        try await Desk.with { desk in
            let (sharing, database) = (desk.sharing, desk.db.database), day = 86_400_000_000 as Int64
            let from = Timestamp(microseconds: Timestamp.now.microseconds - day), to = Timestamp(microseconds: Timestamp.now.microseconds + day)
            func late() async throws -> [String: Int] {
                let figures = try await sharing.statistics(from: from, to: to, department: nil, for: desk.authority)
                return Dictionary(uniqueKeysWithValues: figures.map { ($0.department, $0.requests.late) })
            }
            func ask() async throws -> String { try await sharing.submit(try Desk.draft(), by: desk.receiver).id }
            func decide(_ id: String, _ event: ShareLifecycle.Event, by member: Member) async throws -> ShareRequest {
                try await sharing.decide(id, ShareDecision(event, note: "说明"), by: member)
            }
            let (provider, other) = (try #require(desk.provider.key.department), try await desk.db.addDepartment(7).uscc)
            func runOut(_ id: String) async throws { try await database.execute("UPDATE daylight.share_request SET due_at = now() - interval '1 minute' WHERE id = \(id)::uuid AND due_at IS NOT NULL") }

            // Nobody's yet: one in time, one that another department has.
            _ = try await ask()
            let others = try await ask()
            try await database.execute("UPDATE daylight.share_request SET provider = \(other) WHERE id = \(others)::uuid")
            #expect(try await late() == [provider: 0, other: 0])

            // The receiver's: it supplies nothing, it disposes of nothing. The authority's: it does not decide.
            let missing = try await ask(), kept = try await ask(), disputed = try await ask()
            _ = try await decide(missing, .askSupplement, by: desk.provider)
            let grant = try await sharing.grant(try #require(try await decide(kept, .accept, by: desk.provider).grant), for: desk.receiver)
            _ = try await desk.state(grant)
            _ = try await decide(kept, .finish, by: desk.receiver)
            for (event, member) in [(ShareLifecycle.Event.refuse, desk.provider), (.dispute, desk.receiver), (.refer, desk.receiver)] { _ = try await decide(disputed, event, by: member) }
            for id in [missing, kept, disputed] { try await runOut(id) }
            #expect(try await late() == [provider: 0, other: 0])
            await sharing.sweep(at: .now)
            for id in [kept, disputed] { #expect(try await sharing.request(id, for: desk.receiver).late) }
            #expect(try await late() == [provider: 0, other: 0])

            // Its own: no answer, no delivery; late from the instant on, and for ever.
            let silent = try await ask(), idle = try await ask()
            _ = try await decide(idle, .accept, by: desk.provider)
            for id in [silent, idle, others] { try await runOut(id) }
            #expect(try await late() == [provider: 2, other: 1])
            await sharing.sweep(at: .now)
            #expect(try await late() == [provider: 2, other: 1])
            _ = try await decide(silent, .accept, by: desk.provider)
            let delivered = try await sharing.grant(try #require(try await sharing.request(idle, for: desk.receiver).grant), for: desk.receiver)
            _ = try await desk.state(delivered)
            #expect(try await late() == [provider: 2, other: 1])
        }
    }

    @Test func aCorrectionThatWasReferredInTimeIsNotItsOwnersLateness() async throws {
        try await Desk.with { desk in
            let (sharing, database) = (desk.sharing, desk.db.database), day = 86_400_000_000 as Int64
            let from = Timestamp(microseconds: Timestamp.now.microseconds - day), to = Timestamp(microseconds: Timestamp.now.microseconds + day)
            func late() async throws -> Int? { try await sharing.statistics(from: from, to: to, department: nil, for: desk.authority).first?.corrections.late }
            func doubt(_ field: String) async throws -> String {
                try await sharing.doubt(try JSON.decode(CorrectionDraft.self, #"{"dataset":"lighthouse","version":1,"key":"A","field":"\#(field)","doubt":"疑"}"#), by: desk.receiver).correction.id
            }
            func runOut(_ id: String) async throws { try await database.execute("UPDATE daylight.correction SET due_at = now() - interval '1 minute' WHERE id = \(id)::uuid") }
            let referred = try await doubt("height"), silent = try await doubt("region")
            _ = try await sharing.decide(correction: referred, CorrectionDecision(.refer, note: "非本部门采集", department: desk.receiver.key.department), by: desk.provider)
            try await runOut(referred)
            #expect(try await late() == 0)
            await sharing.sweep(at: .now)
            #expect(try await sharing.correction(referred, for: desk.provider).state == .escalated)
            #expect(try await late() == 0)
            try await runOut(silent)
            #expect(try await late() == 1)
            await sharing.sweep(at: .now)
            _ = try await sharing.decide(correction: silent, CorrectionDecision(.refer, note: "非本部门采集", department: desk.receiver.key.department), by: desk.provider)
            #expect(try await late() == 1)
        }
    }

    /// Three deliveries, of which one was cut off and one signed for, and three doubts.
    private func deliverAndDoubt(_ desk: Desk, _ request: String) async throws {
        let grant = try #require(try await desk.sharing.request(request, for: desk.receiver).grant)
        let whole = try await desk.sharing.grant(grant, for: desk.receiver)
        for _ in 0..<2 { _ = try await desk.state(whole) }
        _ = try await desk.sharing.state(by: grant, for: desk.receiver, purpose: "中断", version: nil)
        let sent = try await desk.store.deliveries(of: grant, unreceipted: true, before: nil, limit: 10)
        _ = try await desk.sign(try #require(sent.first).id, whole, "code,region,height\nA,east,10.00\nB,west,20.00\nC,east,\nD,west,40.00\n")
        try await desk.db.database.execute("UPDATE daylight.delivery SET started_at = '2020-03-20T09:00:00+08:00', finished_at = finished_at - (started_at - '2020-03-20T09:00:00+08:00'), byte_count = byte_count * 0 + 150")
        for (field, decision) in [("height", CorrectionDecision(.uphold, note: "无误")), ("region", CorrectionDecision(.withdraw)), ("code", nil)] as [(String, CorrectionDecision?)] {
            let draft = try JSON.decode(CorrectionDraft.self, #"{"dataset":"lighthouse","version":1,"key":"A","field":"\#(field)","doubt":"疑"}"#)
            let id = try await desk.sharing.doubt(draft, by: desk.receiver, now: try Self.at("2020-03-17T09:00:00+08:00")).correction.id
            let by = decision?.decision == .withdraw ? desk.receiver : desk.provider
            if let decision { _ = try await desk.sharing.decide(correction: id, decision, by: by, now: try Self.at("2020-03-18T09:00:00+08:00")) }
        }
    }
}
