internal import Ledger
internal import Model
internal import Store

extension Notary {
    /// Makes ready what the log needs before the first request: enters what was released before there was a ledger, and signs a head where there is none.
    ///
    /// - Throws: ``Refusal`` where the log was begun under another key, a `Problem` when the database cannot answer.
    public func prepare() async throws {
        if let witnessing { try await store.addWitnesses(witnessing.witnesses.map { ($0.verifier.description, $0.verifier.name) }) }
        while try await enterUnwitnessed() {}
        while try await integrate() == configuration.batch {}
    }

    /// Gives pending entries their places and signs the new head: one transaction, so that it happens as a whole or not at all.
    ///
    /// - Returns: how many leaves came to the log.
    /// - Throws: ``Refusal``, and what the store throws.
    @discardableResult
    public func integrate() async throws -> Int {
        let (store, signer, limit) = (store, signer, configuration.batch), start = ContinuousClock.now
        let count = try await store.growLedger { growth in
            var frontier = Frontier()
            let newest = try await growth.checkpoint()
            if let newest {
                // What is about to be continued is what was signed, or nothing is.
                frontier = try await Self.frontier(newest, growth)
                guard let note = SignedNote(newest.note), let signed = Checkpoint(note, signedBy: signer.verifier) else {
                    throw Refusal.anotherKey(newest: String(newest.note.prefix { $0 != "\n" }))
                }
                guard signed.size == newest.size, signed.head == frontier.head else { throw Refusal.broken(size: newest.size) }
            }
            let hashes = try await growth.appendPending(after: frontier.size, limit: limit)
            guard !hashes.isEmpty || newest == nil else { return 0 }
            var nodes: [(level: Int, index: Int, hash: [UInt8])] = []
            for bytes in hashes {
                guard let hash = TreeHash(bytes) else { throw Refusal.broken(size: frontier.size) }
                frontier.append(hash) { nodes.append(($0.height / 8, $0.index, $1.bytes)) }
            }
            try await growth.add(nodes: nodes)
            let checkpoint = Checkpoint(origin: signer.verifier.name, size: frontier.size, head: frontier.head)
            try await growth.add(checkpoint: checkpoint.size, head: checkpoint.head.bytes, note: try signer.sign(checkpoint.text).description)
            return hashes.count
        }
        if count > 0 { counts.integrated(count, in: ContinuousClock.now - start) }
        return count
    }

    /// The edge of the log at its newest head, from what is stored.
    private static func frontier(_ newest: StoredCheckpoint, _ growth: LedgerGrowth) async throws -> Frontier {
        var tiles: [[TreeHash]] = []
        for level in 0..<Tile.levels(size: newest.size) {
            guard let tile = Tile.unfinished(level: level, size: newest.size) else {
                tiles.append([])
                continue
            }
            let start = tile.index * Tile.fullWidth
            tiles.append(try await growth.hashes(level: level, start..<start + tile.width).compactMap { TreeHash($0) })
        }
        guard let frontier = Frontier(size: newest.size, tile: { tiles[$0] }) else { throw Refusal.broken(size: newest.size) }
        return frontier
    }

    /// - Returns: whether there may be more.
    private func enterUnwitnessed() async throws -> Bool {
        let (store, limit) = (store, configuration.batch)
        return try await store.growLedger { growth in
            let versions = try await growth.unwitnessedVersions(limit: limit)
            for found in versions {
                try await growth.enter(
                    .release(found.version, previousDigest: found.previousDigest, description: (found.revision, found.description), late: true))
            }
            return versions.count == limit
        }
    }
}
