internal import Crypto
internal import Foundation
public import Model
public import Store

/// Signs cursors, so that nobody can make one up (HMAC-SHA256, RFC 2104), and makes them opaque (base64url, RFC 4648 §5).
///
/// The key is shared by all nodes: a page that one gave out can be taken up by another. What a cursor says is readable for whoever has it, so
/// nothing hidden may stand in it.
public struct CursorSeal: Sendable {
    private static let tagLength = 16
    private let key: SymmetricKey

    /// - Parameter key: the secret that all nodes share, 32 bytes.
    public init(key: [UInt8]) {
        self.key = SymmetricKey(data: key)
    }

    /// The seal with the database's secret.
    ///
    /// - Throws: `MissingCursorSecret` when the migration that makes it has not run, a `Problem` when the database cannot answer.
    public static func load(from store: Store) async throws -> CursorSeal {
        guard let key = try await store.secret("cursor") else { throw MissingCursorSecret() }
        return CursorSeal(key: key)
    }

    /// - Parameters:
    ///   - value: where the next page goes on; sealed as JSON.
    ///   - purpose: the list that it belongs to; a cursor opens for its purpose only.
    public func seal(_ value: some Encodable, for purpose: String) throws -> String {
        seal(payload: Array(try JSON.encoder().encode(value)), for: purpose)
    }

    /// - Throws: `Problem` (`invalidCursor`) for anything that `seal` did not make for this purpose.
    public func open<T: Decodable>(_ type: T.Type, _ cursor: String, for purpose: String) throws(Problem) -> T {
        guard let value = try? JSON.decoder().decode(type, from: Data(open(payload: cursor, for: purpose))) else { throw Self.refusal }
        return value
    }

    /// Seals bytes of the caller's own form.
    func seal(payload: [UInt8], for purpose: String) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.tagLength + payload.count)
        bytes.append(contentsOf: tag(payload, purpose))
        bytes.append(contentsOf: payload)
        return Base64URL.encode(bytes)
    }

    /// - Throws: `Problem` (`invalidCursor`) for anything that `seal` did not make for this purpose.
    func open(payload cursor: String, for purpose: String) throws(Problem) -> [UInt8] {
        guard let bytes = Base64URL.decode(cursor), bytes.count >= Self.tagLength else { throw Self.refusal }
        let payload = Array(bytes.dropFirst(Self.tagLength))
        // In constant time, so that a tag cannot be found byte by byte.
        let difference = zip(tag(payload, purpose), bytes).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { throw Self.refusal }
        return payload
    }

    private static let refusal = Problem(
        .invalidCursor, zh: "游标无效；请原样使用 links.next 中的地址，不要更改其他参数",
        en: "the cursor is not valid here; use the address in links.next as it is",
        places: [Problem.Place("cursor", zh: "游标无效", en: "not valid here")]
    )

    private func tag(_ payload: [UInt8], _ purpose: String) -> ArraySlice<UInt8> {
        var code = HMAC<SHA256>(key: key)
        code.update(data: Array(purpose.utf8))
        code.update(data: [0])
        code.update(data: payload)
        return Array(code.finalize()).prefix(Self.tagLength)
    }
}

/// The database has no secret for cursors.
public struct MissingCursorSecret: Error, CustomStringConvertible {
    public var description: String { "the database has no secret named cursor; run `daylight migrate`" }
}
