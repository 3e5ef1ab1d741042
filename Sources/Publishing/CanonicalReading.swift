import Ledger
import NIOCore

extension CanonicalReading {
    /// Takes the next whole records.
    mutating func take(_ buffer: ByteBuffer) { buffer.withUnsafeReadableBytes { take($0) } }
}
