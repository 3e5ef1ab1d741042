import Foundation
import Ledger
import Logging
import Model
import NIOCore
import Profiles
import Store

/// Brings one dataset to what it is at a node. Doing it twice does nothing twice.
struct DatasetMirroring {
    let mirror: Mirror
    let node: HomeNode
    let ledger: HomeLedger
    let dataset: String

    private var store: Store { mirror.store }
    private var link: HomeLink { ledger.link }
    private var path: String { "/v1/datasets/\(dataset)" }
    /// Versions and withdrawals of one dataset that are gone through.
    private static let most = 100_000

    /// - Throws: `MirrorFault`, a `Problem` where the database does not answer.
    func run() async throws {
        let here = try await store.mirroredDataset(dataset)
        let reply = try await link.get(path)
        switch reply.status {
        case 200: break
        case 410: return try await withdrawWhole(here)
        // It was there when the change was told: it will be told again.
        case 404: return
        default: throw HomeLink.unexpected(reply.status, path)
        }
        let document = try HomeLink.decode(HomeDocument.Dataset.self, reply, path)
        guard document.id == dataset else { throw MirrorFault.lie(version: nil, zh: "给出的是 \(document.id)", en: "it gives \(document.id)") }
        let home = document.home.flatMap(HomeNode.address) ?? node.url
        if let here, here.node != node.id {
            // What comes by way of two nodes is taken from the one that had it first; and a node that mirrors us offers what is ours.
            if here.node == nil ? document.home != nil : here.home == home { return }
            throw MirrorFault.taken(
                zh: "标识 \(dataset) 已属于\(here.home.map { "节点 \($0) 的" } ?? "本节点的")数据资源", en: "the identifier \(dataset) belongs to a dataset of \(here.home ?? "this node")")
        }
        guard here?.state != .withdrawn, document.currentVersion != nil else { return }

        // Withdrawals first: what they leave is in the versions then.
        let withdrawals = try await newWithdrawals()
        let since = withdrawals.isEmpty ? here?.currentVersion ?? 0 : 0
        let cards = try await link.list(HomeDocument.Card.self, "\(path)/versions?limit=100", limit: Self.most) { page in page.contains { $0.number <= since } }
        let versions = Dictionary(cards.map { ($0.number, $0) }) { first, _ in first }
        let missing = versions.values.filter { $0.number > here?.currentVersion ?? 0 }.sorted { $0.number < $1.number }
        if missing.isEmpty, withdrawals.isEmpty, let here, document.revision <= here.revision { return }

        if here == nil {
            // Of what was withdrawn before it came here there is nothing to show.
            guard let first = missing.first(where: { $0.withdrawal == nil }) else { return }
            let version = try version(try await link.get("\(path)/versions/\(first.number)"), first.number)
            try await create(document, version, home: home)
        }
        var pending = withdrawals, gone: [Int: String] = [:]
        for card in versions.values { gone[card.number] = card.withdrawal }
        for card in missing {
            try await take(card, document, withdrawals: pending, gone: gone)
            pending = []
        }
        if !pending.isEmpty { try await settle(pending, gone: gone) }
        try await describe(document, home: home)
    }

    // MARK: the entry

    private func create(_ document: HomeDocument.Dataset, _ version: Version, home: String) async throws {
        let uscc = document.description.department
        guard Identifiers.isCreditCode(uscc), version.department == uscc else { throw MirrorFault.unfit(version: nil, zh: "部门代码无效", en: "its department's code is not valid") }
        var department = try await link.json(Department.self, "/v1/departments/\(uscc)")
        guard department.uscc == uscc, department.region.wholeMatch(of: /[1-9][0-9]{5}/) != nil else {
            throw MirrorFault.unfit(version: nil, zh: "部门资料无效", en: "its department's record is not valid")
        }
        department.node = department.node.flatMap(HomeNode.address) ?? home
        try await store.adopt(department)
        guard try await store.createMirrored(content(document, version.schema, version.profile, home: home)) else {
            throw MirrorFault.taken(zh: "标识或信息资源代码已属于其他数据资源", en: "its identifier or resource code belongs to another dataset here")
        }
    }

    private func content(_ document: HomeDocument.Dataset, _ schema: TableSchema, _ profile: ProfileReference?, home: String) -> MirroredContent {
        MirroredContent(
            id: dataset, node: node.id, home: home, description: document.description, revision: document.revision, schema: schema, profile: profile,
            createdAt: document.createdAt, updatedAt: document.updatedAt)
    }

    /// Takes the descriptions that are not here yet.
    private func describe(_ document: HomeDocument.Dataset, home: String) async throws {
        guard let here = try await store.mirroredDataset(dataset), let schema = here.currentSchema else { return }
        let last = try await store.lastRevision(of: dataset)
        let cards = try await link.list(HomeDocument.Revision.self, "\(path)/revisions?limit=100", limit: Self.most) { page in page.contains { $0.revision <= last } }
        var revisions: [DescriptionRevision] = []
        for card in cards.sorted(by: { $0.revision < $1.revision }) where card.revision > last {
            let one = try await link.json(HomeDocument.Revision.self, "\(path)/revisions/\(card.revision)")
            guard let description = one.description else { continue }
            revisions.append(
                DescriptionRevision(dataset: dataset, revision: one.revision, description: description, writtenAt: one.writtenAt, publishedAt: one.publishedAt))
        }
        var entry: LedgerEntry?
        if document.revision > here.revision, let record = try await store.dataset(dataset), record.dataset.description != document.description {
            entry = try .description(of: dataset, revision: document.revision, from: record.dataset.description, to: document.description, at: document.updatedAt)
        }
        if document.revision <= here.revision, revisions.isEmpty { return }
        guard try await store.updateMirrored(content(document, schema, nil, home: home), revisions: revisions, entry: entry) else {
            throw MirrorFault.taken(zh: "信息资源代码已属于其他数据资源", en: "its resource code belongs to another dataset here")
        }
    }

    // MARK: withdrawals

    /// Withdrawals that are not here yet, the oldest first.
    private func newWithdrawals() async throws -> [Withdrawal] {
        let all = try await link.list(Withdrawal.self, "\(path)/withdrawals?limit=100", limit: Self.most) { page in
            try await self.store.knownWithdrawals(among: page.map(\.id).filter { UUID(uuidString: $0) != nil }).count == page.count
        }
        guard all.allSatisfy({ UUID(uuidString: $0.id) != nil && $0.dataset == dataset }) else {
            throw MirrorFault.unfit(version: nil, zh: "撤回记录无效", en: "its record of withdrawals is not valid")
        }
        let known = try await store.knownWithdrawals(among: all.map(\.id))
        return all.filter { !known.contains($0.id.lowercased()) }.reversed()
    }

    private func withdrawWhole(_ here: MirroredDataset?) async throws {
        guard let here, here.node == node.id, here.state == .published else { return }
        let withdrawals = try await newWithdrawals()
        guard withdrawals.contains(where: { $0.subject == .dataset }) else {
            throw MirrorFault.unreachable(zh: "\(dataset) 已撤回，却没有撤回记录", en: "\(dataset) is withdrawn, without a record of it")
        }
        _ = try await store.mirror(dataset, of: node.id) { mirroring in
            for withdrawal in withdrawals { _ = try await self.carryOut(withdrawal, mirroring) }
        }
    }

    private func carryOut(_ withdrawal: Withdrawal, _ mirroring: Mirroring) async throws -> Int {
        let schema = mirroring.target.currentSchema, fields = schema?.primaryKey.compactMap { schema?.field($0) } ?? []
        let rows = withdrawal.subject == .rows ? withdrawal.keys.compactMap { key in
            RowKey.values(key, fields: fields).map { LeavingRow(values: $0, key: key, reason: withdrawal.reasonCode ?? .other) }
        } : []
        return try await mirroring.withdraw(withdrawal, rows: rows, entry: .withdrawal(withdrawal))
    }

    /// Carries out withdrawals; versions that are under one at home are so here.
    ///
    /// - Returns: how many rows of the current version went.
    private func carryOut(_ withdrawals: [Withdrawal], gone: [Int: String], _ mirroring: Mirroring) async throws -> Int {
        var standing = 0
        for withdrawal in withdrawals { standing += try await carryOut(withdrawal, mirroring) }
        let marks = Dictionary(grouping: gone.keys) { gone[$0] ?? "" }
        for withdrawal in withdrawals { if let versions = marks[withdrawal.id] { try await mirroring.mark(versions.sorted(), withdrawnBy: withdrawal.id) } }
        return standing
    }

    /// Carries out withdrawals that leave the newest version as it is.
    private func settle(_ withdrawals: [Withdrawal], gone: [Int: String]) async throws {
        _ = try await store.mirror(dataset, of: node.id) { mirroring in
            guard try await self.carryOut(withdrawals, gone: gone, mirroring) == 0 else {
                throw MirrorFault.unreachable(zh: "\(dataset) 撤回了行，却还没有新的版本", en: "rows of \(dataset) were withdrawn, and there is no version without them yet")
            }
        }
    }

    // MARK: versions

    private func version(_ reply: HomeLink.Reply, _ number: Int) throws -> Version {
        let path = "\(path)/versions/\(number)"
        guard reply.status == 200 else { throw HomeLink.unexpected(reply.status, path) }
        let version = try HomeLink.decode(Version.self, reply, path)
        guard version.dataset == dataset, version.number == number, (1...Int(Int32.max)).contains(number) else {
            throw MirrorFault.lie(version: number, zh: "给出的是 \(version.dataset) 第 \(version.number) 版", en: "it gives version \(version.number) of \(version.dataset)")
        }
        return version
    }

    private func take(_ card: HomeDocument.Card, _ document: HomeDocument.Dataset, withdrawals: [Withdrawal], gone: [Int: String]) async throws {
        let leaf = try await ledger.release(of: dataset, version: card.number)
        if let before = try await store.digest(of: dataset, version: card.number - 1), before != leaf.previousDigest {
            throw MirrorFault.lie(version: card.number, zh: "存证中前一版的摘要不是 \(before)", en: "the ledger names another digest of the version before than \(before)")
        }
        if leaf.descriptionRevision == document.revision, try Leaf.digest(of: document.description) != leaf.descriptionDigest {
            throw MirrorFault.lie(version: card.number, zh: "目录描述与存证不符", en: "the description is not what the ledger says")
        }
        let path = "\(path)/versions/\(card.number)", reply = try await link.get(path)
        // A version that was withdrawn shows nothing any more; one that lost rows still says what it was.
        guard reply.status != 410 else { return try await skip(card, leaf, nil, withdrawals: withdrawals, gone: gone) }
        var version = try version(reply, card.number)
        version.push = nil
        try check(version, leaf)
        if version.withdrawal != nil { return try await skip(card, leaf, version, withdrawals: withdrawals, gone: gone) }
        let here = try await store.mirroredDataset(dataset)
        let load = VersionLoad(mirror: mirror, node: node, link: link, version: version, leaf: leaf)
        if withdrawals.isEmpty, let here, here.currentVersion == version.number - 1, !here.isCurrentWithdrawn, let old = here.currentSchema {
            if try await load.takeDifference(from: old) { return }
        }
        try await load.takeWhole { mirroring in _ = try await self.carryOut(withdrawals, gone: gone, mirroring) }
        mirror.logger.info("a version was mirrored", metadata: ["node": "\(node.url)", "dataset": "\(dataset)", "version": "\(version.number)"])
    }

    /// Records a version whose content cannot be had any more, by its leaf.
    ///
    /// - Parameter shown: what is still said of it.
    private func skip(_ card: HomeDocument.Card, _ leaf: Leaf.Release, _ shown: Version?, withdrawals: [Withdrawal], gone: [Int: String]) async throws {
        guard let record = try await store.dataset(dataset) else { return }
        let withdrawal = shown?.withdrawal ?? card.withdrawal ?? ""
        let known = try await store.knownWithdrawals(among: [withdrawal].filter { UUID(uuidString: $0) != nil })
        guard !known.isEmpty || withdrawals.contains(where: { $0.id == withdrawal }) else {
            throw MirrorFault.unreachable(zh: "\(dataset) 刚有撤回", en: "\(dataset) was withdrawn from a moment ago")
        }
        let version = Version(
            dataset: dataset, number: leaf.version, digest: leaf.digest, rowCount: leaf.rowCount, added: card.added, changed: card.changed, removed: card.removed,
            byteCount: leaf.byteCount, schema: shown?.schema ?? record.schema, profile: leaf.profile, department: leaf.department, push: nil, releasedAt: leaf.releasedAt, withdrawal: withdrawal)
        _ = try await store.mirror(dataset, of: node.id) { mirroring in
            _ = try await self.carryOut(withdrawals, gone: gone, mirroring)
            try await mirroring.skip(version, entry: try .release(leaf))
        }
    }

    /// Holds what is said of a version against what the ledger promised.
    private func check(_ version: Version, _ leaf: Leaf.Release) throws {
        func lie(_ zh: String, _ en: String) -> MirrorFault { .lie(version: version.number, zh: "\(zh)与存证不符", en: "\(en) is not what the ledger says") }
        guard version.digest == leaf.digest else { throw lie("摘要", "the digest") }
        guard version.rowCount == leaf.rowCount, version.byteCount == leaf.byteCount else { throw lie("行数或长度", "the number of rows or bytes") }
        guard version.department == leaf.department, version.profile == leaf.profile, version.releasedAt == leaf.releasedAt else {
            throw lie("部门、规范或发布时间", "the department, the profile or the time")
        }
        guard try Leaf.Release.digest(of: version.schema) == leaf.schemaDigest else { throw lie("信息项", "the schema") }
        guard version.byteCount <= mirror.configuration.largest else {
            throw MirrorFault.unfit(version: version.number, zh: "有 \(version.byteCount) 字节，超过上限", en: "it has \(version.byteCount) bytes, more than are taken")
        }
        let schema = version.schema
        guard schema.keyPlaces != nil, schema.fields.allSatisfy({ $0.visibility == .public }) else {
            throw MirrorFault.unfit(version: version.number, zh: "主键不公开，无法保持行的次序", en: "its key is not public, so its rows cannot be kept in their order")
        }
        if let place = schema.validate().first {
            throw MirrorFault.unfit(version: version.number, zh: "信息项有误：\(place.place) \(place.message.zh)", en: "its schema is not valid: \(place.place) \(place.message.text(in: .en))")
        }
    }
}
