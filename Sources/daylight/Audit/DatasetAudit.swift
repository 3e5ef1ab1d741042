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
    private(set) var withdrawals: [(leaf: Leaf.Withdrawal, index: Int)] = []
    private(set) var edits: [Leaf.Description] = []
    /// Whether its leaves are sealed: it is closed to the public, and its bytes are given by grants only.
    private(set) var isSealed = false
    /// Places of releases in the log.
    private var places: [Int: Int] = [:]
    /// The newest version that was entered when it was released.
    private var newest = 0

    init(_ dataset: String) { self.dataset = dataset }

    /// - Parameters:
    ///   - index: the leaf's place in the log.
    ///   - isSealed: whether the leaf in the log is a sealed one that stands for this one.
    /// - Throws: ``Lie`` where something has two leaves, or cannot come after what came before.
    mutating func add(_ leaf: Leaf, at index: Int, isSealed: Bool = false) throws {
        if isSealed { self.isSealed = true }
        switch leaf {
        case .release(let release): try add(release, at: index)
        case .withdrawal(let withdrawal): try add(withdrawal, at: index)
        case .description(let edit): edits.append(edit)
        default: break
        }
    }

    private mutating func add(_ release: Leaf.Release, at index: Int) throws {
        let number = release.version
        if let first = releases[number] {
            throw Lie(
                .twice, dataset: dataset, version: number, leaf: index, promised: first.digest, served: release.digest, zh: "同一版本有两个条目", en: "the log has two leaves for one version")
        }
        releases[number] = release
        places[number] = index
        guard release.late != true else { return }
        if number < newest {
            throw Lie(
                .sequence, dataset: dataset, version: number, leaf: index, promised: "> \(newest)", served: "\(number)", zh: "第 \(newest) 版之后又发布了较早的版本",
                en: "it was released after version \(newest)")
        }
        newest = number
        if let whole = withdrawals.first(where: { $0.leaf.subject == .dataset }) { throw late(whole, number, index) }
    }

    private mutating func add(_ withdrawal: Leaf.Withdrawal, at index: Int) throws {
        for before in withdrawals {
            if before.leaf.withdrawal == withdrawal.withdrawal || (withdrawal.subject == .version && before.leaf.subject == .version && before.leaf.version == withdrawal.version) {
                throw Lie(
                    .twice, dataset: dataset, version: withdrawal.version, leaf: index, promised: before.leaf.withdrawal, served: withdrawal.withdrawal, zh: "同一撤回有两个条目",
                    en: "the log has two leaves for one withdrawal")
            }
            if before.leaf.subject == .dataset { throw late(before, withdrawal.version, index) }
        }
        withdrawals.append((withdrawal, index))
    }

    private func late(_ whole: (leaf: Leaf.Withdrawal, index: Int), _ version: Int?, _ index: Int) -> Lie {
        Lie(
            .sequence, dataset: dataset, version: version, leaf: index, promised: whole.leaf.withdrawal, served: "\(index)", zh: "数据资源已于第 \(whole.index) 条撤回，之后仍有条目",
            en: "the dataset was withdrawn by leaf \(whole.index), and something comes after that")
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
                    .chain, dataset: dataset, version: number, leaf: places[number], promised: before ?? "-", served: release.previousDigest ?? "-",
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
            guard withdrawals.contains(where: { $0.leaf.subject == .dataset }) || isLate else {
                return Lie(
                    .withdrawal, dataset: dataset, promised: "\(releases.count)", served: "410", zh: "数据资源已撤回，存证中却没有撤回的条目", en: "the dataset is withdrawn, and no leaf says so")
            }
            return nil
        }
        var waiting = checkSubjects()
        let numbers = Set(shown.map(\.number))
        for number in releases.keys.sorted() where !numbers.contains(number) {
            throw Lie(
                .vanished, dataset: dataset, version: number, leaf: places[number], promised: releases[number]?.digest ?? "", served: "-",
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
                guard withdrawals.contains(where: { $0.leaf.withdrawal == withdrawal }) || release.late == true else {
                    waiting = waiting ?? Lie(
                        .withdrawal, dataset: dataset, version: version.number, promised: release.digest, served: withdrawal,
                        zh: "这一版已撤回，存证中却没有撤回的条目", en: "the version is withdrawn, and no leaf says so")
                    continue
                }
            } else if let withdrawal = withdrawals.first(where: { $0.leaf.subject == .version && $0.leaf.version == version.number }) {
                waiting = waiting ?? Lie(
                    .withdrawal, dataset: dataset, version: version.number, leaf: withdrawal.index, promised: withdrawal.leaf.withdrawal, served: version.digest,
                    zh: "存证记载这一版已撤回，服务器却仍在提供", en: "the log says that the version was withdrawn, and it is still served")
            }
        }
        return waiting
    }

    private func compare(_ version: ShownVersion, _ release: Leaf.Release) throws {
        func same(_ what: (zh: String, en: String), _ promised: String, _ served: String) throws {
            guard promised != served else { return }
            throw Lie(
                .version, dataset: dataset, version: version.number, leaf: places[version.number], promised: promised, served: served, zh: "\(what.zh)与存证不符", en: "the \(what.en) is another than the log says")
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
