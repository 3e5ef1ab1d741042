import Ledger
import Model

extension Verification {
    /// Which witnesses are trusted, and how many of them must have signed.
    struct Trust {
        let witnesses: [NoteVerifier]
        let quorum: Int

        static let none = Trust(witnesses: [], quorum: 0)
    }

    /// Who else signed a head.
    struct Witnessed {
        /// What trusted witnesses say, the earliest first.
        let cosignatures: [Cosignature]
        /// Names of others whose lines stand under the head, and are not checked.
        let unchecked: [String]
        let trust: Trust
    }

    /// - Throws: ``Doubt`` where fewer than enough have signed, or a line under the name of one is wrong.
    static func witnessed(_ note: SignedNote, verifier: NoteVerifier, trust: Trust) throws -> Witnessed {
        for witness in trust.witnesses where note.signatures.contains(where: { $0.name == witness.name && $0.identifier == witness.identifier }) && !note.isSigned(by: witness) {
            throw Doubt(zh: "见证方 \(witness.name) 的联署无效", en: "the cosignature under the name of the witness \(witness.name) is not its own over this head")
        }
        let cosignatures = note.cosignatures(of: trust.witnesses).sorted { $0.time < $1.time }
        guard cosignatures.count >= trust.quorum else {
            let missing = trust.witnesses.filter { witness in !cosignatures.contains { $0.witness == witness } }.map(\.name).joined(separator: ", ")
            throw Doubt(
                zh: "要求 \(trust.quorum) 个见证方联署，只有 \(cosignatures.count) 个；缺少 \(missing)",
                en: "\(trust.quorum) of the witnesses must have signed the head, \(cosignatures.count) have; missing: \(missing)")
        }
        let unchecked = note.signatures.filter { line in
            ([verifier] + trust.witnesses).allSatisfy { $0.name != line.name || $0.identifier != line.identifier }
        }.map(\.name)
        return Witnessed(cosignatures: cosignatures, unchecked: unchecked, trust: trust)
    }
}

extension Verification.Witnessed {
    /// Lines that say who else signed and when, and what that is worth.
    func text(in language: Language) -> String {
        var lines: [String] = []
        switch language {
        case .zh:
            lines += cosignatures.map { "  见证方 \($0.witness.name) 于 \($0.instant) 联署：其所见的存证只有追加，此为当时最新的树头" }
            if let first = cosignatures.first { lines.append("  因此按他方时钟，最迟自 \(first.instant) 起已在存证之中（联署 \(cosignatures.count) 个，要求 \(trust.quorum) 个）") }
            if !unchecked.isEmpty { lines.append("  另有联署（此处未核验）：\(unchecked.joined(separator: ", "))") }
            if lines.isEmpty { lines.append("  没有其他方联署：时间与次序只有存证方自己的话为证。") }
        case .en:
            lines += cosignatures.map { "  witness   \($0.witness.name) signed at \($0.instant): the log had only grown for it, and this was its newest head" }
            if let first = cosignatures.first {
                lines.append("            so it has been in the log since \(first.instant) at the latest, by a clock that is not the keeper's (\(cosignatures.count) signed, \(trust.quorum) asked for)")
            }
            if !unchecked.isEmpty { lines.append("  Also signed, not checked here, by: \(unchecked.joined(separator: ", "))") }
            if lines.isEmpty { lines.append("  Nobody else has signed this head: for time and order there is only the keeper's own word.") }
        }
        return lines.joined(separator: "\n")
    }
}
