internal import Crypto
internal import Foundation

/// One step of the schema: a file `NNNN_what_it_does.sql`.
public struct Migration: Sendable, Hashable {
    /// From 1, without gaps.
    public let version: Int
    /// The file's name without number and suffix.
    public let name: String
    public let sql: String
    /// SHA-256 of the file, 64 hexadecimal digits: a file that was applied is never edited.
    public let digest: String

    init(version: Int, name: String, contents: [UInt8]) {
        self.version = version
        self.name = name
        sql = String(decoding: contents, as: UTF8.self)
        digest = SHA256.hash(data: contents).map { String(format: "%02x", $0) }.joined()
    }

    /// Runs in one transaction, unless its first line is `-- no-transaction`; such a file holds one statement,
    /// because PostgreSQL makes several that are sent together one transaction.
    public var isTransactional: Bool {
        sql.prefix { $0 != "\n" }.trimmingCharacters(in: .whitespaces) != "-- no-transaction"
    }

    /// The file's name.
    public var file: String { "\(String(format: "%04d", version))_\(name).sql" }
}
