import Ledger
import Model

/// Something that was to be proven is not.
struct Doubt: Error {
    let message: LocalizedText
    init(zh: String, en: String) { message = LocalizedText(zh: zh, en: en) }
}

/// Something that is needed to prove anything cannot be read.
struct Unreadable: Error {
    let message: LocalizedText
    init(zh: String, en: String) { message = LocalizedText(zh: zh, en: en) }
}

/// What a proof comes to, without any network.
enum Verification {
    /// A release that is in the log.
    struct ProvenRelease {
        let leaf: Leaf.Release
        let index: Int
        let checkpoint: Checkpoint
        let verifier: NoteVerifier
        /// Others who signed the same head.
        let witnessed: Witnessed
    }

    struct Continuation {
        let old: Checkpoint
        let new: Checkpoint
        let verifier: NoteVerifier
        /// Others who signed the newer head.
        let witnessed: Witnessed
    }

    /// - Parameter text: of the tlog-proof.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func file(_ file: CanonicalFile, proof text: String, verifier: NoteVerifier, trust: Trust = .none) throws -> ProvenRelease {
        guard let proof = InclusionProof(text) else { throw Unreadable(zh: "证明文件不是 tlog-proof", en: "the proof is no tlog-proof") }
        let found = try release(proof, verifier: verifier, trust: trust), leaf = found.leaf
        guard leaf.digest == file.digest else {
            throw Doubt(
                zh: "文件不是所发布的文件：\(leaf.dataset) 第 \(leaf.version) 版的 SHA-256 为 \(leaf.digest)，文件的为 \(file.digest)",
                en: "the file is not the one that was released: version \(leaf.version) of \(leaf.dataset) has the SHA-256 \(leaf.digest), the file has \(file.digest)")
        }
        // A leaf with another tree than the file's could prove rows that are not in it.
        if let tree = leaf.rowTree, !tree.isOver(file.rows) {
            throw Doubt(
                zh: "文件是所发布的文件，但条目中行的哈希树不是它的：存证方的条目自相矛盾",
                en: "the file is the one that was released, but the leaf's tree over rows is not the file's: the log's keeper contradicts itself")
        }
        return found
    }

    /// - Throws: ``Doubt``, ``Unreadable``.
    static func release(_ proof: InclusionProof, verifier: NoteVerifier, trust: Trust = .none) throws -> ProvenRelease {
        let (leaf, checkpoint) = try included(proof, verifier: verifier)
        guard case .release(let release) = leaf else { throw Doubt(zh: "该条目（\(leaf.kind)）不是一次发布", en: "the leaf (\(leaf.kind)) is not of a release") }
        return ProvenRelease(
            leaf: release, index: proof.index, checkpoint: checkpoint, verifier: verifier, witnessed: try witnessed(proof.checkpoint, verifier: verifier, trust: trust))
    }

    /// The leaf that a proof has, and the signed head that it is under.
    ///
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func included(_ proof: InclusionProof, verifier: NoteVerifier) throws -> (Leaf, Checkpoint) {
        guard let entry = proof.extra else { throw Unreadable(zh: "证明中没有条目（extra）", en: "the proof has no leaf (extra)") }
        let checkpoint = try checkpoint(proof.checkpoint, verifier)
        guard ProofCheck.includes(.leaf(entry), at: proof.index, size: checkpoint.size, proof: proof.path, head: checkpoint.head) else {
            throw Doubt(zh: "条目不在存证之中：证明与签名的树头不符", en: "the leaf is not in the log: the proof does not lead to the signed head")
        }
        guard let leaf = try? Leaf(entry: entry) else { throw Unreadable(zh: "条目的格式无法识别", en: "the leaf's format is not known") }
        return (leaf, checkpoint)
    }

    /// - Parameters:
    ///   - old: text of the older checkpoint.
    ///   - proof: text of the consistency proof, with the newer checkpoint.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func consistency(old: String, proof text: String, verifier: NoteVerifier, trust: Trust = .none) throws -> Continuation {
        guard let note = SignedNote(old) else { throw Unreadable(zh: "--old 不是树头（checkpoint）", en: "--old is no checkpoint") }
        guard let proof = ConsistencyProof(text) else { throw Unreadable(zh: "--consistency 不是一致性证明", en: "--consistency is no consistency proof") }
        let (old, new) = (try checkpoint(note, verifier), try checkpoint(proof.checkpoint, verifier))
        guard proof.oldSize == old.size else {
            throw Doubt(zh: "证明从 \(proof.oldSize) 条开始，旧树头有 \(old.size) 条", en: "the proof leads from \(proof.oldSize) leaves, the old checkpoint has \(old.size)")
        }
        guard ProofCheck.isConsistent(from: (old.size, old.head), to: (new.size, new.head), proof: proof.path) else {
            throw Doubt(
                zh: "\(new.size) 条的存证不是 \(old.size) 条的延续：两个树头都有签名，历史被改写过",
                en: "the log of \(new.size) leaves does not go on from the one of \(old.size): both heads are signed, so history was rewritten")
        }
        return Continuation(old: old, new: new, verifier: verifier, witnessed: try witnessed(proof.checkpoint, verifier: verifier, trust: trust))
    }

    private static func checkpoint(_ note: SignedNote, _ verifier: NoteVerifier) throws -> Checkpoint {
        guard let checkpoint = Checkpoint(note, signedBy: verifier) else {
            throw Doubt(zh: "树头没有 \(verifier.name) 这把公钥的有效签名", en: "the checkpoint has no valid signature of the key of \(verifier.name)")
        }
        return checkpoint
    }
}

extension Verification.ProvenRelease {
    /// What was proven of a file, by whom, when, and what was not.
    func text(file: String, in language: Language) -> String {
        switch language {
        case .zh: "已证明：\(file) 与发布的文件逐字节相同。\n" + text(in: .zh)
        case .en: "Proven: \(file) is byte for byte the file that was released.\n" + text(in: .en)
        }
    }

    /// Which release it is, and what is known of it.
    func text(in language: Language) -> String {
        switch language {
        case .zh:
            return """
                  数据资源  \(leaf.dataset) 第 \(leaf.version) 版，\(leaf.rowCount) 行，\(leaf.byteCount) 字节
                  摘要      SHA-256 \(leaf.digest)
                  提供方    \(leaf.department)
                  发布时间  \(leaf.releasedAt)（由存证方记载\(leaf.late == true ? "，事后补录" : "")）
                  存证      第 \(index) 条，共 \(checkpoint.size) 条；树头由 \(verifier) 签名
                \(witnessed.text(in: .zh))
                """
        case .en:
            return """
                  dataset   \(leaf.dataset), version \(leaf.version), \(leaf.rowCount) rows, \(leaf.byteCount) bytes
                  digest    SHA-256 \(leaf.digest)
                  by        department \(leaf.department)
                  when      \(leaf.releasedAt), as the log's keeper wrote it down\(leaf.late == true ? ", afterwards" : "")
                  ledger    leaf \(index) of \(checkpoint.size); the head is signed by \(verifier)
                \(witnessed.text(in: .en))
                """
        }
    }
}

extension Verification.Continuation {
    func text(in language: Language) -> String {
        switch language {
        case .zh: "已证明：\(new.origin) 的存证从 \(old.size) 条到 \(new.size) 条只有追加，没有改动；两个树头都由 \(verifier) 签名。\n\(witnessed.text(in: .zh))"
        case .en: "Proven: from \(old.size) to \(new.size) leaves the log \(new.origin) was only added to, nothing was changed; both heads are signed by \(verifier).\n\(witnessed.text(in: .en))"
        }
    }
}
