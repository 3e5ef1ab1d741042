import Crypto
import Foundation
import Jobs
import Ledger
import Logging
import Model
import NIOConcurrencyHelpers
import NIOCore
import Postgres
import RateLimit
import TestSupport
import Testing

@testable import Exchange
@testable import Store

/// Webhooks over real PostgreSQL and real sockets: what is told, and what happens when something breaks.
@Suite(.timeLimit(.minutes(20))) struct WebhookDeliveryTests {
    private static let hour: Int64 = 3600
    private static let day: Int64 = 86_400

    /// A desk whose receiver listens at an address of its own.
    private struct Ear: Sendable {
        let desk: Desk
        let hook: TestReceiver
        let endpoint: Endpoint
        let secret: [UInt8]
        let webhooks: Webhooks
        let began: Timestamp

        func later(_ seconds: Int64) -> Timestamp { WebhookSchedule.later(began, seconds) }

        func reload() async throws -> Endpoint { try await desk.sharing.endpoint(endpoint.id, for: desk.receiver) }

        func messages(_ state: WebhookMessage.State? = nil) async throws -> [WebhookMessage] {
            try await desk.sharing.messages(of: endpoint, state, before: nil, limit: 100)
        }

        func types() throws -> [String] { try hook.requests.map { try WebhookDeliveryTests.member("type", $0) } }
    }

    private static let loopback = AddressRule(allowing: [IPNetwork("127.0.0.0/8")!])

    private static func sender(_ store: Store, patience: Duration = .seconds(5), addresses: AddressRule = loopback, idle: Duration = .seconds(15)) -> Webhooks {
        var configuration = Webhooks.Configuration()
        configuration.lines.idle = idle
        configuration.addresses = addresses
        configuration.patience = patience
        return Webhooks(store: store, configuration: configuration, logger: Logger(label: "daylight.tests"))
    }

    private static func draft(_ url: String, events: [ExchangeEventType] = []) throws -> EndpointDraft {
        try JSON.decode(
            EndpointDraft.self, #"{"url":"\#(url)","label":"test"\#(events.isEmpty ? "" : #","events":[\#(events.map { "\"\($0.rawValue)\"" }.joined(separator: ","))]"#)}"#)
    }

    fileprivate static func member(_ name: String, _ request: TestReceiver.Request) throws -> String {
        guard case .string(let text)? = try CanonicalJSON(parsing: Array(request.body.utf8))[name] else { return "" }
        return text
    }

    private func listening(events: [ExchangeEventType] = [], isolation: isolated (any Actor)? = #isolation, _ body: (Ear) async throws -> Void) async throws {
        try await Desk.with(shareType: .unconditional, { $0.addresses = Self.loopback }) { desk in
            let hook = try await TestReceiver()
            let made = try await desk.sharing.addEndpoint(try Self.draft(hook.url, events: events), by: desk.receiver)
            let secret = Array(try #require(Data(base64Encoded: String(made.secret.dropFirst("whsec_".count)))))
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(Ear(desk: desk, hook: hook, endpoint: made.endpoint, secret: secret, webhooks: Self.sender(desk.store), began: .now)))
            } catch {
                result = .failure(error)
            }
            await hook.close()
            try result.get()
        }
    }

    @Test func aReceiverIsToldOfWhatConcernsItSignedAndOnce() async throws {
        try await listening { ear in
            let grant = try await ear.desk.granted(["code", "height"])
            try await ear.desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "100", "s1"]])
            try await ear.webhooks.round(at: ear.later(1))
            try await ear.webhooks.round(at: ear.later(2))
            // What it did itself it is not told of; the grant it is, and the release.
            #expect(try ear.types().sorted() == ["daylight.dataset.released", "daylight.grant.given"])
            for request in ear.hook.requests {
                #expect(request.header("content-type").hasPrefix("application/cloudevents+json"))
                let id = request.header("webhook-id")
                #expect(try Self.member("id", request) == id)
                #expect(request.header("webhook-signature") == Webhook.signature(of: request.body, id: id, at: request.header("webhook-timestamp"), by: ear.secret))
            }
            let released = try #require(ear.hook.requests.first { $0.body.contains("dataset.released") })
            let data = try CanonicalJSON(parsing: Array(released.body.utf8))["data"]
            #expect(data?["grant"] == .string(grant.id) && data?["version"] == .integer(2) && data?["changes"] == .string("/v1/exchange/grants/\(grant.id)/changes"))
            #expect(!released.body.contains("11.00"))
            #expect(try await ear.reload().state == .enabled)
        }
    }

    @Test func whatWasRolledBackIsNotTold() async throws {
        try await listening { ear in
            let grant = try await ear.desk.granted()
            try await ear.webhooks.round(at: ear.later(1))
            let before = ear.hook.requests.count
            struct Abandoned: Error {}
            await #expect(throws: Abandoned.self) {
                _ = try await ear.desk.store.changeShareRequest(grant.request) { change in
                    try await change.extend(to: Desk.nextYear)
                    throw Abandoned()
                }
            }
            try await ear.webhooks.round(at: ear.later(2))
            #expect(ear.hook.requests.count == before)
        }
    }

    @Test func aReceiverThatWasDownForAWeekGetsExactlyWhatIsMissing() async throws {
        try await listening(events: [.released]) { ear in
            let grant = try await ear.desk.granted(["code", "height"])
            let first = try await ear.desk.pull(grant)
            #expect(first.split(separator: "\n").count == 5)
            let port = ear.hook.port
            await ear.hook.close()
            try await ear.desk.release.release(2, rows: [["A", "east", "张三丰", "11.00", "100", "s1"]])
            // Nearly three days, as its waits have it.
            for second in [1, 7, 40, 200, 900, 2800, 6500] + Array(stride(from: 4 * Self.hour, to: 71 * Self.hour, by: 9000)) {
                try await ear.webhooks.round(at: ear.later(second))
            }
            let waiting = try #require(try await ear.messages().first)
            #expect(waiting.state == .waiting && waiting.attempts >= 8 && waiting.attempts < 40)
            #expect(try await ear.reload().state == .failing)
            for hour in [Int64(72), 73, 80] { try await ear.webhooks.round(at: ear.later(hour * Self.hour)) }
            let dead = try #require(try await ear.messages(.dead).first)
            #expect(dead.id == waiting.id && dead.lastFailure == "unreachable")
            // A week later it is there again.
            let hook = try await TestReceiver(port: port)
            try await ear.webhooks.round(at: ear.later(7 * Self.day))
            #expect(hook.requests.isEmpty)
            #expect(try await ear.desk.sharing.replay(nil, of: ear.reload(), by: ear.desk.receiver, now: ear.later(7 * Self.day)) == 1)
            try await ear.webhooks.round(at: ear.later(7 * Self.day + 1))
            try await ear.webhooks.round(at: ear.later(7 * Self.day + 2))
            #expect(hook.requests.map { $0.header("webhook-id") } == [dead.id])
            #expect(try await ear.desk.pull(grant) == "_change,code,height\nchanged,A,11.00\n")
            #expect(try await ear.desk.pull(grant) == "_change,code,height\n")
            await hook.close()
        }
    }

    @Test func aReceiverThatLostWhatItTookAsksAgainFromItsLastReceipt() async throws {
        try await listening(events: [.released]) { ear in
            let grant = try await ear.desk.granted(["code", "height"])
            _ = try await ear.desk.pull(grant)
            try await ear.desk.release.release(2, rows: [["B", "west", "李四", "21.00", "200", "s2"]])
            try await ear.webhooks.round(at: ear.later(1))
            #expect(ear.hook.requests.count == 1)
            // It answered 200, and lost what it was told and what it got.
            let lost = try await ear.desk.pull(grant, losing: true)
            #expect(try await ear.desk.pull(grant) == lost)
            #expect(try await ear.desk.pull(grant) == "_change,code,height\n")
        }
    }

    @Test func whatAKilledSenderHadNotNotedIsSentAgainUnderTheSameIdentifier() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code", "height"])
            try await ear.desk.release.release(2, rows: [["B", "west", "李四", "21.00", "200", "s2"]])
            // One process held the lease, sent, and was killed before it could note the answer: the lease runs out, and another one goes on.
            let store = ear.desk.store
            #expect(try await store.hold(job: "webhooks", as: "7a1f7a10-8f2a-4a53-9a53-0d1c6f1f7a10", for: .milliseconds(700)))
            let target = try #require(try await store.dueEndpoints(at: .now, horizon: ear.later(Self.day), except: [], limit: 1, failing: 1).first)
            let message = try #require(try await store.dueMessages(for: target.id, at: .now, horizon: ear.later(Self.day), limit: 1).first)
            let client = WebhookClient(rule: Self.loopback, patience: .seconds(5))
            #expect(await client.send(Webhook(message, secrets: target.secrets, at: .now), to: target.url) == .answered(status: 200, retryAfter: nil))
            let webhooks = ear.webhooks
            let successor = Task { await Job("webhooks", every: .milliseconds(100)) { try await webhooks.work() }.run(on: store, as: UUID().uuidString, logger: Logger(label: "x")) }
            for _ in 0..<1200 where ear.hook.requests.count < 2 { try await Task.sleep(for: .milliseconds(50)) }
            for _ in 0..<1200 {
                guard try await ear.messages(.delivered).isEmpty else { break }
                try await Task.sleep(for: .milliseconds(50))
            }
            successor.cancel()
            await successor.value
            #expect(ear.hook.requests.map { $0.header("webhook-id") } == [message.id, message.id])
            #expect(Set(ear.hook.requests.map(\.body)).count == 1)
        }
    }

    /// Asks again while connections that were ended are made anew.
    private static func reconnecting<Value>(_ ask: () async throws -> Value) async throws -> Value {
        for _ in 0..<300 {
            do {
                return try await ask()
            } catch let problem as Problem where problem.code == .databaseUnavailable {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
        return try await ask()
    }

    @Test func theDatabaseFailsOverWhileMessagesAreSent() async throws {
        try await listening(events: [.released]) { ear in
            let grant = try await ear.desk.granted(["code", "height"])
            for version in 2...6 { try await ear.desk.release.release(version, rows: [["A", "east", "张三丰", "\(version).00", "100", "s1"]]) }
            for second in 1...5 {
                // All of the program's connections are lost in the middle of it.
                async let round: Void? = try? ear.webhooks.round(at: ear.later(Int64(second) * 60))
                try await ear.desk.db.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'daylight %'")
                _ = await round
            }
            for second in 10...20 where try await Self.reconnecting({ try await ear.messages(.delivered).count }) < 5 {
                try? await ear.webhooks.round(at: ear.later(Int64(second) * Self.hour))
            }
            #expect(try await Self.reconnecting { try await ear.messages(.delivered).count } == 5)
            #expect(Set(ear.hook.requests.map { $0.header("webhook-id") }).count == 5)
            #expect(try await Self.reconnecting { try await ear.desk.pull(grant) }.contains("added,A,6.00"))
        }
    }

    @Test func aJumpOfTheClockLosesNothing() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            try await ear.desk.release.release(2, rows: [["E", "east", "张", "1.00", "1", "s"]])
            // A year ahead: tried, not given up; the wait is written down by that clock.
            ear.hook.answer(.status(500))
            try await ear.webhooks.round(at: ear.later(365 * Self.day))
            #expect(try await ear.messages().map(\.state) == [.waiting])
            // Back again: what waits for a year is due now.
            ear.hook.answer(.status(200))
            try await ear.webhooks.round(at: ear.later(60))
            #expect(try await ear.messages().map(\.state) == [.delivered])
            #expect(ear.hook.requests.count == 2)
        }
    }

    @Test func anAddressThatIsGoneIsToldNothingMoreUntilItsDepartmentWantsIt() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            for version in 2...3 { try await ear.desk.release.release(version, rows: [["E", "east", "张", "\(version).00", "1", "s"]]) }
            ear.hook.answer(.status(410))
            try await ear.webhooks.round(at: ear.later(1))
            #expect(ear.hook.requests.count == 1)
            var endpoint = try await ear.reload()
            #expect(endpoint.state == .disabled && endpoint.disabledReason == .gone && endpoint.dead == 2)
            try await ear.desk.release.release(4, rows: [["E", "east", "张", "4.00", "1", "s"]])
            try await ear.webhooks.round(at: ear.later(Self.day))
            #expect(ear.hook.requests.count == 1)
            await expectProblem(.invalidEndpoint) { _ = try await ear.desk.sharing.replay(nil, of: endpoint, by: ear.desk.receiver) }
            ear.hook.answer(.status(204))
            endpoint = try #require(try await ear.desk.sharing.change(endpoint, by: JSON.decode(EndpointChange.self, #"{"enabled":true}"#), member: ear.desk.receiver))
            #expect(endpoint.state == .enabled)
            #expect(try await ear.desk.sharing.replay(nil, of: endpoint, by: ear.desk.receiver) == 2)
            try await ear.webhooks.round(at: ear.later(2 * Self.day))
            #expect(ear.hook.requests.count == 3)
        }
    }

    @Test func aSlowReceiverDoesNotHoldUpOthers() async throws {
        try await listening(events: [.released]) { ear in
            let slow = try await TestReceiver()
            slow.answer(.silence)
            _ = try await ear.desk.sharing.addEndpoint(try Self.draft(slow.url, events: [.released]), by: ear.desk.receiver)
            _ = try await ear.desk.granted(["code"])
            try await ear.desk.release.release(2, rows: [["E", "east", "张", "1.00", "1", "s"]])
            let webhooks = Self.sender(ear.desk.store, patience: .seconds(60))
            let work = Task { try await webhooks.work() }
            for _ in 0..<1200 where slow.requests.isEmpty || ear.hook.requests.isEmpty { try await Task.sleep(for: .milliseconds(50)) }
            #expect(slow.requests.count == 1 && ear.hook.requests.count == 1)
            // The one still does not answer, and the other is told the next thing.
            try await ear.desk.release.release(3, rows: [["E", "east", "张", "2.00", "1", "s"]])
            for _ in 0..<1200 where ear.hook.requests.count < 2 { try await Task.sleep(for: .milliseconds(50)) }
            #expect(ear.hook.requests.count == 2 && slow.requests.count == 1)
            work.cancel()
            _ = await work.result
            await slow.close()
        }
    }

    /// Waits until something holds, for two minutes at most.
    private static func until(isolation: isolated (any Actor)? = #isolation, _ condition: () async throws -> Bool) async throws {
        for _ in 0..<2400 where try await !condition() { try await Task.sleep(for: .milliseconds(50)) }
        #expect(try await condition())
    }

    @Test func connectionsAreKeptWhileThereIsSomethingToSendAndClosedWhenTheEndpointIsGone() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            let webhooks = Self.sender(ear.desk.store, idle: .seconds(3600))
            let work = Task { try await webhooks.work() }
            for version in 2...6 {
                try await ear.desk.release.release(version, rows: [["E", "east", "张", "\(version).00", "1", "s"]])
                try await Self.until { ear.hook.requests.count == version - 1 }
            }
            #expect(ear.hook.connections == 1 && ear.hook.openConnections == 1)
            // Disabled by its owner: nothing is kept. Enabled again, it is told on a new connection.
            let disabled = try #require(try await ear.desk.sharing.change(ear.reload(), by: JSON.decode(EndpointChange.self, #"{"enabled":false}"#), member: ear.desk.receiver))
            try await Self.until { ear.hook.openConnections == 0 }
            _ = try #require(try await ear.desk.sharing.change(disabled, by: JSON.decode(EndpointChange.self, #"{"enabled":true}"#), member: ear.desk.receiver))
            try await ear.desk.release.release(7, rows: [["E", "east", "张", "7.00", "1", "s"]])
            try await Self.until { ear.hook.requests.count == 6 }
            #expect(ear.hook.connections == 2 && ear.hook.openConnections == 1)
            // Another address: the connection to the one before is closed.
            let other = try await TestReceiver()
            var endpoint = try await ear.reload()
            endpoint = try #require(try await ear.desk.sharing.change(endpoint, by: JSON.decode(EndpointChange.self, #"{"url":"\#(other.url)"}"#), member: ear.desk.receiver))
            try await Self.until { ear.hook.openConnections == 0 }
            try await ear.desk.release.release(8, rows: [["E", "east", "张", "8.00", "1", "s"]])
            try await Self.until { other.requests.count == 1 }
            // The server stops.
            work.cancel()
            _ = await work.result
            try await Self.until { other.openConnections == 0 }
            #expect(ear.hook.requests.count == 6 && Set(ear.hook.requests.map { $0.header("webhook-id") }).count == 6)
            await other.close()
        }
    }

    @Test func howeverManyHangTheOthersAreTold() async throws {
        try await listening(events: [.released]) { ear in
            let hanging = try await TestReceiver()
            hanging.answer(.silence)
            _ = try await ear.desk.granted(["code"])
            // More than are sent to at once; all have failed before, and are due all the time.
            try await ear.desk.db.database.execute(
                """
                INSERT INTO daylight.endpoint (id, department, url, label, secret, created_by, failures, failing_since)
                SELECT gen_random_uuid(), department, \(hanging.url) || '/' || n, 'hangs', secret, created_by, 1, now() FROM daylight.endpoint, generate_series(1, 150) AS n
                """)
            let webhooks = Self.sender(ear.desk.store, patience: .seconds(600))
            let work = Task { try await webhooks.work() }
            for version in 2...5 {
                try await ear.desk.release.release(version, rows: [["E", "east", "张", "\(version).00", "1", "s"]])
                try await Self.until { ear.hook.requests.count == version - 1 }
            }
            try await Self.until { hanging.requests.count == 32 }
            work.cancel()
            _ = await work.result
            await hanging.close()
        }
    }

    @Test func manyMessagesGoAtATimeAndEachOnce() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            try await ear.desk.release.release(2, rows: [["E", "east", "张", "1.00", "1", "s"]])
            try await ear.desk.db.database.execute(
                """
                WITH told AS (INSERT INTO daylight.exchange_event (department, type, subject, data) SELECT department, type, subject, data FROM daylight.exchange_event, generate_series(1, 499) RETURNING id)
                INSERT INTO daylight.webhook_message (endpoint, event) SELECT e.id, t.id FROM daylight.endpoint e, told t
                """)
            let webhooks = Self.sender(ear.desk.store), work = Task { try await webhooks.work() }
            try await Self.until { ear.hook.requests.count == 500 }
            try await Self.until { try await ear.reload().waiting == 0 }
            #expect(Set(ear.hook.requests.map { $0.header("webhook-id") }).count == 500 && ear.hook.requests.count == 500)
            #expect(ear.hook.connections <= 8)
            work.cancel()
            _ = await work.result
        }
    }

    @Test func aMessageThatIsNeverTakenDoesNotHoldTheOthersUp() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            try await ear.desk.release.release(2, rows: [["E", "east", "张", "1.00", "1", "s"]])
            ear.hook.answer(.status(500))
            try await ear.webhooks.round(at: ear.later(1))
            try await ear.desk.release.release(3, rows: [["E", "east", "张", "2.00", "1", "s"]])
            ear.hook.answer(.status(200))
            try await ear.webhooks.round(at: ear.later(7))
            let bodies = ear.hook.requests.map(\.body)
            // What was not tried yet goes first.
            #expect(bodies.count == 3 && bodies[1] != bodies[0] && bodies[2] == bodies[0])
        }
    }

    @Test func noNameLeadsInside() async throws {
        let inside = try await TestReceiver()
        let redirecting = try await TestReceiver()
        redirecting.answer(.elsewhere(inside.url))
        let webhook = Webhook(
            OutgoingMessage(id: "x", type: "t", subject: "s", data: "{}", at: .now, attempts: 0, expiresAt: .now), secrets: [[UInt8](repeating: 1, count: 32)], at: .now)
        let strict = WebhookClient(rule: AddressRule(), patience: .seconds(5))
        for host in ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "LOCALHOST"] {
            let reply = await strict.send(webhook, to: "http://\(host):\(inside.port)/")
            #expect(reply == .failed(.addressRefused) || reply == .failed(.unresolved), "\(host)")
        }
        #expect(await strict.send(webhook, to: "http+unix://%2Ftmp%2Fx/") == .failed(.unresolved))
        let open = WebhookClient(rule: Self.loopback, patience: .seconds(5))
        #expect(await open.send(webhook, to: redirecting.url) == .answered(status: 302, retryAfter: nil))
        #expect(inside.requests.isEmpty && redirecting.requests.count == 1)
        #expect(await open.send(webhook, to: "http://localhost:\(inside.port)/") == .answered(status: 200, retryAfter: nil))
        #expect(inside.requests.first?.header("host") == "localhost:\(inside.port)")
        #expect(await open.send(webhook, to: "https://127.0.0.1:\(inside.port)/") == .failed(.tls))
        await inside.close()
        await redirecting.close()
        #expect(await open.send(webhook, to: inside.url) == .failed(.unreachable))
    }

    @Test func aSecretThatWasRotatedSignsForADayMore() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            let rotated = try await ear.desk.sharing.rotateSecret(of: ear.endpoint, by: ear.desk.receiver)
            #expect(rotated.secret != Webhook.text(of: ear.secret))
            for (version, hours, count) in [(2, Int64(1), 2), (3, 25, 1)] {
                try await ear.desk.release.release(version, rows: [["E", "east", "张", "\(version).00", "1", "s"]])
                try await ear.webhooks.round(at: ear.later(hours * Self.hour))
                #expect(ear.hook.requests.last?.header("webhook-signature").split(separator: " ").count == count)
            }
        }
    }

    @Test func deliveriesThatNobodySignedForAge() async throws {
        try await listening(events: [.receiptMissing]) { ear in
            let desk = ear.desk
            let grant = try await desk.granted(["code"])
            let lost = try await desk.pull(grant, losing: true)
            #expect(!lost.isEmpty)
            #expect(try await desk.sharing.inbox(of: desk.receiver, limit: 10).isEmpty)
            for hours in [Int64(1), 25, 26, 73] { try await desk.sharing.remindOfReceipts(at: ear.later(hours * Self.hour)) }
            try await ear.webhooks.round(at: ear.later(Self.hour))
            #expect(try ear.hook.requests.map { try CanonicalJSON(parsing: Array($0.body.utf8))["data"]?["days"] } == [.integer(1), .integer(3)])
            let owed = try await desk.sharing.deliveries(of: grant.id, for: desk.provider, unreceipted: true, before: nil, limit: 10, now: ear.later(49 * Self.hour))
            #expect(owed.map(\.unreceiptedHours) == [48] || owed.map(\.unreceiptedHours) == [49])
            let inbox = try await desk.sharing.inbox(of: desk.receiver, limit: 10, now: ear.later(25 * Self.hour))
            #expect(inbox.map(\.id) == [grant.request] && inbox.first?.receiptsMissing?.count == 1)
            // A later receipt covers what was lost before.
            _ = try await desk.pull(grant)
            #expect(try await desk.sharing.inbox(of: desk.receiver, limit: 10, now: ear.later(25 * Self.hour)).isEmpty)
            try await desk.sharing.remindOfReceipts(at: ear.later(8 * Self.day))
            try await ear.webhooks.round(at: ear.later(8 * Self.day))
            #expect(ear.hook.requests.count == 2)
        }
    }

    @Test func aDepartmentHasSoManyEndpointsAndNoMore() async throws {
        try await Desk.with { desk in
            for _ in 0..<10 { _ = try await desk.sharing.addEndpoint(try Self.draft("https://example.org/hook"), by: desk.receiver) }
            await expectProblem(.tooManyEndpoints) { _ = try await desk.sharing.addEndpoint(try Self.draft("https://example.org/hook"), by: desk.receiver) }
            for url in ["http://example.org/", "https://10.0.0.1/", "https://[::1]/", "https://a:b@example.org/", "ftp://example.org/", "https://example.org/#x", "x"] {
                await expectProblem(.invalidEndpoint) { _ = try await desk.sharing.addEndpoint(try Self.draft(url), by: desk.provider) }
            }
        }
    }

    @Test func anEndpointForWhichTooMuchWaitsIsLeftAlone() async throws {
        try await listening(events: [.released]) { ear in
            _ = try await ear.desk.granted(["code"])
            for version in 2...5 { try await ear.desk.release.release(version, rows: [["E", "east", "张", "\(version).00", "1", "s"]]) }
            var configuration = Webhooks.Configuration()
            configuration.backlog = 3
            try await Webhooks(store: ear.desk.store, configuration: configuration, logger: Logger(label: "x")).round(at: ear.later(1))
            let endpoint = try await ear.reload()
            #expect(endpoint.disabledReason == .backlog && endpoint.dead == 4 && endpoint.waiting == 0)
        }
    }
}
