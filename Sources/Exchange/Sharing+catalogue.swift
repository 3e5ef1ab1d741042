public import Model
internal import Store

extension Sharing {
    /// What departments can ask one another for, and what is not shared and why, in the order of identifiers; with what the caller's own department has.
    ///
    /// - Parameter after: the last identifier of the page before.
    public func datasets(_ filter: ShareableFilter, for member: Member, after: String?, limit: Int) async throws -> [ShareableDataset] {
        try await store.shareableDatasets(filter, receiver: member.key.department, datasets: member.key.datasets, after: after, limit: limit)
    }

    /// One of them.
    ///
    /// - Throws: `Problem`: `datasetNotFound`, `datasetWithdrawn`.
    public func dataset(_ id: String, for member: Member) async throws -> ShareableDataset {
        let (subject, _) = try await shared(id, member)
        guard let dataset = try await store.shareableDataset(subject.dataset, receiver: member.key.department) else { throw Self.noDataset }
        return dataset
    }
}
