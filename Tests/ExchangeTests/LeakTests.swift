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

    /// Reads as the exchange's role, by a pass of the receiver's.
    private func read(_ role: Database, _ sql: SQL, _ grant: ShareGrant, _ desk: Desk) async throws -> RowSet {
        try await read(role, sql, by: try #require(try await enter(role, grant, desk.receiver).pass))
    }

    private func read(_ role: Database, _ sql: SQL, by pass: String) async throws -> RowSet {
        try await role.transaction { connection in
            try await connection.execute("SELECT set_config('daylight.pass', \(pass, as: .text), true)")
            return try await connection.execute(sql)
        }
    }

    /// What a reading by a pass is refused with; nil where it goes through.
    private func refusal(_ role: Database, _ sql: SQL, by pass: String) async throws -> String? {
        do {
            _ = try await read(role, sql, by: pass)
            return nil
        } catch let error as PostgresError {
            return error.sqlState?.rawValue ?? "\(error.code)"
        }
    }

    private func enter(_ role: Database, _ grant: ShareGrant, _ member: Member, purpose: String? = "测试") async throws -> (pass: String?, refused: String?) {
        let row = try await role.execute("SELECT pass, refused FROM granted.enter(\(grant.id)::uuid, \(member.key.id)::uuid, \(purpose, as: .text))")[0]
        return (try row.read("pass"), try row.read("refused"))
    }

    private func names(_ rows: RowSet) throws -> [String] { try rows.map { try $0.read(String.self, "code") } }

    @Test func theRoleOfTheExchangeSeesTheViewsOfGrantsAndNothingElse() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "keeper", "budget"], filter: "region = 'east' AND budget >= 100")
            let role = try await desk.db.open(as: .exchange)
            let rows = try await read(role, "SELECT * FROM granted.g1 ORDER BY code", grant, desk)
            #expect(rows.columns == ["_since", "_until", "code", "keeper", "budget"])
            #expect(try names(rows) == ["A", "C"])
            #expect(try rows[0].read(String.self, "keeper") == "张三丰")
            #expect(try await read(role, "SELECT * FROM granted.w1", grant, desk).columns == ["_since", "_until", "_gone_at", "code"])
            let table = "data.\"d\(desk.release.number)\"", view = "published.\"d\(desk.release.number)\""
            for statement: SQL in [
                "SELECT * FROM \(raw: table)", "SELECT secret FROM \(raw: table)", "SELECT * FROM \(raw: view)", "SELECT * FROM daylight.dataset",
                "SELECT * FROM daylight.share_grant", "SELECT * FROM daylight.share_request", "SELECT * FROM daylight.receipt_key", "SELECT value FROM daylight.secret",
                "SELECT * FROM daylight.withdrawn_row", "SELECT * FROM daylight.grant_pass", "INSERT INTO daylight.grant_pass (grant_number) VALUES (1)",
                "DELETE FROM daylight.grant_allowance", "UPDATE daylight.grant_allowance SET full_at = 0", "SELECT salt FROM daylight.ledger_salt", "SELECT * FROM published.dataset", "CREATE TABLE granted.x (a int)",
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
            let grant = try await desk.granted(["code", "budget"], filter: "region = 'east'")
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
            #expect(try names(try await read(role, "SELECT code FROM granted.g1 WHERE spy.tell(code) ORDER BY code", grant, desk)) == ["A", "C"])
            await role.close()
        }
    }

    @Test func whatHasEndedGivesNothingWhateverTheProgramThinks() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            let role = try await desk.db.open(as: .exchange)
            // Passes that were opened while it ran.
            var passes: [String] = []
            for _ in 0..<5 { passes.append(try #require(try await enter(role, grant, desk.receiver).pass)) }
            #expect(try await read(role, "SELECT * FROM granted.g1", by: passes[0]).count == 4)
            // The term is over, by the database's clock alone.
            try await desk.db.database.execute("UPDATE daylight.share_grant SET expires_at = now() - interval '1 second'")
            #expect(try await read(role, "SELECT * FROM granted.g1", by: passes[1]).count == 0)
            #expect(try await enter(role, grant, desk.receiver).refused == "ended")
            try await desk.db.database.execute("UPDATE daylight.share_grant SET expires_at = now() + interval '1 day'")
            #expect(try await read(role, "SELECT * FROM granted.g1", by: passes[2]).count == 4)
            try await desk.db.database.execute("UPDATE daylight.dataset SET state = 'withdrawn'")
            #expect(try await read(role, "SELECT * FROM granted.g1", by: passes[3]).count == 0)
            #expect(try await enter(role, grant, desk.receiver).refused == "ended")
            try await desk.db.database.execute("UPDATE daylight.dataset SET state = 'published'")
            var revocation = ShareDecision(.revoke)
            revocation.note = "不再需要"
            _ = try await desk.sharing.decide(grant.request, revocation, by: desk.provider)
            #expect(try await refusal(role, "SELECT * FROM granted.g1", by: passes[4]) == Self.denied)
            #expect(try await enter(role, grant, desk.receiver).refused == "ended")
            await role.close()
            await expectProblem(.grantEnded) { _ = try await desk.state(grant) }
        }
    }

    /// Whoever has a connection of the exchange's role reads nothing by a grant without a pass, whichever way.
    @Test func aPassIsNeededForEachReadAndIsForOneTransactionAndOneGrant() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted(["code", "budget"], filter: "region = 'east'"), other = try await desk.granted(["code"])
            let role = try await desk.db.open(as: .exchange)
            let statements: [SQL] = [
                "SELECT code FROM granted.g1", "SELECT FROM granted.g1 LIMIT 1", "SELECT count(*), sum(budget) FROM granted.g1", "SELECT code FROM granted.w1", "SELECT * FROM granted.erased",
                "SELECT EXISTS (SELECT FROM granted.g1 WHERE code = 'A')", "SELECT code FROM granted.g2 AS x JOIN granted.g1 AS y USING (code)", "TABLE granted.g1",
                "DECLARE c CURSOR WITH HOLD FOR SELECT code FROM granted.g1",
            ]
            for statement in statements { #expect(try await refusal(role, statement) == Self.denied, "\(statement.text)") }
            // By a pass all of them go, in its transaction and no other.
            let pass = try #require(try await enter(role, grant, desk.receiver).pass)
            try await role.transaction { connection in
                try await connection.execute("SELECT set_config('daylight.pass', \(pass, as: .text), false)")
                for statement in statements where !statement.text.contains("granted.g2") { try await connection.execute(statement) }
                #expect(try names(try await connection.execute("SELECT code FROM granted.g1 ORDER BY code")) == ["A", "C"])
            }
            try await role.execute("CLOSE ALL")
            for statement in statements { #expect(try await refusal(role, statement, by: pass) == Self.denied, "\(statement.text)") }
            let copied = await #expect(throws: PostgresError.self) {
                try await role.withConnection { connection in
                    for try await _ in connection.copyOut("COPY (SELECT code FROM granted.g1) TO STDOUT") {}
                }
            }
            #expect(copied?.sqlState?.rawValue == Self.denied)
            let forOther = try #require(try await enter(role, other, desk.receiver).pass)
            #expect(try await refusal(role, "SELECT code FROM granted.g1", by: forOther) == Self.denied)
            #expect(try names(try await read(role, "SELECT code FROM granted.g2 ORDER BY code", by: forOther)) == ["A", "B", "C", "D"])
            // One that was opened and left is worth nothing soon after.
            let old = try #require(try await enter(role, grant, desk.receiver).pass)
            try await desk.db.database.execute("UPDATE daylight.grant_pass SET opened_at = now() - interval '61 seconds' WHERE id = \(old)::uuid")
            #expect(try await refusal(role, "SELECT code FROM granted.g1", by: old) == Self.denied)
            await role.close()
        }
    }

    @Test func theDatabaseOpensNoPassWithoutPurposeNorForOthersThanTheReceiver() async throws {
        try await Desk.with { desk in
            let grant = try await desk.granted()
            let role = try await desk.db.open(as: .exchange)
            for purpose in [nil, "", " ", "\u{3000}\u{a0}\n", String(repeating: "长", count: 501)] {
                let (pass, refused) = try await enter(role, grant, desk.receiver, purpose: purpose)
                #expect(pass == nil && refused == "purpose", "\(purpose ?? "nil")")
            }
            let third = try await desk.db.addDepartment(3)
            let receiver = desk.receiver.key.department
            let wrong = [
                desk.provider, desk.authority, try await Desk.member(desk.db, [.exchange], third.uscc), try await Desk.member(desk.db, [.exchange], receiver, datasets: ["another"]),
                try await Desk.member(desk.db, [.oversight], receiver),
            ]
            for member in wrong { #expect(try await enter(role, grant, member).refused == "key") }
            let mayRead = try await Desk.member(desk.db, [.exchange], receiver, datasets: ["lighthouse"])
            #expect(try await enter(role, grant, mayRead).pass != nil)
            try await desk.db.database.execute("UPDATE daylight.access_key SET revoked_at = now() WHERE id = \(mayRead.key.id)::uuid")
            #expect(try await enter(role, grant, mayRead).refused == "key")
            await role.close()
        }
    }

    @Test func theDatabaseCountsTheRateItself() async throws {
        try await Desk.with { desk in
            let request = try await desk.sharing.submit(try Desk.draft(["code"]), by: desk.receiver)
            var decision = ShareDecision(.accept)
            decision.rate = ShareRate(calls: 2, rows: 3, seconds: 86_400)
            let accepted = try await desk.sharing.decide(request.id, decision, by: desk.provider)
            let grant = try await desk.sharing.grant(try #require(accepted.grant), for: desk.receiver)
            let role = try await desk.db.open(as: .exchange)
            let first = try #require(try await enter(role, grant, desk.receiver).pass), second = try #require(try await enter(role, grant, desk.receiver).pass)
            #expect(try await enter(role, grant, desk.receiver).refused == "calls")
            // A pass is charged once.
            for _ in 0..<2 { try await role.execute("SELECT granted.charge(\(first)::uuid, 2)") }
            #expect(try await enter(role, grant, desk.receiver).refused == "calls")
            try await role.execute("SELECT granted.charge(\(second)::uuid, 2)")
            #expect(try await enter(role, grant, desk.receiver).refused == "rows")
            await role.close()
        }
    }

    @Test func historyFromBeforeTheGrantIsNotInIt() async throws {
        try await Desk.with { desk in
            try await desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "111", "s1"]], removing: [["D"]])
            let grant = try await desk.granted(["code", "budget"])
            let role = try await desk.db.open(as: .exchange)
            let rows = try await read(role, "SELECT code, budget FROM granted.g1 ORDER BY code", grant, desk)
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
