import Foundation
import Ledger
import Model
import NIOCore
import NIOFoundationCompat

extension Audit {
    /// Notes which datasets are public, so that one without any leaf is found too.
    func readCatalogue() async throws {
        struct Card: Decodable { var id: String }
        var names: [Int: [String]] = [:], rest = Data(), isWrong = false
        let status = try await client.stream("/v1/catalogue.ndjson") {
            memory.forget(.catalogue)
            (names, rest) = ([:], Data())
        } _: { buffer in
            rest.append(contentsOf: buffer.readableBytesView)
            while let end = rest.firstIndex(of: 0x0A) {
                let line = rest[rest.startIndex..<end]
                rest = rest[(end + 1)...]
                guard !line.isEmpty else { continue }
                // The last line of a stream that was cut off says where to go on: a record without an id.
                guard let card = try? JSON.decoder().decode(Card.self, from: line) else {
                    isWrong = true
                    continue
                }
                names[AuditMemory.part(of: card.id), default: []].append(card.id)
                if names.values.reduce(0, { $0 + $1.count }) >= 1000 {
                    try memory.keep(names, as: .catalogue)
                    names = [:]
                }
            }
            rest = Data(rest)
        }
        guard status == 200, !isWrong else { throw Unreadable(zh: "无法读完 /v1/catalogue.ndjson", en: "/v1/catalogue.ndjson cannot be read to its end") }
        try memory.keep(names, as: .catalogue)
    }

    /// Compares the datasets of one part with the log, and downloads what is chosen of them.
    func checkVersions(_ part: Int) async throws {
        let datasets = try gather(part), checked = Set(memory.lines(part, of: .checked))
        for dataset in datasets.values.sorted(by: { $0.dataset < $1.dataset }) {
            try dataset.checkChain()
            let shown = try await versions(of: dataset)
            report.datasets += 1
            if let lie = try await compare(dataset, shown) { waiting.append((dataset.dataset, lie)) }
            for version in shown ?? [] {
                report.versions += 1
                if version.withdrawal != nil {
                    report.withdrawn += 1
                } else if !dataset.isSealed, let release = dataset.releases[version.number] {
                    try await consider(Target(release: release), checked: checked)
                }
            }
            progress.show(zh: "数据资源 \(report.datasets) 个，下载 \(report.downloads) 版", en: "\(report.datasets) datasets, \(report.downloads) downloads")
        }
    }

    /// Holds what is shown of a dataset against its leaves.
    ///
    /// - Returns: what may only be late.
    private func compare(_ dataset: DatasetAudit, _ shown: [DatasetAudit.ShownVersion]?) async throws -> Lie? {
        let described = shown == nil ? nil : try await checkDescriptions(of: dataset), withdrawn = try await checkWithdrawals(of: dataset, shown)
        return try dataset.check(shown) ?? described ?? withdrawn
    }

    /// What the log says of the datasets of one part.
    private func gather(_ part: Int) throws -> [String: DatasetAudit] {
        var datasets: [String: DatasetAudit] = [:]
        for name in memory.lines(part, of: .catalogue) { datasets[name] = DatasetAudit(name) }
        for (index, entry) in try memory.entries(part) {
            guard let leaf = try? Leaf(entry: entry) else { throw AuditMemory.damaged }
            if let name = leaf.dataset { try datasets[name, default: DatasetAudit(name)].add(leaf, at: index) }
        }
        // They were found part by part.
        for (index, entry) in try memory.entries(part, of: .sealed).sorted(by: { $0.index < $1.index }) {
            guard let leaf = try? Leaf(entry: entry), let name = leaf.dataset else { throw AuditMemory.damaged }
            try datasets[name, default: DatasetAudit(name)].add(leaf, at: index, isSealed: true)
        }
        return datasets
    }

    private struct VersionPage: Decodable {
        struct Links: Decodable { var next: String? }
        var data: [DatasetAudit.ShownVersion]
        var links: Links
    }

    /// The versions of a dataset as the server lists them; nil where the dataset is withdrawn.
    func versions(of dataset: DatasetAudit) async throws -> [DatasetAudit.ShownVersion]? {
        var versions: [DatasetAudit.ShownVersion] = [], next: String? = "/v1/datasets/\(dataset.dataset)/versions?limit=100"
        while let path = next {
            let answer = try await client.get(path)
            if answer.status == 410 { return nil }
            guard answer.status == 200 else {
                if dataset.releases.isEmpty { return [] }
                throw Lie(
                    .vanished, dataset: dataset.dataset, promised: "\(dataset.releases.count)", served: "\(answer.status)",
                    zh: "存证中有这个数据资源的版本，服务器上却没有这个数据资源", en: "the log has versions of the dataset, and the server does not know it")
            }
            let page = try answer.json(VersionPage.self, of: path)
            versions += page.data
            next = page.links.next.flatMap { $0.hasPrefix("/") ? $0 : nil }
        }
        return versions
    }

    /// What was not in the log, or not there yet, is given time; then it is a lie.
    func askAgain(_ verifier: NoteVerifier) async throws {
        let deadline = ContinuousClock.now + .seconds(grace)
        while let (name, lie) = waiting.first {
            guard ContinuousClock.now < deadline else { throw lie }
            try await Task.sleep(for: .seconds(1))
            try await follow(verifier)
            try await readOpenings()
            try await checkSalted()
            guard let dataset = try gather(AuditMemory.part(of: name))[name] else { throw lie }
            try dataset.checkChain()
            if try await compare(dataset, versions(of: dataset)) == nil { waiting.removeFirst() }
        }
    }
}
