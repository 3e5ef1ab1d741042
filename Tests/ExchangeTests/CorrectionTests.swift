import Foundation
import Ledger
import Logging
import Model
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// Corrections over real PostgreSQL: what may be doubted, who is told, what mends a value, who sees what.
@Suite(.timeLimit(.minutes(20))) struct CorrectionTests {
    private static func draft(_ field: String = "height", key: String = "A", version: Int = 1, proposed: String? = nil, doubt: String = "与现场测量不符") throws -> CorrectionDraft {
        var members: [String: JSONValue] = [
            "dataset": .string("lighthouse"), "key": .string(key), "field": .string(field), "doubt": .string(doubt),
            "evidence": .object(["text": .string("测量记录"), "links": .array([.string("https://evidence.example/1")])]),
        ]
        if let proposed { members["proposed"] = .string(proposed) }
        let text = String(decoding: try JSONEncoder().encode(members), as: UTF8.self)
        return try JSON.decode(CorrectionDraft.self, text.dropLast() + #","version":\#(version)}"#)
    }

    private func later(_ days: Int64) -> Timestamp { Timestamp(microseconds: Timestamp.now.microseconds + days * 86_400_000_000) }

    @Test func aReadersDoubtIsAnsweredByTheVersionThatMendsIt() async throws {
        try await Desk.with { desk in
            let (correction, isNew) = try await desk.sharing.doubt(try Self.draft(proposed: "12.50"), by: nil)
            #expect(isNew && correction.state == .submitted && correction.actor == .owner && correction.audience == .public && correction.origin == .reader)
            // Not a word of a stranger is published, the owner has them.
            #expect(correction.doubt == nil && correction.proposed == nil && correction.evidence == nil)
            let owned = try await desk.sharing.correction(correction.id, for: desk.provider)
            #expect(owned.doubt == "与现场测量不符" && owned.proposed == "12.50" && owned.evidence?.links == ["https://evidence.example/1"] && owned.clock?.name == .correction)
            #expect(try await desk.sharing.correctionInbox(of: desk.provider, limit: 10).map(\.id) == [correction.id])
            #expect(try await desk.sharing.correctionInbox(of: desk.receiver, limit: 10).isEmpty)
            // The same doubt again is the same correction.
            let again = try await desk.sharing.doubt(try Self.draft(proposed: "12.50"), by: nil)
            #expect(!again.isNew && again.correction.id == correction.id)

            // Version 2 changes another field, version 3 the value, version 4 another row, version 5 brings the doubted value back.
            try await desk.release.release(2, rows: [["A", "north", "张三丰", "10.00", "100", "s1"]])
            try await desk.release.release(3, rows: [["A", "north", "张三丰", "12.50", "100", "s1"]])
            try await desk.release.release(4, rows: [["B", "west", "李四", "21.00", "200", "s2"]])
            try await desk.release.release(5, rows: [["A", "north", "张三丰", "10.00", "100", "s1"]])
            for version in [1, 2, 4, 5, 6] {
                await expectProblem(.invalidCorrection) {
                    _ = try await desk.sharing.decide(correction: correction.id, CorrectionDecision(.correct, version: version), by: desk.provider)
                }
            }
            await expectProblem(.notYourDecision) {
                _ = try await desk.sharing.decide(correction: correction.id, CorrectionDecision(.correct, version: 3), by: desk.authority)
            }
            await expectProblem(.correctionNotFound) {
                _ = try await desk.sharing.decide(correction: correction.id, CorrectionDecision(.correct, version: 3), by: desk.receiver)
            }
            let mended = try await desk.sharing.decide(correction: correction.id, CorrectionDecision(.correct, note: "已更正", version: 3), by: desk.provider)
            #expect(mended.state == .corrected && mended.mendedVersion == 3 && mended.actor == nil && mended.clock == nil)
            let shown = try await desk.sharing.correction(correction.id, for: nil)
            #expect(shown.answer == "已更正" && shown.mendedVersion == 3 && shown.salt == nil)
            await expectProblem(.correctionStateConflict) {
                _ = try await desk.sharing.decide(correction: correction.id, CorrectionDecision(.uphold, note: "无误"), by: desk.provider)
            }
            try await opens(mended, desk)
        }
    }

    /// The ledger has a digest that the answer and its salt open, and nothing more.
    private func opens(_ correction: Correction, _ desk: Desk) async throws {
        let entries = try await desk.db.database.execute("SELECT entry FROM daylight.ledger_pending WHERE kind = 'correction'")
        #expect(entries.count == 1)
        let bytes = try entries[0].read(Bytea.self, "entry").bytes
        guard case .correction(let leaf) = try Leaf(entry: bytes) else {
            Issue.record("not a correction")
            return
        }
        let text = String(decoding: bytes, as: UTF8.self)
        for hidden in [correction.id, correction.dataset, correction.owner, "已更正"] { #expect(!text.contains(hidden)) }
        let salt = try #require(correction.salt)
        var plain = correction
        plain.salt = nil
        let opened = try Leaf.Correction(plain, salt: stride(from: 0, to: 64, by: 2).compactMap { UInt8(String(Array(salt)[$0..<$0 + 2]), radix: 16) })
        #expect(opened == leaf)
    }

    @Test func whoWasDeliveredTheValueIsToldAndNobodyElse() async throws {
        try await Desk.with { desk in
            let third = try await desk.db.addDepartment(3), fourth = try await desk.db.addDepartment(4)
            let others = [try await Desk.member(desk.db, [.exchange], third.uscc), try await Desk.member(desk.db, [.exchange], fourth.uscc)]
            func grant(_ member: Member, _ fields: [String], filter: String?) async throws -> ShareGrant {
                let request = try await desk.sharing.submit(try Desk.draft(fields, filter: filter), by: member)
                let accepted = try await desk.sharing.decide(request.id, ShareDecision(.accept), by: desk.provider)
                return try await desk.sharing.grant(try #require(accepted.grant), for: member)
            }
            let east = try await grant(desk.receiver, ["code", "budget"], filter: "region = 'east'")
            let west = try await grant(others[0], ["code", "budget"], filter: "region = 'west'")
            let narrow = try await grant(others[1], ["code", "region"], filter: nil)
            _ = try await desk.state(east)
            for (grant, member) in [(west, others[0]), (narrow, others[1])] { _ = try await desk.state(grant, as: member) }
            // A hidden field: the public cannot even doubt it, the one that was granted it can, and others do not learn of it.
            await expectProblem(.invalidCorrection) { _ = try await desk.sharing.doubt(try Self.draft("budget"), by: nil) }
            await expectProblem(.rowNotFound) { _ = try await desk.sharing.doubt(try Self.draft("budget"), by: others[0]) }
            await expectProblem(.rowNotFound) { _ = try await desk.sharing.doubt(try Self.draft("budget"), by: others[1]) }
            await expectProblem(.invalidCorrection) { _ = try await desk.sharing.doubt(try Self.draft("secret"), by: desk.receiver) }
            let own = try await desk.sharing.doubt(try Self.draft("budget", proposed: "150"), by: desk.receiver).correction
            #expect(own.audience == .departments && own.origin == .department && own.proposed == "150")
            for stranger in [nil] + others.map(Optional.some) {
                await expectProblem(.correctionNotFound) { _ = try await desk.sharing.correction(own.id, for: stranger) }
                #expect(try await desk.sharing.corrections(CorrectionFilter(), for: stranger, before: nil, limit: 10).isEmpty)
                #expect(try await desk.sharing.corrections(ofDataset: "lighthouse", key: "A", state: nil, for: stranger, before: nil, limit: 10).isEmpty)
            }
            // A public value of the same row: whoever was delivered that field is told, but for the one that doubts.
            let region = try await desk.sharing.doubt(try Self.draft("region"), by: desk.receiver).correction
            #expect(region.audience == .public)
            #expect(try await desk.sharing.notices(for: others[1], limit: 10).map(\.correction) == [region.id])
            for member in [desk.receiver, others[0]] { #expect(try await desk.sharing.notices(for: member, limit: 10).isEmpty) }
            // A reader doubts nothing hidden; of the answer the one that doubted is told, and the one that holds the value.
            _ = try await desk.sharing.decide(correction: region.id, CorrectionDecision(.uphold, note: "与台账一致"), by: desk.provider)
            _ = try await desk.sharing.decide(correction: own.id, CorrectionDecision(.uphold, note: "预算无误"), by: desk.provider)
            #expect(try await desk.sharing.notices(for: others[1], limit: 10).map(\.event) == ["uphold", "doubted"])
            #expect(try await desk.sharing.notices(for: desk.receiver, limit: 10).map(\.correction) == [own.id, region.id])
            #expect(try await desk.sharing.notices(for: others[0], limit: 10).isEmpty)
            #expect(try await desk.store.correctionNotices(after: 0, limit: 100).map(\.number) == [1, 2, 3, 4])
            // A told department sees it, without the words.
            #expect(try await desk.sharing.correction(region.id, for: others[1]).doubt == nil)
            #expect(try await desk.sharing.correction(region.id, for: desk.receiver).doubt != nil)
        }
    }

    @Test func whoHoldsTheMaskedValueSpeaksToItsOwnerAlone() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "keeper"])
            _ = try await desk.state(grant)
            let unmasked = try await desk.sharing.doubt(try Self.draft("keeper", proposed: "张三"), by: desk.receiver).correction
            #expect(unmasked.audience == .departments)
            await expectProblem(.correctionNotFound) { _ = try await desk.sharing.correction(unmasked.id, for: nil) }
            let masked = try await desk.sharing.doubt(try Self.draft("keeper", doubt: "姓氏有误"), by: nil).correction
            #expect(masked.audience == .public && masked.proposed == nil)
            // The receiver is told of the reader's doubt: it holds the value.
            #expect(try await desk.sharing.notices(for: desk.receiver, limit: 10).map(\.correction) == [masked.id])
        }
    }

    @Test func silenceIsEscalatedAndAReferralHasAClockOfItsOwn() async throws {
        try await Desk.with { desk in
            let third = try await desk.db.addDepartment(3)
            let assignee = try await Desk.member(desk.db, [.exchange], third.uscc)
            let id = try await desk.sharing.doubt(try Self.draft(), by: desk.receiver).correction.id
            let due = try #require(try await desk.sharing.correction(id, for: desk.provider).clock?.dueAt)
            let after = Timestamp(microseconds: due.microseconds + 1)
            #expect(try await desk.sharing.correction(id, for: nil, now: after).late)
            #expect(try await !desk.sharing.correction(id, for: nil, now: due).late)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { await desk.sharing.sweep(at: after) } }
            }
            var correction = try await desk.sharing.correction(id, for: desk.authority)
            #expect(correction.state == .escalated && correction.late && correction.actor == .authority && correction.revision == 2 && correction.clock?.name == .decision)
            #expect(try await desk.sharing.correctionInbox(of: desk.authority, limit: 10).map(\.id) == [id])
            #expect(try await desk.sharing.corrections(CorrectionFilter(late: true), for: desk.authority, before: nil, limit: 10).map(\.id) == [id])
            await expectProblem(.departmentNotFound) {
                _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "x", department: "11510000MB0000000X"), by: desk.authority)
            }
            correction = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "由数源部门核实", department: third.uscc), by: desk.authority)
            #expect(correction.state == .referred && correction.actor == .assignee && correction.clock?.name == .referral && correction.assignee == third.uscc)
            #expect(try await desk.sharing.correctionInbox(of: assignee, limit: 10).map(\.id) == [id])
            #expect(try await desk.sharing.correctionInbox(of: desk.authority, limit: 10).isEmpty)
            await expectProblem(.notYourDecision) { _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.uphold, note: "x"), by: desk.authority) }
            await expectProblem(.invalidCorrection) {
                _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "x", department: third.uscc), by: assignee)
            }
            // To the authority and back again: the fourth time it stays where it is.
            _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "请裁定"), by: assignee)
            _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "再核", department: third.uscc), by: desk.authority)
            await expectProblem(.correctionStateConflict) { _ = try await desk.sharing.decide(correction: id, CorrectionDecision(.refer, note: "再转"), by: assignee) }
            await desk.sharing.sweep(at: later(60))
            await desk.sharing.sweep(at: later(120))
            correction = try await desk.sharing.correction(id, for: desk.authority)
            #expect(correction.state == .escalated && correction.clock == nil)
            // Words are for those who have a part in it, whoever has it now.
            #expect(try await desk.sharing.correction(id, for: assignee).doubt != nil)
            #expect(try await desk.sharing.decide(correction: id, CorrectionDecision(.uphold, note: "无误"), by: desk.authority).state == .upheld)
            let events = try await desk.sharing.document(ofCorrection: id, for: desk.receiver).events
            #expect(events?.map(\.event) == ["submit", "overdue", "refer", "refer", "refer", "overdue", "overdue", "uphold"])
            #expect(try await desk.sharing.document(ofCorrection: id, for: nil).events == nil)
        }
    }

    @Test func whatAStrangerCanMakeGrowIsBounded() async throws {
        try await Desk.with({ desk in
            for number in 0..<2 { _ = try await desk.sharing.doubt(try Self.draft(doubt: "疑 \(number)"), by: nil) }
            await expectProblem(.tooManyCorrections) { _ = try await desk.sharing.doubt(try Self.draft(doubt: "疑 3"), by: nil) }
            // The bound is for a field of a row, then for the dataset; departments are not strangers.
            _ = try await desk.sharing.doubt(try Self.draft("region", doubt: "疑"), by: nil)
            await expectProblem(.tooManyCorrections) { _ = try await desk.sharing.doubt(try Self.draft("region", key: "B", doubt: "疑"), by: nil) }
            #expect(try await desk.sharing.doubt(try Self.draft(doubt: "疑 4"), by: desk.receiver).isNew)
            for wrong in [try Self.draft(doubt: " "), try Self.draft(doubt: String(repeating: "疑", count: 2001)), try Self.draft(key: "A,B"), try Self.draft(proposed: "高"), try Self.draft("height2")] {
                await expectProblem(.invalidCorrection) { _ = try await desk.sharing.doubt(wrong, by: nil) }
            }
            var links = try Self.draft()
            for link in ["javascript:alert(1)", "https://a b", "https://", "https://" + String(repeating: "x", count: 500)] {
                links.evidence = Correction.Evidence(links: [link])
                await expectProblem(.invalidCorrection) { _ = try await desk.sharing.doubt(links, by: nil) }
            }
            await expectProblem(.rowNotFound) { _ = try await desk.sharing.doubt(try Self.draft(key: "Z"), by: nil) }
            await expectProblem(.versionNotFound) { _ = try await desk.sharing.doubt(try Self.draft(version: 2), by: nil) }
        }, limits: { $0.perField = 2; $0.perDataset = 3 })
    }

    @Test func aWithdrawnRowAnswersTheDoubtAndErasureTakesTheWords() async throws {
        try await Desk.with { desk in
            let id = try await desk.sharing.doubt(try Self.draft("region", doubt: "张三丰不在此处"), by: desk.receiver).correction.id
            let other = try await desk.sharing.doubt(try Self.draft(key: "B"), by: nil).correction.id
            // As a withdrawal of rows leaves it: the row is gone from every version, and a version without it follows.
            try await desk.release.execute { "DELETE FROM \($0) WHERE code = 'A'" }
            try await desk.release.withdraw(.rows, version: 1, keys: ["A"])
            try await desk.release.release(2, rows: [])
            await expectProblem(.rowWithdrawn) { _ = try await desk.sharing.doubt(try Self.draft("height"), by: nil) }
            #expect(try await desk.sharing.decide(correction: id, CorrectionDecision(.correct, note: "已撤回", version: 2), by: desk.provider).state == .corrected)
            let withdrawal = try await desk.db.database.execute("SELECT id FROM daylight.withdrawal")[0].read(String.self, 0)
            #expect(try await desk.store.erase(withdrawal: withdrawal, reason: LocalizedText(zh: "依法删除"))?.quotations == 1)
            let erased = try await desk.sharing.correction(id, for: desk.provider)
            #expect(erased.doubt == nil && erased.evidence == nil && erased.answer == nil && erased.salt == nil && erased.state == .corrected)
            #expect(try await desk.sharing.correction(other, for: desk.provider).doubt != nil)
        }
    }

    @Test func theProgramsRoleCannotRewriteADoubt() async throws {
        try await withTestDatabase { db in
            let writer = try await db.open(as: .writer)
            for statement: SQL in [
                "DELETE FROM daylight.correction", "UPDATE daylight.correction SET dataset = ''", "UPDATE daylight.correction SET reporter = NULL", "DELETE FROM daylight.correction_event",
                "UPDATE daylight.correction_event SET event = ''", "DELETE FROM daylight.correction_notice", "UPDATE daylight.correction_notice SET event = ''",
            ] { await #expect(throws: PostgresError.self, "\(statement.text)") { try await writer.execute(statement) } }
            await writer.close()
            let reader = try await db.open(as: .reader)
            await #expect(throws: PostgresError.self) { try await reader.execute("SELECT * FROM daylight.correction") }
            let columns = try await reader.execute("SELECT * FROM published.correction").columns
            #expect(Set(columns).isDisjoint(with: ["doubt", "proposed", "evidence", "reporter", "key_values"]))
            await reader.close()
        }
    }
}

extension Desk {
    static func with(_ body: @Sendable (Desk) async throws -> Void, limits: (inout Store.CorrectionLimits) -> Void) async throws {
        try await with({ (configuration: inout Sharing.Configuration) in limits(&configuration.corrections) }) { try await body($0) }
    }
}
