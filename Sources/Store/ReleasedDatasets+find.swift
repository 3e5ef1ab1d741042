internal import Model

extension ReleasedDatasets {
    /// The version to read, where it is in memory.
    ///
    /// - Parameter number: nil for the current one.
    /// - Returns: nil when the database has to be asked, also for what was withdrawn or never was.
    public func knownVersion(of dataset: String, number: Int?) -> ReleasedVersion? {
        guard let known = known(dataset), known.withdrawal == nil else { return nil }
        let version = if let number { self.known(dataset, version: number) } else { known.current }
        return version.flatMap { $0.isWithdrawn ? nil : $0 }
    }

    /// The version to read.
    ///
    /// - Parameters:
    ///   - dataset: the dataset's identifier.
    ///   - number: the version's number, nil for the current one.
    ///   - fresh: asks the database even where the answer is in memory.
    /// - Throws: a `Problem`: `datasetNotFound`, `datasetWithdrawn`, `versionNotFound`, `versionWithdrawn`, or that the database cannot answer.
    public func find(_ dataset: String, version number: Int?, fresh: Bool = false) async throws -> ReleasedVersion {
        guard Identifiers.isDatasetIdentifier(dataset), let found = try await self.dataset(dataset, fresh: fresh) else { throw Self.notFound(dataset) }
        if let withdrawal = found.withdrawal { throw withdrawal.problem(.datasetWithdrawn, zh: "数据资源 \(dataset) ", en: "the dataset \(dataset)") }
        let version = if let number { try await self.version(number, of: found) } else { found.current }
        guard let version else {
            guard let number else { throw Self.notFound(dataset) }
            throw Problem(.versionNotFound, zh: "\(dataset) 没有版本 \(number)", en: "\(dataset) has no version \(number)")
        }
        if version.isWithdrawn, let withdrawal = version.withdrawal {
            throw withdrawal.problem(.versionWithdrawn, zh: "\(dataset) 的版本 \(version.number) ", en: "version \(version.number) of \(dataset)")
        }
        return version
    }

    private static func notFound(_ dataset: String) -> Problem {
        let shown = dataset.prefix(100)
        return Problem(.datasetNotFound, zh: "没有数据资源 \(shown)", en: "there is no dataset \(shown)")
    }
}
