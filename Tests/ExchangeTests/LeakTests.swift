import Foundation
import Model
import NIOCore
import Postgres
import Store
import TestSupport
import Testing

@testable import Exchange

/// What a grant does not give cannot be read by any way that there is.
@Suite(.timeLimit(.minutes(20))) struct LeakTests {
    private static let denied = "42501"

    /// What a statement is refused with; nil where it goes through.
    private func refusal(_ database: Database, _ sql: SQL) async throws -> String? {
        do {
            try await database.execute(sql)
            return nil
        } catch let error as PostgresError {
            return error.sqlState?.rawValue ?? "\(error.code)"
        }
    }

    private func names(_ rows: RowSet) throws -> [String] { try rows.map { try $0.read(String.self, "code") } }

    @Test func theRoleOfTheExchangeSeesTheViewsOfGrantsAndNothingElse() async throws {
        try await Desk.with { desk in
            _ = try await desk.granted(["code", "keeper", "budget"], filter: "region = 'east' AND budget >= 100")
            let role = try await desk.db.open(as: .exchange)
            let rows = try await role.execute("SELECT * FROM granted.g1 ORDER BY code")
            #expect(rows.columns == ["_since", "_until", "code", "keeper", "budget"])
            #expect(try names(rows) == ["A", "C"])
            #expect(try rows[0].read(String.self, "keeper") == "张三丰")
            #expect(try await role.execute("SELECT * FROM granted.w1").columns == ["_since", "_until", "_gone_at", "code"])
            let table = "data.\"d\(desk.release.number)\"", view = "published.\"d\(desk.release.number)\""
            for statement: SQL in [
                "SELECT * FROM \(raw: table)", "SELECT secret FROM \(raw: table)", "SELECT * FROM \(raw: view)", "SELECT * FROM daylight.dataset",
                "SELECT * FROM daylight.share_grant", "SELECT * FROM daylight.share_request", "SELECT * FROM daylight.receipt_key", "SELECT value FROM daylight.secret",
                "SELECT * FROM daylight.withdrawn_row", "SELECT salt FROM daylight.ledger_salt", "SELECT * FROM published.dataset", "CREATE TABLE granted.x (a int)",
                "CREATE VIEW granted.x AS SELECT 1", "DELETE FROM granted.g1", "UPDATE granted.g1 SET keeper = ''", "DROP VIEW granted.g1",
            ] { #expect(try await refusal(role, statement) == Self.denied, "\(statement.text)") }
            for column in ["secret", "region", "height"] {
                #expect(try await refusal(role, "SELECT \(identifier: column) FROM granted.g1") == "42703", "\(column)")
            }
            await role.close()
            let reader = try await desk.db.open(as: .reader)
            for statement: SQL in ["SELECT * FROM granted.g1", "SELECT * FROM granted.w1", "SELECT * FROM daylight.share_grant"] {
                #expect(try await refusal(reader, statement) == Self.denied)
            }
            await reader.close()
        }
    }

    /// A function that tells what it is given is shown no row that the grant leaves out, however cheap it says that it is.
    @Test func aTellTaleFunctionSeesGrantedRowsOnly() async throws {
        try await Desk.with { desk in
            _ = try await desk.granted(["code", "budget"], filter: "region = 'east'")
            try await desk.db.database.execute("CREATE SCHEMA spy")
            try await desk.db.database.execute(
                """
                CREATE FUNCTION spy.tell(code text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$
                BEGIN
                    IF code IN ('B', 'D') THEN RAISE EXCEPTION 'saw %', code; END IF;
                    RETURN true;
                END $$
                """)
            try await desk.db.database.execute("GRANT USAGE ON SCHEMA spy TO daylight_exchange")
            let role = try await desk.db.open(as: .exchange)
            #expect(try names(try await role.execute("SELECT code FROM granted.g1 WHERE spy.tell(code) ORDER BY code")) == ["A", "C"])
            await role.close()
        }
    }

    @Test func whatHasEndedGivesNothingWhateverTheProgramThinks() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            let role = try await desk.db.open(as: .exchange)
            #expect(try await role.execute("SELECT * FROM granted.g1").count == 4)
            // The term is over, by the database's clock alone.
            try await desk.db.database.execute("UPDATE daylight.share_grant SET expires_at = now() - interval '1 second'")
            #expect(try await role.execute("SELECT * FROM granted.g1").count == 0)
            try await desk.db.database.execute("UPDATE daylight.share_grant SET expires_at = now() + interval '1 day'")
            #expect(try await role.execute("SELECT * FROM granted.g1").count == 4)
            try await desk.db.database.execute("UPDATE daylight.dataset SET state = 'withdrawn'")
            #expect(try await role.execute("SELECT * FROM granted.g1").count == 0)
            try await desk.db.database.execute("UPDATE daylight.dataset SET state = 'published'")
            var revocation = ShareDecision(.revoke)
            revocation.note = "不再需要"
            _ = try await desk.sharing.decide(grant.request, revocation, by: desk.provider)
            #expect(try await refusal(role, "SELECT * FROM granted.g1") == Self.denied)
            await role.close()
            await expectProblem(.grantEnded) { _ = try await desk.state(grant) }
        }
    }

    @Test func historyFromBeforeTheGrantIsNotInIt() async throws {
        try await Desk.with { desk in
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "111", "s1"]], removing: [["D"]])
            let grant = try await desk.granted(["code", "budget"])
            let role = try await desk.db.open(as: .exchange)
            let rows = try await role.execute("SELECT code, budget FROM granted.g1 ORDER BY code")
            #expect(try rows.map { try $0.read(Int.self, "budget") } == [111, 200, 300])
            await role.close()
            await expectProblem(.versionNotFound) { _ = try await desk.sharing.state(by: grant.id, for: desk.receiver, purpose: "x", version: 1) }
        }
    }

    @Test func whatIsForNobodyCannotBeAskedForNorFilteredBy() async throws {
        try await Desk.with { desk in
            await expectProblem(.invalidShareRequest) { _ = try await desk.sharing.submit(try Desk.draft(["code", "secret"]), by: desk.receiver) }
            await expectProblem(.invalidShareRequest) { _ = try await desk.sharing.submit(try Desk.draft(["code"], filter: "secret = 's1'"), by: desk.receiver) }
            let request = try await desk.sharing.submit(try Desk.draft(["code"]), by: desk.receiver)
            var wider = ShareDecision(.accept)
            wider.fields = ["code", "budget"]
            await expectProblem(.invalidShareRequest) { _ = try await desk.sharing.decide(request.id, wider, by: desk.provider) }
        }
    }

    @Test func othersGetNothingByAnyCall() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            let third = try await desk.db.addDepartment(3)
            let stranger = try await Desk.member(desk.db, [.exchange], third.uscc)
            let limited = try await Desk.member(desk.db, [.exchange], desk.receiver.key.department, datasets: ["another"])
            let text = try await desk.state(grant)
            let delivery = try #require(try await desk.sharing.deliveries(of: grant.id, for: desk.receiver, unreceipted: true, before: nil, limit: 1).first)
            _ = try await desk.sign(delivery.id, grant, text)
            for other in [stranger, limited] {
                await expectProblem(.grantNotFound) { _ = try await desk.state(grant, as: other) }
                await expectProblem(.grantNotFound) { _ = try await desk.sharing.changes(by: grant.id, for: other, purpose: "x", since: 0) }
                await expectProblem(.grantNotFound) { _ = try await desk.sharing.rows(by: grant.id, for: other, purpose: "x", version: nil, after: nil, limit: 10) }
                await expectProblem(.grantNotFound) { _ = try await desk.sharing.grant(grant.id, for: other) }
                await expectProblem(.grantNotFound) { _ = try await desk.sharing.deliveries(of: grant.id, for: other, unreceipted: false, before: nil, limit: 10) }
                await expectProblem(.deliveryNotFound) { _ = try await desk.sharing.receipt(of: delivery.id, for: other) }
                await expectProblem(.shareRequestNotFound) { _ = try await desk.sharing.request(grant.request, for: other) }
                #expect(try await desk.sharing.requests(ShareFilter(), for: other, before: nil, limit: 10).isEmpty)
                #expect(try await desk.sharing.grants(for: other, before: nil, limit: 10).isEmpty)
                #expect(try await desk.sharing.inbox(of: other, limit: 10).isEmpty)
            }
            for reader in [desk.provider, desk.authority] {
                await expectProblem(.notYourDecision) { _ = try await desk.state(grant, as: reader) }
                #expect(try await desk.sharing.grant(grant.id, for: reader).id == grant.id)
            }
        }
    }

    @Test func everyReadIsRememberedWithItsPurpose() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            _ = try await desk.state(grant)
            _ = try await desk.sharing.rows(by: grant.id, for: desk.receiver, purpose: "核对", version: nil, after: nil, limit: 2)
            await expectProblem(.purposeMissing) { _ = try await desk.sharing.rows(by: grant.id, for: desk.receiver, purpose: " ", version: nil, after: nil, limit: 2) }
            let log = try await desk.db.database.execute("SELECT path, purpose, department FROM daylight.exchange_call WHERE stage = 'begun' ORDER BY number")
            #expect(try log.map { try $0.read(String.self, "path") + " " + $0.read(String.self, "purpose") } == ["data 测试", "rows 核对"])
            #expect(try log[0].read(String.self, "department") == desk.receiver.key.department)
        }
    }
}
