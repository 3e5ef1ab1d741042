import Crypto
import NIOCore

/// SHA-256 and length of bytes that pass.
struct CanonicalDigest {
    private var hash = SHA256()
    private(set) var bytes = 0

    mutating func update(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
    }

    /// 64 lower-case hexadecimal digits.
    var hexadecimal: String { hash.finalize().hexadecimal }
}
