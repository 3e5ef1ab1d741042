/// A complete subtree: the 2^height leaves from index * 2^height on.
public struct Subtree: Sendable, Hashable {
    public let height: Int
    public let index: Int

    public init(height: Int, index: Int) {
        self.height = height
        self.index = index
    }

    /// The complete subtrees of a range of leaves that begins where one of its size could begin, from left to right.
    static func covering(_ range: Range<Int>) -> [Subtree] {
        var subtrees: [Subtree] = []
        var start = range.lowerBound
        while start < range.upperBound {
            let height = Int.bitWidth - 1 - (range.upperBound - start).leadingZeroBitCount
            subtrees.append(Subtree(height: height, index: start >> height))
            start += 1 << height
        }
        return subtrees
    }
}

/// Which subtrees a proof is made of. Each element is one hash of the proof: the fold of its subtrees, from left to right.
///
/// The shapes follow from the sizes alone, so whoever keeps the tree first asks what it needs, then reads just that.
public enum ProofShape {
    /// The tree's head (RFC 6962 section 2.1): the fold of its peaks.
    public static func head(size: Int) -> [Subtree] { Subtree.covering(0..<size) }

    /// PATH(m, D[n]) of RFC 6962 section 2.1.1, from the leaf's sibling up.
    ///
    /// - Parameters:
    ///   - index: the leaf, below `size`.
    ///   - size: the number of leaves.
    public static func inclusion(of index: Int, size: Int) -> [[Subtree]] {
        precondition(0 <= index && index < size, "a leaf of the tree")
        var range = 0..<size
        var path: [[Subtree]] = []
        while range.count > 1 {
            let middle = range.lowerBound + split(range.count)
            if index < middle {
                path.append(Subtree.covering(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                path.append(Subtree.covering(range.lowerBound..<middle))
                range = middle..<range.upperBound
            }
        }
        return path.reversed()
    }

    /// PROOF(m, D[n]) of RFC 6962 section 2.1.2. Empty where there is nothing to prove: from no leaves, or between equal sizes.
    public static func consistency(from old: Int, to new: Int) -> [[Subtree]] {
        precondition(0 <= old && old <= new, "from a smaller tree to a larger one")
        guard old > 0, old < new else { return [] }
        var range = 0..<new
        var path: [[Subtree]] = []
        // Whether all that was passed on the way lies in the old tree's own head.
        var isWhole = true
        while range.upperBound != old {
            let middle = range.lowerBound + split(range.count)
            if old <= middle {
                path.append(Subtree.covering(middle..<range.upperBound))
                range = range.lowerBound..<middle
            } else {
                path.append(Subtree.covering(range.lowerBound..<middle))
                range = middle..<range.upperBound
                isWhole = false
            }
        }
        if !isWhole { path.append(Subtree.covering(range)) }
        return path.reversed()
    }

    /// The largest power of two below a size of at least 2.
    private static func split(_ size: Int) -> Int { 1 << (Int.bitWidth - 1 - (size - 1).leadingZeroBitCount) }
}
