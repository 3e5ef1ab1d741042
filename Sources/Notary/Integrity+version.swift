import Crypto
import Ledger
import Logging
import Model
import NIOCore
import Store

extension Integrity {
    /// What looking at a version came to.
    enum Outcome: Sendable, Hashable {
        case intact, found
        /// It has no leaf yet, or rows of it were withdrawn, so that its bytes cannot be made and its rows are counted only.
        case skipped
    }

    /// Holds one version against its leaf.
    func check(_ version: InspectedVersion, _ pace: inout Pace) async throws -> Outcome {
        guard let entry = version.leaf, case .release(let leaf)? = try? Leaf(entry: entry) else { return .skipped }
        let agrees = leaf.digest == version.digest && leaf.byteCount == version.byteCount && leaf.rowCount == version.rowCount
        try await note(.record, version, agrees ? nil : IntegrityFinding.Place(keys: [], precision: .version))
        guard version.isWhole else {
            let isComplete = try await isComplete(version, leaf, &pace)
            try await note(.rows, version, isComplete ? nil : IntegrityFinding.Place(keys: [], precision: .version))
            return agrees && isComplete ? .skipped : .found
        }
        let digest = try await digest(of: version, &pace)
        if digest == leaf.digest {
            try await note(.rows, version, nil)
            return agrees ? .intact : .found
        }
        // Withdrawn, or no longer public, while it was read?
        guard let now = try await store.inspectedVersion(version.number, of: version.dataset), now.isWhole else { return .skipped }
        try await note(.rows, version, try await place(in: version, leaf, &pace))
        return .found
    }

    /// Whether as many rows are left of a version as its leaf and the withdrawals since then leave. What stands in them can be held against nothing any more: the hashes that
    /// lead to the head in the leaf went with the rows.
    private func isComplete(_ version: InspectedVersion, _ leaf: Leaf.Release, _ pace: inout Pace) async throws -> Bool {
        // Counting reads what rendering reads.
        try await wait(version.byteCount, &pace)
        if try await store.rowsLeft(of: version) + version.withdrawnRows == leaf.rowCount { return true }
        // More were withdrawn meanwhile?
        guard let now = try await store.inspectedVersion(version.number, of: version.dataset) else { return true }
        return try await store.rowsLeft(of: now) + now.withdrawnRows == leaf.rowCount
    }

    /// SHA-256 of the version's canonical CSV as it can be made today, 64 hexadecimal digits.
    private func digest(of version: InspectedVersion, _ pace: inout Pace) async throws -> String {
        var hash = SHA256(), pace = pace
        try await store.inspect(version) { chunk in
            chunk.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
            try await self.wait(chunk.readableBytes, &pace)
        }
        return HexDigest.hexadecimal(Array(hash.finalize()))
    }

    /// Finds which rows differ, as far as what is kept tells: the blocks by the tree over the rows, and in them the rows that another transaction than the release wrote.
    private func place(in version: InspectedVersion, _ leaf: Leaf.Release, _ pace: inout Pace) async throws -> IntegrityFinding.Place {
        guard let keyPlaces = version.keyPlaces else { return .init(keys: [], precision: .version) }
        let nodes = try await store.blocks(of: version), hashes = nodes.compactMap { TreeHash($0.hash) }
        // Hashes that do not make the head in the leaf tell nothing.
        let areTrue = leaf.rowTree.map { $0.head == HexDigest.hexadecimal(TreeHash.head(of: hashes).bytes) } ?? false
        guard areTrue, !nodes.isEmpty else {
            let suspects = try await store.rewrittenRows(of: version, from: nil, until: nil, limit: Self.keyLimit)
            return .init(keys: suspects, precision: suspects.isEmpty ? .version : .row)
        }
        var comparison = BlockComparison(nodes, keyPlaces: keyPlaces), paces = pace
        try await store.inspect(version) { chunk in
            chunk.withUnsafeReadableBytes { bytes in _ = CanonicalRecords.forEach(in: bytes) { comparison.take($0) } }
            try await self.wait(chunk.readableBytes, &paces)
        }
        var keys: [String] = [], precision = IntegrityFinding.Precision.row
        for blocks in comparison.finish() where keys.count < Self.keyLimit {
            let from = blocks.lowerBound == 0 ? nil : nodes[blocks.lowerBound].firstKey
            let until = blocks.upperBound < nodes.count ? nodes[blocks.upperBound].firstKey : nil
            var found = try await store.rewrittenRows(of: version, from: from, until: until, limit: Self.keyLimit - keys.count)
            if found.isEmpty {
                precision = .block
                found = try await store.keys(of: version, from: from, until: until, limit: Self.keyLimit - keys.count)
            }
            keys += found
        }
        return .init(keys: keys, precision: precision)
    }

    /// Keys that a finding names at most.
    private static let keyLimit = 1000

    private func note(_ kind: IntegrityFinding.Kind, _ version: InspectedVersion, _ place: IntegrityFinding.Place?) async throws {
        guard let place else { return try await store.close(kind, dataset: version.dataset, version: version.number) }
        if try await store.open(kind, dataset: version.dataset, version: version.number, place) {
            logger.critical(
                "stored data is not what the ledger says",
                metadata: [
                    "kind": "\(kind.rawValue)", "dataset": "\(version.dataset)", "version": "\(version.number)", "keys": "\(place.keys.prefix(20).joined(separator: " "))",
                ])
        }
    }
}

/// Holds the rows of a version, as they pass, against the hashes of its blocks. A block begins at the row whose key the tree names, so that a row more or less in one block moves no other.
struct BlockComparison {
    private let hashes: [[UInt8]]
    private let places: [[String]: Int]
    private let keyPlaces: [Int]
    private var records: [TreeHash] = []
    private var block = 0
    private var isHeader = true
    /// Longer than any block: what comes behind is of no use.
    private var isTooLong: Bool { records.count > RowTree.width }
    private var different: [Range<Int>] = []

    init(_ nodes: [RowTree.Node], keyPlaces: [Int]) {
        hashes = nodes.map(\.hash)
        places = Dictionary(nodes.map { ($0.firstKey, $0.number) }) { first, _ in first }
        self.keyPlaces = keyPlaces
    }

    mutating func take(_ record: UnsafeRawBufferPointer) {
        if isHeader {
            isHeader = false
            return
        }
        let values = CanonicalRecords.values(of: record)
        if let place = places[keyPlaces.map { values[$0] }], place > block { close(at: place) }
        if !isTooLong { records.append(.leaf(Array(record))) }
    }

    private mutating func close(at next: Int) {
        if next != block + 1 || isTooLong || TreeHash.head(of: records).bytes != hashes[block] { different.append(block..<next) }
        block = next
        records = []
    }

    /// - Returns: the blocks that differ.
    mutating func finish() -> [Range<Int>] {
        close(at: hashes.count)
        return different
    }
}
