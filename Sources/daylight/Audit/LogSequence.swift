import Ledger
import Model

/// What leaves say of one another although they name nothing that is public: their numbers, and the order in which they come. A value; an audit remembers it with the head.
struct LogSequence: Codable, Equatable {
    /// How many leaves there are of each kind.
    private(set) var counts: [String: Int] = [:]
    private var given = 0
    private var ended = 0
    private var seal: AuditSeal?

    /// - Throws: ``Lie`` where the leaf contradicts those before it.
    mutating func take(_ leaf: Leaf, at index: Int) throws(Lie) {
        func lie(_ promised: String, _ served: String, zh: String, en: String) -> Lie {
            Lie(.sequence, leaf: index, promised: promised, served: served, zh: "第 \(index) 条：\(zh)", en: "leaf \(index): \(en)")
        }
        switch leaf {
        case .grant(let leaf):
            if leaf.event == .given { given += 1 } else { ended += 1 }
            if ended > given { throw lie("\(given)", "\(ended)", zh: "终止的授权多于给出的授权", en: "more grants have ended than were given") }
        case .receipt:
            if given == 0 { throw lie("0", "1", zh: "有回执，却没有授权", en: "a receipt, and no grant was ever given") }
        case .audit(let audit):
            let next = audit.seal
            if next.number != (seal?.number ?? 0) + 1 {
                throw lie("\((seal?.number ?? 0) + 1)", "\(next.number)", zh: "审计封存的编号不连续", en: "the seals of the audit are not numbered one after another")
            }
            if let seal {
                if next.from != seal.until { throw lie("\(seal.until)", "\(next.from)", zh: "审计封存之间有空档", en: "a seal of the audit does not begin where the one before ended") }
                let last = seal.last ?? 0
                if next.first.map({ $0 <= last }) ?? (next.last ?? 0 != last) {
                    throw lie("> \(last)", "\(next.first ?? next.last ?? 0)", zh: "审计封存重复或跳过了条目", en: "a seal of the audit covers entries that the one before has, or passes over some")
                }
            }
            seal = next
        default: break
        }
        counts[leaf.kind, default: 0] += 1
    }
}
