public import Model
internal import Store

extension Catalogue {
    /// Nodes whose catalogue is mirrored here, in the order in which they were added.
    public func nodes() async throws -> [HomeNode] { try await store.publishedHomeNodes() }

    /// What of them is not taken, the oldest first; a thousand at most.
    public func troubles() async throws -> [HomeTrouble] { try await store.troubles(limit: 1000) }
}
