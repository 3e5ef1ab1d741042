import Crypto
import Foundation
import Ledger
import Model

/// What a file comes to that is said to be the canonical CSV of a version.
struct CanonicalFile {
    /// SHA-256, 64 hexadecimal digits.
    let digest: String
    /// The tree over its rows: how many there are, and its head (32 bytes); nil where the file does not end with a record.
    let rows: (size: Int, head: [UInt8])?

    /// Longer records are none that a server makes.
    private static let longestRecord = 256 << 20

    /// Reads a file of any size once, a piece at a time.
    ///
    /// - Throws: what reading throws.
    init(reading file: FileHandle) throws {
        var hash = SHA256(), tree = RowTreeBuilder()
        var isHeader = true, isWhole = true, rest: [UInt8] = []
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(data: piece)
            guard isWhole else { continue }
            rest.append(contentsOf: piece)
            let left = rest.withUnsafeBytes { bytes in
                CanonicalRecords.forEach(in: bytes) { record in
                    if isHeader { isHeader = false } else { tree.add(record) }
                }
            }
            rest.removeFirst(rest.count - left)
            isWhole = left <= Self.longestRecord
        }
        digest = hash.finalize().map { String(format: "%02x", $0) }.joined()
        let done = tree.finish(last: [])
        rows = isWhole && rest.isEmpty && !isHeader ? (done.size, done.head) : nil
    }
}
