import Crypto

@testable import Ledger

/// RFC 6962 section 2.1, word for word and slow.
struct NaiveTree {
    var entries: [[UInt8]] = []

    static func hash(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    private static func split(_ n: Int) -> Int {
        var k = 1
        while k * 2 < n { k *= 2 }
        return k
    }

    static func head(_ d: ArraySlice<[UInt8]>) -> [UInt8] {
        switch d.count {
        case 0: hash([])
        case 1: hash([0] + d[d.startIndex])
        default: hash([1] + head(d.prefix(split(d.count))) + head(d.dropFirst(split(d.count))))
        }
    }

    static func path(_ m: Int, _ d: ArraySlice<[UInt8]>) -> [[UInt8]] {
        guard d.count > 1 else { return [] }
        let k = split(d.count)
        return m < k ? path(m, d.prefix(k)) + [head(d.dropFirst(k))] : path(m - k, d.dropFirst(k)) + [head(d.prefix(k))]
    }

    static func proof(_ m: Int, _ d: ArraySlice<[UInt8]>, _ isWhole: Bool) -> [[UInt8]] {
        if m == d.count { return isWhole ? [] : [head(d)] }
        let k = split(d.count)
        return m <= k ? proof(m, d.prefix(k), isWhole) + [head(d.dropFirst(k))] : proof(m - k, d.dropFirst(k), false) + [head(d.prefix(k))]
    }
}

/// The whole tree in memory, level by level, for shapes: complete subtrees only.
struct Forest {
    private var rows: [[TreeHash]] = [[]]

    var size: Int { rows[0].count }

    mutating func append(_ leaf: TreeHash) {
        rows[0].append(leaf)
        var height = 0
        while rows[height].count.isMultiple(of: 2) {
            if rows.count == height + 1 { rows.append([]) }
            let row = rows[height]
            rows[height + 1].append(.node(row[row.count - 2], row[row.count - 1]))
            height += 1
        }
    }

    func hash(_ subtree: Subtree) -> TreeHash { rows[subtree.height][subtree.index] }
    func fold(_ shape: [Subtree]) -> TreeHash { .folding(shape.map(hash)) }
    func head(_ size: Int) -> TreeHash { fold(ProofShape.head(size: size)) }
    func inclusion(_ index: Int, _ size: Int) -> [TreeHash] { ProofShape.inclusion(of: index, size: size).map(fold) }
    func consistency(_ old: Int, _ new: Int) -> [TreeHash] { ProofShape.consistency(from: old, to: new).map(fold) }

    /// The hashes of a tile, if the tree has them.
    func tile(_ tile: Tile) -> [TreeHash]? {
        guard case .hashes(let level) = tile.content, tile.isWithin(size: size) else { return nil }
        return Array(rows[8 * level][(tile.index * 256)..<(tile.index * 256 + tile.width)])
    }
}

/// The same numbers every time.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

extension [UInt8] {
    init(hex: String) { self = stride(from: 0, to: hex.count, by: 2).map { UInt8(hex.dropFirst($0).prefix(2), radix: 16)! } }
    var hex: String { HexDigest.hexadecimal(self) }
}
