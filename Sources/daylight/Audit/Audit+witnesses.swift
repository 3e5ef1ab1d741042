import Ledger
import Model

extension Audit {
    /// Whether enough of the witnesses that are trusted have signed a head of this log, and whether what was read goes on from that head.
    ///
    /// - Throws: ``Lie``, ``Unreadable``: that too few have signed says nothing about the server's truth.
    func checkWitnesses(_ verifier: NoteVerifier) async throws {
        guard !trust.witnesses.isEmpty else { return }
        let answer = try await client.get("/ledger/cosigned")
        guard answer.status == 200, let note = SignedNote(answer.text) else {
            throw Unreadable(zh: "服务器没有由足够见证方联署的树头（/ledger/cosigned 回答 \(answer.status)）", en: "the server has no head that enough witnesses have signed (/ledger/cosigned answers \(answer.status))")
        }
        guard let cosigned = Checkpoint(note, signedBy: verifier) else {
            throw Lie(.head, promised: "\(verifier)", served: String(answer.text.prefix(200)), zh: "联署的树头没有该公钥的有效签名", en: "the cosigned head is not signed by the ledger's key")
        }
        do {
            report.witnesses = try Verification.witnessed(note, verifier: verifier, trust: trust).cosignatures.map { "\($0.witness.name) \($0.instant)" }
        } catch let doubt as Doubt {
            throw Unreadable(zh: doubt.message.zh, en: doubt.message.text(in: .en))
        }
        report.cosignedSize = cosigned.size
        for _ in 0..<20 {
            guard let proof = ConsistencyProof(try await client.text("/ledger/consistency?old=\(cosigned.size)")), let newest = Checkpoint(proof.checkpoint, signedBy: verifier) else {
                throw Lie(.head, promised: "\(cosigned.size)", served: "-", zh: "没有从联署的树头出发的一致性证明", en: "there is no consistency proof from the cosigned head")
            }
            // The log has grown meanwhile: it is read on.
            guard newest.size == report.size else {
                try await follow(verifier)
                continue
            }
            guard newest.head.base64 == report.head,
                ProofCheck.isConsistent(from: (cosigned.size, cosigned.head), to: (newest.size, newest.head), proof: proof.path)
            else {
                memory.keepEvidence(note)
                throw Lie(
                    .rewritten, promised: "\(cosigned.size) \(cosigned.head.base64)", served: "\(report.size) \(report.head)",
                    zh: "见证方联署的树头不是所读存证的开头：历史被改写过", en: "the head that witnesses signed is no beginning of the log that is served: history was rewritten")
            }
            return
        }
        throw Unreadable(zh: "存证增长过快，无法读到末尾", en: "the log grows faster than it can be read")
    }
}
