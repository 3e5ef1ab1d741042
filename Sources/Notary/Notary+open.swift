public import Ledger
public import Model
internal import Store

extension Notary {
    /// Leaves that are looked through for one page of openings.
    private static let window = 10_000
    /// Bytes of contents in one page, about: a withdrawal may name ten thousand keys.
    private static let most = 4 << 20

    /// What opens leaves, in their order, as far as the holder of a key may have it: of reviews, withdrawals and sealed leaves whoever sees the dataset's drafts; of grants,
    /// receipts and corrections whoever has a part in them.
    ///
    /// - Parameters:
    ///   - start: the leaf to begin with.
    ///   - limit: how many at most. There may be fewer, or none, although more follow.
    /// - Returns: the openings, and the leaf to go on with; nil at the end of the log.
    public func openings(for key: AccessKey, from start: Int, limit: Int) async throws -> (openings: [LeafOpening], next: Int?) {
        guard let size = try await head()?.checkpoint.size, start < size else { return ([], nil) }
        let end = min(size, start + Self.window)
        let stored = try await store.ledgerOpenings(OpeningScope(key), in: start..<end, limit: limit, bytes: Self.most), openings = stored.compactMap(LeafOpening.init)
        let cut = openings.count < stored.count ? stored[openings.count].index : nil
        let next = cut ?? (stored.count == limit ? (stored.last?.index ?? start) + 1 : end)
        return (openings, next < size ? next : nil)
    }

    /// What opens one leaf; nil where the holder of the key may not have it, or it was erased, or the leaf has nothing to open.
    public func opening(of index: Int, for key: AccessKey) async throws -> LeafOpening? {
        guard let size = try await head()?.checkpoint.size, index < size else { return nil }
        return try await store.ledgerOpenings(OpeningScope(key), in: index..<index + 1, limit: 1, bytes: Self.most).first.flatMap(LeafOpening.init)
    }

    /// A proof that a leaf stands at its place in the log; nil where the log is not that large yet.
    public func proof(ofLeaf index: Int) async throws -> InclusionProof? {
        guard let size = try await head()?.checkpoint.size, index < size else { return nil }
        return try await proof { try await store.ledgerEntries(index..<index + 1).first.map { (index, $0) } }
    }
}

extension LeafOpening {
    fileprivate init?(_ stored: StoredOpening) {
        guard let content = stored.content else { return nil }
        self.init(index: stored.index, kind: stored.kind, salt: stored.salt, content: content)
    }
}

extension OpeningScope {
    fileprivate init(_ key: AccessKey) {
        let reader = Reader(key: key), own = key.department.map(Part.department)
        let isMember = key.scopes.contains(.exchange)
        self.init(
            drafts: reader.seesAllDrafts ? .all : key.scopes.isEmpty ? .none : own ?? .none,
            exchange: key.scopes.contains(.oversight) ? .all : !isMember ? .none : own ?? .all, datasets: key.datasets)
    }
}
