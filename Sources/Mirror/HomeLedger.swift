import Ledger
import Model
import Store

/// The ledger of another node, as far as it was verified: every head that it shows has to go on from the last one.
///
/// Not thread-safe: one task has it.
final class HomeLedger {
    let link: HomeLink
    let node: String
    let verifier: NoteVerifier
    private let store: Store
    private var known: (size: Int, head: TreeHash)?
    /// Older heads that `known` goes on from.
    private var believed: [Int: TreeHash] = [:]
    private static let attempts = 8

    /// - Parameter node: with the key and the head that are remembered of it.
    /// - Throws: `MirrorFault`.
    init(_ node: HomeNode, link: HomeLink, store: Store) async throws {
        (self.node, self.link, self.store) = (node.id, link, store)
        if let head = node.head, let hash = TreeHash(head.hash) { known = (head.size, hash) }
        let reply = try await link.get("/ledger/key")
        guard reply.status == 200, let shown = NoteVerifier(reply.text.split(separator: "\n").first.map(String.init) ?? "") else {
            throw MirrorFault.unreachable(zh: "/ledger/key 不是验证公钥", en: "/ledger/key is no verifier key")
        }
        if let text = node.ledgerKey {
            guard NoteVerifier(text) == shown else {
                throw MirrorFault.ledger(zh: "存证公钥换成了 \(shown)，所知的是 \(text)", en: "its ledger's key is \(shown) now; \(text) is the known one")
            }
        } else {
            try await store.keep(ledgerKey: "\(shown)", of: node.id)
        }
        verifier = shown
    }

    /// The leaf of a version, proven to be in the log.
    ///
    /// - Throws: `MirrorFault`.
    func release(of dataset: String, version: Int) async throws -> Leaf.Release {
        let path = "/v1/datasets/\(dataset)/versions/\(version)/proof", reply = try await link.get(path)
        guard reply.status == 200, let proof = InclusionProof(reply.text), let entry = proof.extra else {
            throw MirrorFault.lie(version: version, zh: "没有存证证明（\(reply.status)）", en: "there is no proof that it is in the ledger (\(reply.status))")
        }
        let checkpoint = try checkpoint(proof.checkpoint)
        guard ProofCheck.includes(.leaf(entry), at: proof.index, size: checkpoint.size, proof: proof.path, head: checkpoint.head) else {
            throw MirrorFault.lie(version: version, zh: "存证证明不成立", en: "the proof does not lead to the signed head")
        }
        guard case .release(let leaf)? = try? Leaf(entry: entry), leaf.dataset == dataset, leaf.version == version else {
            throw MirrorFault.lie(version: version, zh: "存证条目不是这一版的", en: "the leaf is not this version's")
        }
        try await believe(checkpoint, proof.checkpoint)
        return leaf
    }

    private func checkpoint(_ note: SignedNote) throws -> Checkpoint {
        guard let checkpoint = Checkpoint(note, signedBy: verifier) else {
            throw MirrorFault.ledger(zh: "树头没有其公钥的有效签名", en: "a head is not signed by its ledger's key")
        }
        return checkpoint
    }

    /// Takes a head for true once it is proven to be one with all that are known.
    private func believe(_ head: Checkpoint, _ note: SignedNote) async throws {
        guard let start = known else {
            try await advance(to: head, note)
            return
        }
        if head.size > start.size {
            _ = try await goOn(from: start, atLeast: head.size)
        }
        for _ in 0..<Self.attempts {
            guard let now = known else { return }
            let expected = head.size == now.size ? now.head : believed[head.size]
            if let expected {
                guard expected == head.head else { throw Self.contradiction(head.size) }
                return
            }
            // The head has to be a beginning of the known one: proven to the newest, which has to go on from the known one as well.
            let (newest, newNote) = try await proven(from: (head.size, head.head))
            if newest.size == now.size {
                guard newest.head == now.head else { throw Self.contradiction(now.size) }
            } else {
                let (other, _) = try await goOn(from: now, atLeast: newest.size)
                guard other.size == newest.size else { continue }
                guard other.head == newest.head else { throw Self.contradiction(newest.size) }
                try await advance(to: newest, newNote)
            }
            believed[head.size] = head.head
        }
        if believed[head.size] != head.head { throw MirrorFault.unreachable(zh: "存证增长过快", en: "its ledger grows too fast to be followed") }
    }

    /// Goes on from a known head to one that is at least of a size.
    private func goOn(from start: (size: Int, head: TreeHash), atLeast size: Int) async throws -> (Checkpoint, SignedNote) {
        let (head, note) = try await proven(from: start)
        guard head.size >= size else { throw MirrorFault.unreachable(zh: "树头忽大忽小", en: "it shows an older head than before") }
        try await advance(to: head, note)
        return (head, note)
    }

    /// The newest head, proven to go on from another one.
    private func proven(from start: (size: Int, head: TreeHash)) async throws -> (Checkpoint, SignedNote) {
        let reply = try await link.get("/ledger/consistency?old=\(start.size)")
        // A log that never was as large as it said once has lost its end.
        if reply.status == 400 { throw MirrorFault.ledger(zh: "存证比曾经签名的 \(start.size) 条短", en: "its ledger is shorter than the \(start.size) leaves that it signed once") }
        guard reply.status == 200, let proof = ConsistencyProof(reply.text) else { throw HomeLink.unexpected(reply.status, "/ledger/consistency") }
        let head = try checkpoint(proof.checkpoint)
        guard proof.oldSize == start.size,
            ProofCheck.isConsistent(from: start, to: (head.size, head.head), proof: proof.path)
        else { throw Self.contradiction(start.size) }
        return (head, proof.checkpoint)
    }

    private func advance(to head: Checkpoint, _ note: SignedNote) async throws {
        if let known { believed[known.size] = known.head }
        guard head.size > known?.size ?? -1 else { return }
        known = (head.size, head.head)
        try await store.keep(HomeNode.Head(size: head.size, hash: head.head.bytes), checkpoint: note.description, of: node)
    }

    private static func contradiction(_ size: Int) -> MirrorFault {
        .ledger(
            zh: "存证与其签过名的树头（\(size) 条）矛盾：历史被改写过", en: "its ledger contradicts the head that it signed at \(size) leaves: history was rewritten")
    }
}
