import Ledger
import Model

extension Audit {
    private struct OpeningPage: Decodable {
        struct Links: Decodable { var next: String? }
        var data: [LeafOpening]
        var links: Links
    }

    /// Notes what the server opens to the holder of the key: nothing where it is asked without one.
    func readOpenings() async throws {
        memory.forget(.openings)
        guard client.accessKey != nil else { return }
        var next: String? = "/v1/ledger/openings?limit=1000", openings = 0
        while let path = next {
            let answer = try await client.get(path)
            // A server from before it had them.
            if answer.status == 404 { return }
            guard answer.status == 200 else { throw Unreadable(zh: "\(path) 回答 \(answer.status)", en: "\(path) answers \(answer.status)") }
            let page = try answer.json(OpeningPage.self, of: path)
            var lines: [Int: [String]] = [:]
            for opening in page.data where opening.index < report.size {
                lines[AuditMemory.part(of: opening.commitment.digest), default: []].append(try JSON.encode(opening))
            }
            try memory.keep(lines, as: .openings)
            openings += page.data.count
            progress.show(zh: "开启 \(openings) 条", en: "\(openings) openings")
            next = page.links.next.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
    }

    /// Holds leaves with salted digests against each other, and against what opens them; and what was opened against itself.
    func checkSalted() async throws {
        memory.forget(.opened)
        memory.forget(.sealed)
        for part in 0..<AuditMemory.parts { try checkSalted(part) }
        for part in 0..<AuditMemory.parts { try checkOpened(part) }
    }

    private func checkSalted(_ part: Int) throws {
        var leaves: [String: (index: Int, leaf: Leaf)] = [:], opened: [Int: [String]] = [:], sealed: [Int: [String]] = [:]
        for (index, entry) in try memory.entries(part, of: .salted) {
            guard let leaf = try? Leaf(entry: entry), let commitment = leaf.commitment else { throw AuditMemory.damaged }
            // Each has a salt of its own: one digest in two leaves is one thing entered twice.
            if let first = leaves.updateValue((index, leaf), forKey: commitment.digest) {
                throw Lie(
                    .twice, leaf: index, promised: "\(first.index)", served: "\(index)", zh: "第 \(first.index) 条与第 \(index) 条有同一个加盐摘要",
                    en: "leaves \(first.index) and \(index) have one salted digest")
            }
        }
        for line in memory.lines(part, of: .openings) {
            guard let opening = try? JSON.decode(LeafOpening.self, line) else { throw AuditMemory.damaged }
            func lie(_ message: LocalizedText) -> Lie {
                Lie(
                    .opening, leaf: opening.index, promised: opening.commitment.digest, served: String(opening.content.prefix(200)), zh: "第 \(opening.index) 条：\(message.zh)",
                    en: "leaf \(opening.index): \(message.text(in: .en))")
            }
            guard let leaf = leaves[opening.commitment.digest], leaf.index == opening.index else {
                throw lie(LocalizedText(zh: "服务器所开启的条目不在存证之中", en: "the server opens a leaf that the log has not at this place"))
            }
            let found: OpenedLeaf
            do { found = try OpenedLeaf(opening, of: leaf.leaf) } catch { throw lie(error.message) }
            report.openings += 1
            let (subject, words) = found.subject
            opened[AuditMemory.part(of: subject), default: []].append("\(opening.index) \(subject) \(words)")
            if case .sealed(let inner, let entry) = found.content, let dataset = inner.dataset {
                sealed[AuditMemory.part(of: dataset), default: []].append("\(opening.index) " + String(decoding: entry, as: UTF8.self))
            }
        }
        try memory.keep(opened, as: .opened)
        try memory.keep(sealed, as: .sealed)
    }

    /// Each thing is entered once, and in the order in which it happens: a grant is given before it ends and before anything that came by it is signed for.
    private func checkOpened(_ part: Int) throws {
        var first: [String: Int] = [:]
        let lines = memory.lines(part, of: .opened).compactMap { line -> (index: Int, subject: String, words: String)? in
            let words = line.split(separator: " ", maxSplits: 2)
            return words.count == 3 ? Int(words[0]).map { ($0, String(words[1]), String(words[2])) } : nil
        }
        for (index, subject, words) in lines.sorted(by: { $0.index < $1.index }) {
            if let other = first.updateValue(index, forKey: "\(subject) \(words)") {
                throw Lie(
                    .twice, leaf: index, promised: "\(other)", served: "\(index)", zh: "第 \(other) 条与第 \(index) 条是同一件事（\(words) \(subject)）",
                    en: "leaves \(other) and \(index) are of one and the same thing (\(words) \(subject))")
            }
        }
        for (index, subject, words) in lines where words != "given" {
            guard let given = first["\(subject) given"], given > index else { continue }
            throw Lie(
                .sequence, leaf: index, promised: "\(given)", served: "\(index)", zh: "第 \(index) 条（\(words)）先于其授权（第 \(given) 条）",
                en: "leaf \(index) (\(words)) stands before the grant that it is of, leaf \(given)")
        }
    }
}

extension OpenedLeaf {
    /// What it is about, and what happened to that: of one subject, each thing happens once.
    fileprivate var subject: (id: String, words: String) {
        switch content {
        case .review(let review): (review.id, "review")
        case .withdrawal(let withdrawal): (withdrawal.id, "withdrawal")
        case .grant(let grant, let event): (grant.id, event.rawValue)
        case .receipt(let statement): (statement.grant, "receipt \(statement.delivery)")
        case .correction(let correction): (correction.id, "correction")
        case .sealed: (opening.commitment.digest, "sealed")
        }
    }
}

extension Leaf {
    /// The dataset that it names.
    var dataset: String? {
        switch self {
        case .release(let leaf): leaf.dataset
        case .withdrawal(let leaf): leaf.dataset
        case .description(let leaf): leaf.dataset
        default: nil
        }
    }
}
