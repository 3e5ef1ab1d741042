import Foundation
import Ledger
import Postgres
import TestSupport

/// Somebody with the database in their hands, and the ledger's key: changes the past and makes it look as if it had always been so.
struct Forger {
    let database: TestDatabase
    let name: String

    /// Writes leaves anew, with all hashes above them, and signs every head again.
    ///
    /// - Parameter change: gets an entry with its index and gives what is to stand there.
    func rewrite(_ change: (Int, [UInt8]) throws -> [UInt8]) async throws {
        let seed = try await database.database.execute("SELECT value FROM daylight.secret WHERE name = 'ledger'")[0].read(Bytea.self, 0).bytes
        guard let signer = NoteSigner(name: name, seed: seed) else { throw InstallationError(message: "no ledger key") }
        let rows = try await database.database.execute("SELECT index, entry FROM daylight.ledger_leaf ORDER BY index")
        var frontier = Frontier(), heads: [Int: TreeHash] = [0: .empty]
        for row in rows {
            let index = try row.read(Int.self, "index"), entry = try row.read(Bytea.self, "entry").bytes, new = try change(index, entry), hash = TreeHash.leaf(new)
            if new != entry {
                try await database.database.execute("UPDATE daylight.ledger_leaf SET entry = \(Bytea(new)), hash = \(Bytea(hash.bytes)) WHERE index = \(index)")
            }
            var nodes: [(Subtree, TreeHash)] = []
            frontier.append(hash) { nodes.append(($0, $1)) }
            for (subtree, hash) in nodes {
                try await database.database.execute(
                    "UPDATE daylight.ledger_node SET hash = \(Bytea(hash.bytes)) WHERE level = \(Int16(subtree.height / 8)) AND index = \(subtree.index)")
            }
            heads[frontier.size] = frontier.head
        }
        for row in try await database.database.execute("SELECT size FROM daylight.ledger_checkpoint") {
            let size = try row.read(Int.self, "size")
            guard let head = heads[size] else { continue }
            let note = try signer.sign(Checkpoint(origin: name, size: size, head: head).text).description
            try await database.database.execute("UPDATE daylight.ledger_checkpoint SET head = \(Bytea(head.bytes)), note = \(note) WHERE size = \(size)")
        }
    }

    /// The same for the leaf of one version, as text.
    func rewriteRelease(of dataset: String, version: Int, _ change: (String) throws -> String) async throws {
        try await rewrite { _, entry in
            guard case .release(let leaf) = try? Leaf(entry: entry), leaf.dataset == dataset, leaf.version == version else { return entry }
            return Array(try change(String(decoding: entry, as: UTF8.self)).utf8)
        }
    }

    /// The same for leaves of reviews, by their number from 0.
    func rewriteReviews(_ change: (Int, String) throws -> String) async throws {
        var number = 0
        try await rewrite { _, entry in
            guard case .review = try? Leaf(entry: entry) else { return entry }
            defer { number += 1 }
            return Array(try change(number, String(decoding: entry, as: UTF8.self)).utf8)
        }
    }
}
