/// Whether proofs hold, by the algorithms of RFC 9162, which verify the proofs of RFC 6962.
public enum ProofCheck {
    /// Whether a leaf stands at an index of the tree with this head (RFC 9162 section 2.1.3.2).
    public static func includes(_ leaf: TreeHash, at index: Int, size: Int, proof: [TreeHash], head: TreeHash) -> Bool {
        guard 0 <= index, index < size else { return false }
        var (first, second) = (index, size - 1)
        var hash = leaf
        for sibling in proof {
            if second == 0 { return false }
            if first & 1 == 1 || first == second {
                hash = .node(sibling, hash)
                while first & 1 == 0, first != 0 {
                    first >>= 1
                    second >>= 1
                }
            } else {
                hash = .node(hash, sibling)
            }
            first >>= 1
            second >>= 1
        }
        return second == 0 && hash == head
    }

    /// Whether the tree of one head is the beginning of the tree of another (RFC 9162 section 2.1.4.2).
    public static func isConsistent(from old: (size: Int, head: TreeHash), to new: (size: Int, head: TreeHash), proof: [TreeHash]) -> Bool {
        guard 0 <= old.size, old.size <= new.size else { return false }
        if old.size == 0 { return proof.isEmpty && old.head == .empty && (new.size > 0 || new.head == .empty) }
        if old.size == new.size { return proof.isEmpty && old.head == new.head }
        var path = proof[...]
        if old.size & (old.size - 1) == 0 { path = [old.head] + path }
        var (first, second) = (old.size - 1, new.size - 1)
        while first & 1 == 1 {
            first >>= 1
            second >>= 1
        }
        guard let start = path.popFirst() else { return false }
        var (oldHash, newHash) = (start, start)
        for hash in path {
            if second == 0 { return false }
            if first & 1 == 1 || first == second {
                oldHash = .node(hash, oldHash)
                newHash = .node(hash, newHash)
                while first & 1 == 0, first != 0 {
                    first >>= 1
                    second >>= 1
                }
            } else {
                newHash = .node(newHash, hash)
            }
            first >>= 1
            second >>= 1
        }
        return second == 0 && oldHash == old.head && newHash == new.head
    }
}
