import Foundation
import Ledger
import Logging
import Model
import NIOCore
import Store

/// One version on its way here: its file comes whole and is right before the database hears of it.
struct VersionLoad {
    let mirror: Mirror
    let node: HomeNode
    let link: HomeLink
    let version: Version
    let leaf: Leaf.Release

    private var path: String { "/v1/datasets/\(version.dataset)" }
    /// Attempts of one download, one behind another, that bring nothing new.
    private static let attempts = 4

    /// Applies what differs from the version before.
    ///
    /// - Returns: false where that does not make the version; the whole has to be taken then.
    func takeDifference(from old: TableSchema) async throws -> Bool {
        // Where most rows differ, the whole is shorter.
        guard (version.added + version.changed + version.removed) * 2 <= version.rowCount else { return false }
        let file = try SpoolFile("\(UUID().uuidString).diff", in: mirror.configuration.folder)
        defer { file.remove() }
        var request = link.request("\(path)/diff.csv?from=\(version.number - 1)&to=\(version.number)")
        request.isShort = false
        let longest = version.byteCount * 2 + (1 << 20)
        var isTooLong = false
        do {
            let answer = try await link.patiently(request) { answer, buffer in
                guard answer.status == 200, !isTooLong else { return }
                if file.size + buffer.readableBytes > longest { isTooLong = true } else { try file.append(buffer) }
            } begin: {
                try file.clear()
            }
            guard answer.status == 200, !isTooLong, try file.header() == Mirroring.differenceHeader(from: old, to: version.schema) else { return false }
            return try await store(apply: { try await $0.change(to: version, from: old) { try await file.send(to: $0) } })
        } catch is Misfit {
            return false
        } catch is UnfitRows {
            return false
        } catch MirrorFault.unreachable {
            // The whole can be taken up where it broke off.
            return false
        }
    }

    /// Takes the canonical CSV; goes on where it broke off.
    ///
    /// - Parameter before: what has to happen in the same transaction.
    func takeWhole(before: (Mirroring) async throws -> Void) async throws {
        let file = try SpoolFile("\(leaf.digest).csv", in: mirror.configuration.folder)
        try await download(into: file)
        guard file.digest == leaf.digest else {
            let served = file.digest
            file.remove()
            throw MirrorFault.lie(
                version: version.number, zh: "存证的摘要是 \(leaf.digest)，给出的内容是 \(served)", en: "the ledger promised \(leaf.digest), and what is served is \(served)")
        }
        do {
            let isRight = try await store(before: before, apply: { try await $0.replace(with: version) { try await file.send(to: $0) } })
            guard isRight else {
                throw MirrorFault.unreachable(zh: "\(version.dataset) 刚被更改", en: "\(version.dataset) was changed a moment ago")
            }
        } catch is Misfit {
            file.remove()
            throw MirrorFault.lie(
                version: version.number, zh: "所发布的文件不是规范的 CSV：同样的行给出另一个摘要", en: "what was released is no canonical CSV: the same rows have another digest here")
        } catch let error as UnfitRows {
            file.remove()
            throw MirrorFault.unfit(
                version: version.number, zh: "行与其信息项不符，或主键重复（\(error.state ?? "-")）", en: "its rows do not fit its schema, or keys repeat (\(error.state ?? "-"))")
        }
        file.remove()
    }

    private func download(into file: SpoolFile) async throws {
        var failures = 0
        while file.size < version.byteCount {
            let start = file.size
            do {
                var request = link.request("\(path)/versions/\(version.number)/data.csv")
                request.isShort = false
                if start > 0 { request.headers += [("Range", "bytes=\(start)-"), ("If-Range", "\"sha256-\(leaf.digest)\"")] }
                var isFirst = true
                let answer = try await link.patiently(request) { answer, buffer in
                    guard answer.status == 200 || answer.status == 206 else { return }
                    if isFirst, answer.status == 200, file.size > 0 { try file.clear() }
                    isFirst = false
                    guard file.size + buffer.readableBytes <= version.byteCount else {
                        throw MirrorFault.lie(version: version.number, zh: "内容比存证的长", en: "it serves more bytes than the ledger says")
                    }
                    try file.append(buffer)
                } begin: {
                    isFirst = true
                }
                guard answer.status == 200 || answer.status == 206 else { throw HomeLink.unexpected(answer.status, "\(path)/versions/\(version.number)/data.csv") }
                if file.size < version.byteCount { throw MirrorFault.unreachable(zh: "下载中断", en: "a download broke off") }
            } catch MirrorFault.unreachable(let message) {
                failures = file.size > start ? 0 : failures + 1
                guard failures < Self.attempts else {
                    // Where it answers otherwise, this version alone cannot be had, and the others need not wait for it.
                    _ = try await link.get("/ledger/key")
                    file.remove()
                    throw MirrorFault.dataset(.broken, version: version.number, message)
                }
                try await Task.sleep(for: .milliseconds(200 * (failures + 1)))
            }
        }
    }

    /// What is here is not what the ledger promised.
    private struct Misfit: Error {}

    /// Writes the version in one transaction, and holds the rows as they stand then against the leaf before it commits.
    ///
    /// - Returns: false where the dataset is not where this begins.
    private func store(before: (Mirroring) async throws -> Void = { _ in }, apply: (Mirroring) async throws -> Void) async throws -> Bool {
        let entry = try LedgerEntry.release(leaf), tree = UUID().uuidString
        let done = try await mirror.store.mirror(version.dataset, of: node.id) { mirroring in
            guard mirroring.target.state != .withdrawn, mirroring.target.currentVersion ?? 0 < version.number else { return false }
            try await before(mirroring)
            try await apply(mirroring)
            var reading = CanonicalReading(version.schema)
            try await mirroring.canonical(of: version.schema) { buffer in buffer.withUnsafeReadableBytes { reading.take($0) } }
            let form = reading.finish()
            guard form.digest == leaf.digest, leaf.rowTree.map({ $0.head == HexDigest.hexadecimal(form.tree.head) && $0.size == form.tree.size }) ?? true else { throw Misfit() }
            try await mirroring.publish(version, entry: entry, tree: (tree, form.tree))
            return true
        }
        if done == true, version.added + version.changed >= 1000 { await analyze() }
        return done ?? false
    }

    /// The planner's figures matter once many rows have changed; without them the version stands all the same.
    private func analyze() async {
        guard let number = try? await mirror.store.dataset(version.dataset)?.number else { return }
        try? await mirror.store.analyzeRows(of: number)
    }
}
