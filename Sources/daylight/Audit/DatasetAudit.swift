import Ledger
import Model

/// One dataset: what the log says of it, held against what the server shows. A value; the caller asks.
struct DatasetAudit {
    /// A version as the list shows it.
    struct ShownVersion: Decodable {
        var number: Int
        var digest: String
        var rowCount: Int
        var byteCount: Int
        var department: String
        var profile: ProfileReference?
        var releasedAt: Timestamp
        var withdrawal: String?
    }

    let dataset: String
    private(set) var releases: [Int: Leaf.Release] = [:]
    private(set) var withdrawals: [Leaf.Withdrawal] = []
    private(set) var edits: [Leaf.Description] = []

    init(_ dataset: String) { self.dataset = dataset }

    /// - Throws: ``Lie`` where a version has two leaves.
    mutating func add(_ leaf: Leaf) throws {
        switch leaf {
        case .release(let release):
            if let first = releases[release.version] {
                throw Lie(
                    .twice, dataset: dataset, version: release.version, promised: first.digest, served: release.digest, zh: "同一版本有两个条目", en: "the log has two leaves for one version")
            }
            releases[release.version] = release
        case .withdrawal(let withdrawal): withdrawals.append(withdrawal)
        case .description(let edit): edits.append(edit)
        default: break
        }
    }

    /// Each leaf names the digest of the version before.
    ///
    /// - Throws: ``Lie``.
    func checkChain() throws {
        for (number, release) in releases.sorted(by: { $0.key < $1.key }) {
            let before = releases[number - 1]?.digest
            // Of a version whose predecessor is not in the log, the versions themselves tell.
            guard before != nil || number == 1 else { continue }
            guard release.previousDigest == before else {
                throw Lie(
                    .chain, dataset: dataset, version: number, promised: before ?? "-", served: release.previousDigest ?? "-",
                    zh: "条目所记的前一版摘要与前一版的条目不符", en: "the leaf names another digest of the version before than that version's own leaf")
            }
        }
    }

    /// What is wrong with what the server shows, where there is something; what may only be late is told apart.
    ///
    /// - Parameter shown: the versions, nil where the whole dataset answers 410.
    /// - Throws: ``Lie``.
    /// - Returns: whether something is not in the log yet that a moment may bring.
    func check(_ shown: [ShownVersion]?) throws -> Lie? {
        guard let shown else {
            let isLate = releases.values.contains { $0.late == true }
            guard withdrawals.contains(where: { $0.subject == .dataset }) || isLate else {
                return Lie(
                    .withdrawal, dataset: dataset, promised: "\(releases.count)", served: "410", zh: "数据资源已撤回，存证中却没有撤回的条目", en: "the dataset is withdrawn, and no leaf says so")
            }
            return nil
        }
        var waiting: Lie?
        let numbers = Set(shown.map(\.number))
        for number in releases.keys.sorted() where !numbers.contains(number) {
            throw Lie(
                .vanished, dataset: dataset, version: number, promised: releases[number]?.digest ?? "", served: "-",
                zh: "存证中有这一版，服务器上却没有，也没有撤回", en: "the log has this version; the server has not, and it was not withdrawn")
        }
        for version in shown.sorted(by: { $0.number < $1.number }) {
            guard let release = releases[version.number] else {
                waiting = waiting ?? Lie(
                    .unrecorded, dataset: dataset, version: version.number, promised: "-", served: version.digest, zh: "这一版已公开，存证中却没有", en: "the version is public and not in the log")
                continue
            }
            try compare(version, release)
            if let withdrawal = version.withdrawal {
                guard withdrawals.contains(where: { $0.withdrawal == withdrawal }) || release.late == true else {
                    waiting = waiting ?? Lie(
                        .withdrawal, dataset: dataset, version: version.number, promised: release.digest, served: withdrawal,
                        zh: "这一版已撤回，存证中却没有撤回的条目", en: "the version is withdrawn, and no leaf says so")
                    continue
                }
            } else if let withdrawal = withdrawals.first(where: { $0.subject == .version && $0.version == version.number }) {
                waiting = waiting ?? Lie(
                    .withdrawal, dataset: dataset, version: version.number, promised: withdrawal.withdrawal, served: version.digest,
                    zh: "存证记载这一版已撤回，服务器却仍在提供", en: "the log says that the version was withdrawn, and it is still served")
            }
        }
        return waiting
    }

    private func compare(_ version: ShownVersion, _ release: Leaf.Release) throws {
        func same(_ what: (zh: String, en: String), _ promised: String, _ served: String) throws {
            guard promised != served else { return }
            throw Lie(
                .version, dataset: dataset, version: version.number, promised: promised, served: served, zh: "\(what.zh)与存证不符", en: "the \(what.en) is another than the log says")
        }
        try same(("摘要", "digest"), release.digest, version.digest)
        try same(("行数", "number of rows"), "\(release.rowCount)", "\(version.rowCount)")
        try same(("字节数", "number of bytes"), "\(release.byteCount)", "\(version.byteCount)")
        try same(("提供方", "department"), release.department, version.department)
        try same(("发布时间", "time of release"), "\(release.releasedAt)", "\(version.releasedAt)")
        func spelled(_ profile: ProfileReference?) -> String { profile.map { "\($0.id) \($0.version ?? 0)" } ?? "-" }
        try same(("领域规范", "profile"), spelled(release.profile), spelled(version.profile))
    }
}
