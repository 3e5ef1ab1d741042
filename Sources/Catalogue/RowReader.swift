public import Model
public import Store

/// Answers questions about the rows of released versions.
///
/// Each question goes the same way, whether it is answered on an event loop or in a task: `ReleasedDatasets.find` finds the version that is read,
/// a plan holds the question against its schema, a read asks the database once, and the plan writes the answer.
public final class RowReader: Sendable {
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

    /// The version to read, where it can be had without waiting; see `ReleasedDatasets.knownVersion`.
    public func knownVersion(of dataset: String, number: Int?) -> ReleasedVersion? { released.knownVersion(of: dataset, number: number) }

    /// The version to read, nil for the current one; see `ReleasedDatasets.find`.
    public func version(of dataset: String, number: Int?, fresh: Bool = false) async throws -> ReleasedVersion {
        try await released.find(dataset, version: number, fresh: fresh)
    }

    /// Parameters in which `as_of` has become the `version` that was current then; see `ReleasedDatasets.resolvingAsOf`.
    public func resolvingAsOf(_ parameters: [(name: String, value: String)], of dataset: String) async throws -> [(name: String, value: String)] {
        try await released.resolvingAsOf(parameters, of: dataset)
    }

    /// What the rows of the current version look like.
    ///
    /// - Throws: what ``version(of:number:fresh:)`` throws.
    public func shape(of dataset: String) async throws -> DatasetShape {
        let version = try await version(of: dataset, number: nil)
        let title = try await released.dataset(dataset)?.title ?? LocalizedText(zh: dataset)
        return DatasetShape(id: dataset, title: title, version: version.number, schema: version.schema, hasPublicKey: version.hasPublicKey)
    }

    /// Whether a version is the current one, as far as is known without waiting.
    public func isKnownCurrent(_ version: ReleasedVersion) -> Bool { released.known(version.dataset)?.current?.number == version.number }

    /// The version that a question names, by its parameters or by its cursor.
    ///
    /// - Throws: `invalidCursor` where the cursor is not one of ours.
    public func versionNumber(in parameters: [(name: String, value: String)]) throws -> Int? {
        if let cursor = parameters.first(where: { $0.name == "cursor" })?.value { return try open(cursor).version }
        return parameters.first { $0.name == "version" }.flatMap { Int($0.value) }.flatMap { (1...Int(Int32.max)).contains($0) ? $0 : nil }
    }

    static let purpose = "rows"

    func open(_ cursor: String) throws -> RowCursor {
        guard let cursor = RowCursor(try seal.open(payload: cursor, for: Self.purpose)) else {
            throw Self.invalidCursor(zh: "不是这种列表的游标", en: "not a cursor of this list")
        }
        return cursor
    }

    static func invalidCursor(zh: String, en: String) -> Problem {
        Problem(.invalidCursor, zh: "游标：\(zh)", en: "cursor: \(en)", places: [.init("cursor", zh: zh, en: en)])
    }
}

/// What the rows of a dataset's current version look like.
public struct DatasetShape: Sendable {
    public let id: String
    public let title: LocalizedText
    public let version: Int
    /// Only its public fields are anybody's business.
    public let schema: TableSchema
    /// Whether rows can be addressed by key.
    public let hasPublicKey: Bool
}
