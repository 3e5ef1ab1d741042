import Foundation
import Ledger
import Model
import RateLimit
import Testing

@testable import Exchange
@testable import Store

/// What is sent, when it is sent again, and where it may go: values, without a database.
@Suite struct WebhookTests {
    /// The example of the specification's own libraries.
    @Test func aSignatureIsThatOfStandardWebhooks() throws {
        let secret = Array(try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")))
        let signature = Webhook.signature(of: #"{"test": 2432232314}"#, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: "1614265330", by: secret)
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        #expect(Webhook.text(of: secret) == "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    @Test func aMessageIsACloudEventSignedByEverySecretThatStands() throws {
        let time = try #require(Timestamp("2026-03-02T09:00:00+08:00"))
        let message = OutgoingMessage(
            id: "0d9f1a52-7f0e-4b0c-8a57-2b5f6c1f3a77", type: "daylight.dataset.released", subject: "grants/x", data: #"{"version": 2}"#, at: time, attempts: 0, expiresAt: time)
        let first = Webhook(message, secrets: [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)], at: time)
        let event = try CanonicalJSON(parsing: Array(first.body.utf8))
        #expect(event["specversion"] == .string("1.0") && event["id"] == .string(message.id) && event["source"] == .string("/v1/exchange"))
        #expect(event["type"] == .string(message.type) && event["time"] == .string("2026-03-02T09:00:00+08:00") && event["data"]?["version"] == .integer(2))
        #expect(first.headers.first { $0.name == "webhook-signature" }?.value.split(separator: " ").count == 2)
        // Another attempt: the same event under the same identifier, signed for its own time.
        let second = Webhook(message, secrets: [[UInt8](repeating: 1, count: 32)], at: WebhookSchedule.later(time, 60))
        #expect(second.body == first.body && second.headers.map(\.value) != first.headers.map(\.value))
    }

    private func outcome(_ reply: WebhookReply, attempts: Int = 0, failures: Int = 0, late: Bool = false) -> WebhookSchedule.Outcome {
        let now = Timestamp(microseconds: 1_000_000_000)
        return WebhookSchedule.outcome(of: reply, attempts: attempts, failures: failures, expiresAt: Timestamp(microseconds: late ? 0 : 2_000_000_000_000), now: now)
    }

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(microseconds: 1_000_000_000 + seconds * 1_000_000) }

    @Test func whatIsNotTakenIsTriedAgainLaterAndLater() {
        #expect(outcome(.answered(status: 204, retryAfter: nil)) == .delivered)
        #expect(outcome(.answered(status: 410, retryAfter: nil)) == .gone)
        #expect(outcome(.answered(status: 302, retryAfter: nil)) == .failed("302", next: at(5), resume: at(5)))
        #expect(outcome(.answered(status: 503, retryAfter: 90)) == .failed("503", next: at(90), resume: at(90)))
        #expect(outcome(.answered(status: 500, retryAfter: 90)) == .failed("500", next: at(5), resume: at(5)))
        #expect(outcome(.answered(status: 429, retryAfter: 9_000_000)) == .failed("429", next: at(3600), resume: at(3600)))
        #expect(outcome(.failed(.timeout), attempts: 3, failures: 1) == .failed("timeout", next: at(600), resume: at(30)))
        // An endpoint is asked at least every hour, since something newer may be taken.
        #expect(outcome(.failed(.unreachable), attempts: 50, failures: 50) == .failed("unreachable", next: at(28800), resume: at(3600)))
        #expect(outcome(.failed(.unreachable), attempts: 50, failures: 50, late: true) == .failed("unreachable", next: nil, resume: at(3600)))
        // Whatever the clock says, nothing is given up that was hardly tried.
        #expect(outcome(.failed(.unreachable), late: true) == .failed("unreachable", next: at(5), resume: at(5)))
    }

    @Test func noAttemptWaitsLongerThanTheHorizonAndThreeDaysHaveManyOfThem() {
        #expect(WebhookSchedule.pauses.allSatisfy { $0 < WebhookSchedule.horizon } && WebhookSchedule.longestRest < WebhookSchedule.horizon)
        var passed: Int64 = 0, count = 0
        while passed < WebhookSchedule.patience {
            passed += WebhookSchedule.pauses[min(count, WebhookSchedule.pauses.count - 1)]
            count += 1
        }
        #expect(count > WebhookSchedule.leastFailures)
    }

    @Test(arguments: [
        "127.0.0.1", "127.8.9.10", "10.1.2.3", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1",
        "192.0.2.1", "168.63.129.16", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "::7f00:1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1",
    ]) func anInternalAddressIsRefused(_ text: String) throws {
        #expect(try !AddressRule().permits(#require(IPAddress(text))))
    }

    @Test(arguments: ["1.1.1.1", "8.8.8.8", "114.114.114.114", "172.32.0.1", "2606:4700:4700::1111", "2400:3200::1", "::ffff:8.8.8.8"])
    func aPublicAddressIsNot(_ text: String) throws { #expect(try AddressRule().permits(#require(IPAddress(text)))) }

    @Test func anOperatorAllowsRangesByName() throws {
        let rule = AddressRule(allowing: [try #require(IPNetwork("10.20.0.0/16")), try #require(IPNetwork("fd00::/8"))])
        for (text, isPermitted) in [("10.20.3.4", true), ("10.21.3.4", false), ("fd00::7", true), ("::ffff:10.20.0.1", true), ("fe80::7", false)] {
            #expect(try rule.permits(#require(IPAddress(text))) == isPermitted, "\(text)")
        }
    }
}
