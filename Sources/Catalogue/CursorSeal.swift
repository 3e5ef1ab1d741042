internal import Crypto
internal import Foundation
public import Model

/// Signs cursors, so that a client can hand one back but not make or change one.
///
/// A cursor is base64url of a tag (HMAC-SHA256, cut to 16 bytes) and the JSON that it stands for; it is readable, and holds nothing that its reader
/// may not know.
public struct CursorSeal: Sendable {
    private static let tagLength = 16
    private let key: SymmetricKey

    /// - Parameter key: the secret that all nodes share, 32 bytes.
    public init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    /// - Parameters:
    ///   - value: where the next page goes on.
    ///   - purpose: the list that it belongs to, with everything that must stay the same from page to page; a cursor opens for its purpose only.
    public func seal(_ value: some Encodable, for purpose: String) throws -> String {
        let payload = try JSON.encoder().encode(value)
        return Self.encode(tag(payload, purpose) + payload)
    }

    /// - Throws: `Problem` (`invalidCursor`) for anything that `seal` did not make for this purpose.
    public func open<T: Decodable>(_ type: T.Type, _ cursor: String, for purpose: String) throws(Problem) -> T {
        let refusal = Problem(
            .invalidCursor, zh: "游标无效；请原样使用 links.next 中的地址，不要更改其他参数", en: "the cursor is not valid here; use the address in links.next as it is",
            places: [Problem.Place("cursor", zh: "游标无效", en: "not valid")]
        )
        guard let data = Self.decode(cursor), data.count > Self.tagLength else { throw refusal }
        let payload = data.dropFirst(Self.tagLength)
        guard HMAC<SHA256>.isValid(cut: data.prefix(Self.tagLength), full: tag(Data(payload), purpose)) else { throw refusal }
        guard let value = try? JSON.decoder().decode(type, from: Data(payload)) else { throw refusal }
        return value
    }

    private func tag(_ payload: Data, _ purpose: String) -> Data {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Data("\(purpose.utf8.count):\(purpose)".utf8))
        code.update(data: payload)
        return Data(code.finalize()).prefix(Self.tagLength)
    }

    private static func encode(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func decode(_ text: String) -> Data? {
        guard text.utf8.count <= 4096, !text.contains("="), !text.contains("+"), !text.contains("/") else { return nil }
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4))
    }
}

extension HMAC {
    /// Compares in a time that does not tell how much is right.
    fileprivate static func isValid(cut: Data, full: Data) -> Bool {
        cut.count == full.count && zip(cut, full).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
