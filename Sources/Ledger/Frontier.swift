/// The right edge of a growing tree: all that is needed to append to it and to name its head. 64 hashes at most.
public struct Frontier: Sendable, Hashable {
    /// Complete subtrees from left to right, each larger than the next.
    private var peaks: [(height: Int, hash: TreeHash)] = []
    /// The number of leaves.
    public private(set) var size = 0

    /// The edge of an empty tree.
    public init() {}

    /// The edge of a tree whose rightmost tiles are given.
    ///
    /// - Parameters:
    ///   - size: the number of leaves.
    ///   - tile: the hashes of the unfinished tile of a level; none where the size leaves none. See ``Tile/unfinished(level:size:)``.
    /// - Returns: nil where a tile has not as many hashes as the size says.
    public init?(size: Int, tile: (_ level: Int) -> [TreeHash]) {
        for level in stride(from: Tile.levels(size: size) - 1, through: 0, by: -1) {
            let hashes = tile(level)
            guard hashes.count == (size >> (8 * level)) & 255 else { return nil }
            for hash in hashes { add(hash, height: 8 * level) { _, _ in } }
        }
        guard self.size == size else { return nil }
    }

    /// The tree's head (RFC 6962 section 2.1).
    public var head: TreeHash { .folding(peaks.map(\.hash)) }

    /// Appends a leaf.
    ///
    /// - Parameters:
    ///   - leaf: its hash.
    ///   - tileDone: called with the root of each tile that this leaf fills, the lowest first: a hash of the level above it.
    public mutating func append(_ leaf: TreeHash, tileDone: (_ node: Subtree, _ hash: TreeHash) -> Void = { _, _ in }) {
        add(leaf, height: 0, tileDone)
    }

    private mutating func add(_ hash: TreeHash, height: Int, _ tileDone: (Subtree, TreeHash) -> Void) {
        var (hash, height) = (hash, height)
        size += 1 << height
        while let last = peaks.last, last.height == height {
            peaks.removeLast()
            hash = .node(last.hash, hash)
            height += 1
            if height % 8 == 0 { tileDone(Subtree(height: height, index: (size >> height) - 1), hash) }
        }
        peaks.append((height, hash))
    }

    public static func == (a: Frontier, b: Frontier) -> Bool { a.size == b.size && a.peaks.elementsEqual(b.peaks) { $0 == $1 } }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(size)
        for peak in peaks { hasher.combine(peak.hash) }
    }
}
