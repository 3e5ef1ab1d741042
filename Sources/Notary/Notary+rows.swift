public import Ledger
internal import Logging
internal import Model
public import Store

/// What became of a row's proof.
public enum RowProving: Sendable {
    case proven(RowProof)
    /// The version has no such row, or not any more.
    case absent
    /// The rows that are stored are not those that were released.
    case contradicted
}

extension Notary {
    /// A proof that a row stands in a version as it was released. Only the row's block is read, and the nodes above it.
    ///
    /// - Parameter key: canonical values of the key's fields, in key order.
    /// - Throws: a `Problem`: `versionWithdrawn`, `rowProofUnavailable`, or that the database or the ledger cannot answer yet.
    public func proof(ofRow key: [String], in version: ReleasedVersion) async throws -> RowProving {
        try Self.checkRows(of: version)
        let release = try await proof(of: version.dataset, version: version.number)
        guard let entry = release.extra, case .release(let leaf)? = try? Leaf(entry: entry), let tree = leaf.rowTree else {
            throw Self.unavailable(
                zh: "该版本发布时尚未记载行的哈希树，请核验整个文件", en: "the version was released before trees over rows were entered into the ledger; verify the whole file")
        }
        var parent = 0, range = RowRange(first: [], end: [], includesEnd: true), path: [TreeHash] = []
        for level in (1...max(1, RowTree.levels(size: tree.size))).reversed() {
            let nodes = try await store.rowTree(of: version, level: level, below: parent, key: key)
            let hashes = nodes.compactMap { TreeHash($0.hash) }
            // Above the first row of all there is none; a version with rows has nodes, unless it was withdrawn just now.
            guard let place = nodes.lastIndex(where: \.isAtOrBefore), hashes.count == nodes.count else { return .absent }
            path = TreeHash.path(to: place, in: hashes) + path
            parent = parent * RowTree.width + place
            range.first = nodes[place].firstKey
            // Up to the next node, or to the last row of all; below another node than the last, up to where that ends.
            if place + 1 < nodes.count {
                (range.end, range.includesEnd) = (nodes[place + 1].firstKey, false)
            } else if let last = nodes[place].lastKey {
                (range.end, range.includesEnd) = (last, true)
            }
        }
        guard let block = try await store.rowBlock(of: version, range, key: key) else { return .absent }
        var records: [[UInt8]] = []
        block.records.withUnsafeBytes { _ = CanonicalRecords.forEach(in: $0) { records.append(Array($0)) } }
        guard records.indices.contains(block.place) else { return .contradicted }
        let proof = RowProof(
            record: records[block.place], index: parent * RowTree.width + block.place,
            path: TreeHash.path(to: block.place, in: records.map { .leaf($0) }) + path, release: release)
        guard proof.leads(to: tree) else {
            logger.critical("stored rows are not those that were released", metadata: ["dataset": "\(version.dataset)", "version": "\(version.number)", "block": "\(parent)"])
            return .contradicted
        }
        return .proven(proof)
    }

    /// Refuses versions whose rows cannot be proven one by one, whichever they are.
    ///
    /// - Throws: a `Problem`: `versionWithdrawn` where the version or rows of it were withdrawn, `rowProofUnavailable` where rows have no public key.
    public static func checkRows(of version: ReleasedVersion) throws {
        if let withdrawal = version.withdrawal {
            throw withdrawal.problem(
                .versionWithdrawn, zh: "\(version.dataset) 版本 \(version.number) 的行证明", en: "the proof of rows of version \(version.number) of \(version.dataset)")
        }
        guard version.hasPublicKey else {
            throw unavailable(zh: "该数据资源的主键不全部公开，无法按主键证明一行", en: "the dataset's key is not wholly public, so that no row can be proven by its key")
        }
    }

    private static func unavailable(zh: String, en: String) -> Problem { Problem(.rowProofUnavailable, zh: zh, en: en) }
}
