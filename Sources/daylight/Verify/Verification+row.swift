import Ledger
import Model

extension Verification {
    struct ReleasedRow {
        let record: [UInt8]
        let index: Int
        /// The row tree's, as the leaf has it.
        let size: Int
        let release: ProvenRelease
    }

    /// - Parameter text: of the row's proof.
    /// - Throws: ``Doubt``, ``Unreadable``.
    static func row(proof text: String, verifier: NoteVerifier, trust: Trust = .none) throws -> ReleasedRow {
        guard let proof = RowProof(text) else { throw Unreadable(zh: "证明文件不是行的证明（daylight-row-proof）", en: "the proof is no proof of a row (daylight-row-proof)") }
        let release = try release(proof.release, verifier: verifier, trust: trust)
        guard let tree = release.leaf.rowTree else {
            throw Doubt(zh: "该版本的条目没有行的哈希树，无法证明其中一行", en: "the version's leaf has no tree over rows, so that no row can be proven")
        }
        guard proof.leads(to: tree) else {
            throw Doubt(
                zh: "这一行不在所发布的版本之中：证明与条目中的哈希树不符", en: "the row is not in the version that was released: the proof does not lead to the tree that the leaf has")
        }
        return ReleasedRow(record: proof.record, index: proof.index, size: tree.size, release: release)
    }
}

extension Verification.ReleasedRow {
    /// What was proven, by whom, when, and what was not.
    func text(in language: Language) -> String {
        let line = String(decoding: record.dropLast(), as: UTF8.self)
        return switch language {
        case .zh: "已证明：下面这一行（CSV）逐字节在所发布的版本之中。\n  \(line)\n  位置      第 \(index + 1) 行，共 \(size) 行（不含表头）\n" + release.text(in: language)
        case .en: "Proven: this record (CSV) stands in the version that was released, byte for byte.\n  \(line)\n  place     row \(index + 1) of \(size), the header not counted\n" + release.text(in: language)
        }
    }
}
