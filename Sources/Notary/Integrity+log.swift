import Ledger
import Logging
import Model
import Store

extension Integrity {
    /// Computes the log anew from its entries, and holds it against the hashes that are stored and every head that was signed.
    func checkLog(_ pace: inout Pace) async throws {
        guard let newest = try await store.checkpoint() else { return }
        var frontier = Frontier(), wrong: Int?
        while frontier.size < newest.size, wrong == nil {
            try Task.checkCancellation()
            let range = frontier.size..<min(frontier.size + Tile.fullWidth, newest.size)
            let entries = try await store.ledgerEntries(range), hashes = try await store.ledgerHashes(level: 0, range)
            let heads = Dictionary(uniqueKeysWithValues: try await store.checkpointHeads(in: (range.lowerBound + 1)...range.upperBound).map { ($0.size, $0.head) })
            guard entries.count == range.count, hashes.count == range.count else {
                wrong = range.lowerBound + min(entries.count, hashes.count)
                break
            }
            var nodes: [(level: Int, index: Int, hash: TreeHash)] = []
            for (place, entry) in entries.enumerated() {
                let leaf = TreeHash.leaf(entry)
                frontier.append(leaf) { nodes.append(($0.height / 8, $0.index, $1)) }
                let head = heads[frontier.size]
                if leaf.bytes != hashes[place] || head != nil && head != frontier.head.bytes {
                    wrong = range.lowerBound + place
                    break
                }
            }
            for node in nodes where wrong == nil {
                if try await store.ledgerHashes(level: node.level, node.index..<node.index + 1).first != node.hash.bytes { wrong = range.lowerBound }
            }
            try await wait(entries.reduce(0) { $0 + $1.count }, &pace)
        }
        guard let wrong else { return try await store.closeLedgerFindings() }
        if try await store.openLedgerFinding(leaf: wrong) { logger.critical("the stored ledger is not what was signed", metadata: ["leaf": "\(wrong)"]) }
    }
}
