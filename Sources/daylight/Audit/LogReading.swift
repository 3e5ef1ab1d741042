import Ledger

/// A log that is read leaf by leaf and held against its own tiles. A value: it says which file it needs next, and takes it.
struct LogReading {
    private var frontier: Frontier
    /// Hashes of the unfinished tile of each level.
    private(set) var edge: [[TreeHash]]
    /// Files whose hashes are known and have not been compared with what is served.
    private var owed: [(tile: Tile, hashes: [TreeHash])] = []

    init() {
        frontier = Frontier()
        edge = []
    }

    /// Goes on from a head that was verified.
    ///
    /// - Returns: nil where the edge is not that of the head.
    init?(size: Int, edge: [[TreeHash]], head: TreeHash) {
        guard let frontier = Frontier(size: size, tile: { $0 < edge.count ? edge[$0] : [] }), frontier.head == head else { return nil }
        self.frontier = frontier
        self.edge = edge
    }

    var size: Int { frontier.size }
    var head: TreeHash { frontier.head }

    /// The bundle that holds the next leaf, as large as a tree of a size has it, and how many of its entries were read before.
    func nextBundle(of total: Int) -> (tile: Tile, known: [TreeHash])? {
        guard size < total else { return nil }
        let index = size / Tile.fullWidth
        return (Tile(.entries, index: index, width: min(Tile.fullWidth, total - index * Tile.fullWidth)), edge.first ?? [])
    }

    mutating func append(_ leaf: TreeHash) {
        var done: [(Subtree, TreeHash)] = []
        frontier.append(leaf) { done.append(($0, $1)) }
        put(leaf, level: 0)
        for (subtree, hash) in done {
            let level = subtree.height / 8
            owed.append((Tile(.hashes(level: level - 1), index: subtree.index), edge[level - 1]))
            edge[level - 1] = []
            put(hash, level: level)
        }
    }

    private mutating func put(_ hash: TreeHash, level: Int) {
        if edge.count == level { edge.append([]) }
        edge[level].append(hash)
    }

    /// What is to be compared with the served files: full ones as they fill, and in the end the partial ones at the edge.
    mutating func takeOwed(andEdge: Bool) -> [(tile: Tile, hashes: [TreeHash])] {
        defer { owed = [] }
        guard andEdge else { return owed }
        return owed + edge.enumerated().compactMap { level, hashes in
            Tile.unfinished(level: level, size: size).map { ($0, hashes) }
        }
    }
}
