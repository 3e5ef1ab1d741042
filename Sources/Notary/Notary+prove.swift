public import Ledger
internal import Model
internal import Store

extension Notary {
    /// The newest head as it was signed.
    ///
    /// - Throws: a `Problem` while there is none yet.
    public func checkpoint() async throws -> SignedNote {
        try await newest().note
    }

    /// The bytes of a file of the log.
    ///
    /// - Returns: nil where the log is not that large yet.
    public func bytes(of tile: Tile) async throws -> [UInt8]? {
        guard tile.isWithin(size: try await newest().checkpoint.size) else { return nil }
        let start = tile.index * Tile.fullWidth, range = start..<start + tile.width
        switch tile.content {
        case .entries: return EntryBundle.encode(try await store.ledgerEntries(range))
        case .hashes(let level): return try await store.ledgerHashes(level: level, range).flatMap { $0 }
        }
    }

    /// A proof that a version stands in the log as it was released, with its leaf.
    ///
    /// What was released a moment ago is waited for.
    ///
    /// - Throws: `Problem`: `overloaded` where its place is still not there.
    public func proof(of dataset: String, version: Int) async throws -> InclusionProof {
        let deadline = ContinuousClock.now + configuration.patience
        while true {
            let newest = try await newest()
            if let leaf = try await store.releaseLeaf(of: dataset, version: version), leaf.index < newest.checkpoint.size {
                let path = try await hashes(ProofShape.inclusion(of: leaf.index, size: newest.checkpoint.size))
                return InclusionProof(extra: leaf.entry, index: leaf.index, path: path, checkpoint: newest.note)
            }
            guard ContinuousClock.now < deadline else {
                throw Problem(
                    .overloaded, zh: "该版本尚未载入存证，请稍后再取", en: "the ledger has not taken the version in yet; ask again in a moment", retryAfter: 2)
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A proof that the newest head goes on from an older one.
    ///
    /// - Parameter size: of the older head.
    /// - Throws: `Problem` (`invalidParameter`) where the log never was larger than that.
    public func consistency(from size: Int) async throws -> ConsistencyProof {
        let newest = try await newest()
        guard size <= newest.checkpoint.size else {
            throw Problem(
                .invalidParameter, zh: "存证只有 \(newest.checkpoint.size) 条", en: "the ledger has \(newest.checkpoint.size) leaves only",
                places: [.init("old", zh: "不得大于 \(newest.checkpoint.size)", en: "must be at most \(newest.checkpoint.size)")])
        }
        return ConsistencyProof(
            oldSize: size, path: try await hashes(ProofShape.consistency(from: size, to: newest.checkpoint.size)), checkpoint: newest.note)
    }

    private func newest() async throws -> (note: SignedNote, checkpoint: Checkpoint) {
        guard let stored = try await store.checkpoint(), let note = SignedNote(stored.note), let checkpoint = Checkpoint(text: note.text) else {
            throw Problem(.overloaded, zh: "存证尚未开始", en: "the ledger has not begun yet", retryAfter: 2)
        }
        return (note, checkpoint)
    }

    /// The hashes of a proof. Each tile that they lie in is read once.
    private func hashes(_ shape: [[Subtree]]) async throws -> [TreeHash] {
        var tiles: [Tile: [TreeHash]] = [:]
        var proof: [TreeHash] = []
        for subtrees in shape {
            var parts: [TreeHash] = []
            for subtree in subtrees {
                let (level, range) = subtree.tileNodes
                let tile = Tile(.hashes(level: level), index: range.lowerBound / Tile.fullWidth), start = tile.index * Tile.fullWidth
                if tiles[tile] == nil {
                    tiles[tile] = try await store.ledgerHashes(level: level, start..<start + Tile.fullWidth).compactMap { TreeHash($0) }
                }
                guard let nodes = tiles[tile], nodes.count >= range.upperBound - start else { throw Refusal.broken(size: start + range.count) }
                parts.append(.complete(nodes[(range.lowerBound - start)..<(range.upperBound - start)]))
            }
            proof.append(.folding(parts))
        }
        return proof
    }
}
