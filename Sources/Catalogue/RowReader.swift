internal import Model
public import Store

/// Answers questions about the rows of released versions.
///
/// Each question goes the same way, whether it is answered on an event loop or in a task: ``version(of:number:)`` finds what is read,
/// a plan holds the question against its schema, a read asks the database once, and the plan writes the answer.
public struct RowReader: Sendable {
    let store: Store
    let released: ReleasedDatasets
    let seal: CursorSeal

    /// - Parameters:
    ///   - store: where rows are read.
    ///   - released: what is known about versions.
    ///   - seal: signs cursors.
    public init(store: Store, released: ReleasedDatasets, seal: CursorSeal) {
        self.store = store
        self.released = released
        self.seal = seal
    }

    // MARK: what is read

    /// The version to read, where it is in memory.
    ///
    /// - Parameter number: nil for the current one.
    /// - Returns: nil when the database has to be asked, also for what was withdrawn or never was.
    public func knownVersion(of dataset: String, number: Int?) -> ReleasedVersion? {
        guard let known = released.known(dataset), known.withdrawal == nil else { return nil }
        let version = if let number { released.known(dataset, version: number) } else { known.current }
        return version.flatMap { $0.isWithdrawn ? nil : $0 }
    }

    /// The version to read.
    ///
    /// - Parameters:
    ///   - dataset: the dataset's identifier.
    ///   - number: the version's number, nil for the current one.
    ///   - fresh: asks the database even where the answer is in memory.
    /// - Throws: a `Problem`: `datasetNotFound`, `datasetWithdrawn`, `versionNotFound`, `versionWithdrawn`, or that the database cannot answer.
    public func version(of dataset: String, number: Int?, fresh: Bool = false) async throws -> ReleasedVersion {
        guard let found = try await released.dataset(dataset, fresh: fresh) else { throw Self.datasetNotFound(dataset) }
        if let withdrawal = found.withdrawal { throw withdrawal.problem(.datasetWithdrawn, zh: "数据资源 \(dataset) ", en: "the dataset \(dataset)") }
        let version = if let number { try await released.version(number, of: found) } else { found.current }
        guard let version else {
            guard let number else { throw Self.datasetNotFound(dataset) }
            throw Problem(.versionNotFound, zh: "\(dataset) 没有版本 \(number)", en: "\(dataset) has no version \(number)")
        }
        if version.isWithdrawn, let withdrawal = version.withdrawal {
            throw withdrawal.problem(.versionWithdrawn, zh: "\(dataset) 的版本 \(version.number) ", en: "version \(version.number) of \(dataset)")
        }
        return version
    }

    private static func datasetNotFound(_ dataset: String) -> Problem {
        let shown = dataset.prefix(100)
        return Problem(.datasetNotFound, zh: "没有数据资源 \(shown)", en: "there is no dataset \(shown)")
    }

    /// The version that a question names, by its parameters or by its cursor.
    ///
    /// - Throws: `invalidCursor` where the cursor is not one of ours.
    public func versionNumber(in parameters: [(name: String, value: String)]) throws -> Int? {
        if let cursor = parameters.first(where: { $0.name == "cursor" })?.value { return try open(cursor).version }
        return parameters.first { $0.name == "version" }.flatMap { Int($0.value) }.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
    }

    // MARK: cursors

    static let purpose = "rows"

    func open(_ cursor: String) throws -> RowCursor { try seal.open(RowCursor.self, cursor, for: Self.purpose) }

    static func invalidCursor(zh: String, en: String) -> Problem {
        Problem(.invalidCursor, zh: "游标：\(zh)", en: "cursor: \(en)", places: [.init("cursor", zh: zh, en: en)])
    }
}
