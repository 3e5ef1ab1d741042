/// An inclusion proof as it is stored and passed on (C2SP tlog-proof).
public struct InclusionProof: Sendable, Hashable, CustomStringConvertible {
    /// Daylight puts the leaf here. It proves nothing by itself: it has to hash to what is proven.
    public let extra: [UInt8]?
    public let index: Int
    /// From the leaf's sibling up.
    public let path: [TreeHash]
    public let checkpoint: SignedNote

    public init(extra: [UInt8]?, index: Int, path: [TreeHash], checkpoint: SignedNote) {
        self.extra = extra
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
    }

    static let header = "c2sp.org/tlog-proof@v1"

    /// - Returns: nil where the text is not such a proof.
    public init?(_ text: String) {
        guard let end = text.firstRange(of: "\n\n"), let checkpoint = SignedNote(String(text[end.upperBound...])) else { return nil }
        var lines = text[..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard lines.popFirst().map(String.init) == Self.header else { return nil }
        var extra: [UInt8]?
        if let line = lines.first, line.hasPrefix("extra ") {
            guard let bytes = Base64.decode(line.dropFirst(6)) else { return nil }
            extra = bytes
            lines.removeFirst()
        }
        guard let index = lines.popFirst().flatMap(Self.index), let path = TreeHash.list(lines) else { return nil }
        self.init(extra: extra, index: index, path: path, checkpoint: checkpoint)
    }

    /// Reads the line of an index.
    static func index(_ line: Substring) -> Int? {
        guard line.hasPrefix("index "), let index = Int(line.dropFirst(6)), index >= 0, line.dropFirst(6) == String(index) else { return nil }
        return index
    }

    public var description: String {
        let extra = extra.map { "extra \(Base64.encode($0))\n" } ?? ""
        return "\(Self.header)\n\(extra)index \(index)\n" + path.map { $0.base64 + "\n" }.joined() + "\n" + checkpoint.description
    }
}

/// A consistency proof with the checkpoint that it leads to, in the form in which witnesses are asked for their signature (C2SP tlog-witness).
public struct ConsistencyProof: Sendable, Hashable, CustomStringConvertible {
    /// The size that it leads from.
    public let oldSize: Int
    public let path: [TreeHash]
    public let checkpoint: SignedNote

    public init(oldSize: Int, path: [TreeHash], checkpoint: SignedNote) {
        self.oldSize = oldSize
        self.path = path
        self.checkpoint = checkpoint
    }

    /// - Returns: nil where the text is not such a proof.
    public init?(_ text: String) {
        guard let end = text.firstRange(of: "\n\n"), let checkpoint = SignedNote(String(text[end.upperBound...])) else { return nil }
        var lines = text[..<end.lowerBound].split(separator: "\n", omittingEmptySubsequences: false)[...]
        guard let line = lines.popFirst(), line.hasPrefix("old "), let size = Int(line.dropFirst(4)), size >= 0, line.dropFirst(4) == String(size),
            let path = TreeHash.list(lines)
        else { return nil }
        self.init(oldSize: size, path: path, checkpoint: checkpoint)
    }

    public var description: String { "old \(oldSize)\n" + path.map { $0.base64 + "\n" }.joined() + "\n" + checkpoint.description }
}

extension TreeHash {
    /// Reads the lines of a proof, 63 at most.
    static func list(_ lines: some Collection<Substring>) -> [TreeHash]? {
        let hashes = lines.compactMap { TreeHash(base64: $0) }
        return hashes.count == lines.count && hashes.count <= 63 ? hashes : nil
    }
}
