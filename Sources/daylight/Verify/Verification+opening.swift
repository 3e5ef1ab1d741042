import Ledger
import Model

extension Verification {
    /// What a leaf with a salted digest stands for.
    struct ProvenOpening {
        let opened: OpenedLeaf
        let leaf: Leaf
        let index: Int
        let checkpoint: Checkpoint
        let verifier: NoteVerifier
        /// Others who signed the same head.
        let witnessed: Witnessed
    }

    /// - Parameters:
    ///   - document: the answer of `/v1/ledger/leaves/{index}/opening`.
    ///   - text: of the tlog-proof, `/v1/ledger/leaves/{index}/proof`.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func opening(_ document: String, proof text: String, verifier: NoteVerifier, trust: Trust = .none) throws -> ProvenOpening {
        guard let proof = InclusionProof(text) else { throw Unreadable(zh: "证明文件不是 tlog-proof", en: "the proof is no tlog-proof") }
        guard let opening = try? JSON.decode(LeafOpening.self, document) else {
            throw Unreadable(zh: "文件不是条目的开启文档（/v1/ledger/leaves/{index}/opening）", en: "the file is no opening of a leaf (/v1/ledger/leaves/{index}/opening)")
        }
        let (leaf, checkpoint) = try included(proof, verifier: verifier)
        return ProvenOpening(
            opened: try OpenedLeaf(opening, of: leaf), leaf: leaf, index: proof.index, checkpoint: checkpoint, verifier: verifier,
            witnessed: try witnessed(proof.checkpoint, verifier: verifier, trust: trust))
    }
}

extension Verification.ProvenOpening {
    func text(in language: Language) -> String {
        switch language {
        case .zh:
            """
            已证明：存证中的这一条（\(leaf.kind)）所指正是以下内容。
              内容      \(opened.opening.content)
              存证      第 \(index) 条，共 \(checkpoint.size) 条；树头由 \(verifier) 签名
            \(witnessed.text(in: .zh))
            """
        case .en:
            """
            Proven: what this leaf of the log (\(leaf.kind)) stands for is the following.
              content   \(opened.opening.content)
              ledger    leaf \(index) of \(checkpoint.size); head signed by \(verifier)
            \(witnessed.text(in: .en))
            """
        }
    }
}
