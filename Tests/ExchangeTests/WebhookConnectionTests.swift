import Foundation
import Model
import RateLimit
import TestSupport
import Testing

@testable import Exchange
@testable import Store

/// Connections that are kept, over real sockets, and an endpoint's turn as a value.
@Suite(.timeLimit(.minutes(10))) struct WebhookConnectionTests {
    private static let loopback = AddressRule(allowing: [IPNetwork("127.0.0.0/8")!])
    private static let taken = WebhookReply.answered(status: 200, retryAfter: nil)

    private static func message(_ id: String) -> OutgoingMessage {
        OutgoingMessage(id: id, type: "t", subject: "s", data: "{}", at: .now, attempts: 0, expiresAt: WebhookSchedule.later(.now, 86_400))
    }

    private static func webhook(_ id: String = "x") -> Webhook { Webhook(message(id), secrets: [[UInt8](repeating: 1, count: 32)], at: .now) }

    private static func client(patience: Duration = .seconds(30), _ change: (inout WebhookLines.Limits) -> Void = { _ in }) -> WebhookClient {
        var limits = WebhookLines.Limits()
        change(&limits)
        return WebhookClient(rule: loopback, patience: patience, limits: limits)
    }

    private static func closed(_ receiver: TestReceiver) async throws {
        for _ in 0..<1200 where receiver.openConnections > 0 { try await Task.sleep(for: .milliseconds(50)) }
        #expect(receiver.openConnections == 0)
    }

    @Test func messagesOneAfterAnotherGoOnOneConnection() async throws {
        let receiver = try await TestReceiver(), client = Self.client()
        for number in 0..<30 { #expect(await client.send(Self.webhook("\(number)"), to: receiver.url) == Self.taken) }
        #expect(receiver.connections == 1 && Set(receiver.requests.map { $0.header("webhook-id") }).count == 30)
        #expect(receiver.requests.allSatisfy { $0.header("host") == "127.0.0.1:\(receiver.port)" })
        // Whatever is not asked for any more is closed.
        client.lines.keep(only: [])
        try await Self.closed(receiver)
        #expect(await client.send(Self.webhook(), to: receiver.url) == Self.taken)
        #expect(receiver.connections == 2)
        client.lines.close()
        try await Self.closed(receiver)
        await receiver.close()
    }

    @Test func anAddressCountsForSoLongAndNoLonger() async throws {
        let receiver = try await TestReceiver(), client = Self.client { $0.age = .zero }
        for _ in 0..<3 { #expect(await client.send(Self.webhook(), to: "http://localhost:\(receiver.port)/") == Self.taken) }
        #expect(receiver.connections == 3)
        client.lines.close()
        try await Self.closed(receiver)
        // One that is idle is closed by itself.
        let forgetful = Self.client { $0.idle = .milliseconds(50) }
        #expect(await forgetful.send(Self.webhook(), to: receiver.url) == Self.taken)
        try await Self.closed(receiver)
        await receiver.close()
    }

    @Test func aConnectionThatTheReceiverClosedIsNobodysFailure() async throws {
        let receiver = try await TestReceiver(), client = Self.client()
        for _ in 0..<20 {
            #expect(await client.send(Self.webhook(), to: receiver.url) == Self.taken)
            await receiver.closeConnections()
        }
        #expect(receiver.requests.count == 20)
        await receiver.close()
    }

    @Test func noMoreLinesAreKeptThanMayBe() async throws {
        let client = Self.client { $0.count = 2 }
        var receivers: [TestReceiver] = []
        for _ in 0..<5 {
            let receiver = try await TestReceiver()
            receivers.append(receiver)
            #expect(await client.send(Self.webhook(), to: receiver.url) == Self.taken)
        }
        #expect(client.lines.urls.count == 2)
        for receiver in receivers.dropLast(2) { try await Self.closed(receiver) }
        #expect(receivers.suffix(2).allSatisfy { $0.openConnections == 1 })
        for receiver in receivers { await receiver.close() }
    }

    @Test func aBodyWithoutAnEndIsLeftAlone() async throws {
        let receiver = try await TestReceiver(), client = Self.client(patience: .seconds(600))
        receiver.answer(.endless)
        for number in 1...2 {
            #expect(await client.send(Self.webhook(), to: receiver.url) == Self.taken)
            #expect(receiver.connections == number)
        }
        try await Self.closed(receiver)
        await receiver.close()
    }

    @Test func theFirstMessageOfATurnGoesAlone() {
        let messages = (1...20).map { Self.message("\($0)") }
        var turn = WebhookTurn(messages, failures: 3, width: 4)
        #expect(turn.actions() == [.send(messages[0])])
        #expect(turn.actions() == [])
        turn.heard(Self.taken, to: messages[0], at: .now)
        #expect(turn.actions() == [.send(messages[1]), .send(messages[2]), .note(["1"])])
        // What is taken while something is being noted waits for that.
        turn.heard(Self.taken, to: messages[2], at: .now)
        turn.heard(Self.taken, to: messages[1], at: .now)
        #expect(turn.actions() == (3...6).map { .send(messages[$0]) })
        turn.noted(stands: true)
        #expect(turn.actions() == [.note(["3", "2"])])
        // The first that is not taken ends it; the ones on their way are heard.
        turn.heard(.answered(status: 500, retryAfter: nil), to: messages[3], at: .now)
        turn.heard(Self.taken, to: messages[4], at: .now)
        turn.heard(.failed(.timeout), to: messages[5], at: .now)
        #expect(turn.actions() == [])
        turn.noted(stands: true)
        #expect(turn.actions() == [.note(["5"])])
        #expect(turn.failed.map(\.message) == ["4", "6"] && turn.failed.map(\.word) == ["500", "timeout"] && !turn.isGone)
    }

    @Test func anEndpointThatChangedOrIsGoneGetsNothingMore() {
        let messages = (1...5).map { Self.message("\($0)") }
        var turn = WebhookTurn(messages, failures: 0, width: 1)
        _ = turn.actions()
        turn.heard(Self.taken, to: messages[0], at: .now)
        #expect(turn.actions() == [.send(messages[1]), .note(["1"])])
        turn.noted(stands: false)
        turn.heard(Self.taken, to: messages[1], at: .now)
        #expect(turn.actions() == [.note(["2"])])
        var gone = WebhookTurn(messages, failures: 0, width: 8)
        _ = gone.actions()
        gone.heard(.answered(status: 410, retryAfter: nil), to: messages[0], at: .now)
        #expect(gone.actions() == [] && gone.isGone && gone.failed.isEmpty)
    }
}
