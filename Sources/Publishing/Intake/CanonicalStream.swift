import CSV
import Crypto
import Ledger
import Model

/// The canonical CSV of rows that come in key order, as far as its digest, its length and the tree over its rows.
///
/// Header and public fields in schema order, LF, quoted as PostgreSQL quotes; it is for schemas whose public values leave Daylight as they are checked:
/// without masks, and without json, which PostgreSQL respells.
struct CanonicalStream: ~Copyable {
    private struct Column {
        let field: Int
        /// Values may need quotes.
        let isFreeText: Bool
        /// Where a missing value is the empty string, as in keys.
        let isNeverNull: Bool
    }

    private let columns: [Column]
    private var pending = ByteSink(capacity: CanonicalStream.piece + 65_536)
    private var hash = SHA256()
    private var tree: RowTreeBuilder
    /// Where in what is pending the last record begins, and the record where it is no longer pending.
    private var lastStart = 0
    private var last: [UInt8] = []
    private var flushed = 0
    /// Hashing in big pieces keeps the processor's caches out of each other's way.
    private static let piece = 262_144

    /// - Returns: nil where the digest cannot be made in the stream.
    init?(_ schema: TableSchema) {
        let fields = schema.publicFields
        guard !fields.isEmpty, fields.allSatisfy({ $0.mask == nil && $0.type != .json }) else { return nil }
        columns = schema.fields.enumerated().filter { $1.visibility == .public }.map { index, field in
            let isKey = schema.primaryKey.contains(field.name)
            return Column(field: index, isFreeText: field.type.isFreeText || field.type == .geoPoint, isNeverNull: isKey && field.type.isTextual)
        }
        tree = RowTreeBuilder(keyPlaces: schema.keyPlaces)
        pending.append(utf8: fields.map(\.name).joined(separator: ",") + "\n")
    }

    /// Takes the canonical values of the next row.
    @inline(__always)
    mutating func take(_ values: borrowing RowBytes, _ row: UnsafePointer<Span>) {
        lastStart = pending.count
        for index in columns.indices {
            let column = columns[index]
            if index > 0 { pending.append(0x2C) }
            let value = values.slice(row[column.field])
            if value.count == 0 {
                if column.isNeverNull { pending.append("\"\"" as StaticString) }
            } else if column.isFreeText {
                pending.append(field: value, alone: columns.count == 1)
            } else {
                pending.append(value)
            }
        }
        pending.append(0x0A)
        pending.withUnsafeBytes { tree.add(UnsafeRawBufferPointer(rebasing: $0[lastStart...])) }
        if pending.count >= Self.piece { flush() }
    }

    @inline(never)
    private mutating func flush() {
        flushed += pending.count
        pending.withUnsafeBytes { bytes in
            hash.update(bufferPointer: bytes)
            if bytes.count > 0 { last = Array(bytes[lastStart...]) }
        }
        pending.removeAll()
    }

    mutating func finish() -> CanonicalForm {
        flush()
        return CanonicalForm(digest: hash.finalize().hexadecimal, bytes: flushed, tree: tree.finish(last: last))
    }
}
