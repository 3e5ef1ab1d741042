internal import Model
internal import Postgres

extension ReleasedDatasets {
    /// Parameters in which `as_of` has become the `version` that was the current one at that instant; the others stay as they are.
    ///
    /// - Parameters:
    ///   - parameters: names and values, decoded.
    ///   - dataset: the dataset's identifier.
    /// - Throws: a `Problem`: `invalidParameter` for a bad `as_of`, what ``find(_:version:fresh:)`` throws of the dataset, `versionNotFound` before the first version.
    public func resolvingAsOf(_ parameters: [(name: String, value: String)], of dataset: String) async throws -> [(name: String, value: String)] {
        guard let number = try await versionNumber(asOfIn: parameters, of: dataset) else { return parameters }
        return parameters.map { $0.name == Timestamp.asOfName ? ("version", String(number)) : $0 }
    }

    /// The version that was the current one at the instant of `as_of`; nil where there is no `as_of`.
    public func versionNumber(asOfIn parameters: [(name: String, value: String)], of dataset: String) async throws -> Int? {
        guard let instant = try Timestamp.asOf(in: parameters) else { return nil }
        guard Identifiers.isDatasetIdentifier(dataset), let found = try await self.dataset(dataset), let current = found.current else {
            return try await find(dataset, version: nil).number
        }
        // Asked anew each time: an instant that has only just passed may belong to a version that is still being announced.
        guard let number = try await store.versionNumber(of: dataset, at: instant) else {
            throw Problem(
                .versionNotFound, zh: "\(dataset) 在 \(instant) 尚未发布任何版本", en: "\(dataset) had no version at \(instant)",
                places: [.init(Timestamp.asOfName, zh: "早于第一个版本", en: "before the first version")], members: [.currentVersion: String(current.number)])
        }
        return number
    }
}

extension Store {
    /// The newest version that was released at this instant or before it.
    func versionNumber(of dataset: String, at instant: Timestamp) async throws -> Int? {
        let rows = try await read(
            """
            SELECT number FROM published.version WHERE dataset = \(dataset, as: .text) AND released_at <= \(instant.instant, as: .timestamptz) \
            ORDER BY number DESC LIMIT 1
            """)
        return try rows.first?.integer("number")
    }
}
