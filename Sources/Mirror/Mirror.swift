public import Foundation
public import Logging
import Model
public import Store

/// Follows other nodes: their catalogue and their released data come here, each version held against their ledger before anybody sees it.
///
/// All that it knows stands in PostgreSQL; what lies in its folder is a cache. One process of all works at a time (`Jobs`), and any can go on where another ended.
public final class Mirror: Sendable {
    /// What it is set to.
    public struct Configuration: Sendable {
        /// Where files lie while they come.
        public var folder: URL
        /// Time between two questions whether there is anything new.
        public var pause = Duration.seconds(5)
        /// Longest canonical CSV that is taken, in bytes.
        public var largest = 20 << 30
        /// Before a failed turn is tried again; doubled with each failure, up to five minutes.
        public var backoff = Duration.seconds(1)
        /// Before a dataset that was refused is tried again; doubled with each failure, up to an hour.
        public var mistrust = Duration.seconds(30)
        /// Datasets of one node that may be refused before it is followed no further.
        public var mostTroubles = 1000

        public init(folder: URL) { self.folder = folder }
    }

    let configuration: Configuration
    let store: Store
    let transport: HomeTransport
    let logger: Logger

    /// - Parameter transport: the way to other nodes.
    public init(_ configuration: Configuration, store: Store, transport: @escaping HomeTransport, logger: Logger) {
        (self.configuration, self.store, self.transport, self.logger) = (configuration, store, transport, logger)
    }

    /// Follows all nodes, side by side, until it is cancelled.
    ///
    /// - Throws: a `Problem` where the database does not answer; nothing is lost by calling it again.
    public func work() async throws {
        SpoolFile.clean(configuration.folder, olderThan: 86_400)
        try await withThrowingDiscardingTaskGroup { group in
            var known: Set<String> = []
            while true {
                for node in try await store.homeNodes() where node.state != .removed && known.insert(node.id).inserted {
                    group.addTask { try await self.follow(node.id) }
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// Follows one node, for ever; one that is removed is looked for again from time to time.
    private func follow(_ id: String) async throws {
        while true {
            if let node = try await store.homeNode(id), node.state != .removed, node.nextTryAt <= .now { try await turn(node) }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// Takes all that is new of one node.
    ///
    /// - Throws: a `Problem` where the database does not answer, `CancellationError`.
    func turn(_ node: HomeNode) async throws {
        do {
            try await catchUp(node)
            try await store.ask(node.id, after: configuration.pause)
        } catch let fault as MirrorFault {
            let (state, message): (HomeNode.State, LocalizedText) =
                switch fault {
                case .unreachable(let message): (.unreachable, message)
                case .ledger(let message): (.refused, message)
                case .dataset(_, _, let message): (.unreachable, message)
                }
            logger.warning("a node could not be followed", metadata: ["node": "\(node.url)", "reason": "\(message.text(in: .en))"])
            let pause = min(configuration.backoff * (1 << min(node.failures, 10)), .seconds(300))
            try await store.note(message, of: node.id, as: state, pause: pause)
        }
    }

    /// Goes through the changes behind the cursor, and through what was refused before and is due again.
    private func catchUp(_ node: HomeNode) async throws {
        let link = HomeLink(url: node.url, transport: transport)
        let ledger = try await HomeLedger(node, link: link, store: store)
        var cursor = node.cursor
        while true {
            let page = try await link.json(HomeDocument.Changes.self, "/v1/changes?since=\(cursor)&limit=1000")
            for dataset in try await unsettled(page.data, node) { try await take(dataset, node, ledger) }
            guard page.meta.last >= cursor else { throw MirrorFault.unreachable(zh: "变化记录倒退", en: "its record of changes goes back") }
            let isAll = page.links.path == nil || page.meta.last == cursor
            cursor = page.meta.last
            try await store.advance(node.id, to: cursor, isAll: isAll)
            if isAll { break }
        }
        for dataset in try await store.dueTroubles(of: node.id, limit: 100) { try await take(dataset, node, ledger) }
    }

    /// Datasets of which a change is not here yet, in the order of their first one.
    private func unsettled(_ changes: [HomeDocument.Changes.Entry], _ node: HomeNode) async throws -> [String] {
        let withdrawals = try await store.knownWithdrawals(among: changes.compactMap(\.withdrawal?.id).filter { UUID(uuidString: $0) != nil })
        var here: [String: MirroredDataset?] = [:], names: [String] = []
        for change in changes where Identifiers.isDatasetIdentifier(change.dataset) && !names.contains(change.dataset) {
            if here[change.dataset] == nil { here[change.dataset] = try await store.mirroredDataset(change.dataset) }
            let isHere: Bool
            if let dataset = here[change.dataset] ?? nil, dataset.node == node.id {
                switch change.kind {
                case .release: isHere = change.version ?? 0 <= dataset.currentVersion ?? 0
                case .withdrawal: isHere = change.withdrawal.map { withdrawals.contains($0.id.lowercased()) } ?? true
                case .description: isHere = change.revision ?? 0 <= dataset.revision
                }
            } else {
                isHere = false
            }
            if !isHere { names.append(change.dataset) }
        }
        return names
    }

    /// Brings one dataset to what it is at the node; what is refused is noted and holds up nothing else.
    private func take(_ dataset: String, _ node: HomeNode, _ ledger: HomeLedger) async throws {
        do {
            try await DatasetMirroring(mirror: self, node: node, ledger: ledger, dataset: dataset).run()
            try await store.settleTrouble(with: dataset, of: node.id)
        } catch MirrorFault.dataset(let kind, let version, let message) {
            logger.error("a dataset of a node is refused", metadata: ["node": "\(node.url)", "dataset": "\(dataset)", "reason": "\(message.text(in: .en))"])
            guard try await store.troubleCount(of: node.id) < configuration.mostTroubles else {
                throw MirrorFault.unreachable(
                    zh: "已有 \(configuration.mostTroubles) 个数据资源未被接受", en: "\(configuration.mostTroubles) of its datasets are refused already")
            }
            try await store.note(kind, message, of: dataset, version: version, node: node.id, pause: configuration.mistrust)
        }
    }
}
