internal import Foundation
internal import Logging
internal import Model
internal import Store
import Synchronization

/// The rendered files: which there are, which are being written, and which go when there is no more room.
final class Snapshots: Sendable {
    private struct State {
        /// Finished files and when each was last asked for, as a running number.
        var files: [SnapshotName: (file: OpenSnapshot, path: String, used: Int)] = [:]
        var renderings: [SnapshotName: (Rendering, Task<Void, Never>)] = [:]
        /// Versions that could not be rendered, until when nobody tries again, and what is said until then.
        var failures: [SnapshotName: (until: ContinuousClock.Instant, error: any Error)] = [:]
        var clock = 0
        var size = 0
    }

    let directory: String
    private let capacity: Int
    let store: Store
    private let logger: Logger
    private let places: AsyncPlaces
    private let state = Mutex(State())

    init(_ configuration: Bulk.Configuration, store: Store, logger: Logger) throws {
        directory = configuration.directory
        capacity = configuration.capacity
        self.store = store
        self.logger = logger
        places = AsyncPlaces(configuration.renderings)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try adopt()
    }

    /// Takes over what an earlier process left: whole files by their names, unfinished ones to be removed.
    private func adopt() throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory).sorted() {
            let path = "\(directory)/\(name)"
            var status = stat()
            guard !name.hasSuffix(".part"), stat(path, &status) == 0, let file = SnapshotFile(fileName: name, size: Int(status.st_size)) else {
                if name.hasSuffix(".part") { unlink(path) }
                continue
            }
            add(file, path)
        }
    }

    private func add(_ file: SnapshotFile, _ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let opened = OpenSnapshot(owning: descriptor, size: file.size, digest: file.digest)
        let evicted = state.withLock { state -> [String] in
            state.clock += 1
            if let old = state.files[file.name] { state.size -= old.file.size }
            state.files[file.name] = (opened, path, state.clock)
            state.size += file.size
            var evicted: [String] = []
            while state.size > capacity, state.files.count > 1, let oldest = state.files.min(by: { $0.value.used < $1.value.used }), oldest.key != file.name {
                state.files[oldest.key] = nil
                state.size -= oldest.value.file.size
                evicted.append(oldest.value.path)
            }
            return evicted
        }
        // Those who read it go on: the bytes stay until the last descriptor is closed.
        for path in evicted { unlink(path) }
    }

    /// The file, where it is there.
    func file(_ version: ReleasedVersion, _ form: SnapshotForm) -> OpenSnapshot? {
        let name = Self.name(version, form)
        let found = state.withLock { state -> (OpenSnapshot, String)? in
            guard let entry = state.files[name] else { return nil }
            state.clock += 1
            state.files[name]?.used = state.clock
            return (entry.file, entry.path)
        }
        guard let (file, path) = found else { return nil }
        // Its length is the one thing about a canonical file that the version tells at once.
        guard form != .csv || file.size == version.byteCount else {
            logger.error("a snapshot has another length than its version", metadata: ["path": "\(path)", "version.bytes": "\(version.byteCount)"])
            remove(name)
            return nil
        }
        return file
    }

    /// Removes the files of versions whose bytes can no longer be had.
    func removeWithdrawn() async throws {
        let names = state.withLock { Array($0.files.keys) }
        guard !names.isEmpty else { return }
        let gone = try await store.withdrawnVersions(among: names.map { ($0.dataset, $0.version) })
        for name in names where gone.contains(.init(dataset: name.dataset, version: name.version)) { remove(name) }
    }

    private func remove(_ name: SnapshotName) {
        let path = state.withLock { state in
            let entry = state.files.removeValue(forKey: name)
            state.size -= entry?.file.size ?? 0
            return entry?.path
        }
        if let path { unlink(path) }
    }

    private static func name(_ version: ReleasedVersion, _ form: SnapshotForm) -> SnapshotName {
        SnapshotName(dataset: version.dataset, version: version.number, digest: version.digest, form: form)
    }

    /// The writing of the file; the one that runs already, where one does.
    func render(_ version: ReleasedVersion, _ form: SnapshotForm) throws -> Rendering {
        let name = Self.name(version, form)
        return try state.withLock { state in
            if let (rendering, _) = state.renderings[name] { return rendering }
            if let failure = state.failures[name], failure.until > .now { throw failure.error }
            state.failures[name] = nil
            let path = "\(directory)/\(UUID().uuidString).part"
            let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { throw SnapshotError.unwritable(errno: errno) }
            let rendering = Rendering(owning: descriptor, expected: form == .csv ? version.byteCount : nil)
            let task = Task {
                let outcome: Result<SnapshotFile, any Error>
                do {
                    outcome = .success(try await write(version, name, rendering, path))
                } catch {
                    unlink(path)
                    outcome = .failure(error)
                    note(error, name)
                }
                self.state.withLock { $0.renderings[name] = nil }
                rendering.end(outcome)
            }
            state.renderings[name] = (rendering, task)
            return rendering
        }
    }

    private func note(_ error: any Error, _ name: SnapshotName) {
        if error is CancellationError { return }
        if let problem = error as? Problem, problem.code == .formatUnsuitable {
            // What does not fit will never fit, and has cost the work of all rows before it to find out.
            return state.withLock { $0.failures[name] = (.now + .seconds(3600), problem) }
        }
        logger.error("a version cannot be rendered", metadata: ["dataset": "\(name.dataset)", "version": "\(name.version)", "error": "\(error)"])
        // What the database refused for now may go well at once; bytes that are wrong stay wrong.
        if error is SnapshotError { state.withLock { $0.failures[name] = (.now + .seconds(60), SnapshotError.failedBefore(dataset: name.dataset, version: name.version)) } }
    }

    /// Renders into the unfinished file, holds it against the version, and gives it its name.
    private func write(_ version: ReleasedVersion, _ name: SnapshotName, _ rendering: Rendering, _ part: String) async throws -> SnapshotFile {
        // What the others are made of comes first, because its rendering needs a place too.
        let source = name.form == .csv ? nil : try await source(version)
        let place = try await places.take()
        defer { place.giveBack() }
        let file: SnapshotFile
        switch (source, name.form) {
        case (let source?, .workbook): file = try await writeWorkbook(source, version, name, rendering, part)
        case (let source?, .excel): file = try await writeExcel(source, name, rendering)
        case (let source?, _): file = try await writeGzip(source, name, rendering)
        case (nil, _): file = try await writeCSV(version, name, rendering)
        }
        let path = "\(directory)/\(file.fileName)"
        guard fdatasync(rendering.descriptor) == 0, rename(part, path) == 0 else { throw SnapshotError.unwritable(errno: errno) }
        add(file, path)
        return file
    }

    /// The canonical file, rendered first where it is not there.
    private func source(_ version: ReleasedVersion) async throws -> OpenSnapshot {
        if let file = file(version, .csv) { return file }
        _ = try await render(version, .csv).file()
        guard let file = file(version, .csv) else { throw SnapshotError.unreadable }
        return file
    }

    /// Stops all renderings and waits for them.
    func close() async {
        let tasks = state.withLock { $0.renderings.values.map(\.1) }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }
}
