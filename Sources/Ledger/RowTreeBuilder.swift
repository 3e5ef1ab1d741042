internal import CNettle
public import Model

/// Makes the tree over the rows of a version while its canonical CSV passes (RFC 6962 section 2.1).
///
/// The leaves are the records behind the header, each with its line end. What is held grows by one hash and one key for each block of 256 rows; no record is held.
public struct RowTreeBuilder: ~Copyable {
    /// The heads of the complete subtrees of the block in work, from left to right.
    private let peaks: UnsafeMutableRawBufferPointer
    /// One for all hashes: a context of its own for each of them takes longer than hashing a short record.
    private var state = sha256_ctx()
    private var peakCount = 0
    /// Rows of the block in work.
    private var count = 0
    /// The heads of full blocks, one behind another.
    private var blocks: [UInt8] = []
    /// For each field of the key, its place in a record; nil where rows cannot be addressed by key.
    private let keyPlaces: [Int]?
    /// Of the first row of each block.
    private var firstKeys: [[String]] = []

    /// - Parameter keyPlaces: for each field of the key, its place in a record; nil where rows cannot be addressed by key.
    public init(keyPlaces: [Int]? = nil) {
        self.keyPlaces = keyPlaces
        peaks = .allocate(byteCount: 10 * 32, alignment: 16)
        nettle_sha256_init(&state)
    }

    deinit {
        peaks.deallocate()
    }

    /// The number of rows so far.
    public var size: Int { blocks.count / 32 * RowTree.width + count }

    /// Adds the next row.
    ///
    /// - Parameter record: its record of the canonical CSV, with its line end.
    @inline(__always)
    public mutating func add(_ record: UnsafeRawBufferPointer) {
        if count == 0 { beginBlock(record) }
        addPeak(record)
        count &+= 1
        // A subtree is complete wherever the count ends in a binary zero.
        var rest = count
        while rest & 1 == 0 {
            joinPeaks()
            rest >>= 1
        }
        if count == RowTree.width { finishBlock() }
    }

    @inline(__always)
    private mutating func addPeak(_ record: UnsafeRawBufferPointer) {
        hash(prefix: 0, record, to: peakCount)
        peakCount &+= 1
    }

    @inline(__always)
    private mutating func joinPeaks() {
        peakCount &-= 1
        hash(prefix: 1, UnsafeRawBufferPointer(rebasing: peaks[((peakCount &- 1) &* 32)..<((peakCount &+ 1) &* 32)]), to: peakCount &- 1)
    }

    @inline(__always)
    private mutating func hash(prefix: UInt8, _ content: UnsafeRawBufferPointer, to place: Int) {
        var prefix = prefix
        nettle_sha256_update(&state, 1, &prefix)
        nettle_sha256_update(&state, content.count, content.baseAddress)
        // This begins the next one as well.
        nettle_sha256_digest(&state, 32, peaks.baseAddress.map { $0 + place &* 32 })
    }

    @inline(never)
    private mutating func beginBlock(_ record: UnsafeRawBufferPointer) {
        if let key = key(of: record) { firstKeys.append(key) }
    }

    private func key(of record: some Sequence<UInt8>) -> [String]? {
        guard let keyPlaces else { return nil }
        let values = CanonicalRecords.values(of: record)
        return keyPlaces.map { values[$0] }
    }

    private mutating func finishBlock() {
        blocks.append(contentsOf: peaks[..<32])
        peakCount = 0
        count = 0
    }

    /// Ends the tree.
    ///
    /// - Parameter last: the record of the last row; not looked at where there are no rows, or they cannot be addressed by key.
    public mutating func finish(last: [UInt8]) -> RowTree {
        let size = size
        var hashes = stride(from: 0, to: blocks.count, by: 32).compactMap { TreeHash(blocks[$0..<$0 + 32]) }
        if count > 0 {
            hashes.append(.folding((0..<peakCount).compactMap { TreeHash(peaks[($0 * 32)..<(32 + $0 * 32)]) }))
        }
        let head = TreeHash.head(of: hashes)
        guard size > 0, let lastKey = key(of: last) else { return RowTree(size: size, head: head.bytes, nodes: []) }
        var nodes: [RowTree.Node] = []
        var (level, step) = (1, 1)
        while level == 1 || hashes.count > 1 {
            nodes += hashes.enumerated().map { RowTree.Node(level: level, number: $0, hash: $1.bytes, firstKey: firstKeys[$0 * step]) }
            nodes[nodes.count - 1].lastKey = lastKey
            hashes = stride(from: 0, to: hashes.count, by: RowTree.width).map { .head(of: Array(hashes[$0..<min($0 + RowTree.width, hashes.count)])) }
            level += 1
            step *= RowTree.width
        }
        return RowTree(size: size, head: head.bytes, nodes: nodes)
    }
}

extension TreeHash {
    /// The head of the tree whose leaves have these hashes (RFC 6962 section 2.1). It is the same for the heads of its blocks, where all but the last are
    /// full and of one power of two.
    public static func head(of hashes: [TreeHash]) -> TreeHash {
        .folding(ProofShape.head(size: hashes.count).map { .complete(hashes[$0.range]) })
    }

    /// The way from one of the hashes to the head over them all, from its sibling up.
    ///
    /// - Parameter index: its place, from 0.
    public static func path(to index: Int, in hashes: [TreeHash]) -> [TreeHash] {
        ProofShape.inclusion(of: index, size: hashes.count).map { part in .folding(part.map { .complete(hashes[$0.range]) }) }
    }
}

extension Subtree {
    /// Its leaves.
    var range: Range<Int> { index << height..<(index + 1) << height }
}
