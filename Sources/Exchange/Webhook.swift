internal import Crypto
internal import Foundation
internal import Ledger
internal import Model
internal import Store

/// A message as it is sent: a CloudEvent in structured JSON (CloudEvents 1.0), signed by Standard Webhooks 1.0.
struct Webhook: Sendable, Hashable {
    let headers: [(name: String, value: String)]
    let body: String

    static func == (a: Webhook, b: Webhook) -> Bool { a.body == b.body && a.headers.map(\.value) == b.headers.map(\.value) }

    func hash(into hasher: inout Hasher) { hasher.combine(body) }

    /// - Parameters:
    ///   - secrets: each signs.
    ///   - now: the attempt's time.
    init(_ message: OutgoingMessage, secrets: [[UInt8]], at now: Timestamp) {
        let body = Self.event(message)
        self.body = body
        let seconds = String(now.microseconds / 1_000_000)
        headers = [
            ("Content-Type", "application/cloudevents+json; charset=utf-8"), ("webhook-id", message.id), ("webhook-timestamp", seconds),
            ("webhook-signature", secrets.map { Self.signature(of: body, id: message.id, at: seconds, by: $0) }.joined(separator: " ")),
        ]
    }

    /// The same bytes in every attempt: the data goes through as PostgreSQL keeps it.
    private static func event(_ message: OutgoingMessage) -> String {
        let members: [String: CanonicalJSON] = [
            "specversion": .string("1.0"), "id": .string(message.id), "source": .string("/v1/exchange"), "type": .string(message.type), "subject": .string(message.subject),
            "time": .string(message.at.description), "datacontenttype": .string("application/json"),
        ]
        let text = String(decoding: CanonicalJSON.object(members).bytes, as: UTF8.self)
        return "\(text.dropLast()),\"data\":\(message.data)}"
    }

    /// `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64.
    static func signature(of body: String, id: String, at seconds: String, by secret: [UInt8]) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Data("\(id).\(seconds).\(body)".utf8), using: SymmetricKey(data: secret))
        return "v1,\(Data(code).base64EncodedString())"
    }

    /// A secret as its receiver gets it, once.
    static func text(of secret: [UInt8]) -> String { "whsec_\(Data(secret).base64EncodedString())" }

    static func newSecret() -> [UInt8] { SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) } }
}
