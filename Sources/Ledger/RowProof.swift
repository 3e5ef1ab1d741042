/// The proof that one row stands in a version that was released: its record, the way from it to the head of the version's row tree, and the proof of the
/// version, whose leaf has that head. `docs/ledger.md` describes the text.
public struct RowProof: Sendable, Hashable, CustomStringConvertible {
    /// The row's record in the version's canonical CSV, with its line end.
    public let record: [UInt8]
    /// Its place among the rows, from 0.
    public let index: Int
    /// From the record's sibling up.
    public let path: [TreeHash]
    /// The version's.
    public let release: InclusionProof

    public init(record: [UInt8], index: Int, path: [TreeHash], release: InclusionProof) {
        self.record = record
        self.index = index
        self.path = path
        self.release = release
    }

    static let header = "daylight-row-proof/1"

    /// - Returns: nil where the text is not such a proof.
    public init?(_ text: String) {
        guard let end = text.firstRange(of: "\n\n"), let release = InclusionProof(String(text[end.upperBound...])) else { return nil }
        var lines = text[..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst().map(String.init) == Self.header, let line = lines.popFirst(), line.hasPrefix("record "), let record = Base64.decode(line.dropFirst(7)),
            let index = lines.popFirst().flatMap(InclusionProof.index), let path = TreeHash.list(lines)
        else { return nil }
        self.init(record: record, index: index, path: path, release: release)
    }

    public var description: String {
        "\(Self.header)\nrecord \(Base64.encode(record))\nindex \(index)\n" + path.map { $0.base64 + "\n" }.joined() + "\n" + release.description
    }

    /// Whether the way leads from the record to the head that the release's leaf has. Whether the leaf is in the log is another question.
    public func leads(to tree: Leaf.Release.RowTree) -> Bool {
        HexDigest.bytes(tree.head).flatMap { TreeHash($0) }.map { ProofCheck.includes(.leaf(record), at: index, size: tree.size, proof: path, head: $0) } ?? false
    }
}

extension Leaf.Release.RowTree {
    /// Whether it is the tree that was made over some rows.
    ///
    /// - Parameter rows: their number, and the head of the tree over them (32 bytes); nil for what are no rows.
    public func isOver(_ rows: (size: Int, head: [UInt8])?) -> Bool { rows.map { $0.size == size && HexDigest.hexadecimal($0.head) == head } ?? false }
}
