internal import Crypto
internal import Foundation
internal import NIOCore

/// What a delivery came to, counted while its bytes pass.
public struct DeliveryCount: Sendable {
    public private(set) var rows = 0
    public private(set) var bytes = 0
    private var hash = SHA256()
    private var isQuoted = false

    init() {}

    /// SHA-256 of the bytes, 64 lower-case hexadecimal digits.
    public var digest: String { hash.finalize().map { String(format: "%02x", $0) }.joined() }

    mutating func addBytes(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// Counts the records of CSV as PostgreSQL prints it: a line end inside quotes ends none.
    mutating func addRecords(_ chunk: ByteBuffer) {
        chunk.withUnsafeReadableBytes { text in
            for byte in text {
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() } else if byte == UInt8(ascii: "\n"), !isQuoted { rows += 1 }
            }
        }
    }
}
