import Ledger
import Model
import NIOCore

/// What the canonical CSV of a state comes to.
struct CanonicalForm {
    /// SHA-256 in 64 hexadecimal digits.
    var digest: String
    /// Its length.
    var bytes: Int
    /// The tree over its rows.
    var tree: RowTree
}

/// Reads the canonical CSV of a state as PostgreSQL hands it over, in buffers of whole records, the header first.
struct CanonicalReading: ~Copyable {
    private var digest = CanonicalDigest()
    private var tree: RowTreeBuilder
    private var last: [UInt8] = []
    private var isHeader = true

    /// - Parameter schema: that of the rows.
    init(_ schema: TableSchema) {
        tree = RowTreeBuilder(keyPlaces: schema.keyPlaces)
    }

    mutating func take(_ buffer: ByteBuffer) {
        digest.update(buffer)
        buffer.withUnsafeReadableBytes { bytes in
            var newest = UnsafeRawBufferPointer(start: nil, count: 0)
            _ = CanonicalRecords.forEach(in: bytes) { record in
                if isHeader {
                    isHeader = false
                } else {
                    tree.add(record)
                    newest = record
                }
            }
            if newest.count > 0 { last = Array(newest) }
        }
    }

    mutating func finish() -> CanonicalForm {
        CanonicalForm(digest: digest.hexadecimal, bytes: digest.bytes, tree: tree.finish(last: last))
    }
}

extension TableSchema {
    /// For each field of the key, its place among the public fields; nil where a part of the key is hidden or masked, and rows cannot be addressed by it.
    var keyPlaces: [Int]? {
        let fields = publicFields
        let places = primaryKey.compactMap { name in fields.firstIndex { $0.name == name && $0.mask == nil } }
        return places.isEmpty || places.count < primaryKey.count ? nil : places
    }
}
