import Crypto
import Ledger
import Model
import NIOCore

/// What the bytes of a version come to while they pass: digest, length, rows and the tree over the rows. Held is no more than one record.
final class VersionContent {
    private var hash = SHA256()
    private var tree = RowTreeBuilder()
    /// The beginning of a record whose end has not come yet.
    private var rest: [UInt8] = []
    private var isBehindHeader = false
    private(set) var bytes = 0

    func update(_ buffer: ByteBuffer) {
        bytes += buffer.readableBytes
        buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        rest.append(contentsOf: buffer.readableBytesView)
        let left = rest.withUnsafeBytes { bytes in
            CanonicalRecords.forEach(in: bytes) { record in
                if isBehindHeader { tree.add(record) }
                isBehindHeader = true
            }
        }
        rest.removeFirst(rest.count - left)
    }

    /// Rows behind the header.
    var rows: Int { tree.size }

    /// - Returns: the digest in hexadecimal digits, and the head of the tree.
    func finish() -> (digest: String, head: String) {
        let head = tree.finish(last: []).head
        return (Self.hexadecimal(hash.finalize()), Self.hexadecimal(head))
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String { bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
