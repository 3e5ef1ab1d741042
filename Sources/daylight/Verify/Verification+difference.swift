import Crypto
import Foundation
import Ledger
import Model

extension Verification {
    struct AppliedDifference {
        let from: ProvenRelease
        let to: ProvenRelease
        /// Rows of the difference.
        let changes: Int
    }

    /// Applies a difference to the older file, and holds what comes out against the newer version's leaf.
    ///
    /// - Parameters:
    ///   - difference: the bytes of `diff.csv`.
    ///   - old: the bytes of the older version's canonical CSV.
    ///   - file: what these come to.
    ///   - fromProof: text of the older version's tlog-proof.
    ///   - toProof: text of the newer one's.
    ///   - trust: whose signatures the heads must have besides.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func difference(
        _ difference: Data, old: Data, _ file: CanonicalFile, fromProof: String, toProof: String, verifier: NoteVerifier, trust: Trust = .none
    ) throws -> AppliedDifference {
        let from = try self.file(file, proof: fromProof, verifier: verifier, trust: trust)
        guard let proof = InclusionProof(toProof) else { throw Unreadable(zh: "--to-proof 不是 tlog-proof", en: "--to-proof is no tlog-proof") }
        let to = try release(proof, verifier: verifier, trust: trust)
        guard from.leaf.dataset == to.leaf.dataset else {
            throw Doubt(
                zh: "两份证明属于不同的数据资源：\(from.leaf.dataset) 与 \(to.leaf.dataset)", en: "the proofs are of two datasets, \(from.leaf.dataset) and \(to.leaf.dataset)")
        }
        var hash = SHA256()
        let changes = try DifferenceApplier(difference: difference, old: old).apply { hash.update(data: $0) }
        let digest = hash.finalize().map { String(format: "%02x", $0) }.joined()
        guard digest == to.leaf.digest else {
            throw Doubt(
                zh: "差异用于旧文件，得不到第 \(to.leaf.version) 版：其 SHA-256 为 \(to.leaf.digest)，得到的为 \(digest)",
                en: "applied to the older file, the difference does not give version \(to.leaf.version): that has the SHA-256 \(to.leaf.digest), what comes out has \(digest)")
        }
        return AppliedDifference(from: from, to: to, changes: changes)
    }
}

extension Verification.AppliedDifference {
    func text(file: String, in language: Language) -> String {
        switch language {
        case .zh:
            return """
                已证明：\(file) 正是 \(from.leaf.dataset) 第 \(from.leaf.version) 版到第 \(to.leaf.version) 版的全部差异，共 \(changes) 行；两版都在存证之中。

                \(to.text(file: "旧文件加上差异所得的内容", in: .zh))
                """
        case .en:
            return """
                Proven: \(file) is all that differs between versions \(from.leaf.version) and \(to.leaf.version) of \(from.leaf.dataset), \(changes) rows; both versions are in the log.

                \(to.text(file: "what the older file and the difference give together", in: .en))
                """
        }
    }
}
