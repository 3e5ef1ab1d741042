public import Ledger
internal import Model
internal import Store

extension Notary {
    /// The newest head as it was signed, with what witnesses have added to it so far.
    ///
    /// - Throws: a `Problem` while there is none yet.
    public func checkpoint() async throws -> SignedNote {
        try await newest().note
    }

    /// The newest head that as many witnesses as are asked for have signed; nil where there is none.
    public func cosignedCheckpoint() async throws -> SignedNote? {
        try await cosigned()?.note
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

    /// A proof that a version stands in the log as it was released, with its leaf: under the newest head that enough witnesses have signed where that
    /// holds the leaf, else under the newest.
    ///
    /// What was released a moment ago is waited for.
    ///
    /// - Throws: `Problem`: `overloaded` where its place is still not there.
    public func proof(of dataset: String, version: Int) async throws -> InclusionProof {
        try await proof { try await store.releaseLeaf(of: dataset, version: version) }
    }

    /// The same of a receipt, by its delivery.
    public func proof(ofReceipt delivery: String) async throws -> InclusionProof {
        try await proof { try await store.leaf(ofReceipt: delivery) }
    }

    /// The same of a grant as it was given.
    public func proof(ofGrant grant: String) async throws -> InclusionProof {
        try await proof { try await store.leaf(ofGrant: grant) }
    }

    /// The same of the answer of a correction.
    public func proof(ofCorrection id: String) async throws -> InclusionProof {
        try await proof { try await store.leaf(ofCorrection: id) }
    }

    /// The same of what was sealed of the exchange's audit.
    public func proof(ofAuditSeal number: Int) async throws -> InclusionProof {
        try await proof { try await store.leaf(ofAuditSeal: number) }
    }

    func proof(_ find: () async throws -> (index: Int, entry: [UInt8])?) async throws -> InclusionProof {
        let deadline = ContinuousClock.now + configuration.patience
        while true {
            let newest = try await newest()
            if let leaf = try await find(), leaf.index < newest.checkpoint.size {
                let head = try await cosigned().flatMap { leaf.index < $0.checkpoint.size ? $0 : nil } ?? newest
                let path = try await hashes(ProofShape.inclusion(of: leaf.index, size: head.checkpoint.size))
                return InclusionProof(extra: leaf.entry, index: leaf.index, path: path, checkpoint: head.note)
            }
            guard ContinuousClock.now < deadline else {
                throw Problem(
                    .overloaded, zh: "尚未载入存证，请稍后再取", en: "the ledger has not taken it in yet; ask again in a moment", retryAfter: 2)
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
            oldSize: size, path: try await path(from: size, to: newest.checkpoint.size), checkpoint: newest.note)
    }

    /// A head that was signed.
    struct Head {
        /// With the witnesses' signatures.
        let note: SignedNote
        /// The log's own signatures.
        let own: [SignedNote.Signature]
        let checkpoint: Checkpoint
        let cosignatures: [Cosignature]

        /// - Parameter witnesses: whose lines are taken; what does not hold, or is of others, is left out: it would make the whole note wrong to who knows them.
        init?(_ stored: WitnessedCheckpoint, witnesses: [NoteVerifier]) {
            guard let signed = SignedNote(stored.note), let checkpoint = Checkpoint(text: signed.text) else { return nil }
            own = signed.signatures
            self.checkpoint = checkpoint
            cosignatures = SignedNote(text: signed.text, signatures: stored.lines.compactMap { SignedNote.Signature(line: $0) }).cosignatures(of: witnesses)
            note = signed.adding(cosignatures.map(\.line))
        }
    }

    /// The newest head; nil where there is none yet.
    func head() async throws -> Head? {
        try await store.checkpoint(witnesses: witnessing?.keys ?? []).flatMap { Head($0, witnesses: witnessing?.verifiers ?? []) }
    }

    /// The newest head with enough cosignatures.
    func cosigned() async throws -> Head? {
        guard let witnessing, !witnessing.witnesses.isEmpty else { return nil }
        // The first, but where lines in the database do not hold.
        return try await store.cosignedCheckpoints(witnesses: witnessing.keys, quorum: witnessing.quorum, limit: 4).lazy
            .compactMap { Head($0, witnesses: witnessing.verifiers) }.first { $0.cosignatures.count >= witnessing.quorum }
    }

    private func newest() async throws -> Head {
        guard let head = try await head() else { throw Problem(.overloaded, zh: "存证尚未开始", en: "the ledger has not begun yet", retryAfter: 2) }
        return head
    }

    /// The hashes that lead from one size to another.
    func path(from old: Int, to new: Int) async throws -> [TreeHash] { try await hashes(ProofShape.consistency(from: old, to: new)) }

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
