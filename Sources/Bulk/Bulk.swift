public import Logging
public import Model
public import Store

/// Whole datasets and filtered ones as CSV.
///
/// A version's canonical bytes are rendered once into a file, which is served from then on; the files are a cache and can be deleted at any time.
public struct Bulk: Sendable {
    /// What it is set to.
    public struct Configuration: Sendable {
        /// The folder of the rendered files; made when it is not there. Nobody else may write into it.
        public var directory: String
        /// Bytes that all files together may have; what was not asked for longest goes first.
        public var capacity = 20 << 30
        /// Streams straight from the database at once; each holds a connection for as long as its reader takes.
        public var liveStreams = 4
        /// Versions rendered at once.
        public var renderings = 2
        /// Rows that a workbook may have: those of an Excel sheet without its header.
        public var workbookRows = Workbook.rowLimit - 1

        public init(directory: String) {
            self.directory = directory
        }
    }

    let store: Store
    let released: ReleasedDatasets
    let snapshots: Snapshots
    private let logger: Logger
    let live: Places
    /// Rows that a workbook may have.
    public let workbookRows: Int

    /// - Parameters:
    ///   - store: where rows are read.
    ///   - released: what is known about versions.
    ///   - logger: gets a line when a rendering is not what its version says.
    /// - Throws: when the folder cannot be made.
    public init(_ configuration: Configuration, store: Store, released: ReleasedDatasets, logger: Logger) throws {
        self.store = store
        self.released = released
        self.logger = logger
        live = Places(configuration.liveStreams)
        workbookRows = configuration.workbookRows
        snapshots = try Snapshots(configuration, store: store, logger: logger)
    }

    /// The version to read, nil for the current one; see `ReleasedDatasets.find`.
    public func version(of dataset: String, number: Int?) async throws -> ReleasedVersion {
        try await released.find(dataset, version: number)
    }

    /// The version that was the current one at the instant of `as_of`; nil where there is no `as_of`.
    public func versionNumber(asOfIn parameters: [(name: String, value: String)], of dataset: String) async throws -> Int? {
        try await released.versionNumber(asOfIn: parameters, of: dataset)
    }

    /// What may be said about a version's bytes.
    ///
    /// - Throws: `versionWithdrawn` where rows of the version were withdrawn, so that its bytes can no longer be had.
    public func facts(_ version: ReleasedVersion) async throws -> SnapshotFacts {
        if let withdrawal = version.withdrawal {
            throw withdrawal.problem(.versionWithdrawn, zh: "\(version.dataset) 版本 \(version.number) 的文件", en: "the file of version \(version.number) of \(version.dataset)")
        }
        let dataset = try await released.dataset(version.dataset)
        return SnapshotFacts(
            dataset: version.dataset, title: dataset?.title.zh ?? version.dataset, version: version.number, digest: version.digest, byteCount: version.byteCount,
            rowCount: version.rowCount, releasedAt: version.releasedAt, hasWindow: version.hasWindow, expiresAt: dataset?.expiresAt)
    }

    /// A version's file: the rendered one, or the one that is being rendered.
    ///
    /// - Parameters:
    ///   - form: which of its forms.
    ///   - range: the bytes that are wanted where the file is still being written; nil for all.
    /// - Throws: when it cannot be rendered, before the first byte.
    public func snapshot(_ version: ReleasedVersion, as form: SnapshotForm, range: Range<Int>? = nil) async throws -> SnapshotBody {
        if let file = snapshots.file(version, form) { return .file(file) }
        let rendering = try snapshots.render(version, form)
        _ = try await rendering.wait(beyond: 0)
        let whole = form == .csv ? 0..<version.byteCount : 0..<Int.max
        return .followed(FollowedFile(rendering: rendering, range: range ?? whole))
    }

    /// A version's file, where it is rendered already.
    public func rendered(_ version: ReleasedVersion, as form: SnapshotForm) -> OpenSnapshot? { snapshots.file(version, form) }

    /// Removes files whose rows have left public view, soon after they did, until the task is cancelled. They are given to nobody before that either.
    public func run() async {
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        released.announcements.onNews { news in
            if news != .entered { change.yield() }
        }
        let beat = Task {
            while !Task.isCancelled {
                change.yield()
                try? await Task.sleep(for: .seconds(60))
            }
        }
        defer { beat.cancel() }
        for await _ in changes {
            do { try await snapshots.removeWithdrawn() } catch {
                logger.warning("files of withdrawn versions not removed; trying again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Ends what renders; unfinished files are removed.
    public func close() async { await snapshots.close() }
}

/// What is known of a version's file before it is rendered.
public struct SnapshotFacts: Sendable {
    public let dataset: String
    public let title: String
    public let version: Int
    /// SHA-256 of the canonical bytes, 64 hexadecimal digits.
    public let digest: String
    /// Their number.
    public let byteCount: Int
    public let rowCount: Int
    public let releasedAt: Timestamp
    /// Whether rows are public for a time only, so that nobody may keep the file unasked.
    public let hasWindow: Bool
    /// When the next row has to leave public view: the file ends then.
    public let expiresAt: Timestamp?
}

/// Where a version's bytes come from.
public enum SnapshotBody: Sendable {
    /// A finished file.
    case file(OpenSnapshot)
    /// A file that is still being written.
    case followed(FollowedFile)
}
