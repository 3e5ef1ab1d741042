internal import Crypto
public import Model

/// What the canonical CSV of a state comes to.
public struct CanonicalForm: Sendable {
    /// SHA-256 in 64 hexadecimal digits.
    public var digest: String
    /// Its length.
    public var bytes: Int
    /// The tree over its rows.
    public var tree: RowTree

    public init(digest: String, bytes: Int, tree: RowTree) { (self.digest, self.bytes, self.tree) = (digest, bytes, tree) }
}

/// Reads the canonical CSV of a state as PostgreSQL hands it over, in buffers of whole records, the header first.
public struct CanonicalReading: ~Copyable {
    private var hash = SHA256()
    private var length = 0
    private var tree: RowTreeBuilder
    private var last: [UInt8] = []
    private var isHeader = true

    /// - Parameter schema: that of the rows.
    public init(_ schema: TableSchema) {
        tree = RowTreeBuilder(keyPlaces: schema.keyPlaces)
    }

    /// Takes the next whole records.
    public mutating func take(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
        length += bytes.count
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

    /// What all that was taken comes to.
    public mutating func finish() -> CanonicalForm {
        CanonicalForm(digest: HexDigest.hexadecimal(Array(hash.finalize())), bytes: length, tree: tree.finish(last: last))
    }
}

extension TableSchema {
    /// For each field of the key, its place among the public fields; nil where a part of the key is hidden or masked, and rows cannot be addressed by it.
    public var keyPlaces: [Int]? {
        let fields = publicFields
        let places = primaryKey.compactMap { name in fields.firstIndex { $0.name == name && $0.mask == nil } }
        return places.isEmpty || places.count < primaryKey.count ? nil : places
    }
}
