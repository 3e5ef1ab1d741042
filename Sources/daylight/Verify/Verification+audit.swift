import Ledger
import Model

extension Verification {
    /// An exported audit that is what the log says.
    struct ProvenAudit {
        let seal: AuditSeal
        let export: AuditExport
        let index: Int
        let checkpoint: Checkpoint
        let verifier: NoteVerifier
        /// Others who signed the same head.
        let witnessed: Witnessed
    }

    /// - Parameters:
    ///   - export: the lines of `/v1/exchange/audit/seals/{n}/entries`.
    ///   - text: of the tlog-proof.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func audit(_ export: String, proof text: String, verifier: NoteVerifier, trust: Trust = .none) throws -> ProvenAudit {
        guard let proof = InclusionProof(text) else { throw Unreadable(zh: "证明文件不是 tlog-proof", en: "the proof is no tlog-proof") }
        let (leaf, checkpoint) = try included(proof, verifier: verifier)
        guard case .audit(let found) = leaf else { throw Doubt(zh: "该条目（\(leaf.kind)）不是审计封存", en: "the leaf (\(leaf.kind)) is not of an audit") }
        let seal = found.seal, lines: AuditExport
        do {
            lines = try AuditExport(export)
        } catch {
            throw Unreadable(zh: "审计导出的第 \(error.line) 行无法识别", en: "line \(error.line) of the exported audit is neither an entry nor a hash")
        }
        guard lines.digest == seal.digest, lines.shown + lines.hidden == seal.count else {
            throw Doubt(
                zh: "导出的审计不是所封存的审计：第 \(seal.number) 号封存有 \(seal.count) 条，摘要 \(seal.digest)；文件有 \(lines.shown + lines.hidden) 条，摘要 \(lines.digest)",
                en: "the exported audit is not the one that was sealed: seal \(seal.number) has \(seal.count) entries and the digest \(seal.digest), the file has \(lines.shown + lines.hidden) and \(lines.digest)")
        }
        return ProvenAudit(
            seal: seal, export: lines, index: proof.index, checkpoint: checkpoint, verifier: verifier, witnessed: try witnessed(proof.checkpoint, verifier: verifier, trust: trust))
    }
}

extension Verification.ProvenAudit {
    func text(file: String, in language: Language) -> String {
        switch language {
        case .zh:
            """
            已证明：\(file) 是所封存的审计，一条不多，一条不少。
              封存      第 \(seal.number) 号，\(seal.from) 至 \(seal.until)，\(seal.count) 条（可见 \(export.shown) 条，仅有摘要 \(export.hidden) 条）
              摘要      SHA-256 \(seal.digest)
              存证      第 \(index) 条，共 \(checkpoint.size) 条；树头由 \(verifier) 签名
            \(witnessed.text(in: .zh))
            """
        case .en:
            """
            Proven: \(file) is the audit that was sealed, no entry more and none less.
              seal      \(seal.number), from \(seal.from) until \(seal.until), \(seal.count) entries (\(export.shown) shown, of \(export.hidden) the hash alone)
              digest    SHA-256 \(seal.digest)
              ledger    leaf \(index) of \(checkpoint.size); head signed by \(verifier)
            \(witnessed.text(in: .en))
            """
        }
    }
}
