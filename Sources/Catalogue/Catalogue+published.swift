public import Model
internal import Store

extension Catalogue {
    /// Everything that is published, a stretch at a time, in the order of identifiers: each dataset once, as it stands when its stretch is read.
    ///
    /// Between stretches nothing is held, so a slow reader costs no connection.
    /// - Parameters:
    ///   - after: the last identifier of the stretch before; nil for the first.
    ///   - limit: at most so many; fewer mean that there are no more.
    public func published(after: String?, limit: Int) async throws -> [DatasetRecord] {
        try await store.publishedDatasets(after: after, limit: limit)
    }
}
