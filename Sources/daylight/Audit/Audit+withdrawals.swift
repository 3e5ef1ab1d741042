import Ledger
import Model

extension Audit {
    private struct WithdrawalPage: Decodable {
        struct Links: Decodable { var next: String? }
        var data: [DatasetAudit.ShownWithdrawal]
        var links: Links
    }

    /// Compares the withdrawals that a dataset shows with their leaves, where there are any.
    ///
    /// - Parameter shown: its versions, nil where the dataset is withdrawn.
    /// - Returns: what may only be late.
    /// - Throws: ``Lie``, ``Unreadable``.
    func checkWithdrawals(of dataset: DatasetAudit, _ shown: [DatasetAudit.ShownVersion]?) async throws -> Lie? {
        if let shown, dataset.withdrawals.isEmpty, shown.allSatisfy({ $0.withdrawal == nil }) { return nil }
        var withdrawals: [DatasetAudit.ShownWithdrawal] = [], next: String? = "/v1/datasets/\(dataset.dataset)/withdrawals?limit=100"
        while let path = next {
            let answer = try await client.get(path)
            // A dataset that was never released and was withdrawn is shown to nobody.
            if answer.status == 404, dataset.releases.isEmpty { return nil }
            guard answer.status == 200 else { throw Unreadable(zh: "\(path) 回答 \(answer.status)", en: "\(path) answers \(answer.status)") }
            let page = try answer.json(WithdrawalPage.self, of: path)
            withdrawals += page.data
            next = page.links.next.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        report.withdrawals += withdrawals.count
        return try dataset.check(withdrawals: withdrawals)
    }
}

extension DatasetAudit {
    /// A withdrawal as the list shows it.
    struct ShownWithdrawal: Decodable {
        var id: String
        var subject: Withdrawal.Subject
        var version: Int?
        var withdrawnAt: Timestamp

        fileprivate var words: String { "\(subject.rawValue) \(version.map(String.init) ?? "-") \(withdrawnAt)" }
    }

    /// What is wrong with the withdrawals that the server shows; what may only be late is told apart.
    ///
    /// - Throws: ``Lie``.
    func check(withdrawals shown: [ShownWithdrawal]) throws -> Lie? {
        let byID = Dictionary(shown.map { ($0.id, $0) }) { first, _ in first }
        for (leaf, index) in withdrawals {
            let promised = "\(leaf.subject.rawValue) \(leaf.version.map(String.init) ?? "-") \(leaf.withdrawnAt)", served = byID[leaf.withdrawal]?.words ?? "-"
            guard promised == served else {
                throw Lie(
                    .withdrawal, dataset: dataset, version: leaf.version, leaf: index, promised: "\(leaf.withdrawal) \(promised)", served: served,
                    zh: "所示的撤回与存证不符", en: "the withdrawal is not shown as the log says")
            }
        }
        let known = Set(withdrawals.map(\.leaf.withdrawal))
        // What was withdrawn before there was a ledger has no leaf, and its versions' leaves are late.
        guard let unknown = shown.first(where: { !known.contains($0.id) }), !releases.values.contains(where: { $0.late == true }) else { return nil }
        return Lie(
            .withdrawal, dataset: dataset, version: unknown.version, promised: "-", served: "\(unknown.id) \(unknown.words)", zh: "有撤回，存证中却没有", en: "something was withdrawn, and no leaf says so")
    }

    /// Whether what was withdrawn was ever released; what may only be late is told apart.
    func checkSubjects() -> Lie? {
        for (leaf, index) in withdrawals where leaf.subject != .dataset {
            guard leaf.version.map({ releases[$0] == nil }) ?? releases.isEmpty else { continue }
            return Lie(
                .sequence, dataset: dataset, version: leaf.version, leaf: index, promised: leaf.withdrawal, served: "-", zh: "第 \(index) 条撤回的内容，存证中没有发布过",
                en: "leaf \(index) withdraws what no leaf says was released")
        }
        return nil
    }
}
